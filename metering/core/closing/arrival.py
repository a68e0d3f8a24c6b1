"""Arrival: on which days a source ought to have brought usage, and did not.

A source is expected on a day when it came on at least three of four of the other days of that
weekday, over the eight weeks before the month and the month itself; the gap in question does not
count against itself. So a daily source is missed on its first absent day, a team that rests on
weekends is not missed on a Sunday, and a source that comes now and then is never missed. What
history cannot tell, `[arrival]` of metering.toml says.

Source: reliability notes, M5.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from metering.core.periods import BillingPeriod

HISTORY: Final = timedelta(weeks=8)
"""How far before a month the days of a source are looked at."""

_OFTEN: Final = (3, 4)
_FEWEST_OTHERS: Final = 2
_WEEKEND: Final = 5
_DAY: Final = timedelta(days=1)


class Rhythm(StrEnum):
    """On which days a source is expected, where metering.toml says so."""

    DAILY = "daily"
    WEEKDAYS = "weekdays"  # Monday to Friday
    MONTHLY = "monthly"  # on at least one day of the month
    IRREGULAR = "irregular"  # on none


@dataclass(frozen=True, slots=True, order=True)
class Stream:
    """What one ingestor brings of one billing account.

    Attributes:
        provider, billing_account: "" for one that metering.toml names and that never came.
    """

    ingestor: str
    provider: str = ""
    billing_account: str = ""

    def __str__(self) -> str:
        account = f" of {self.provider}/{self.billing_account}" if self.provider else ""
        return f"{self.ingestor}{account}"


def missing_days(
    days: Collection[date], period: BillingPeriod, rhythm: Rhythm | None = None
) -> tuple[date, ...]:
    """Return the days of a month on which a source was expected and did not come, in order.

    Args:
        days: on which it came; those before the month are history.
        period: the month.
        rhythm: as metering.toml says; None to learn it from the days.

    Returns:
        For a monthly source that did not come, the first day of the month.
    """
    came = frozenset(days)
    month = _span(period.first_day, period.end_day)
    if rhythm is Rhythm.IRREGULAR:
        return ()
    if rhythm is Rhythm.MONTHLY:
        return () if came.intersection(month) else (period.first_day,)
    if rhythm is not None:
        return tuple(
            day
            for day in month
            if day not in came and (rhythm is Rhythm.DAILY or day.weekday() < _WEEKEND)
        )
    first = max(min(came, default=period.end_day), period.first_day - HISTORY)
    window = _span(first, period.end_day)
    return tuple(
        day
        for gap in _gaps(window, came)
        for day in gap
        if day >= period.first_day and _is_expected(day, window, came, frozenset(gap))
    )


def _span(first: date, end: date) -> list[date]:
    return [first + at * _DAY for at in range((end - first).days)]


def _gaps(window: Collection[date], came: frozenset[date]) -> list[list[date]]:
    gaps: list[list[date]] = []
    for day in window:
        if day in came:
            continue
        if gaps and gaps[-1][-1] == day - _DAY:
            gaps[-1].append(day)
        else:
            gaps.append([day])
    return gaps


def _is_expected(
    day: date, window: Collection[date], came: frozenset[date], gap: frozenset[date]
) -> bool:
    others = [one for one in window if one.weekday() == day.weekday() and one not in gap]
    seen = sum(one in came for one in others)
    share, of = _OFTEN
    return len(others) >= _FEWEST_OTHERS and seen * of >= len(others) * share
