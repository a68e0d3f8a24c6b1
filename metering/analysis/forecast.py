"""E10: what a month will come to, with an interval that holds, or the reason there is none.

The rest of the month is the profile of its weekdays times the recent level. The interval comes
from how wrong the same method was on days gone by. A forecast is made of one series: the company's
is made of the company's days, and never by adding up the intervals of its parts.

Sources: token maxing specification, E10, where run rate, last week and three statistical models
did worse; split conformal prediction with the finite-sample quantile, J. Lei et al. (2018).
`python -m tests.benchmarks.forecast` measures both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil, exp
from typing import TYPE_CHECKING, Final

import numpy as np

from metering.core.money import apportion
from metering.core.periods import BillingPeriod

if TYPE_CHECKING:
    from numpy.typing import NDArray

METHOD: Final = "weekday median of 8 weeks x level of the last 14 days"
CONFIDENCE: Final = 0.8
FEWEST_ORIGINS: Final = 8
FEWEST_DAYS: Final = 28

_WEEK: Final = 7
_WEEKS: Final = 8
_LEVEL_WEEKS: Final = 2
# Where nearly nothing is spent on any day, a ratio of nearly nothing says little: a hundredth of a
# usual stretch is added on both sides.
_FLOOR: Final = 0.01
# Stretches that overlap repeat each other's errors: one that begins a sixth of its length later
# is counted as another one.
_NEW_PER_STRETCH: Final = 6
_WEIGHT: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class DailySpend:
    """The spend of every day of a stretch.

    Attributes:
        first: the day of the first amount.
        nanos: one amount per day, 0 for a day without spend; the last day is the last one known.
    """

    first: date
    nanos: tuple[int, ...]

    @property
    def last(self) -> date:
        """The last day known."""
        return self.first + timedelta(days=len(self.nanos) - 1)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no forecast.

    Attributes:
        reason: a sentence's end: "no forecast: …".
    """

    reason: str


@dataclass(frozen=True, slots=True)
class MonthForecast:
    """What a month will come to; amounts in nanos.

    Attributes:
        known: of the days that are known.
        days: of each day that is left, in order.
        low, high: the month's total lies between them with the confidence `CONFIDENCE`.
        origins: past days, a week apart, that the interval was measured on.
        held, tried: of past intervals, how many held, measured on days that each of them could
            not know of; by what they missed `CONFIDENCE`, `low` and `high` are wider or narrower.
        without_excess: the month's total if flagged excess stops now; None when none is flagged.
    """

    known: int
    days: tuple[int, ...]
    low: int
    high: int
    origins: int
    held: int
    tried: int
    without_excess: int | None = None

    @property
    def total(self) -> int:
        """The month's total."""
        return self.known + sum(self.days)


def month_forecast(
    spend: DailySpend, period: BillingPeriod, excess: Sequence[int] = ()
) -> MonthForecast | Refusal:
    """Forecast what a month will come to.

    Args:
        spend: every day up to the last one known, which lies in the month or just before it.
        period: the month.
        excess: the flagged part of each amount of `spend`, or nothing.

    Returns:
        The forecast; a month whose days are all known is its own forecast. A refusal when a day
        before the month is the last one known, when nothing was ever spent, with less than
        `FEWEST_DAYS` of history, or with less than `FEWEST_ORIGINS` past origins.

    Raises:
        ValueError: the last day known lies beyond the month.
    """
    if spend.last >= period.end_day:
        raise ValueError(f"{spend.last} lies beyond {period}")
    left = (period.end_day - spend.last).days - 1
    if left > (period.end_day - period.first_day).days:
        return Refusal(f"nothing is known of the days before {period.first_day}")
    in_month = max(0, (spend.last - period.first_day).days + 1)
    known = sum(spend.nanos[len(spend.nanos) - in_month :])
    if not left:
        return MonthForecast(known, (), known, known, 0, 0, 0)
    lasting = _since_first_spend(spend.nanos)
    if len(lasting) < FEWEST_DAYS:
        return Refusal(f"{len(lasting)} days of history, {FEWEST_DAYS} are needed")
    past = _Past.of(lasting, left)
    if past.origins < FEWEST_ORIGINS:
        return Refusal(f"{past.origins} past origins, {FEWEST_ORIGINS} are needed")
    days = past.next_days()
    rest = sum(days)
    held, tried = past.coverage()
    width = past.width(len(past.errors), past.confidence(held, tried))
    clean = None
    if any(excess):
        honest = [paid - flagged for paid, flagged in zip(spend.nanos, excess, strict=True)]
        clean = known + sum(_Past.of(_since_first_spend(honest), left).next_days())
    return MonthForecast(
        known=known,
        days=days,
        low=known + round(max(0.0, (rest + past.floor) * exp(-width) - past.floor)),
        high=known + round((rest + past.floor) * exp(width) - past.floor),
        origins=past.origins,
        held=held,
        tried=tried,
        without_excess=clean,
    )


def _since_first_spend(nanos: Sequence[int]) -> "NDArray[np.float64]":
    spent = np.asarray(nanos, dtype=np.float64)
    paid = np.flatnonzero(spent)
    return spent[paid[0] :] if paid.size else spent[:0]


@dataclass(frozen=True, slots=True)
class _Past:
    """All stretches of one length in the past: what was forecast at their start, and what came.

    Attributes:
        left: days of a stretch.
        profile: the shape of the days that come now.
        rest: the forecast of the stretch that comes now.
        floor: see `_FLOOR`, in nanos.
        errors: absolute logarithmic error of the past stretches, oldest first.
    """

    left: int
    profile: "NDArray[np.float64]"
    rest: float
    floor: float
    errors: "NDArray[np.float64]"

    @classmethod
    def of(cls, spent: "NDArray[np.float64]", left: int) -> "_Past":
        profiles = _profiles(spent)
        forecast = _forecasts(spent, profiles, left)
        sums = np.concatenate(([0.0], np.cumsum(spent)))
        rest = float(forecast[-1])
        floor = _FLOOR * max(rest, float(spent.mean()) * left)
        starts = np.arange(FEWEST_DAYS, len(spent) - left + 1)
        came = sums[starts + left] - sums[starts]
        errors = np.abs(np.log((_positive(came) + floor) / (_positive(forecast[starts]) + floor)))
        return cls(left, profiles[-1], rest, floor, errors)

    @property
    def origins(self) -> int:
        """How many starts of past stretches there are, a week apart."""
        return -(-len(self.errors) // _WEEK)

    def width(self, count: int, confidence: float = CONFIDENCE) -> float:
        """Return how far off, as a logarithm, the earliest `count` stretches were at most."""
        different = max(1.0, min(count, _NEW_PER_STRETCH * count / self.left))
        share = min(1.0, confidence * (different + 1) / different)
        rank = min(count, ceil(share * count)) - 1
        return float(np.partition(self.errors[:count], rank)[rank])

    def coverage(self) -> tuple[int, int]:
        """Return how many past intervals held, of how many that had enough past of their own."""
        first = (FEWEST_ORIGINS - 1) * _WEEK + self.left
        tries = range(first, len(self.errors))
        # At a start only the stretches that had ended by then were known.
        held = sum(self.errors[at] <= self.width(at - self.left + 1) for at in tries)
        return int(held), len(tries)

    def confidence(self, held: int, tried: int) -> float:
        """Return what to aim at: off `CONFIDENCE` by what past intervals missed it by."""
        return CONFIDENCE + (CONFIDENCE - held / tried if tried else 0.0)

    def next_days(self) -> tuple[int, ...]:
        """Return the forecast of each day that comes, in nanos."""
        rest = round(max(0.0, self.rest))
        shape = [self.profile[at % _WEEK] for at in range(self.left)]
        most = max(shape, default=0.0)
        weights = {
            f"{at:03d}": round(_WEIGHT * max(0.0, day) / most) if most > 0 else 1
            for at, day in enumerate(shape)
        }
        return tuple(apportion(rest, weights).values())


def _profiles(spent: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Return, for each day and the day after the last, the medians of its next seven weekdays."""
    start = np.arange(len(spent) + 1)[:, None, None]
    day = np.arange(_WEEK)[None, :, None]
    weeks_ago = np.arange(1, _WEEKS + 1)[None, None, :]
    at = start + day - _WEEK * weeks_ago
    values = np.where(at >= 0, spent[np.clip(at, 0, len(spent) - 1)], np.nan)
    # In the first week no day has a predecessor; a median of nothing would warn.
    values[:_WEEK, :, 0] = np.nan_to_num(values[:_WEEK, :, 0])
    return np.asarray(np.nanmedian(values, axis=2))


def _forecasts(
    spent: "NDArray[np.float64]", profiles: "NDArray[np.float64]", left: int
) -> "NDArray[np.float64]":
    """Return what was, or is, forecast at each day for the days that are `left` from it on."""
    sums = np.concatenate(([0.0], np.cumsum(spent)))
    at = np.arange(len(spent) + 1)
    week = profiles.sum(axis=1)
    weeks, days = divmod(left, _WEEK)
    shape = weeks * week + profiles[:, :days].sum(axis=1)
    recent = sums[at] - sums[np.maximum(at - _LEVEL_WEEKS * _WEEK, 0)]
    # Where most days of every weekday are empty, the profile is: then the mean of four weeks.
    since = np.maximum(at - FEWEST_DAYS, 0)
    mean = (sums[at] - sums[since]) / np.maximum(at - since, 1)
    usual = np.where(week > 0, week, 1.0)
    return np.where(week > 0, recent / (_LEVEL_WEEKS * usual) * shape, mean * left)


def _positive(amounts: "NDArray[np.float64]") -> "NDArray[np.float64]":
    # Credits may outweigh what is spent; a logarithm has no room for it.
    return np.maximum(amounts, 0.0)
