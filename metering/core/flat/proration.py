"""Proration: the share of one day in an amount that covers many.

The days of a stretch share an amount evenly by largest remainder, as `core.money.apportion` would
with equal weights: they sum to the amount to the nano, and no two of them differ by more than one.
The first days take the nanos that are left over, so that the share of a day depends on nothing but
the amount, the stretch and the day.
"""

from calendar import monthrange
from datetime import date, timedelta

from metering.core.money import divide_half_even


def day_share(whole: int, first: date, end: date, day: date) -> int:
    """Return the share of one day.

    Args:
        whole: what is shared, in any whole unit; may be negative.
        first: of the stretch.
        end: the day after its last.
        day: inside it.
    """
    days, place = (end - first).days, (day - first).days
    share, rest = divmod(whole, days)
    return share + (place < rest)


def remaining_share(whole: int, first: date, end: date, day: date) -> int:
    """Return what is left of an amount on the morning of a day: its share and those after it."""
    days, place = (end - first).days, (day - first).days
    share, rest = divmod(whole, days)
    return whole - share * place - min(place, rest)


def month_of(day: date) -> tuple[date, date]:
    """Return the first day of a day's calendar month, and the day after its last."""
    first = day.replace(day=1)
    return first, months_later(first, 1)


def year_of(begins: date, day: date) -> tuple[date, date]:
    """Return the year that a day lies in, counted from the day on which the first one began.

    A year that began on 29 February begins on the 28th where there is no 29th.
    """
    years = day.year - begins.year
    if months_later(begins, 12 * years) > day:
        years -= 1
    return months_later(begins, 12 * years), months_later(begins, 12 * (years + 1))


def months_later(day: date, months: int) -> date:
    """Return the same day some months later, or that month's last where it has none such."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def days_between(first: date, end: date) -> list[date]:
    """Return every day from `first` until before `end`."""
    return [first + timedelta(days=place) for place in range(max((end - first).days, 0))]


def next_day(day: date) -> date:
    """Return the day after, or the last day of the calendar, which has none."""
    return day if day == date.max else day + timedelta(days=1)


def per_million(nanos: int, units: int) -> int | None:
    """Return what a million units cost, in nanos, half to even; None where there are none."""
    return divide_half_even(nanos * 1_000_000, units) if units > 0 else None
