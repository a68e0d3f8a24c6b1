"""Public holidays, as data, for the price windows that provide for them.

A calendar is only known as far as it has been published: what lies after `known_until` is not
treated as certain by whoever asks (`core.pricing.rating` marks such a price as provisional).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final


@dataclass(frozen=True, slots=True)
class HolidayCalendar:
    """The days of one calendar on which offices are closed by decree.

    Attributes:
        days: local dates; weekends belong to it only where the decree names them.
        known_until: the first day that has not been published.
    """

    days: frozenset[date]
    known_until: date


def _days(*stretches: tuple[str, str]) -> frozenset[date]:
    """Return every day of the stretches, both ends included."""
    found: set[date] = set()
    for first, last in stretches:
        day = date.fromisoformat(first)
        while day <= date.fromisoformat(last):
            found.add(day)
            day += timedelta(days=1)
    return frozenset(found)


# China: the State Council's notices on the arrangement of public holidays of 2025 and of 2026.
# Working days moved to a weekend are no concern of a price window, which names its weekdays.
CALENDARS: Final[Mapping[str, HolidayCalendar]] = {
    "cn": HolidayCalendar(
        days=_days(
            ("2025-01-01", "2025-01-01"),
            ("2025-01-28", "2025-02-04"),
            ("2025-04-04", "2025-04-06"),
            ("2025-05-01", "2025-05-05"),
            ("2025-05-31", "2025-06-02"),
            ("2025-10-01", "2025-10-08"),
            ("2026-01-01", "2026-01-03"),
            ("2026-02-15", "2026-02-23"),
            ("2026-04-04", "2026-04-06"),
            ("2026-05-01", "2026-05-05"),
            ("2026-06-19", "2026-06-21"),
            ("2026-09-25", "2026-09-27"),
            ("2026-10-01", "2026-10-07"),
        ),
        known_until=date(2027, 1, 1),
    )
}
