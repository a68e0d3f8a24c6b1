"""Rows of the books for tests: small, whole, and different only in what a test is about."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from metering.books.lake import NewLakeFile
from metering.books.ledger import NewPosting
from metering.books.runs import record_run
from metering.books.sources import NewSource, add_source
from metering.core.ledger import Basis

NOW = datetime(2026, 11, 1, 3, 10, tzinfo=UTC)


def a_run(connection: Connection, command: str = "ingest") -> int:
    """Record a run and return its id."""
    return record_run(connection, command, {}, NOW, "nina")


def source(name: str = "a.json", **changes: Any) -> NewSource:
    """Return a source of two records, both recorded."""
    plain = NewSource(
        content_sha256=name,
        path=f"exports/{name}",
        name=name,
        size_bytes=100,
        ingestor="openai-usage",
        ingestor_version=1,
        role="metered",
        identity="snapshot",
        billing_account="default",
        first_day="2026-10-01",
        last_day="2026-10-02",
        records_in=2,
        recorded=2,
        already_known=0,
        rejected=0,
    )
    return replace(plain, **changes)


def a_source(connection: Connection, run_id: int, name: str = "a.json", **changes: Any) -> int:
    """Record a source and return its id."""
    return add_source(connection, run_id, source(name, **changes))


def lake_file(source_id: int, content: str, **changes: Any) -> NewLakeFile:
    """Return a day of a snapshot, one record of ten tokens."""
    plain = NewLakeFile(
        source_id=source_id,
        ingestor="openai-usage",
        role="metered",
        identity="snapshot",
        day="2026-10-01",
        path=f"usage/{source_id}-{content}.parquet",
        sha256=content,
        size_bytes=100,
        records=1,
        quantity=10,
        slice_provider="openai",
        slice_account="default",
        slice_scope="completions",
        slice_signature="day,model",
        slice_last_day="2026-10-31",
        content_digest=content,
    )
    return replace(plain, **changes)


def basis(**changes: Any) -> Basis:
    """Return a priced basis: 2 USD per million tokens."""
    plain = Basis(
        provider="openai",
        platform="openai-api",
        billing_account="default",
        product="api",
        model_raw="gpt-x-2026",
        model="gpt-x",
        meter="output",
        conditions="{}",
        status="priced",
        reason="",
        currency="USD",
        card="list v1",
        rate_ids=("r1",),
        unit_price_nanos=2_000_000_000,
        per=1_000_000,
    )
    return replace(plain, **changes)


def posting(debit: int, credit: int, basis_id: int, **changes: Any) -> NewPosting:
    """Return a charge of one million tokens, 2 USD."""
    plain = NewPosting(
        kind="charge",
        period="2026-10",
        charge_day="2026-10-05",
        debit_account_id=debit,
        credit_account_id=credit,
        basis_id=basis_id,
        currency="USD",
        quantity=1_000_000,
        amount_nanos=2_000_000_000,
        list_nanos=2_000_000_000,
        corrects_period=None,
    )
    return plain._replace(**changes)
