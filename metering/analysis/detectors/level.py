"""Level and slope of an object's own series: D01 to D05 and D08.

None of these knows outcomes (D02, D03 and D05 are given series that do): alone they find growth,
launches and backfills as readily as waste, so they date and describe, and never flag.
"""

from statistics import NormalDist
from typing import Final

import numpy as np

from metering.analysis.detectors.reading import (
    MAD,
    Reading,
    robust_spread,
    split,
    too_little,
)
from metering.analysis.observed.panel import Bools, Floats

_LEVEL_WEEKS: Final = 8
_CHANGE_POINT_WEEKS: Final = 16
_SEGMENT_WEEKS: Final = 3
_CREEP_WEEKS: Final = 12
_SEASONAL_DAYS: Final = 42
_MOST_OUTLIERS: Final = 10
_OUTLIER_LEVEL: Final = 0.05
_PEERS: Final = 8
_CUSUM_ALLOWANCE: Final = 0.5
_WEEK: Final = 7


def robust_level_shift(weekly: Floats, inside: Bools) -> Reading:
    """D01: how many robust deviations the weeks of a window stand above the weeks before it.

    Args:
        weekly: a series of 0 or more.
        inside: the weeks of the window; the baseline is what lies before its first week.
    """
    measure = "weekly spend, robust deviations above the weeks before"
    first = int(inside.argmax())
    active = int((weekly[:first] > 0).sum())
    if len(weekly) < _LEVEL_WEEKS or active < 5 or not inside.any():  # noqa: PLR2004 - the catalogue's baseline
        return too_little(measure, len(weekly), _LEVEL_WEEKS, "weeks")
    logs = np.log1p(weekly)
    before, after = logs[:first], logs[inside]
    z = (np.median(after) - np.median(before)) / robust_spread(before)
    return Reading(
        *(measure, float(np.expm1(np.median(before))), float(np.expm1(np.median(after)))),
        *(len(before), len(after), "weeks"),
        strength=float(z),
    )


def cusum(residual: Floats, inside: Bools) -> Reading:
    """D02: the highest one-sided CUSUM of weekly log spend beyond outcomes; alarm above 4 to 5.

    Args:
        residual: per week; centred and scaled here by the weeks outside of the window.
        inside: the weeks of the window.
    """
    measure = "cumulated weekly excess, alarm above 5"
    known = np.isfinite(residual)
    outside = residual[~inside & known]
    if len(outside) < _LEVEL_WEEKS:
        return too_little(measure, len(outside), _LEVEL_WEEKS, "weeks")
    scaled = np.where(known, residual - np.median(outside), 0.0) / robust_spread(outside)
    path, level = np.zeros(len(scaled)), 0.0
    for week, value in enumerate(scaled):
        level = max(0.0, level + float(value) - _CUSUM_ALLOWANCE)
        path[week] = level
    before, after = split(path, inside)
    highest = float(after.max(initial=0.0))
    return Reading(
        *(measure, float(before.max(initial=0.0)), highest, len(before), len(after), "weeks"),
        strength=highest,
    )


def change_point(unit_cost: Floats) -> Reading:
    """D03: the week that splits log unit cost best into two levels; a date, never a verdict."""
    measure = "cost per outcome, before and after its largest break"
    logs = np.log(unit_cost[np.isfinite(unit_cost) & (unit_cost > 0)])
    weeks = len(logs)
    if weeks < _CHANGE_POINT_WEEKS:
        return too_little(measure, weeks, _CHANGE_POINT_WEEKS, "weeks")
    at = np.arange(_SEGMENT_WEEKS, weeks - _SEGMENT_WEEKS + 1)
    t = np.array([_two_levels(logs[:week], logs[week:]) for week in at])
    best = int(at[np.abs(t).argmax()])
    return Reading(
        *(measure, float(np.exp(logs[:best].mean())), float(np.exp(logs[best:].mean()))),
        *(best, weeks - best, "weeks"),
        strength=float(t[np.abs(t).argmax()]),
    )


def _two_levels(before: Floats, after: Floats) -> float:
    pooled = before.var() * len(before) + after.var() * len(after)
    spread = np.sqrt(max(pooled, 1e-12) / max(len(before) + len(after) - 2, 1))
    return float(
        (after.mean() - before.mean()) / (spread * np.sqrt(1 / len(before) + 1 / len(after)))
    )


def seasonal_outliers(daily: Floats, weekday: Floats, masked: Bools, inside: Bools) -> Reading:
    """D04: days that stand out of weekday and running level, by generalised ESD, at most ten.

    Args:
        daily: a series of 0 or more.
        weekday: 0 to 6 per day.
        masked: holidays and outages, left out.
        inside: the days of the window.

    Source: Rosner 1983, with normal in place of t quantiles, which are close at 40 days and more.
    """
    measure = "days far above their weekday"
    if len(daily) < _SEASONAL_DAYS:
        return too_little(measure, len(daily), _SEASONAL_DAYS, "days")
    logs = np.log1p(daily)
    level = np.array(
        [np.median(logs[max(0, d - 14) : d + 15]) for d in range(len(logs))], np.float64
    )
    rest = logs - level
    for number in range(_WEEK):
        same = weekday == number
        rest[same] -= np.median(rest[same]) if same.any() else 0.0
    used = np.flatnonzero(~masked)
    spread = max(MAD * float(np.median(np.abs(rest[used]))), 0.1)
    order = used[np.argsort(-rest[used], kind="stable")]
    out = 0
    for taken in range(min(_MOST_OUTLIERS, len(order))):
        left = len(used) - taken
        limit = NormalDist().inv_cdf(1 - _OUTLIER_LEVEL / left)
        if rest[order[taken]] / spread > limit:
            out = taken + 1
    found = np.zeros(len(daily), np.bool_)
    found[order[:out]] = True
    before, after = int((found & ~inside).sum()), int((found & inside).sum())
    return Reading(
        *(measure, float(before), float(after), int((~inside).sum()), int(inside.sum()), "days"),
        strength=float(after),
    )


def peer_percentile(value: float, peers: Floats) -> Reading:
    """D05: where a ratio stands among objects of the same function, itself left out."""
    measure = "cost per outcome, percentile among peers"
    known = peers[np.isfinite(peers)]
    if len(known) < _PEERS or not np.isfinite(value):
        return too_little(measure, len(known), _PEERS, "peers")
    share = 100 * float((known < value).mean())
    return Reading(measure, 50.0, share, len(known), 1, "peers", strength=share)


def creep(spend: Floats, outcomes: Floats) -> Reading:
    """D08: Theil-Sen slope of log spend less that of log outcomes over the last 20 weeks.

    `strength` is the lower end of its 90 % interval in per cent a week; above 2 it creeps.
    """
    measure = "growth of spend beyond outcomes, per cent a week"
    spend, outcomes = spend[-20:], outcomes[-20:]
    known = np.isfinite(outcomes) & (outcomes > 0) & (spend > 0)
    if known.sum() < _CREEP_WEEKS:
        return too_little(measure, int(known.sum()), _CREEP_WEEKS, "weeks")
    weeks = np.flatnonzero(known).astype(np.float64)
    logs = np.log(spend[known]) - np.log(outcomes[known])
    slope, low = theil_sen(weeks, logs)
    return Reading(
        *(measure, 0.0, 100 * float(np.expm1(slope)), 0, int(known.sum()), "weeks"),
        strength=100 * float(np.expm1(low)),
    )


def theil_sen(x: Floats, y: Floats) -> tuple[float, float]:
    """Return the median of all pairwise slopes, and the lower end of its 90 % interval.

    Source: Sen 1968; the variance of Kendall's statistic without ties.
    """
    i, j = np.triu_indices(len(x), 1)
    slopes = np.sort((y[j] - y[i]) / (x[j] - x[i]))
    n = len(x)
    wide = NormalDist().inv_cdf(0.95) * np.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    at = int(np.clip(round((len(slopes) - wide) / 2), 0, len(slopes) - 1))
    return float(np.median(slopes)), float(slopes[at])
