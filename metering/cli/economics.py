"""`metering economics`: what AI spend bought, and what it would have cost otherwise."""

from typing import TYPE_CHECKING, Final

import click

from metering.cli.arguments import PeriodParam
from metering.cli.frame import emit_json, emit_table, format_option, note, settings_or_fail
from metering.cli.progress import working

if TYPE_CHECKING:
    from metering.core.periods import BillingPeriod
    from metering.reporting.review.contents import Section

_ANALYSES: Final = tuple(f"E{number}" for number in range(1, 12))


@click.command()
@click.argument("period", type=PeriodParam(), metavar="PERIOD", required=False)
@click.option(
    "--section",
    "sections",
    multiple=True,
    type=click.Choice(_ANALYSES, case_sensitive=False),
    help="Only this analysis; may be given several times.",
)
@click.option("--questions", is_flag=True, help="List what finance asks, and where it is answered.")
@format_option()
@click.pass_context
def economics(
    ctx: click.Context,
    /,
    period: "BillingPeriod | None",
    sections: tuple[str, ...],
    *,
    questions: bool,
    output_format: str,
) -> None:
    r"""Say what the spend of PERIOD (YYYY-MM) bought, and what it would have cost otherwise.

    E1 why it changed (price, volume, mix, efficiency), E2 whether cheaper tokens raised it, E3
    seats against usage, E4 which multiplier moved the cost of an outcome, E5 other prices, E6 what
    an outcome costs and earns, E7 own capacity and commitments, E8 value per token, E9 how large
    the bets are, E10 the forecast, E11 what an incentive set off. What cannot be told says which
    input would fill it; most of them stand under [economics] in metering.toml. JSON has the exact
    figures in nanos. Projects and teams are named; people are counted, five or more together.

    \b
    Example:
        metering economics 2026-10 --section E6
        metering economics --questions
    """
    if questions:
        _list_questions(output_format)
        return
    if period is None:
        raise click.UsageError("name the PERIOD, or list the --questions")
    from metering.workflows.economics.document import economics_document
    from metering.workflows.economics.sections import economics_sections
    from metering.workflows.economics.whole import economics_whole

    asked = sections or _ANALYSES
    with working("working out the economics"):
        found = economics_whole(settings_or_fail(ctx), period, asked=asked)
    if output_format == "json":
        emit_json(economics_document(found, asked))
        return
    for section in economics_sections(found):
        if section.analysis in asked:
            _show(section)


def _show(section: "Section") -> None:
    click.echo(f"{section.analysis}  {section.title}")
    for table in section.tables:
        emit_table(
            table.caption,
            table.columns,
            [(row.name, *row.cells) for row in table.rows],
            right=table.columns[1:],
        )
    for gap in section.missing:
        note(f"unknown: {gap.what}; {gap.needs}")
    note(section.note)
    click.echo()


def _list_questions(output_format: str) -> None:
    from metering.analysis.economics.questions import QUESTIONS

    if output_format == "json":
        rows = [
            {"about": one.about, "asked": one.asked, "answers": one.answers, "where": one.where}
            for one in QUESTIONS
        ]
        emit_json({"questions": rows})
        return
    emit_table(
        "What finance asks",
        ("Question", "Answered by", "Where"),
        [(one.asked, ", ".join(one.answers), one.where) for one in QUESTIONS],
    )
