"""`metering outcomes`: what the spend bought."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from metering.cli.frame import (
    CONTEXT_SETTINGS,
    counted,
    emit_json,
    emit_table,
    format_option,
    money_text,
    printable,
    settings_or_fail,
)
from metering.cli.outcome_costs import costs_command
from metering.cli.outcome_list import feeds_command, list_command
from metering.cli.receipts import tell_receipts

if TYPE_CHECKING:
    from metering.core.outcomes.funnel import FunnelRow
    from metering.workflows.outcomes.funnel import Funnel

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(context_settings=CONTEXT_SETTINGS)
def outcomes() -> None:
    r"""Record what the spend bought, and set it against the spend.

    \b
    Example:
        metering outcomes ingest sample_logs/outcomes/*
    """


outcomes.add_command(list_command)
outcomes.add_command(feeds_command)
outcomes.add_command(costs_command)


@outcomes.command("ingest")
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="FILE...")
@click.option("--dry-run", is_flag=True, help="Read and check, but record nothing.")
@click.option(
    "--ingestor", "forced", metavar="NAME", help="Read the files as this format, recognised or not."
)
@click.option("--mapping", type=_FILE, help="A mapping file that says what the columns mean.")
@format_option()
@click.pass_context
def ingest_command(
    ctx: click.Context,
    /,
    files: tuple[Path, ...],
    *,
    dry_run: bool,
    forced: str | None,
    mapping: Path | None,
    output_format: str,
) -> None:
    r"""Record the outcomes of each FILE: merged changes, resolved tickets, deploys, work units.

    Titles, texts and people are not read. A row that cannot be read, or that says otherwise than a
    recorded one without saying when it changed, is kept in quarantine, and the command exits with
    1. Ingesting a file again changes nothing.

    \b
    Example:
        metering outcomes ingest sample_logs/outcomes/*
    """
    from metering.ingest.outcomes.mapped import read_outcome_mapping
    from metering.ingest.outcomes.registry import with_mapping
    from metering.workflows.outcomes.outcome_formats import outcome_formats
    from metering.workflows.outcomes.outcome_imports import ingest_outcomes
    from metering.workflows.runs import Run

    settings = settings_or_fail(ctx)
    ingestors = outcome_formats(settings)
    if mapping is not None:
        added = read_outcome_mapping(mapping)
        ingestors, forced = with_mapping(ingestors, added), forced or added.name
    run = Run.now("outcomes ingest", files=[str(path) for path in files])
    receipts = ingest_outcomes(settings, run, files, ingestors, forced=forced, dry_run=dry_run)
    tell_receipts(receipts, output_format=output_format, dry_run=dry_run)


@outcomes.command("funnel")
@click.argument("period")
@format_option()
@click.pass_context
def funnel_command(ctx: click.Context, /, period: str, *, output_format: str) -> None:
    r"""Show what the spend of PERIOD (YYYY-MM) bought, by team and project.

    Spend is keyed (an outcome with a key of the usage came within the window), project (another
    outcome of the project did), pending (the window is still open) or unattributed; the four add
    up to the charges of the period. A team without a feed, or whose feed went silent, is told
    apart from one whose feed sends and had nothing to send. What nobody reports is left empty and
    never zero. Windows, keys, settlement and units are set under [outcomes] in metering.toml.

    \b
    Example:
        metering outcomes funnel 2026-10
    """
    from metering.cli.frame import fail
    from metering.core.periods import BillingPeriod
    from metering.workflows.outcomes.funnel import funnel_of_period
    from metering.workflows.outcomes.funnel_json import as_json

    try:
        asked = BillingPeriod.parse(period)
    except ValueError as error:
        fail("bad-period", str(error))
    settings = settings_or_fail(ctx)
    found = funnel_of_period(settings, asked)
    if output_format == "json":
        emit_json(as_json(found))
        return
    _show_spend(found)
    _show_stages(found)
    for problem in found.problems:
        what = counted(problem.outcomes, "outcome")
        click.echo(f"{problem.code}: {what} of {problem.ingestor}, first {problem.example}")

    for shared in found.shared_keys:
        click.echo(
            f"shared-key: {shared.days} days of {shared.team}/{shared.project},"
            f" {shared.currency} {money_text(shared.nanos)}, are booked on"
            f" {shared.key} {printable(shared.value)}: one outcome answers for all"
        )


def _show_spend(found: "Funnel") -> None:
    feeds = {feed.team: feed.status for feed in found.feeds}
    columns = ("Spend", "Keyed", "Project's", "Pending", "Unattributed", "Covered")
    emit_table(
        f"Which outcomes answer for the spend of {found.period} (usage is known to"
        f" {found.last_day})",
        ("Team", "Project", "", *columns, "Feed"),
        [
            (
                *_named(row),
                row.currency,
                money_text(row.spend.total),
                money_text(row.spend.keyed),
                money_text(row.spend.project),
                money_text(row.spend.pending),
                money_text(row.spend.unattributed),
                row.spend.coverage.percent if row.spend.coverage else None,
                feeds.get(row.team),
            )
            for row in (*found.rows, *found.totals)
            if row.spend.total or row.team == "*"
        ],
        right=columns,
    )


def _show_stages(found: "Funnel") -> None:
    from metering.core.outcomes.stages import Stage
    from metering.workflows.outcomes.funnel_json import units_text

    reached = ("Attempted", "Completed", "Validated", "Settled", "Settling", "Yield")
    costs = (
        "Per completed",
        "Per validated",
        "Per settled",
        "Tokens per settled",
        "AWU",
        "Per AWU",
    )
    emit_table(
        f"What was reached in {found.period}, and what one of it cost",
        ("Team", "Project", *reached, "", *costs),
        [
            (
                *_named(row),
                units_text(row.stages.attempted),
                units_text(row.stages.completed),
                units_text(row.stages.validated),
                units_text(row.stages.settled),
                units_text(row.stages.settling),
                row.stages.validated_yield.percent if row.stages.validated_yield else None,
                row.currency,
                _money(row.nanos_per_unit(Stage.COMPLETED)),
                _money(row.nanos_per_unit(Stage.VALIDATED)),
                _money(row.nanos_per_unit(Stage.SETTLED)),
                _grouped(row.tokens_per_unit(Stage.SETTLED)),
                None if row.vendor_units is None else units_text(row.vendor_units * 10_000),
                _money(row.nanos_per_vendor_unit),
            )
            for row in (*found.rows, *found.totals)
        ],
        right=(*reached, *costs),
    )


def _named(row: "FunnelRow") -> tuple[str, str]:
    if row.team == "*":
        return "all", ""
    return row.team or "nobody", row.project


def _money(nanos: int | None) -> str | None:
    return None if nanos is None else money_text(nanos)


def _grouped(number: int | None) -> str | None:
    return None if number is None else f"{number:,}"
