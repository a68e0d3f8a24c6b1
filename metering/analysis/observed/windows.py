"""Candidate windows of usage: from an onset to an end, and what lies inside and outside of them."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from metering.analysis.observed.panel import Bools, Floats, Ints

_FIRST_ONSET_DAY: Final = 28
_STEP_DAYS: Final = 3
_LENGTHS_DAYS: Final = (14, 21, 28, 42, 63)
_SHORTEST_DAYS: Final = 14
LENGTH_CLASSES_DAYS: Final = (18, 25, 35, 50)
"""Spreads are estimated for windows of like length together; upper bounds in days."""

_INSIDE_DAYS: Final = 7.0
_OUTSIDE_DAYS: Final = 21.0


@dataclass(frozen=True, slots=True)
class Windows:
    """Stretches of days, half-open.

    Attributes:
        first: the first day of each, an onset.
        end: the day after the last.
        days: how many days the panel has.
    """

    first: Ints
    end: Ints
    days: int

    @property
    def length_class(self) -> Ints:
        """Windows of like length have the same number."""
        return np.asarray(np.digitize(self.end - self.first, LENGTH_CLASSES_DAYS), np.int64)

    def inside(self, grid: Floats) -> Floats:
        """Return objects by windows: the sum over the days of each window."""
        running = np.pad(np.cumsum(grid, axis=1), ((0, 0), (1, 0)))
        return np.asarray(running[:, self.end] - running[:, self.first], np.float64)

    def outside(self, grid: Floats) -> Floats:
        """Return objects by windows: the sum over all other days."""
        return np.asarray(grid.sum(axis=1, keepdims=True) - self.inside(grid), np.float64)


def candidate_windows(days: int) -> Windows:
    """Return the windows that are looked at: onsets every third day, six lengths.

    None begins in the first four weeks, which are the least baseline; none is shorter than two. Of
    too few days there is one window, which never has enough outside of it to be compared.
    """
    found = [
        (onset, onset + length)
        for onset in range(_FIRST_ONSET_DAY, days - _SHORTEST_DAYS + 1, _STEP_DAYS)
        for length in (*_LENGTHS_DAYS, days - onset)
        if onset + length < days or length == days - onset
    ]
    pairs = np.array(found or [(days // 2, days)], np.int64).reshape(-1, 2)
    return Windows(pairs[:, 0], pairs[:, 1], days)


def enough_observed(windows: Windows, observed: Floats) -> Bools:
    """Say which windows of which objects have outcomes that can be compared: objects by windows.

    Inside, a week's worth of outcomes can have come; outside, three weeks' worth.
    """
    enough: Bools = (windows.inside(observed) >= _INSIDE_DAYS) & (
        windows.outside(observed) >= _OUTSIDE_DAYS
    )
    return enough
