"""E10: what a month will come to, with an interval that holds, or the reason there is none.

The rest of the month is the profile of its weekdays times the recent level. The interval comes
from how wrong the same method was on days gone by. A forecast is made of one series: the company's
is made of the company's days, and never by adding up the intervals of its parts.

Sources: token maxing specification, E10, where run rate, last week and three statistical models
did worse; split conformal prediction with the finite-sample quantile, J. Lei et al. (2018), and
with weights that fall with age, R. F. Barber et al. (2023).
`python -m tests.benchmarks.forecast` measures both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import exp
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
MOST_APART: Final = 4
"""Bounds further apart, as a ratio, are no forecast; from half as much to twice as much is one."""

_WEEK: Final = 7
_WEEKS: Final = 8
_LEVEL_WEEKS: Final = 2
# Where nearly nothing is spent on any day, a ratio of nearly nothing says little: a hundredth of a
# usual stretch is added on both sides.
_FLOOR: Final = 0.01
# Stretches that overlap repeat each other's errors: one that begins a sixth of its length later
# is counted as another one.
_NEW_PER_STRETCH: Final = 6
# An error counts half as much as one of a month later: a company is no longer what it was, and one
# Christmas does not widen the whole of next year's intervals.
_HALF_LIFE_DAYS: Final = 30
_SLACK: Final = 1e-12  # of sums of weights
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
            not know of. It is told and not aimed at: a series has few stretches that do not
            overlap, and intervals corrected by what those missed are wider and hold no better.
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
        `FEWEST_DAYS` of history, with less than `FEWEST_ORIGINS` past origins, or when the interval
        is wider than `MOST_APART`.

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
        return Refusal(
            f"{past.origins} weeks of the past to try it on, {FEWEST_ORIGINS} are needed"
        )
    days = past.next_days()
    rest = sum(days)
    held, tried = past.coverage()
    width = past.width()
    low = known + round(max(0.0, (rest + past.floor) * exp(-width) - past.floor))
    high = known + round((rest + past.floor) * exp(width) - past.floor)
    if high > MOST_APART * low:
        return Refusal(_says_nothing(low, high))
    clean = None
    if any(excess):
        honest = [paid - flagged for paid, flagged in zip(spend.nanos, excess, strict=True)]
        clean = known + sum(_Past.of(_since_first_spend(honest), left).next_days())
    return MonthForecast(
        known=known,
        days=days,
        low=low,
        high=high,
        origins=past.origins,
        held=held,
        tried=tried,
        without_excess=clean,
    )


def _says_nothing(low: int, high: int) -> str:
    """Return why an interval is none."""
    if low <= 0:
        return "going by past errors, the rest of the month may cost nothing or a multiple"
    return (
        f"going by past errors, the highest it may come to is {high / low:,.1f} times the lowest;"
        f" more than {MOST_APART} times says nothing"
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

    def width(self) -> float:
        """Return how far off, as a logarithm, the past stretches were at most."""
        order = np.argsort(self.errors, kind="stable")
        reached = np.cumsum(self._weights[order])
        rank = int(np.searchsorted(reached, self._aims[-1]))
        return float(self.errors[order][min(len(order) - 1, rank)])

    def coverage(self) -> tuple[int, int]:
        """Return how many past intervals held, of how many that had enough past of their own."""
        tries = np.arange((FEWEST_ORIGINS - 1) * _WEEK + self.left, len(self.errors))
        # At a start only the stretches that had ended by then were known.
        known = tries - self.left + 1
        was_known = np.arange(len(self.errors))[None, :] < known[:, None]
        is_less = self.errors[None, :] < self.errors[tries][:, None]
        less = np.where(was_known & is_less, self._weights[None, :], 0.0).sum(axis=1)
        return int((less < self._aims[known - 1]).sum()), len(tries)

    @property
    def _weights(self) -> "NDArray[np.float64]":
        """What each error counts; only how they compare matters."""
        age = np.arange(len(self.errors))[::-1]
        return np.asarray(0.5 ** (age / _HALF_LIFE_DAYS))

    @property
    def _aims(self) -> "NDArray[np.float64]":
        """What the errors up to each one must weigh that lie within an interval made of them."""
        weights = self._weights
        total = np.cumsum(weights)
        counted = total**2 / np.cumsum(weights**2)
        different = np.maximum(1.0, np.minimum(counted, _NEW_PER_STRETCH * counted / self.left))
        share = np.minimum(1.0, CONFIDENCE * (different + 1) / different)
        return np.asarray(share * total * (1 - _SLACK))

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
