"""`metering report`: the files finance forwards."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from metering.cli.arguments import (
    as_of_option,
    formats_option,
    out_folder,
    out_option,
    period_argument,
)
from metering.cli.report_journal import journal
from metering.cli.report_review import review
from metering.cli.report_told import tell
from metering.core.money import decimal_text
from metering.core.periods import BillingPeriod

if TYPE_CHECKING:
    from metering.reporting.pack.chargeback import Account, ChargebackReport
    from metering.settings import Settings
    from metering.workflows.reports.unchanged import Table, Told

_FORMATS: Final = ("html", "pdf", "xlsx", "csv", "json")
_PACK: Final = ("html", "pdf", "xlsx", "csv")
_STATEMENT: Final = ("html", "pdf")
_FOCUS_VERSIONS: Final = ("1.2", "1.4")
_FOCUS_FORMATS: Final = ("parquet", "csv")


@click.group()
def report() -> None:
    r"""Write the reports finance forwards.

    \b
    Example:
        metering report chargeback 2026-10
    """


report.add_command(journal)
report.add_command(review)


@report.command()
@period_argument()
@out_option()
@formats_option(_FORMATS, _PACK)
@as_of_option()
@click.pass_context
def chargeback(
    ctx: click.Context,
    /,
    period: BillingPeriod,
    out: Path | None,
    formats: tuple[str, ...],
    *,
    as_of: str | None,
) -> None:
    r"""Write what each cost centre, team and project is charged for PERIOD (YYYY-MM).

    The page opens from disk or mail and fetches nothing; it sorts, filters and opens down to the
    day. PDF is for print, the workbook for pivot tables, CSV and JSON hold the exact amounts.
    Every file adds up to the ledger, to a billionth of a unit, and names the same snapshot. Usage
    without a rate and spend without an owner are listed first. Logo, colours and the way numbers
    are written stand in [report] of metering.toml. With --as-of the files are, byte for byte, those
    that were written then.

    \b
    Example:
        metering report chargeback 2026-10 --out build
        metering report chargeback 2026-10 --format xlsx,json
    """
    folder = out_folder(out, period)

    def write(settings: "Settings") -> "Told":
        from metering.workflows.reports.report import ReportFormat, report_chargeback
        from metering.workflows.reports.unchanged import Told

        names = tuple(ReportFormat(name) for name in formats)
        written = report_chargeback(settings, period, folder, names, as_of=as_of)
        return Told(tuple(_said(written.report)), written.paths)

    tell(ctx, folder, "writing the pack", write)


@report.command()
@period_argument()
@click.option(
    "--owner",
    help="A cost centre, or COST-CENTRE/TEAM; every cost centre by default.",
)
@out_option()
@formats_option(_STATEMENT, _STATEMENT, "Which files to write, separated by commas.")
@as_of_option()
@click.pass_context
def statement(
    ctx: click.Context,
    /,
    period: BillingPeriod,
    owner: str | None,
    out: Path | None,
    formats: tuple[str, ...],
    *,
    as_of: str | None,
) -> None:
    r"""Write one page for each owner: what it is charged for PERIOD (YYYY-MM), and why.

    The statements come from the same snapshot as the chargeback pack, and add up to what it
    charges to owners. The file is named for the owner as far as a file name allows.

    \b
    Example:
        metering report statement 2026-10 --out build
        metering report statement 2026-10 --owner CC-4100 --format pdf
    """
    folder = out_folder(out, period)

    def write(settings: "Settings") -> "Told":
        from metering.workflows.reports.report import ReportFormat, report_statements
        from metering.workflows.reports.unchanged import Told

        names = tuple(ReportFormat(name) for name in formats)
        written = list(report_statements(settings, period, folder, owner or "", names, as_of=as_of))
        return Told(
            said=tuple(
                f"{one.statement.owner}: {account.currency} {account.total}"
                for one in written
                for account in one.statement.accounts
            ),
            paths=tuple(path for one in written for path in one.paths),
        )

    tell(ctx, folder, "writing the statements", write)


@report.command()
@period_argument()
@out_option()
@click.option(
    "--focus-version",
    type=click.Choice(_FOCUS_VERSIONS),
    default=_FOCUS_VERSIONS[0],
    show_default=True,
    help="Of the specification. The official validator knows 1.2.",
)
@formats_option(_FOCUS_FORMATS, _FOCUS_FORMATS[:1], "parquet, csv or both, separated by commas.")
@as_of_option()
@click.pass_context
def focus(
    ctx: click.Context,
    /,
    period: BillingPeriod,
    out: Path | None,
    focus_version: str,
    formats: tuple[str, ...],
    *,
    as_of: str | None,
) -> None:
    r"""Write the charges of PERIOD (YYYY-MM) as FOCUS cost and usage, with its metadata.

    Each row is a day, an owner and a SKU; the billed costs add up to the ledger. Parquet keeps
    the types and is what the official validator reads best. Who bears a row stands in Tags and
    in the columns x_CostCentre, x_Team and x_Project.

    \b
    Example:
        metering report focus 2026-10 --focus-version 1.4 --format parquet,csv --out build
    """
    folder = out_folder(out, period)

    def write(settings: "Settings") -> "Told":
        from metering.reporting.focus.columns import FocusVersion
        from metering.workflows.reports.focus import FocusFormat, write_focus
        from metering.workflows.reports.unchanged import Told

        version = FocusVersion(focus_version)
        names = tuple(FocusFormat(name) for name in formats)
        written = write_focus(settings, period, folder, version, names, as_of=as_of)
        return Told(
            said=tuple(
                f"{written.rows} charges, {currency} {decimal_text(nanos)}"
                for currency, nanos in written.billed_nanos.items()
            ),
            paths=written.paths,
        )

    tell(ctx, folder, "writing the charges", write)


def _said(report: "ChargebackReport") -> "Iterator[Table | str]":
    for account in report.accounts:
        yield _owners(report, account)
        yield from _open_points(account)
    if report.quarantined:
        yield f"{report.quarantined} in quarantine, and in no amount"
    for sentence in report.unmetered:
        yield f"{sentence}: nothing is charged for it"


def _owners(report: "ChargebackReport", account: "Account") -> "Table":
    from metering.workflows.reports.unchanged import Table

    lines = (*(node.line for node in account.owners.nodes), *account.owners.foot)
    return Table(
        title=f"Chargeback {report.month}, {report.status}, {account.currency}",
        columns=("Cost centre", report.month_before, report.month, "Share"),
        rows=tuple((line.label, line.prior, line.amount, line.share) for line in lines),
        right=(report.month_before, report.month, "Share"),
    )


def _open_points(account: "Account") -> Iterator[str]:
    for usage in account.unpriced:
        yield (
            f"unpriced: {usage.quantity} {usage.unit} of {usage.model} ({usage.meter}), "
            f"{usage.days}: {usage.reason}"
        )
    for name, lines in (
        ("unattributed", account.unattributed),
        ("provisional", account.provisional),
    ):
        if lines:
            yield f"{name}: {account.currency} {lines[-1].amount}, {lines[-1].share} of the total"
    for tie in account.tie_outs:
        yield f"{tie.heading}, {tie.note}: {tie.verdict}"
