"""What a month will come to for each cost centre, team and project.

Each owner's days are a series of their own, and its forecast the best that can be said of it. Such
forecasts do not add up; `divided` makes them do so for a page whose columns must: what is still to
come of a cost centre is divided among its teams and projects in proportion to their own forecasts.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from metering.books import ledger_totals as total_book
from metering.books.daily_spend import OwnerDaySum, daily_spend_by_owner
from metering.core.money import apportion, divide_half_even
from metering.core.ownership.attribution import Owner
from metering.core.periods import BillingPeriod
from metering.workflows.planning.forecast import PAST_DAYS, ForecastLine, Series

if TYPE_CHECKING:
    from sqlalchemy import Connection

Key = tuple[Owner, str]
"""An owner, and a currency."""


@dataclass(frozen=True, slots=True)
class OwnerForecasts:
    """The forecasts of some owners, each made on its own.

    Attributes:
        days_known: of the period; none of it is left to forecast where they are all.
        lines: by owner and currency.
    """

    period: BillingPeriod
    days_known: int
    lines: Mapping[Key, ForecastLine]

    def run_rate(self, key: Key) -> int:
        """Return what the period comes to if every day that is left is like those known."""
        line = self.lines[key]
        left = self.period.days - self.days_known
        if not self.days_known:
            return line.so_far_nanos
        return line.so_far_nanos + divide_half_even(line.known_nanos * left, self.days_known)

    def total(self, key: Key) -> int:
        """Return the forecast, or the run rate where history is too short for one."""
        total = self.lines[key].total_nanos
        return self.run_rate(key) if total is None else total


def owner_forecasts(
    connection: "Connection", period: BillingPeriod, owners: Collection[Owner] | None = None
) -> OwnerForecasts | None:
    """Return the forecasts of a period as the book has it now.

    Args:
        connection: of a read transaction.
        period: the month.
        owners: whom to forecast; every cost centre, team and project by default.

    Returns:
        The forecasts; None where the book holds no usage.
    """
    last_use = total_book.last_usage_day(connection)
    if last_use is None:
        return None
    begin = period.first_day - timedelta(days=PAST_DAYS)
    known_to = min(date.fromisoformat(last_use), period.last_day)
    rows = daily_spend_by_owner(connection, str(BillingPeriod.of(begin)), str(period))
    return forecasts_of(rows, period, known_to, owners)


def forecasts_of(
    rows: Sequence[OwnerDaySum],
    period: BillingPeriod,
    known_to: date,
    owners: Collection[Owner] | None = None,
) -> OwnerForecasts:
    """Return the forecasts of a period from what is booked by day and owner.

    Args:
        rows: of the period and the `PAST_DAYS` before it.
        period: the month.
        known_to: its last day that is known, or one before it.
        owners: whom to forecast; every cost centre, team and project by default.
    """
    begin = period.first_day - timedelta(days=PAST_DAYS)
    series = Series(period, begin, known_to, complete=known_to == period.last_day)
    return OwnerForecasts(
        period,
        max(0, (known_to - period.first_day).days + 1),
        {
            (owner, currency): series.line(str(owner), currency, found)
            for (owner, currency), found in _by_owner(rows, owners).items()
        },
    )


def divided(forecasts: OwnerForecasts) -> dict[Key, int]:
    """Return what each owner will come to, so that parts add up to their cost centre."""
    found: dict[Key, int] = {}
    for key in forecasts.lines:
        if _above(key[0]) is None:
            found[key] = forecasts.total(key)
            _divide(forecasts, key, found)
    return found


def _divide(forecasts: OwnerForecasts, above: Key, found: dict[Key, int]) -> None:
    """Divide what is still to come of an owner among those right below it."""
    lines, currency = forecasts.lines, above[1]
    below = [key for key in lines if key[1] == currency and _above(key[0]) == above[0]]
    if not below:
        return
    weights = {_name(key): max(0, forecasts.total(key) - lines[key].so_far_nanos) for key in below}
    # What names no team, or no project, goes on like the days that are known.
    own = lines[above].known_nanos - sum(lines[key].known_nanos for key in below)
    left = forecasts.period.days - forecasts.days_known
    if own > 0 and forecasts.days_known:
        weights[""] = divide_half_even(own * left, forecasts.days_known)
    if not any(weights.values()):
        weights = dict.fromkeys(weights, 1)
    parts = apportion(found[above] - lines[above].so_far_nanos, weights)
    for key in below:
        found[key] = lines[key].so_far_nanos + parts[_name(key)]
        _divide(forecasts, key, found)


def _name(key: Key) -> str:
    return f"{key[0].team}/{key[0].project}"


def _above(owner: Owner) -> Owner | None:
    if owner.project:
        return Owner(owner.cost_centre, owner.team)
    return Owner(owner.cost_centre) if owner.team else None


def _by_owner(
    rows: Sequence[OwnerDaySum], owners: Collection[Owner] | None
) -> Mapping[Key, list[OwnerDaySum]]:
    """Return the rows of each owner, with those of everything below it."""
    found: dict[Key, list[OwnerDaySum]] = defaultdict(list)
    for row in rows:
        names = (row.cost_centre, row.team, row.project)
        for owner in {Owner(*names[:depth]) for depth in (1, 2, 3)}:
            if owners is None or owner in owners:
                found[owner, row.currency].append(row)
    return {key: found[key] for key in sorted(found)}
