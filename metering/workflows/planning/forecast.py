"""Forecast: what a month will come to, for the company and for each of its parts.

The series are read from the ledger. What a contract charges by the month (terms, seats, capacity)
is no series of days: it is taken as it is booked and stands beside the forecast of the usage.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from metering.analysis.forecast import DailySpend, MonthForecast, Refusal, month_forecast
from metering.books.daily_spend import (
    DaySum,
    OwnerDaySum,
    Subject,
    daily_spend,
    last_use_by_provider,
)
from metering.books.engine import begin_read
from metering.books.migrations import open_books
from metering.core.periods import BillingPeriod
from metering.errors import BookError

if TYPE_CHECKING:
    from metering.settings import Settings

# As much past as weekday profiles, past origins and a year's habits are measured on.
PAST_DAYS: Final = 400
# Providers report with a delay of a day or two; a longer silence is worth a word.
_SILENT_DAYS: Final = 3
_RECENT_DAYS: Final = 28


@dataclass(frozen=True, slots=True)
class ForecastLine:
    """The forecast of one series.

    Attributes:
        name: of the cost centre, team, project or provider; "" for the company.
        currency: of the amounts.
        known_nanos: usage of the days that are known.
        fixed_nanos: what is booked in the period and is no usage of its days: terms, seats,
            capacity, shares, and corrections of earlier months.
        forecast: of the usage; or why there is none.
        booked_nanos: what the book says of the whole period; None while days are still to come.
    """

    name: str
    currency: str
    known_nanos: int
    fixed_nanos: int
    forecast: MonthForecast | Refusal
    booked_nanos: int | None

    @property
    def total_nanos(self) -> int | None:
        """What the period will come to; None without a forecast."""
        if isinstance(self.forecast, Refusal):
            return None
        return self.fixed_nanos + self.forecast.total

    @property
    def interval_nanos(self) -> tuple[int, int] | None:
        """The bounds of the total; None without a forecast."""
        if isinstance(self.forecast, Refusal):
            return None
        return (self.fixed_nanos + self.forecast.low, self.fixed_nanos + self.forecast.high)

    @property
    def so_far_nanos(self) -> int:
        """Usage of the days that are known, and what is booked of the period beside it."""
        return self.known_nanos + self.fixed_nanos


@dataclass(frozen=True, slots=True)
class PeriodForecast:
    """The forecast of a period.

    Attributes:
        as_of: the last day that is known.
        days_known, days: of the period.
        company: one line per currency.
        parts: each forecast on its own, by currency and name; they do not add up to the company.
            What never cost anything is left out.
        silent: provider to its last day of usage, where that is some days before `as_of`: its
            missing days count as days without spend.
    """

    period: BillingPeriod
    as_of: date
    days_known: int
    days: int
    by: Subject
    company: tuple[ForecastLine, ...]
    parts: tuple[ForecastLine, ...]
    silent: Mapping[str, date]


def forecast_period(
    settings: "Settings",
    period: BillingPeriod,
    *,
    by: Subject = "cost_centre",
    as_of: date | None = None,
    excess: Mapping[date, int] | None = None,
) -> PeriodForecast:
    """Forecast a period from the ledger.

    Args:
        settings: where the books are.
        period: the month.
        by: what the parts are.
        as_of: the last day to know of; by default the last one with usage in the book.
        excess: flagged nanos per day of the company's first currency, for the scenario without.

    Raises:
        BookError: `no-charges`: the book holds nothing up to the period.
    """
    books = open_books(settings.books_url)
    begin = period.first_day - timedelta(days=PAST_DAYS)
    last = period.end_day - timedelta(days=1)
    with begin_read(books) as connection:
        sums = daily_spend(connection, str(BillingPeriod.of(begin)), str(period), by)
        uses = last_use_by_provider(connection, begin.isoformat(), last.isoformat())
    if not uses:
        raise BookError(
            "no-charges",
            f"the book holds no usage up to {period}",
            do="run `metering post`, or see `metering period list` for the periods it has",
        )
    last_use = date.fromisoformat(max(uses.values()))
    known_to = min(as_of or last_use, last)
    excess = excess or {}
    series = Series(period, begin, known_to, complete=last_use == last)
    by_currency: dict[str, list[DaySum]] = defaultdict(list)
    by_subject: dict[tuple[str, str], list[DaySum]] = defaultdict(list)
    for row in sums:
        by_currency[row.currency].append(row)
        by_subject[row.currency, row.subject].append(row)
    first = next(iter(by_currency))
    return PeriodForecast(
        period=period,
        as_of=known_to,
        days_known=max(0, (known_to - period.first_day).days + 1),
        days=period.days,
        by=by,
        company=tuple(
            series.line("", currency, rows, excess if currency == first else {})
            for currency, rows in by_currency.items()
        ),
        parts=tuple(
            series.line(name, currency, rows)
            for (currency, name), rows in by_subject.items()
            if any(row.nanos for row in rows)
        ),
        silent=_silent(uses, known_to),
    )


@dataclass(frozen=True, slots=True)
class Series:
    """Makes a line of the sums of one subject.

    Attributes:
        begin: the first day of the past.
        known_to: the last day that may be known.
        complete: whether the book holds usage of the period's last day.
    """

    period: BillingPeriod
    begin: date
    known_to: date
    complete: bool

    def line(
        self,
        name: str,
        currency: str,
        sums: Iterable[DaySum | OwnerDaySum],
        excess: Mapping[date, int] | None = None,
    ) -> ForecastLine:
        """Return the forecast of what some sums add up to."""
        days: dict[date, int] = defaultdict(int)
        booked = of_days = 0
        for row in sums:
            day = date.fromisoformat(row.day)
            if row.is_usage:
                days[day] += row.nanos
            if row.period == str(self.period):
                booked += row.nanos
                of_days += row.nanos if row.is_usage and BillingPeriod.of(day) == self.period else 0
        count = (self.known_to - self.begin).days + 1
        calendar = [self.begin + timedelta(days=at) for at in range(count)]
        spend = DailySpend(self.begin, tuple(days[day] for day in calendar))
        # Findings overlap, and are of usage at their own prices: no day is below nothing without.
        flagged = [max(0, min((excess or {}).get(day, 0), days[day])) for day in calendar]
        return ForecastLine(
            name=name,
            currency=currency,
            known_nanos=sum(days[day] for day in calendar if day >= self.period.first_day),
            fixed_nanos=booked - of_days,
            forecast=month_forecast(spend, self.period, flagged),
            booked_nanos=booked if self.complete else None,
        )


def _silent(uses: Mapping[str, str], known_to: date) -> dict[str, date]:
    lasts = {provider: date.fromisoformat(day) for provider, day in uses.items()}
    return {
        provider: day
        for provider, day in lasts.items()
        if _SILENT_DAYS <= (known_to - day).days <= _RECENT_DAYS
    }
