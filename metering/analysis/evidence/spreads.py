"""How far honest objects move: dispersion, drift and elasticity, estimated from the data at hand.

What an object does is judged against how much the company's objects move anyway. The estimates are
medians and lower halves, so that what is looked for does not widen them, and they are stated in
coarse steps: as printed is as used, and one unrelated team more or less does not turn a verdict.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from metering.analysis.observed.panel import Bools, Floats, Panel
from metering.analysis.observed.windows import Windows

_MAD: Final = 0.6745
_CHI_SQUARE_MEDIAN: Final = 0.455  # of one degree of freedom
_STEP: Final = 0.05

DRIFT_FALLBACK: Final = 0.25
ELASTICITY_FALLBACK: Final = 0.9
"""Where there is too little data to estimate (token-maxing, section 10)."""

_DRIFT: Final = (0.12, 0.60)
_GROWTH: Final = (0.15, 0.60)
_COMPARISONS: Final = 50
# How sure the fallback is: the standard deviation of elasticity between companies.
_ELASTICITY_PRIOR: Final = 0.10
_ELASTICITY: Final = (0.6, 1.0)
_MOVED: Final = 0.25
_OBJECTS: Final = 8
_FUNCTION_WEEKS: Final = 15.0
_BLOCK_WEEKS: Final = 2
_ENOUGH: Final = 4  # weeks of an object, objects of a function
_NOTHING: Final = 1e-6


def stated(value: float, step: float = _STEP) -> float:
    """Return an estimate as it is printed and used."""
    return round(round(value / step) * step, 6)


@dataclass(frozen=True, slots=True)
class Spread:
    """How honest objects move over windows of a like length.

    Attributes:
        drift: standard deviation of log outcomes per spend beside counting noise (tau).
        growth: scale of log spend inside over outside.
        is_estimated: False when there were too few comparisons and the fallback stands.
    """

    drift: float
    growth: float
    is_estimated: bool


def weight_per_outcome(panel: Panel, expected: Floats) -> Floats:
    """Return per object the weight that carries as much information as one Poisson event.

    It is the ratio of variance to mean of a fortnight's weight around what the fortnights before
    and after lead to expect, so that lumpy releases and bundled counts speak as softly as they
    should. No window is shorter: a release every tenth day is uneven by the week, and not by the
    month. Few weeks are drawn towards the median of the function.
    """
    sums, due = (_blocks(panel.by_week(of)) for of in (panel.net, expected))
    before, here, after = sums
    share = due[1] / np.maximum(due[0] + due[2], 1e-12)
    rest = here - share * (before + after)
    mean = np.maximum((before + here + after) / 3, 1e-9)
    used = mean > _NOTHING
    variance = np.where(used, rest**2, 0.0).sum(axis=1)
    scale = np.where(used, mean * (1 + share), 0.0).sum(axis=1)
    typical = panel.squares.sum(axis=1) / np.maximum(panel.accepted.sum(axis=1), 1e-9)
    ratio = variance / np.maximum(scale, 1e-9) / np.maximum(typical, 1e-9)
    logs = np.log(np.maximum(ratio, 0.01))
    weeks = used.sum(axis=1) / _BLOCK_WEEKS
    found = np.ones(panel.objects)
    functions = np.array(panel.functions)
    for function in sorted(set(panel.functions)):
        members = functions == function
        known = members & (typical > 0) & (used.sum(axis=1) >= _ENOUGH)
        middle = stated(float(np.median(logs[known]))) if known.sum() >= _ENOUGH else 0.0
        drawn = (weeks * logs + _FUNCTION_WEEKS * middle) / (weeks + _FUNCTION_WEEKS)
        found[members] = (np.maximum(typical, 1e-9) * np.exp(drawn))[members]
    return np.where(typical > 0, found, 1.0)


def _blocks(weekly: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the sums of every fortnight that has one before and one after: those three."""
    running = np.pad(np.cumsum(weekly, axis=1), ((0, 0), (1, 0)))
    sums = running[:, _BLOCK_WEEKS:] - running[:, :-_BLOCK_WEEKS]
    count = max(0, sums.shape[1] - 2 * _BLOCK_WEEKS)
    before, here, after = (
        sums[:, at : at + count] for at in range(0, 3 * _BLOCK_WEEKS, _BLOCK_WEEKS)
    )
    return before, here, after


def spreads(
    windows: Windows, excess: Floats, noise: Floats, growth: Floats, usable: Bools
) -> dict[int, Spread]:
    """Return the spreads by class of length.

    Args:
        windows: the windows.
        excess: objects by windows: log spend ratio less log outcome ratio.
        noise: its counting error.
        growth: log spend ratio.
        usable: which of them can be compared.
    """
    found = {}
    for number in np.unique(windows.length_class):
        of_class = windows.length_class == number
        used = usable[:, of_class]
        if used.sum() < _COMPARISONS:
            found[int(number)] = Spread(DRIFT_FALLBACK, _GROWTH[1], is_estimated=False)
            continue
        drift = _drift(excess[:, of_class][used], noise[:, of_class][used])
        values = growth[:, of_class][used]
        below = np.median(values) - values
        scale = float(np.median(below[below > 0])) / _MAD if (below > 0).any() else _GROWTH[0]
        found[int(number)] = Spread(
            drift, stated(float(np.clip(scale, *_GROWTH))), is_estimated=True
        )
    return found


def _drift(excess: Floats, noise: Floats) -> float:
    """Return the drift that explains the lower half: waste only ever raises the upper one."""
    middle = np.median(excess)
    lower = excess < middle
    squares, errors = (excess[lower] - middle) ** 2, noise[lower] ** 2
    low, high = _DRIFT
    if not lower.any():
        return DRIFT_FALLBACK
    for _ in range(30):
        drift = (low + high) / 2
        if np.median(squares / (errors + drift**2)) > _CHI_SQUARE_MEDIAN:
            low = drift
        else:
            high = drift
    return max(_DRIFT[0], stated((low + high) / 2))


def elasticity(growth: Floats, answered: Floats, noise: Floats, usable: Bools) -> float:
    """Return by which power of spend honest outcomes grow.

    The median over objects of log outcome ratio over log spend ratio, each at the window in which
    its spend moved most, drawn towards the fallback by as much as they disagree.
    """
    moved = np.where(usable & (noise < 1.0), np.abs(growth), 0.0)
    at = moved.argmax(axis=1)
    rows = np.flatnonzero(moved.max(axis=1) > _MOVED)
    if len(rows) < _OBJECTS:
        return ELASTICITY_FALLBACK
    slopes = answered[rows, at[rows]] / growth[rows, at[rows]]
    middle = float(np.median(slopes))
    error = 1.25 * float(np.median(np.abs(slopes - middle))) / _MAD / np.sqrt(len(rows))
    own, prior = 1 / max(error, 0.02) ** 2, 1 / _ELASTICITY_PRIOR**2
    drawn = (own * middle + prior * ELASTICITY_FALLBACK) / (own + prior)
    return stated(float(np.clip(drawn, *_ELASTICITY)))
