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
from metering.cli.report_told import tell

if TYPE_CHECKING:
    from metering.core.periods import BillingPeriod
    from metering.settings import Settings
    from metering.workflows.reports.unchanged import Told

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
    folder = out_folder(out, period)

    def write(settings: "Settings") -> "Told":
        from metering.workflows.reports.finance_review import ReviewFormat, write_review
        from metering.workflows.reports.unchanged import Table, Told

        names = tuple(ReviewFormat(name) for name in formats)
        written = write_review(settings, period, folder, names)
        said = written.review
        headline = Table(
            title=f"Review {said.month}",
            columns=("", said.currency, "Share"),
            rows=(
                ("Billed", said.billed, ""),
                *((row.name, *row.cells) for row in said.headline),
            ),
            right=(said.currency, "Share"),
        )
        return Told((headline,), written.paths)

    tell(ctx, folder, "writing the review", write)
