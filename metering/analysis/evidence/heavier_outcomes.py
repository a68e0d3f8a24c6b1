"""Whether each outcome weighs more inside a window: harder or better work, and no sign of waste.

Work that became harder costs more for each outcome, and each outcome is worth more; a dearer model,
longer answers or longer documents then look like a pattern that they are not (D15). What is looked
for leaves the weight of an outcome as it was. Of records that come as regularly as a calendar, the
totals of a day, the weight is how many there were, and says nothing of this.
"""

from typing import Final

import numpy as np

from metering.analysis.evidence.answering import Answered
from metering.analysis.evidence.heavy_tails import log_mean
from metering.analysis.observed.panel import Bools, Floats, Panel
from metering.analysis.observed.windows import Windows

# By which factors honest work may have become heavier; equally likely beforehand.
_FACTORS: Final = (1.3, 1.6, 1.9, 2.5)
# How often further spend that looks like a pattern is heavier work.
_HEAVIER: Final = 0.25
# How far the mean weight of honest outcomes wanders beside chance, as a log.
_WANDERS: Final = 0.05
_LEAST_SQUARE: Final = 0.02  # of the relative spread of one weight
_LEAST_INSIDE: Final = 4.0
_LEAST_OUTSIDE: Final = 8.0
_MOST: Final = 4.0
# Events of chance vary from week to week by their number; totals of a day by less than half of it.
_REGULAR: Final = 0.5
_CHI_SQUARE_MEDIAN: Final = 0.455  # of one degree of freedom


def heavier_outcomes(panel: Panel, answered: Answered, windows: Windows) -> Floats:
    """Return the evidence that outcomes kept their weight: objects by windows, a log ratio.

    It is below zero where they became heavier, and 0 where too few came, or totals of days.
    """
    count, weight = answered.credited_events, answered.credited_weight
    inside, outside = windows.inside(count), windows.outside(count)
    heavier = (_log(windows.inside(weight)) - _log(inside)) - (
        _log(windows.outside(weight)) - _log(outside)
    )
    error = np.sqrt(
        _relative_square(panel)[:, None]
        * (1 / np.maximum(inside, _LEAST_INSIDE) + 1 / np.maximum(outside, _LEAST_OUTSIDE))
        + _WANDERS**2
    )
    same = -((heavier / error) ** 2) / 2
    became = log_mean([-(((heavier - np.log(factor)) / error) ** 2) / 2 for factor in _FACTORS])
    honest = np.logaddexp(np.log(1 - _HEAVIER) + same, np.log(_HEAVIER) + became)
    told = (inside >= _LEAST_INSIDE) & (outside >= _LEAST_OUTSIDE) & ~_regular(panel)[:, None]
    return np.asarray(np.where(told, np.maximum(same - honest, -_MOST), 0.0), np.float64)


def _relative_square(panel: Panel) -> Floats:
    """Return the squared relative spread of the weight of one outcome, per object."""
    events = panel.on_days(panel.frames.outcomes, "events").sum(axis=1)
    weight = panel.accepted.sum(axis=1)
    square = panel.squares.sum(axis=1) * events / np.maximum(weight**2, 1e-12) - 1
    return np.asarray(np.maximum(square, _LEAST_SQUARE), np.float64)


def _regular(panel: Panel) -> Bools:
    """Say whose outcomes come more evenly by the week than chance allows: per object."""
    events = panel.by_week(panel.on_days(panel.frames.outcomes, "events"))
    if panel.weeks < 2:  # noqa: PLR2004 - a step needs two weeks
        return np.ones(panel.objects, np.bool_)
    steps = np.median(np.diff(events, axis=1) ** 2, axis=1)
    regular: Bools = steps < _REGULAR * 2 * _CHI_SQUARE_MEDIAN * events.mean(axis=1)
    return regular


def _log(values: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(values, 1e-9)), np.float64)
