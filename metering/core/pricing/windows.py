"""When a price window is open: weekdays, local hours, zone and holidays, as UTC stretches."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from metering.core.pricing.holidays import CALENDARS
from metering.core.pricing.rates import Window

_MINUTES_PER_DAY: Final = 24 * 60
_MINUTES_PER_WEEK: Final = 7 * _MINUTES_PER_DAY
_ONE_DAY: Final = timedelta(days=1)


def stretches(
    window: Window, first: datetime, last: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the half-open UTC stretches of a window that touch `[first, last)`, in order.

    Two windows of neighbouring days may touch; they are not joined.
    """
    zone = ZoneInfo(window.zone)
    day = first.astimezone(zone).date() - _ONE_DAY
    final = last.astimezone(zone).date()
    while day <= final:
        if _opens_on(window, day):
            opens, closes = _hours(window, day, zone)
            if closes > first and opens < last:
                yield opens, closes
        day += _ONE_DAY


def is_open(window: Window, instant: datetime) -> bool:
    """Say whether a window is open at an instant."""
    zone = ZoneInfo(window.zone)
    today = instant.astimezone(zone).date()
    for day in (today, today - _ONE_DAY):
        if _opens_on(window, day):
            opens, closes = _hours(window, day, zone)
            if opens <= instant < closes:
                return True
    return False


def known_until(window: Window) -> datetime | None:
    """Return the instant from which the window's holidays are not yet published, or None."""
    calendar = CALENDARS.get(window.holidays)
    if calendar is None:
        return None
    return datetime.combine(calendar.known_until, time(), ZoneInfo(window.zone)).astimezone(UTC)


def may_overlap(one: Window, other: Window) -> bool:
    """Say whether two windows may be open at once.

    Windows of different zones count as overlapping: daylight saving moves them against each
    other, so nobody can see from the rows that they never meet. Holidays are not considered.
    """
    if one.zone != other.zone:
        return True
    return bool(_week_minutes(one) & _week_minutes(other))


def _opens_on(window: Window, day: date) -> bool:
    calendar = CALENDARS.get(window.holidays)
    return day.isoweekday() in window.weekdays and (calendar is None or day not in calendar.days)


def _hours(window: Window, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    start, end = time.fromisoformat(window.start), time.fromisoformat(window.end)
    last_day = day if end > start else day + _ONE_DAY
    opens = datetime.combine(day, start, zone).astimezone(UTC)
    return opens, datetime.combine(last_day, end, zone).astimezone(UTC)


def _week_minutes(window: Window) -> frozenset[int]:
    start, end = _minute(window.start), _minute(window.end)
    length = end - start if end > start else end - start + _MINUTES_PER_DAY
    return frozenset(
        ((weekday - 1) * _MINUTES_PER_DAY + start + minute) % _MINUTES_PER_WEEK
        for weekday in window.weekdays
        for minute in range(length)
    )


def _minute(text: str) -> int:
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute)
