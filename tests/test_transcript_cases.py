"""What programs that count Claude Code's tokens disagree on is counted as it was used."""

from pathlib import Path

import duckdb
import pytest

from metering.usage.rows import usage_rows
from tests.support.ledgers import fresh_ledger, ingest
from tests.support.transcript_cases import CASES, Case, Tokens


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_tokens_are_those_that_were_used(case: Case, tmp_path: Path) -> None:
    settings = fresh_ledger(tmp_path / "ledger")
    receipts = ingest(settings, *case.write(tmp_path))
    assert [receipt.rejections for receipt in receipts] == [()] * len(receipts)
    files = sorted(settings.lake.rglob("usage/**/*.parquet"))
    counted = duckdb.execute(
        "SELECT sum(input_uncached), sum(cache_read), sum(coalesce(cache_write_5m, 0)"
        " + coalesce(cache_write_1h, 0) + coalesce(cache_write_unknown, 0)), sum(output)"
        f" FROM {usage_rows(files)}"
    ).fetchall()
    assert [Tokens(*map(int, row)) for row in counted] == [case.tokens]
