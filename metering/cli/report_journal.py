"""`metering report journal`: what finance books."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from metering.cli.arguments import out_folder, out_option, period_argument
from metering.cli.frame import emit_json, emit_table, format_option, settings_or_fail

if TYPE_CHECKING:
    from metering.core.closing.journal import JournalEntry
    from metering.core.periods import BillingPeriod
    from metering.workflows.closing.journal import JournalWritten

_TEMPLATES: Final = ("generic", "sap", "netsuite", "workday", "quickbooks")


@click.command()
@period_argument()
@click.option("--template", type=click.Choice(_TEMPLATES), help="Over what metering.toml says.")
@out_option("Where the file goes")
@format_option()
@click.pass_context
def journal(
    ctx: click.Context,
    /,
    period: "BillingPeriod",
    template: str | None,
    out: Path | None,
    output_format: str,
) -> None:
    r"""Write the journal of PERIOD (YYYY-MM) for the general ledger.

    Debits are expense by account, cost centre and project, credits what is owed to each provider
    or was paid beforehand. An entry balances to the cent. While the period is open it is an
    accrual, reversed on the first day of the next month; once it is closed it is the actual entry,
    which takes the place of an accrual that is booked: take that back in its own month.
    The id of a line never depends on its amount, so that importing a journal twice books nothing
    twice.

    Accounts, company code and decimal mark stand under [journal] in metering.toml.

    \b
    Example:
        metering report journal 2026-10 --template netsuite --out build
    """
    from metering.reporting.faces.journal import JournalTemplate
    from metering.workflows.closing.journal import write_journal

    written = write_journal(
        settings_or_fail(ctx),
        period,
        out_folder(out, period),
        JournalTemplate(template) if template else None,
    )
    if output_format == "json":
        emit_json(_as_json(written))
        return
    for entry in written.journal.entries:
        _show(entry)
    click.echo(written.path)


def _show(entry: "JournalEntry") -> None:
    from metering.reporting.figures import minor_text

    emit_table(
        f"{entry.kind.value.capitalize()} on {entry.booked_on}, {entry.currency}",
        ("Account", "Cost centre", "Project", "For", "Debit", "Credit"),
        [
            (
                line.account,
                line.cost_centre,
                line.project,
                line.holder,
                minor_text(line.debit, entry.currency) if line.debit else "",
                minor_text(line.credit, entry.currency) if line.credit else "",
            )
            for line in entry.lines
        ],
        right=("Debit", "Credit"),
    )


def _as_json(written: "JournalWritten") -> dict[str, object]:
    journal = written.journal
    return {
        "path": str(written.path),
        "period": str(journal.period),
        "snapshot_id": journal.snapshot_id,
        "entries": [
            {
                "entry_id": entry.entry_id,
                "kind": entry.kind.value,
                "date": str(entry.booked_on),
                "currency": entry.currency,
                "total_minor_units": entry.total,
                "lines": [
                    {
                        "external_id": line.external_id,
                        "account": line.account,
                        "cost_centre": line.cost_centre,
                        "project": line.project,
                        "holder": line.holder,
                        "corrects": line.corrects,
                        "debit_minor_units": line.debit,
                        "credit_minor_units": line.credit,
                    }
                    for line in entry.lines
                ],
            }
            for entry in journal.entries
        ],
    }
