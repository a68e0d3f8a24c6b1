"""`metering budgets`: what owners may spend, and how they stand."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from metering.cli.arguments import PeriodParam, period_argument
from metering.cli.frame import (
    counted,
    emit_json,
    emit_table,
    exit_with,
    format_option,
    money_text,
    note,
    settings_or_fail,
)
from metering.core.periods import BillingPeriod

if TYPE_CHECKING:
    from metering.core.planning.budgets import Stand
    from metering.workflows.planning.budgets import Budgeted

OVER: Final = 3
WARNED: Final = 4
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_PER_CENT: Final = re.compile(r"([1-9][0-9]{0,2})\s*%?")
_MONEY: Final = ("Budget", "Actual", "Forecast", "P10 to P90", "Variance")


class _PerCent(click.ParamType[int]):
    """A share in whole per cent, written 80% or 80."""

    name = "per cent"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Return the number, or end the command with the usage."""
        found = _PER_CENT.fullmatch(str(value))
        if found is None:
            self.fail(f"{str(value)!r} is not a share in whole per cent, like 80%", param, ctx)
        return int(found[1])


@click.group()
def budgets() -> None:
    r"""Set what owners may spend against what they are charged.

    \b
    Example:
        metering budgets show 2026-10
    """


@budgets.command("import")
@click.argument("file", type=_FILE, metavar="FILE")
@format_option()
@click.pass_context
def import_(ctx: click.Context, /, file: Path, *, output_format: str) -> None:
    r"""Take FILE (CSV) into force as the budgets.

    Its columns are cost_centre, team, project, period, amount and currency. A budget covers its
    owner and everything below; period is a month (2026-10) or a stretch of months
    (2026-01..2026-12), for all of which together the amount is. A file with a mistake is refused
    whole and nothing changes. An owner that neither the directory nor a rule names is told, and its
    budget kept: it may be one of next month.

    \b
    Example:
        metering budgets import sample_logs/owners/budgets.csv
    """
    from metering.workflows.planning.budgets import import_budgets
    from metering.workflows.runs import Run

    imported = import_budgets(
        settings_or_fail(ctx), Run.now("budgets import", file=str(file)), file
    )
    if output_format == "json":
        emit_json(asdict(imported))
        return
    if imported.is_new:
        told = counted(imported.count, "budget")
        note(f"{imported.name}: {told}, in force as version {imported.version}")
    else:
        note(f"{imported.name} is in force already, as version {imported.version}")
    for one in imported.unknown:
        note(f"{one}: neither the directory nor a rule names this owner, so nothing is charged")


@budgets.command()
@period_argument()
@format_option()
@click.pass_context
def show(ctx: click.Context, /, period: BillingPeriod, *, output_format: str) -> None:
    r"""Show the budgets of PERIOD (YYYY-MM): actual, forecast and variance.

    Actual is what is posted, shared cost included, from the budget's first month to PERIOD. The
    forecast is for the end of the budget's months, that of `metering forecast` with its 80 %
    interval; where history is too short, a run rate by the days with usage. Variance is what it is
    above the budget. A cost centre without a budget is shown without one.

    \b
    Example:
        metering budgets show 2026-10
    """
    from metering.workflows.planning.budgets import budgeted

    found = budgeted(settings_or_fail(ctx), period)
    if output_format == "json":
        emit_json(_as_json(found, None))
        return
    _show(found, found.stands, None)


@budgets.command()
@click.argument("period", type=PeriodParam(), metavar="[PERIOD]", required=False)
@click.option("--warn-at", type=_PerCent(), metavar="PER_CENT", help="Also tell from here on.")
@format_option()
@click.pass_context
def check(
    ctx: click.Context,
    /,
    period: BillingPeriod | None,
    *,
    warn_at: int | None,
    output_format: str,
) -> None:
    r"""List budgets that are over, or will be by their forecast, for cron.

    PERIOD is by default the month of the last usage. Exit codes: 0 all are within; 3 one is over or
    forecast to be; 4 none is, but one has reached --warn-at; 1 the message says what to mend.

    \b
    Example:
        metering budgets check 2026-10 --warn-at 80%
    """
    from metering.core.planning.budgets import State
    from metering.workflows.planning.budgets import budgeted

    found = budgeted(settings_or_fail(ctx), period)
    states = {one: one.state(warn_at) for one in found.stands}
    told = [one for one in found.stands if states[one] not in (State.WITHIN, State.NO_BUDGET)]
    if output_format == "json":
        emit_json(_as_json(found, warn_at))
    elif told:
        _show(found, told, warn_at)
    else:
        held = sum(1 for one in found.stands if one.budget is not None)
        note(f"{found.period}: {counted(held, 'budget')}, all within")
    if {State.OVER, State.FORECAST_OVER} & {*states.values()}:
        exit_with(OVER)
    if told:
        exit_with(WARNED)


def _show(found: "Budgeted", rows: "list[Stand] | tuple[Stand, ...]", warn_at: int | None) -> None:
    emit_table(
        f"Budgets of {found.period}",
        ("Cost centre", "Team", "Project", "For", "Currency", *_MONEY, "State"),
        [_row(one, warn_at) for one in rows],
        right=_MONEY,
    )
    if found.last_day is None:
        return
    run_rate = any(one.forecast_by == "run rate" for one in rows)
    told = (
        "; without P10 to P90 the forecast is a run rate, for want of history" if run_rate else ""
    )
    note(f"usage until {found.last_day}{told}")


def _row(one: "Stand", warn_at: int | None) -> tuple[str, ...]:
    budget = one.budget
    return (
        one.owner.cost_centre,
        one.owner.team,
        one.owner.project,
        "" if budget is None else budget.months,
        one.currency,
        "" if budget is None else money_text(budget.amount_nanos),
        money_text(one.actual_nanos),
        "" if one.forecast_nanos is None else money_text(one.forecast_nanos),
        _bounds(one),
        "" if one.variance_nanos is None else money_text(one.variance_nanos),
        one.state(warn_at).value,
    )


def _bounds(one: "Stand") -> str:
    low, high = one.bounds_nanos or (0, 0)
    return "" if low == high else f"{money_text(low)} to {money_text(high)}"


def _as_json(found: "Budgeted", warn_at: int | None) -> dict[str, object]:
    return {
        "period": str(found.period),
        "last_day": found.last_day,
        "budgets": [
            {
                "cost_centre": one.owner.cost_centre,
                "team": one.owner.team,
                "project": one.owner.project,
                "first": None if one.budget is None else str(one.budget.first),
                "last": None if one.budget is None else str(one.budget.last),
                "currency": one.currency,
                "budget_nanos": None if one.budget is None else one.budget.amount_nanos,
                "actual_nanos": one.actual_nanos,
                "forecast_nanos": one.forecast_nanos,
                "forecast_by": one.forecast_by,
                "low_nanos": one.bounds_nanos and one.bounds_nanos[0],
                "high_nanos": one.bounds_nanos and one.bounds_nanos[1],
                "variance_nanos": one.variance_nanos,
                "state": one.state(warn_at).value,
            }
            for one in found.stands
        ],
    }
