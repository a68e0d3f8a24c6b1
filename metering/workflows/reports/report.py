"""Report: write the files finance forwards, all from one snapshot of the book."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.periods import BillingPeriod
from metering.errors import BookError
from metering.reporting.brand import Brand
from metering.reporting.faces.csvfile import chargeback_csv
from metering.reporting.faces.jsonfile import chargeback_json
from metering.reporting.numerals import written_in
from metering.reporting.pack.chargeback import ChargebackReport, chargeback_report
from metering.reporting.pack.statement import OwnerStatement, Statements, owners_of, teams_of
from metering.reporting.snapshot import Snapshot
from metering.workflows.reading import reading
from metering.workflows.reports.branding import brand_of
from metering.workflows.reports.period_snapshot import snapshot_of_period
from metering.workflows.reports.replacing import replace_file

if TYPE_CHECKING:
    from metering.settings import Settings


class ReportFormat(StrEnum):
    """What a report can be written as."""

    HTML = "html"
    PDF = "pdf"
    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"


PACK_FORMATS: Final = (
    ReportFormat.HTML,
    ReportFormat.PDF,
    ReportFormat.XLSX,
    ReportFormat.CSV,
)
_WITH_CHARTS: Final = frozenset({ReportFormat.HTML, ReportFormat.PDF})
STATEMENT_FORMATS: Final = (ReportFormat.HTML, ReportFormat.PDF)


@dataclass(frozen=True, slots=True)
class Reported:
    """A report that was written.

    Attributes:
        report: what it says, formatted.
        paths: the files, in the order of `ReportFormat`.
    """

    report: ChargebackReport
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class StatementWritten:
    """The statement of one owner that was written."""

    statement: OwnerStatement
    paths: tuple[Path, ...]


def _page(snapshot: Snapshot, report: ChargebackReport, brand: Brand) -> bytes:
    from metering.reporting.faces.html import chargeback_html  # noqa: PLC0415 - Jinja, for it alone

    return chargeback_html(snapshot, report, brand)


def _paper(_: Snapshot, report: ChargebackReport, brand: Brand) -> bytes:
    from metering.reporting.faces.pdf import chargeback_pdf  # noqa: PLC0415 - as above

    return chargeback_pdf(report, brand)


def _workbook(snapshot: Snapshot, report: ChargebackReport, brand: Brand) -> bytes:
    from metering.reporting.faces.workbook import chargeback_xlsx  # noqa: PLC0415 - as above

    return chargeback_xlsx(snapshot, report, brand)


def _statement_page(statement: OwnerStatement, brand: Brand) -> bytes:
    from metering.reporting.faces.html import statement_html  # noqa: PLC0415 - as above

    return statement_html(statement, brand)


def _statement_paper(statement: OwnerStatement, brand: Brand) -> bytes:
    from metering.reporting.faces.pdf import statement_pdf  # noqa: PLC0415 - as above

    return statement_pdf(statement, brand)


_RENDERED: Final[Mapping[ReportFormat, Callable[[Snapshot, ChargebackReport, Brand], bytes]]] = {
    ReportFormat.HTML: _page,
    ReportFormat.PDF: _paper,
    ReportFormat.XLSX: _workbook,
    ReportFormat.CSV: lambda snapshot, _report, _brand: chargeback_csv(snapshot),
    ReportFormat.JSON: lambda snapshot, _report, _brand: chargeback_json(snapshot),
}
_STATEMENTS: Final[Mapping[ReportFormat, Callable[[OwnerStatement, Brand], bytes]]] = {
    ReportFormat.HTML: _statement_page,
    ReportFormat.PDF: _statement_paper,
}


def report_chargeback(
    settings: "Settings",
    period: BillingPeriod,
    folder: Path,
    formats: Collection[ReportFormat] = PACK_FORMATS,
    *,
    as_of: str | None = None,
) -> Reported:
    """Write the chargeback pack of a period; the same ledger gives the same bytes.

    Args:
        settings: where the books are, and the look of the reports.
        period: the month.
        folder: where the files go, `chargeback-PERIOD` with the name of each format behind it;
            made if it is not there.
        formats: which of them to write.
        as_of: a run or a moment, see `workflows.reading`; None for now.

    Raises:
        BookError: `no-charges`: the book holds none of that period; `bad-settings`;
            `unwritable-report`: a file cannot be written there. A file is replaced whole or left
            as it was.
    """
    brand = brand_of(settings)
    snapshot = read_snapshot(settings, period, as_of=as_of)
    with written_in(brand.numerals):
        report = chargeback_report(snapshot, drawn=not _WITH_CHARTS.isdisjoint(formats))
    rendered = {
        folder / f"chargeback-{period}.{name.value}": _RENDERED[name](snapshot, report, brand)
        for name in ReportFormat
        if name in formats
    }
    for path, content in rendered.items():
        replace_file(path, content)
    return Reported(report, tuple(rendered))


def report_statements(
    settings: "Settings",
    period: BillingPeriod,
    folder: Path,
    owner: str = "",
    formats: Collection[ReportFormat] = STATEMENT_FORMATS,
    *,
    as_of: str | None = None,
) -> Iterator[StatementWritten]:
    """Write a statement for each owner, and yield it once it is written.

    Args:
        settings: where the books are, and the look of the reports.
        period: the month.
        folder: where the files go, `statement-PERIOD-OWNER` with the format behind it.
        owner: a cost centre, or COST-CENTRE/TEAM; empty for every cost centre.
        formats: of `STATEMENT_FORMATS`.
        as_of: a run or a moment, see `workflows.reading`; None for now.

    Raises:
        BookError: as `report_chargeback`; `unknown-owner`: the period has no such owner.
    """
    from metering.reporting.faces.pdf import one_page  # noqa: PLC0415 - as above

    brand = brand_of(settings)
    snapshot = read_snapshot(settings, period, as_of=as_of)
    owners = _owners(snapshot, owner)
    with written_in(brand.numerals):
        cut = Statements(snapshot)
        statements = [one_page(cut, one, brand) for one in owners]
    for statement in statements:
        stem = f"statement-{period}-{statement.slug}"
        rendered = {
            folder / f"{stem}.{name.value}": _STATEMENTS[name](statement, brand)
            for name in STATEMENT_FORMATS
            if name in formats
        }
        for path, content in rendered.items():
            replace_file(path, content)
        yield StatementWritten(statement, tuple(rendered))


def read_snapshot(
    settings: "Settings", period: BillingPeriod, *, as_of: str | None = None
) -> Snapshot:
    """Return the snapshot of a period, read in one transaction.

    Raises:
        BookError: `no-charges`: the book holds none of that period; `bad-as-of`.
    """
    with reading(settings, as_of=as_of) as connection:
        return snapshot_of_period(connection, settings, period)


def _owners(snapshot: Snapshot, owner: str) -> tuple[tuple[str, ...], ...]:
    known = owners_of(snapshot)
    if not owner:
        return tuple((name,) for name in known)
    # A cost centre's own name may hold a slash.
    if owner in known:
        return ((owner,),)
    cost_centre, _, team = owner.partition("/")
    if cost_centre not in known:
        raise _unknown(owner, "cost centre", snapshot, known)
    teams = teams_of(snapshot, cost_centre)
    if team not in teams:
        raise _unknown(team, f"team of {cost_centre}", snapshot, teams)
    return ((cost_centre, team),)


def _unknown(name: str, what: str, snapshot: Snapshot, known: tuple[str, ...]) -> BookError:
    return BookError(
        "unknown-owner",
        f"no {what} is called {name!r} in {snapshot.period}",
        details=(f"known:    {', '.join(known) or 'none'}",),
        do="name one of these, or leave --owner out for all of them",
    )
