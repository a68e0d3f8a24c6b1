"""What a case weighs: one score per object, money at stake with an interval, onset, chance.

The evidence of all windows is averaged, so looking at many of them is paid for. Money and onset are
read off the same weights: a window counts by how well it explains the data.
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np

from metering.analysis.evidence.excess import Excess
from metering.analysis.observed.panel import Bools, Floats, Ints, Panel

# The interval of the excess inside a window, as equally likely points.
_POINTS: Final = tuple(NormalDist().inv_cdf((at + 0.5) / 9) for at in range(9))
_LOW: Final = 0.10
_HIGH: Final = 0.90
_ONE_SIDED_95: Final = 1.645
_POWER_80: Final = 0.842
# Chance is read off the middle half of all scores, which holds none of what is looked for.
_MIDDLE: Final = (0.25, 0.75)
_NORMAL_ERROR_LIMIT: Final = 3.0


@dataclass(frozen=True, slots=True)
class Stakes:
    """Per object.

    Attributes:
        score: log of how much better a pattern explains the data than honest change.
        best: the window that shows it best.
        weight: objects by windows: how much each window counts; rows sum to 1.
        excess: USD paid in the best window beyond what its outcomes answer for.
        p10: its tenth percentile.
        p90: its ninetieth.
        onset: the day.
        onset_margin: days, half of the interval of the middle four fifths.
        p: chance of such a score, from the company's own scores.
        q: Benjamini-Hochberg.
        detectable: the least rise in cost per outcome that would show, as a factor.
        comparable: whether there was a window that could be compared.
    """

    score: Floats
    best: Ints
    weight: Floats
    excess: Floats
    p10: Floats
    p90: Floats
    onset: Floats
    onset_margin: Floats
    p: Floats
    q: Floats
    detectable: Floats
    comparable: Bools


def weigh(panel: Panel, test: Excess) -> Stakes:
    """Weigh every object of a panel; the money is what was paid, not what list prices say."""
    evidence = test.evidence
    score = np.logaddexp.reduce(evidence, axis=1) - np.log(evidence.shape[1])
    weight = np.exp(evidence - evidence.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    best = evidence.argmax(axis=1).astype(np.int64)
    rows = np.arange(panel.objects)
    middle = _best_guess(panel, test, best)
    low, high = _interval(panel, test, weight)
    low, high = np.minimum(low, middle), np.maximum(high, middle)
    first, mid, last = _weighted_quantiles(
        np.broadcast_to(test.windows.first.astype(np.float64), weight.shape), weight
    )
    compared = np.asarray(test.usable.any(axis=1), np.bool_)
    p = np.where(compared, _chance(score, compared), 1.0)
    error = np.minimum(test.error[rows, best], _NORMAL_ERROR_LIMIT)
    return Stakes(
        score=np.asarray(np.round(score, 6), np.float64),
        best=best,
        weight=weight,
        excess=middle,
        p10=low,
        p90=high,
        onset=mid,
        onset_margin=(last - first) / 2,
        p=p,
        q=benjamini_hochberg(p),
        detectable=np.asarray(np.exp((_ONE_SIDED_95 + _POWER_80) * error), np.float64),
        comparable=compared,
    )


def _best_guess(panel: Panel, test: Excess, best: Ints) -> Floats:
    """Return what was paid in the best window beyond what its outcomes answer for."""
    rows = np.arange(panel.objects)
    rise = np.maximum(test.excess[rows, best] / test.elasticity, 0.0)
    return np.asarray(test.windows.inside(panel.paid)[rows, best] * -np.expm1(-rise), np.float64)


def _interval(panel: Panel, test: Excess, weight: Floats) -> tuple[Floats, Floats]:
    """Return the tenth and the ninetieth percentile over windows and their errors."""
    paid = test.windows.inside(panel.paid)
    rise = test.excess / test.elasticity
    error = test.error / test.elasticity
    usd = [paid * -np.expm1(-np.maximum(rise + at * error, 0.0)) for at in _POINTS]
    spread = np.concatenate(usd, axis=1)
    points = np.tile(weight / len(_POINTS), (1, len(_POINTS)))
    low, _, high = _weighted_quantiles(spread, points)
    return low, high


def _weighted_quantiles(values: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the tenth, the middle and the ninetieth percentile of each row."""
    order = np.argsort(values, axis=1, kind="stable")
    ordered = np.take_along_axis(values, order, axis=1)
    running = np.cumsum(np.take_along_axis(weight, order, axis=1), axis=1)
    last = values.shape[1] - 1
    found = []
    for quantile in (_LOW, 0.5, _HIGH):
        at = np.minimum((running < quantile).sum(axis=1), last)
        found.append(np.asarray(np.take_along_axis(ordered, at[:, None], axis=1)[:, 0], np.float64))
    return found[0], found[1], found[2]


def _chance(score: Floats, compared: Bools) -> Floats:
    """Return how likely a score at least so high is, if the object is like the middle half."""
    low, high = np.quantile(score[compared] if compared.any() else score, _MIDDLE)
    falls = np.log((1 - _MIDDLE[0]) / (1 - _MIDDLE[1])) / max(float(high - low), 1e-6)
    tail = (1 - _MIDDLE[1]) * np.exp(-falls * (score - high))
    return np.asarray(np.minimum(1.0, tail), np.float64)


def benjamini_hochberg(p: Floats) -> Floats:
    """Return the q values: the share of chance expected in a list that ends at each p.

    Source: Benjamini and Hochberg 1995.
    """
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    falling = np.minimum.accumulate(scaled[::-1])[::-1]
    found = np.empty_like(p)
    found[order] = np.minimum(falling, 1.0)
    return found
