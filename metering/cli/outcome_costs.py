"""`metering outcomes costs`: what one outcome costs, and whether it pays for itself."""

from typing import TYPE_CHECKING

import click

from metering.cli.frame import (
    emit_json,
    emit_table,
    fail,
    format_option,
    money_text,
    settings_or_fail,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from fractions import Fraction

    from metering.analysis.economics.bootstrap import Interval
    from metering.workflows.outcomes.unit_costs import UnitCost


@click.command("costs")
@click.argument("period")
@format_option()
@click.pass_context
def costs_command(ctx: click.Context, /, period: str, *, output_format: str) -> None:
    r"""Show what one outcome of each kind costs, of spend up to PERIOD (YYYY-MM).

    Whole weeks of spend are set against what settled one attribution window later: at most 26 of
    them, up to the last whose outcomes have all come. All cost of a project stands against each of
    its kinds, so prices of two kinds are never added. NEXT is what one more cost, from the earlier
    to the later half of the weeks. Both have an interval, P10 to P90, from eight weeks on. Review,
    rework and value are what [outcomes.review], [outcomes.rework] and [outcomes.values] say. What
    did not settle has no price; a kind marked * is a vendor's count, and no outcome.

    \b
    Example:
        metering outcomes costs 2026-10
    """
    from metering.core.periods import BillingPeriod
    from metering.workflows.outcomes.unit_costs import unit_costs

    try:
        asked = BillingPeriod.parse(period)
    except ValueError as error:
        fail("bad-period", str(error))
    settings = settings_or_fail(ctx)
    costs = unit_costs(settings, asked)
    if output_format == "json":
        emit_json({"currency": settings.currency, "costs": [_as_json(one) for one in costs]})
        return
    _show(f"What one outcome costs, in {settings.currency}, of spend up to {asked}", costs)


_COLUMNS: "Mapping[str, Callable[[UnitCost], str | None]]" = {
    "Weeks": lambda one: str(one.weeks),
    "Usage": lambda one: money_text(one.usage_nanos),
    "Seats etc.": lambda one: money_text(one.flat_nanos) if one.flat_nanos else None,
    "Platform": lambda one: money_text(one.platform_nanos) if one.platform_nanos else None,
    "Services": lambda one: money_text(one.services_nanos) if one.services_nanos else None,
    "Review": lambda one: money_text(one.review_nanos) if one.review_nanos else None,
    "Rework": lambda one: money_text(one.rework_nanos) if one.rework_nanos else None,
    "Settled": lambda one: _number(one.found.outcomes) if one.weeks else None,
    "Average": lambda one: _money(one.found.average),
    "P10 to P90": lambda one: _interval(one.found.average_interval),
    "Next": lambda one: _money(one.found.marginal),
    "P10 to P90 ": lambda one: _interval(one.found.marginal_interval),
    "Self-funding": lambda one: _ratio(one.found.self_funding),
}


def _show(title: str, costs: "Sequence[UnitCost]") -> None:
    # What nobody says anything of takes no column.
    cells = {name: [cell(one) for one in costs] for name, cell in _COLUMNS.items()}
    shown = {name: column for name, column in cells.items() if any(column)}
    emit_table(
        title,
        ("Team", "Project", "Kind", *shown),
        [
            (
                one.team or "nobody",
                one.project,
                f"{one.kind} *" if one.is_activity else one.kind,
                *(column[at] for column in shown.values()),
            )
            for at, one in enumerate(costs)
        ],
        right=tuple(shown),
    )


def _as_json(one: "UnitCost") -> dict[str, object]:
    found = one.found
    return {
        "team": one.team,
        "project": one.project,
        "kind": one.kind,
        "is_vendor_unit": one.is_activity,
        "first_day": one.first_day.isoformat() if one.first_day else None,
        "last_day": one.last_day.isoformat() if one.last_day else None,
        "weeks": one.weeks,
        "usage_nanos": one.usage_nanos,
        "flat_nanos": one.flat_nanos,
        "platform_nanos": one.platform_nanos,
        "services_nanos": one.services_nanos,
        "review_nanos": one.review_nanos,
        "rework_nanos": one.rework_nanos,
        "cost_nanos": found.cost_nanos,
        "settled": _number(found.outcomes) if one.weeks else None,
        "average_nanos": _nanos(found.average),
        "average_interval_nanos": _bounds(found.average_interval),
        "marginal_nanos": _nanos(found.marginal),
        "marginal_interval_nanos": _bounds(found.marginal_interval),
        "value_nanos": one.value_nanos,
        "contribution_nanos": _nanos(found.contribution),
        "self_funding_ratio": _ratio(found.self_funding),
        "self_funding_interval": (
            [f"{bound:.4f}" for bound in (interval.low, interval.high)]
            if (interval := found.self_funding_interval)
            else None
        ),
    }


def _nanos(amount: "Fraction | None") -> int | None:
    return None if amount is None else round(amount)


def _bounds(interval: "Interval | None") -> list[int] | None:
    return None if interval is None else [round(interval.low), round(interval.high)]


def _money(amount: "Fraction | None") -> str | None:
    return None if amount is None else money_text(round(amount))


def _interval(interval: "Interval | None") -> str | None:
    if interval is None:
        return None
    return f"{money_text(round(interval.low))} to {money_text(round(interval.high))}"


def _ratio(ratio: "Fraction | None") -> str | None:
    from metering.core.outcomes.funnel import Share

    return None if ratio is None else Share(ratio.numerator, ratio.denominator).text


def _number(weight: "Fraction") -> str:
    from metering.core.outcomes.funnel import UNIT
    from metering.workflows.outcomes.funnel_json import units_text

    # A sum of weights is a whole number of ten-thousandths.
    return units_text(int(weight * UNIT)) or "0"
