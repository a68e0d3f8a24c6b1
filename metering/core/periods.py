"""Billing periods: half-open calendar months in the zone of the books."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

_PERIOD: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
# As the instants of usage: the neighbours of a period are then days of the calendar too.
_YEARS: Final = range(2000, 2100)


@dataclass(frozen=True, slots=True, order=True)
class BillingPeriod:
    """One calendar month.

    Attributes:
        year: four digits.
        month: 1 to 12.
    """

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> "BillingPeriod":
        """Return the period that "2026-10" names.

        Raises:
            ValueError: it is not YYYY-MM of this century; the caller names the option or argument.
        """
        match = _PERIOD.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a period; write it as YYYY-MM")
        if int(match[1]) not in _YEARS:
            raise ValueError(f"{text!r} is not a period from {_YEARS[0]} to {_YEARS[-1]}")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: date) -> "BillingPeriod":
        """Return the period a charge day lies in."""
        return cls(day.year, day.month)

    @property
    def first_day(self) -> date:
        """The first day, inclusive."""
        return date(self.year, self.month, 1)

    @property
    def end_day(self) -> date:
        """The day after the last: the bound is exclusive."""
        return (self.first_day + timedelta(days=31)).replace(day=1)

    @property
    def last_day(self) -> date:
        """The last day, inclusive."""
        return self.end_day - timedelta(days=1)

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.end_day - self.first_day).days

    @property
    def previous(self) -> "BillingPeriod":
        """The month before."""
        return BillingPeriod.of(self.first_day - timedelta(days=1))

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"
