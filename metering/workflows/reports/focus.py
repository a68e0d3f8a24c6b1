"""Focus: write a period's charges in the format that FinOps tools read."""

import json
from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering import __version__
from metering.books import ledger as ledger_book
from metering.core.closing.tieout import Reason
from metering.core.ledger import HOLDING_KINDS, Account, AccountKind, Basis
from metering.core.periods import BillingPeriod
from metering.errors import LedgerError
from metering.reporting.focus.columns import FocusVersion
from metering.reporting.focus.dataset import (
    FocusExport,
    FocusLines,
    focus_csv,
    focus_metadata,
    focus_parquet,
    focus_table,
)
from metering.workflows.reading import reading
from metering.workflows.reports.period_snapshot import snapshot_of_period
from metering.workflows.reports.replacing import replace_file

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.reporting.snapshot import Snapshot
    from metering.settings import Settings


_BASIS_FIELDS: Final = tuple(field.name for field in fields(Basis))


class FocusFormat(StrEnum):
    """What a FOCUS file can be written as."""

    PARQUET = "parquet"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class FocusWritten:
    """Files that were written.

    Attributes:
        rows: charges in each data file.
        billed_nanos: their sum, by currency.
        paths: the data files in the order of `FocusFormat`, then the metadata.
    """

    rows: int
    billed_nanos: dict[str, int]
    paths: tuple[Path, ...]


def write_focus(
    settings: "Settings",
    period: BillingPeriod,
    folder: Path,
    version: FocusVersion,
    formats: Collection[FocusFormat] = (FocusFormat.PARQUET,),
    *,
    as_of: str | None = None,
) -> FocusWritten:
    """Write a period as a FOCUS cost and usage dataset; the same ledger gives the same bytes.

    Args:
        settings: where the books are.
        period: the month.
        folder: where `focus-VERSION-PERIOD.parquet`, `.csv` and `.metadata.json` go.
        version: of the specification.
        formats: which data files to write.
        as_of: a run or a moment, see `workflows.reading`; None for now.

    Raises:
        BookError: `no-charges`: the book holds none of that period; `unwritable-report`.
    """
    with reading(settings, as_of=as_of) as connection:
        snapshot = snapshot_of_period(connection, settings, period)
        lines = _lines(connection, period)
    export = FocusExport(
        period=period,
        status=snapshot.status,
        snapshot_id=snapshot.snapshot_id,
        made_at=snapshot.made_at,
        lines=lines,
        invoices=_invoices(snapshot),
    )
    totals = snapshot.lines.control_totals()
    if sum(totals.values()) != sum(lines.billed_nanos):
        raise LedgerError("the FOCUS lines and the snapshot have different totals")
    table = focus_table(export, version)
    stem = f"focus-{version.value}-{period}"
    rendered = {
        FocusFormat.PARQUET: lambda: focus_parquet(table),
        FocusFormat.CSV: lambda: focus_csv(table),
    }
    files = {
        folder / f"{stem}.{name.value}": rendered[name]() for name in FocusFormat if name in formats
    }
    files[folder / f"{stem}.metadata.json"] = focus_metadata(export, version, __version__)
    for path, content in files.items():
        replace_file(path, content)
    return FocusWritten(table.num_rows, totals, tuple(files))


def _lines(connection: "Connection", period: BillingPeriod) -> FocusLines:
    accounts: dict[str, int] = {}
    reasons: dict[str, int] = {}
    owners: list[Account] = []
    bases: list[Basis] = []
    days: dict[str, date] = {}
    rows = []
    for line in ledger_book.net_lines(connection, str(period)):
        if line.debit_kind in HOLDING_KINDS:
            continue
        if line.debit not in accounts:
            accounts[line.debit] = len(owners)
            owners.append(_account(line))
        if line.basis not in reasons:
            reasons[line.basis] = len(bases)
            bases.append(_basis(line))
        day = days.get(line.charge_day)
        if day is None:
            day = days.setdefault(line.charge_day, date.fromisoformat(line.charge_day))
        rows.append(
            (
                day,
                accounts[line.debit],
                reasons[line.basis],
                line.currency,
                line.quantity,
                line.amount_nanos,
                line.list_nanos,
                line.corrects_period or "",
            )
        )
    columns = map(list, zip(*rows, strict=True))
    return FocusLines(owners, bases, *columns)


def _account(line: ledger_book.NetLine) -> Account:
    return Account(
        line.debit,
        AccountKind(line.debit_kind),
        cost_centre=line.cost_centre or "",
        team=line.team or "",
        project=line.project or "",
    )


def _basis(line: ledger_book.NetLine) -> Basis:
    said = {name: getattr(line, name) for name in _BASIS_FIELDS}
    return Basis(**{**said, "rate_ids": tuple(json.loads(line.rate_ids))})


def _invoices(snapshot: "Snapshot") -> dict[tuple[str, str, str], str]:
    """Return the invoice of each account that ties to one from usage alone, to the nano."""
    return {
        (tie.provider, tie.billing_account, tie.currency): tie.invoice_ids[0]
        for tie in snapshot.tie_outs
        if len(tie.invoice_ids) == 1
        and all(line.reason is Reason.USAGE or not line.nanos for line in tie.lines)
    }
