"""Intervals from drawing blocks of neighbouring weeks again and again.

Weeks resemble their neighbours, so single weeks drawn anew would promise too much. The draws are
the same on every run: equal ledgers give equal intervals.

Source: circular block bootstrap, D. Politis and J. Romano (1992).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, TypeVar

T = TypeVar("T")

_DRAWS: Final = 999
_SEED: Final = 20_260_531
_FEWEST_WEEKS: Final = 6


@dataclass(frozen=True, slots=True)
class Interval:
    """Bounds that a figure lies between with a given confidence; both inclusive."""

    low: float
    high: float


def block_bootstrap(
    weeks: Sequence[T],
    figure: Callable[[Sequence[T]], float | None],
    *,
    confidence: float = 0.8,
    block: int = 3,
) -> Interval | None:
    """Return the interval of a figure over weeks.

    Args:
        weeks: in order of time.
        figure: of any drawing of as many weeks; None where it has no value.
        confidence: 0.8 gives the tenth and the ninetieth percentile.
        block: weeks drawn together.

    Returns:
        None with fewer than six weeks, or when one drawing in twenty has no value: an interval
        that leaves those out would be too narrow.
    """
    count = len(weeks)
    if count < _FEWEST_WEEKS:
        return None
    chance = Random(_SEED)  # noqa: S311 - a repeatable drawing, no secret
    found = []
    for _ in range(_DRAWS):
        drawn: list[T] = []
        while len(drawn) < count:
            start = int(chance.random() * count)
            drawn += [weeks[(start + step) % count] for step in range(block)]
        value = figure(drawn[:count])
        if value is not None:
            found.append(value)
    if 20 * len(found) < 19 * _DRAWS:
        return None
    found.sort()
    # The two-sided rank of order statistics: with 999 draws the bounds are draws themselves.
    below = round((1 - confidence) / 2 * (len(found) + 1)) - 1
    return Interval(found[max(below, 0)], found[min(len(found) - 1 - below, len(found) - 1)])
