"""`metering report review`: what finance and a reviewer read every month."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from metering.cli.arguments import PeriodParam
from metering.cli.frame import emit_json, emit_table, format_option, settings_or_fail

if TYPE_CHECKING:
    from metering.core.periods import BillingPeriod


@click.command()
@click.argument("period", type=PeriodParam(), metavar="PERIOD")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the page goes; metering-PERIOD in this folder by default.",
)
@format_option()
@click.pass_context
def review(
    ctx: click.Context, /, period: "BillingPeriod", out: Path | None, *, output_format: str
) -> None:
    r"""Write the review of PERIOD (YYYY-MM): why it changed, what it bought, what to look at.

    One page that opens from disk and fetches nothing: the change against the month before by price,
    volume and mix, the funnel from spend to outcomes, the findings with their evidence, budgets,
    concentration and what is still open. It names teams and projects, never a person.

    \b
    Example:
        metering report review 2026-10 --out build
    """
    from metering.workflows.finance_review import review_json, write_review

    written = write_review(settings_or_fail(ctx), period, out or Path(f"metering-{period}"))
    if output_format == "json":
        emit_json(review_json(written.review))
        return
    emit_table(
        f"Review {written.review.month}",
        ("", written.review.currency),
        [(row.name, *row.cells) for row in written.review.headline],
        right=(written.review.currency,),
    )
    for path in written.paths:
        click.echo(path)
