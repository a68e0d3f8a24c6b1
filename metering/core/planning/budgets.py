"""Budgets: what owners may spend in a month or a stretch of months, and how they stand.

A budget covers its owner and everything below: that of a cost centre its teams, that of a team its
projects. It is compared with what is charged in its own currency; nothing is converted.

What is still to come of the month asked for is its forecast where there is one, else a run rate:
what was charged so far, by the day. The months of a budget that come after it are taken to be like
it, by the day, and no interval is claimed for them. Source: token-maxing, E10.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from metering.core.money import divide_half_even
from metering.core.ownership.attribution import Owner
from metering.core.periods import BillingPeriod


@dataclass(frozen=True, slots=True)
class Budget:
    """One line of a budget file.

    Attributes:
        line: in its file, 1-based.
        owner: a cost centre, one of its teams, or a project; no person.
        first, last: months it is for, both included.
        amount_nanos: of `currency`, for all of them together.
    """

    line: int
    owner: Owner
    first: BillingPeriod
    last: BillingPeriod
    currency: str
    amount_nanos: int

    def covers(self, owner: Owner) -> bool:
        """Return whether an owner is the budget's own, or below it."""
        return all(
            not said or said == held
            for said, held in (
                (self.owner.cost_centre, owner.cost_centre),
                (self.owner.team, owner.team),
                (self.owner.project, owner.project),
            )
        )

    def holds_in(self, period: BillingPeriod) -> bool:
        """Return whether the budget is for a month, among others."""
        return self.first <= period <= self.last

    @property
    def months(self) -> str:
        """The months as a budget file writes them."""
        return str(self.first) if self.first == self.last else f"{self.first}..{self.last}"

    @property
    def days(self) -> int:
        """How many days it is for."""
        return (self.last.end_day - self.first.first_day).days


@dataclass(frozen=True, slots=True)
class Budgets:
    """A budget file.

    Attributes:
        name: the file's name.
        lines: in file order.
    """

    name: str = "budgets.csv"
    lines: tuple[Budget, ...] = ()


@dataclass(frozen=True, slots=True)
class Charged:
    """What one owner was charged in one month and currency.

    Attributes:
        amount_nanos: all of it.
        run_nanos: of days so far, for a run rate: without flat money of days still to come.
    """

    period: BillingPeriod
    owner: Owner
    currency: str
    amount_nanos: int
    run_nanos: int


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a month will come to for one owner, in nanos, with everything that is booked of it.

    Attributes:
        low, high: the bounds of an interval of four in five.
    """

    nanos: int
    low: int
    high: int


class ForecastBy(StrEnum):
    """How what is still to come was found."""

    FORECAST = "forecast"
    RUN_RATE = "run rate"


class State(StrEnum):
    """How a budget stands."""

    WITHIN = "within"
    WARNING = "warning"  # reached the share that was asked to warn at
    FORECAST_OVER = "forecast-over"
    OVER = "over"
    NO_BUDGET = "no-budget"


@dataclass(frozen=True, slots=True)
class Stand:
    """How an owner stands.

    Attributes:
        budget: None for a cost centre that has none.
        actual_nanos: charged in the budget's months up to the one asked for.
        forecast_nanos: at the end of the budget's months; None before its first day of usage.
        bounds_nanos: of the forecast, four in five; None where it is a run rate, or goes on beyond
            the month that is forecast.
    """

    owner: Owner
    currency: str
    budget: Budget | None
    actual_nanos: int
    forecast_nanos: int | None
    bounds_nanos: tuple[int, int] | None = None

    @property
    def forecast_by(self) -> ForecastBy | None:
        """How what is still to come was found; None without a forecast."""
        if self.forecast_nanos is None:
            return None
        return ForecastBy.RUN_RATE if self.bounds_nanos is None else ForecastBy.FORECAST

    @property
    def variance_nanos(self) -> int | None:
        """What the forecast is above the budget; below 0 what it leaves."""
        if self.budget is None or self.forecast_nanos is None:
            return None
        return self.forecast_nanos - self.budget.amount_nanos

    def state(self, warn_percent: int | None = None) -> State:
        """Return how it stands, warning from a share of the budget on, in per cent."""
        if self.budget is None:
            return State.NO_BUDGET
        limit = self.budget.amount_nanos
        if self.actual_nanos > limit:
            return State.OVER
        forecast = self.actual_nanos if self.forecast_nanos is None else self.forecast_nanos
        if forecast > limit:
            return State.FORECAST_OVER
        if warn_percent is None or forecast * 100 < limit * warn_percent:
            return State.WITHIN
        return State.WARNING


def stands(
    budgets: Sequence[Budget],
    charged: Sequence[Charged],
    period: BillingPeriod,
    last_day: date | None,
    foreseen: Mapping[tuple[Owner, str], Foreseen] | None = None,
) -> tuple[Stand, ...]:
    """Return how every budget of a month stands, and every cost centre that has none.

    Args:
        budgets: in force; those of other months are left out.
        charged: of the months from the first of any such budget up to `period`.
        period: the month asked for; what was charged later does not count.
        last_day: the last day with usage; None when there is none.
        foreseen: what `period` will come to, by owner and currency; a run rate for who is not in
            it.

    Returns:
        By cost centre, team, project and currency.
    """
    asked = [budget for budget in budgets if budget.holds_in(period)]
    until = _Until(period, last_day, foreseen or {})
    found = [_stand(budget, charged, until) for budget in asked]
    has_one = {(one.owner.cost_centre, one.currency) for one in found if not one.owner.team}
    month = Budget(0, Owner(""), period, period, "", 0)
    for centre, currency in sorted(
        {(one.owner.cost_centre, one.currency) for one in charged if one.period == period} - has_one
    ):
        budget = replace(month, owner=Owner(centre), currency=currency)
        stand = _stand(budget, charged, until)
        if stand.actual_nanos:
            found.append(replace(stand, budget=None))
    return tuple(sorted(found, key=lambda one: (one.owner, one.currency, _first(one))))


def first_month(budgets: Sequence[Budget], period: BillingPeriod) -> BillingPeriod:
    """Return the first month of any budget that a month is in; the month itself without one."""
    return min((one.first for one in budgets if one.holds_in(period)), default=period)


def _first(stand: Stand) -> str:
    return str(stand.budget.first) if stand.budget else ""


@dataclass(frozen=True, slots=True)
class _Until:
    """Up to when charges count, and what is foreseen."""

    period: BillingPeriod
    last_day: date | None
    foreseen: Mapping[tuple[Owner, str], Foreseen]


def _stand(budget: Budget, charged: Iterable[Charged], until: _Until) -> Stand:
    period = until.period
    own = [
        one
        for one in charged
        if one.currency == budget.currency
        and budget.first <= one.period <= period
        and budget.covers(one.owner)
    ]
    actual = sum(one.amount_nanos for one in own)
    stand = Stand(budget.owner, budget.currency, budget, actual, None)
    foreseen = until.foreseen.get((budget.owner, budget.currency))
    if foreseen is not None:
        before = sum(one.amount_nanos for one in own if one.period < period)
        later = (budget.last.end_day - period.end_day).days
        total = before + foreseen.nanos + divide_half_even(foreseen.nanos * later, period.days)
        bounds = None if later else (before + foreseen.low, before + foreseen.high)
        return replace(stand, forecast_nanos=total, bounds_nanos=bounds)
    end = min(period.end_day, (until.last_day or date.min) + timedelta(days=1))
    elapsed = (end - budget.first.first_day).days
    if elapsed <= 0:
        return stand
    run = divide_half_even(sum(one.run_nanos for one in own) * budget.days, elapsed)
    return replace(stand, forecast_nanos=run)
