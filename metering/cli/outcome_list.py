"""`metering outcomes list` and `feeds`: each outcome with what became of it, and who sends them."""

from typing import TYPE_CHECKING

import click

from metering.cli.frame import emit_json, emit_table, fail, format_option, note, settings_or_fail
from metering.core.outcomes.stages import Stage

if TYPE_CHECKING:
    from datetime import date

_LIMIT = 100


@click.command("list")
@click.argument("period", required=False)
@click.option("--kind", help="Of this kind alone: pull_request, ticket, deploy …")
@click.option("--team", help="Of this team alone.")
@click.option("--project", help="Of this project alone.")
@click.option(
    "--stage", type=click.Choice([stage.value for stage in Stage]), help="At this stage alone."
)
@click.option("--status", metavar="WORD", help="settled, settling, reversed, reversal, told …")
@click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=_LIMIT,
    show_default=True,
    help="How many are listed.",
)
@format_option()
@click.pass_context
def list_command(  # noqa: PLR0913 - an option each
    ctx: click.Context,
    /,
    period: str | None,
    *,
    kind: str | None,
    team: str | None,
    project: str | None,
    stage: str | None,
    status: str | None,
    limit: int,
    output_format: str,
) -> None:
    r"""List the outcomes of PERIOD (YYYY-MM), or of all time, the latest first.

    STATUS is what became of one: settled (it stood for its window), settling, reversed (it was
    taken back), reversal (it takes another back), told (attempted or completed: the agent's own
    word), activity (what a vendor counts, in no sum with outcomes), doubled, no-team, unknown-team,
    reversed-before-outcome or reversal-of-unknown.

    \b
    Example:
        metering outcomes list 2026-10 --kind ticket --status reversed
    """
    from metering.engine.outcomes.one_by_one import COLUMNS, STATUSES, Wanted
    from metering.workflows.outcomes.outcome_list import listed_outcomes

    if status is not None and status not in STATUSES:
        raise click.BadParameter(f"one of {', '.join(STATUSES)}", param_hint="--status")
    first, last = _days(period)
    asked = {"kind": kind, "team": team, "project": project, "stage": stage, "status": status}
    equal = {column: value for column, value in asked.items() if value is not None}
    found = listed_outcomes(settings_or_fail(ctx), Wanted(first, last, equal, limit))
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in found.rows]
    for row in rows:
        row["weight"] = _weight(row.pop("weight_e4"))
    if output_format == "json":
        emit_json({"count": found.count, "outcomes": rows})
        return
    emit_table(
        f"Outcomes of {period}" if period else "Outcomes",
        ("Day", "Outcome", "Kind", "Stage", "Weight", "Team", "Project", "Status", "System"),
        [
            (
                row["day"],
                row["reference"] or row["outcome_id"],
                *(row[name] for name in ("kind", "stage", "weight", "team", "project", "status")),
                row["system"],
            )
            for row in rows
        ],
        right=("Weight",),
    )
    if found.count > len(rows):
        note(f"{found.count - len(rows):,} more; ask for fewer, or for more with --limit")


@click.command("feeds")
@format_option()
@click.pass_context
def feeds_command(ctx: click.Context, /, *, output_format: str) -> None:
    r"""Show what sends outcomes of which team, and which of it is silent.

    A feed is silent when it pauses for longer than it ever did, and for more than a week. A team
    that rules or a directory know, and of which no system ever told an outcome, has never any.

    \b
    Example:
        metering outcomes feeds
    """
    from dataclasses import asdict

    from metering.workflows.outcomes.outcome_list import feeds_of_ledger

    feeds = feeds_of_ledger(settings_or_fail(ctx))
    if output_format == "json":
        emit_json(
            [
                {**asdict(feed), "first": _text(feed.first), "last": _text(feed.last)}
                | {"status": feed.status}
                for feed in feeds
            ]
        )
        return
    numbers = ("Outcomes", "Longest pause", "Pause")
    emit_table(
        "What sends outcomes (pauses in days)",
        ("Team", "System", "Kinds", "First", "Last", *numbers, "Feed"),
        [
            (
                feed.team or "nobody",
                feed.system,
                ", ".join(feed.kinds),
                _text(feed.first),
                _text(feed.last),
                f"{feed.outcomes:,}" if feed.outcomes else None,
                None if feed.longest_pause is None else str(feed.longest_pause),
                str(feed.pause) if feed.last else None,
                feed.status,
            )
            for feed in feeds
        ],
        right=numbers,
    )


def _days(period: str | None) -> "tuple[date | None, date | None]":
    from metering.core.periods import BillingPeriod

    if period is None:
        return None, None
    try:
        asked = BillingPeriod.parse(period)
    except ValueError as error:
        fail("bad-period", str(error))
    return asked.first_day, asked.last_day


def _weight(weight_e4: object) -> str:
    from metering.core.outcomes.stages import WEIGHT_UNIT
    from metering.workflows.outcomes.funnel_json import units_text

    return units_text(int(str(weight_e4)) * WEIGHT_UNIT) or "0"


def _text(day: "date | None") -> str | None:
    return day.isoformat() if day else None
