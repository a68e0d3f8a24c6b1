"""`metering report review`: what finance and a reviewer read every month."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from metering.cli.arguments import (
    formats_option,
    out_folder,
    out_option,
    period_argument,
)
from metering.cli.frame import emit_table, settings_or_fail
from metering.cli.progress import working

if TYPE_CHECKING:
    from metering.core.periods import BillingPeriod

_FORMATS: Final = ("html", "pdf", "xlsx", "json")
_READ: Final = ("html", "pdf", "xlsx")


@click.command()
@period_argument()
@out_option()
@formats_option(_FORMATS, _READ)
@click.pass_context
def review(
    ctx: click.Context, /, period: "BillingPeriod", out: Path | None, *, formats: tuple[str, ...]
) -> None:
    r"""Write the review of PERIOD (YYYY-MM): why it changed, what it bought, what to look at.

    A page that opens from disk and fetches nothing, the same on paper, and a workbook with native
    charts: the change against the month before by price, volume and mix, the funnel from spend to
    outcomes, the findings with the weeks that show them, the forecast, budgets, concentration and
    what is still open. It names teams and projects, never a person.

    \b
    Example:
        metering report review 2026-10 --out build
        metering report review 2026-10 --format xlsx,json
    """
    from metering.workflows.reports.finance_review import ReviewFormat, write_review

    with working("writing the review"):
        written = write_review(
            settings_or_fail(ctx),
            period,
            out_folder(out, period),
            tuple(ReviewFormat(name) for name in formats),
        )
    said = written.review
    emit_table(
        f"Review {said.month}",
        ("", said.currency, "Share"),
        [("Billed", said.billed, ""), *((row.name, *row.cells) for row in said.headline)],
        right=(said.currency, "Share"),
    )
    for path in written.paths:
        click.echo(path)
