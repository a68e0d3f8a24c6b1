"""`metering demo`: the whole main job on the sample company."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from metering.cli.frame import emit_json, emit_table, format_option, note

if TYPE_CHECKING:
    from collections.abc import Iterable

    from metering.workflows.intake.receipts import Receipt


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("metering-demo"),
    show_default=True,
    help="A fresh folder for the ledger and the report.",
)
@format_option()
def demo(out: Path, *, output_format: str) -> None:
    r"""Run the whole main job on the sample company, in a fresh folder.

    Six months of an invented company's exports become a ledger; the screen ends with how October
    ties to its invoices, and where the report is. A folder that holds files is refused.

    \b
    Example:
        metering demo --out build/demo
    """
    from dataclasses import asdict

    from metering.cli.tie_out import show_tie_outs, tie_out_as_json
    from metering.ingest.outcomes import registry as outcomes
    from metering.ingest.registry import installed
    from metering.workflows.demo import PERIOD
    from metering.workflows.demo import demo as run_demo
    from metering.workflows.runs import Run

    shown = run_demo(out, Run.now("demo"), installed(), outcomes.installed(), note)
    if output_format == "json":
        emit_json(
            {
                "folder": str(out),
                "period": str(PERIOD),
                "receipts": [asdict(receipt) for receipt in shown.receipts],
                "tie_outs": [tie_out_as_json(tie) for tie in shown.tie_outs],
                "reports": [str(path) for path in shown.reported.paths],
            }
        )
        return
    counts = ("Files", "Records in", "Recorded", "Already known", "Rejected")
    emit_table(
        "Usage and outcomes",
        ("Format", "Role", *counts),
        [
            (
                name,
                role,
                len(receipts),
                f"{sum(one.records_in for one in receipts):,}",
                f"{sum(one.recorded for one in receipts):,}",
                f"{sum(one.already_known for one in receipts):,}",
                f"{sum(one.rejected for one in receipts):,}",
            )
            for (name, role), receipts in _by_format(shown.receipts).items()
        ],
        right=counts,
    )
    click.echo(f"Tie-out of {PERIOD}")
    click.echo()
    show_tie_outs(shown.tie_outs)
    for path in shown.reported.paths:
        click.echo(f"Report: {path}")
    note(f"look further: cd {out} && metering explain {PERIOD}")


def _by_format(receipts: "Iterable[Receipt]") -> "dict[tuple[str, str], list[Receipt]]":
    found: dict[tuple[str, str], list[Receipt]] = {}
    for receipt in receipts:
        found.setdefault((receipt.ingestor, receipt.role), []).append(receipt)
    return found
