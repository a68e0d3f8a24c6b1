"""What a detector answers: a number before and after, or that there is too little to say."""

from dataclasses import dataclass

import numpy as np

from metering.analysis.observed.panel import Bools, Floats


@dataclass(frozen=True, slots=True)
class Reading:
    """One detector's answer for one object and window.

    Attributes:
        measure: what is measured, with its unit.
        before: outside of the window; None where there is no such number.
        after: inside of the window.
        n_before: on how many `counted` the number before rests.
        n_after: likewise.
        counted: days, weeks, requests, outcomes, keys, people, months, blocks, peers.
        strength: how much it stands out, in the detector's own measure; None when refused.
        usd: what it would cost by itself; None where the detector says no money.
        refused: "8 of 16 weeks" where there is too little; "" otherwise.
    """

    measure: str
    before: float | None
    after: float | None
    n_before: int
    n_after: int
    counted: str
    strength: float | None = None
    usd: float | None = None
    refused: str = ""


def too_little(measure: str, there: int, needed: int, counted: str) -> Reading:
    """Return the answer of a detector whose minimum is not reached."""
    return Reading(measure, None, None, there, 0, counted, refused=f"{there} of {needed} {counted}")


def split(values: Floats, inside: Bools) -> tuple[Floats, Floats]:
    """Return the values outside and inside of a window."""
    return values[~inside], values[inside]


def ratio(above: Floats, below: Floats) -> float:
    """Return a ratio of sums; 0 over nothing."""
    whole = float(below.sum())
    return float(above.sum()) / whole if whole > 0 else 0.0


MAD: float = 1.4826
"""What makes the median absolute deviation of normal values their standard deviation."""

LOG_FLOOR: float = 0.10
"""A spread on the log scale is at least this, so that a flat series cannot explode."""


def robust_spread(values: Floats) -> float:
    """Return the scaled median absolute deviation, floored for the log scale."""
    middle = np.median(values)
    return max(MAD * float(np.median(np.abs(values - middle))), LOG_FLOOR)
