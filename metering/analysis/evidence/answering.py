"""Which usage an outcome answers for: how long work takes, and what has not come yet.

Work that costs today is accepted days or weeks later. How long that takes is read off the tasks
whose keys tell (usage under a key, then an outcome under the same key), per cost object and,
where an object has few, per function. Each outcome is then credited to the days of usage that may
have led to it, in proportion to their spend, and each day of usage knows which share of its
outcomes can have come by the last day: later ones are pending, and count neither for nor against.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from metering.analysis.observed.panel import Bools, Floats, Panel

_LONGEST_DAYS: Final = 100
# An object's own outcomes count against this many of its function, and a function's against this
# many spread evenly over the first half of its attribution window.
_FUNCTION_WEIGHT: Final = 10.0
_DEFAULT_WEIGHT: Final = 5.0
_SMOOTHING: Final = (0.25, 0.5, 0.25)
_LEAST_SHARE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Answered:
    """Outcomes, credited to days of usage.

    Attributes:
        credited: objects by days: net weight credited to the usage of a day.
        credited_events: likewise, how many outcomes were accepted.
        credited_weight: likewise, their weight before reversals.
        observed: objects by days: the share of a day's outcomes that can have been seen, 0 to 1.
        expected: objects by days: spend whose outcomes fall on a day, in USD.
        lag_days: mean time from usage to outcome, per object.
    """

    credited: Floats
    credited_events: Floats
    credited_weight: Floats
    observed: Floats
    expected: Floats
    lag_days: Floats


def answer(panel: Panel, spend: Floats, seen: Bools) -> Answered:
    """Credit the outcomes of a panel to days of spend.

    Args:
        panel: with outcomes and lags.
        spend: objects by days, of what outcomes are credited to.
        seen: objects by days: whether outcomes of the day can be in the data; False in a gap of
            the feed.
    """
    lags = _lags(panel)
    used = np.maximum(spend, 0) + _LEAST_SHARE * spend.mean(axis=1, keepdims=True) + 1e-12
    before = _before_the_data(panel, used, lags)
    expected = _delayed(used, lags) + before
    floor = _LEAST_SHARE * used.mean(axis=1, keepdims=True)

    def credited(outcomes: Floats) -> Floats:
        per_usd = np.where(seen, outcomes, 0.0) / np.maximum(expected, floor)
        return np.asarray(used * _foreshadowed(per_usd, lags), np.float64)

    return Answered(
        credited=credited(panel.net),
        credited_events=credited(panel.on_days(panel.frames.outcomes, "events")),
        credited_weight=credited(panel.accepted),
        observed=np.clip(_foreshadowed(seen.astype(np.float64), lags), 0.0, 1.0),
        expected=np.where(seen, expected, 0.0),
        lag_days=lags @ np.arange(lags.shape[1], dtype=np.float64),
    )


def _lags(panel: Panel) -> Floats:
    """Return per object the distribution of days from usage to outcome; rows sum to 1."""
    table = panel.frames.lags
    table = table[table["lag"] <= _LONGEST_DAYS]
    own = np.zeros((panel.objects, _LONGEST_DAYS + 1))
    at = (table["object"].to_numpy(np.int64), table["lag"].to_numpy(np.int64))
    np.add.at(own, at, table["events"].to_numpy(np.float64))
    functions = np.array(panel.functions)
    found = np.zeros_like(own)
    for function in sorted(set(panel.functions)):
        members = np.flatnonzero(functions == function)
        half = max(1, int(np.median(panel.window_days[members])) // 2)
        even = np.zeros(_LONGEST_DAYS + 1)
        even[: min(half, _LONGEST_DAYS) + 1] = 1.0
        pooled = own[members].sum(axis=0) + _DEFAULT_WEIGHT * even / even.sum()
        pooled /= pooled.sum()
        found[members] = own[members] + _FUNCTION_WEIGHT * pooled
    edged = np.pad(found, ((0, 0), (1, 1)), mode="edge")
    left, middle, right = _SMOOTHING
    smooth = left * edged[:, :-2] + middle * edged[:, 1:-1] + right * edged[:, 2:]
    return np.asarray(smooth / smooth.sum(axis=1, keepdims=True), np.float64)


def _delayed(values: Floats, lags: Floats) -> Floats:
    """Return for each day the sum of earlier values, each weighted by how likely its lag is."""
    days = values.shape[1]
    length = 1 << int(np.ceil(np.log2(days + lags.shape[1])))
    product = np.fft.rfft(values, length) * np.fft.rfft(lags, length)
    return np.asarray(np.fft.irfft(product, length)[:, :days], np.float64)


def _foreshadowed(values: Floats, lags: Floats) -> Floats:
    """Return for each day the sum of later values, each weighted by how likely its lag is."""
    return _delayed(values[:, ::-1], lags)[:, ::-1]


def _before_the_data(panel: Panel, used: Floats, lags: Floats) -> Floats:
    """Return the spend before the first day whose outcomes fall into the data.

    An object that was at work before the data begins has outcomes from the first day on; one that
    begins with the data has none until its first work is done. Which of both it is shows in the
    outcomes of that first stretch.
    """
    days = panel.days
    usual = used[:, : min(14, days)].mean(axis=1, keepdims=True)
    not_yet = 1.0 - np.cumsum(lags, axis=1)
    earlier = np.zeros_like(used)
    reach = min(days, lags.shape[1])
    earlier[:, :reach] = np.maximum(0.0, usual * not_yet[:, :reach])
    mean = lags @ np.arange(lags.shape[1], dtype=np.float64)
    begins = _delayed(used, lags)
    first = np.arange(days)[None, :] < np.maximum(1.0, mean)[:, None]
    rate = panel.net.sum(axis=1) / np.maximum(begins.sum(axis=1), 1e-12)
    got = np.where(first, panel.net, 0.0).sum(axis=1)
    new = rate * np.where(first, begins, 0.0).sum(axis=1)
    running = rate * np.where(first, begins + earlier, 0.0).sum(axis=1)
    was_at_work = np.abs(got - running) < np.abs(got - new)
    return np.where(was_at_work[:, None], earlier, 0.0)
