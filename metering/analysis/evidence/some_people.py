"""Whether the spend of some of the people moved while that of the others did not.

A launch, a backlog or a new kind of document moves everybody of a project alike; a loop, a race or
a prompt that nobody trims is of some of them. Each person is compared with their own past, and the
project is asked whether all of them moved by one factor or some by a further one. How far people of
this company part anyway is read off the data, so that where work changes hands all the time little
is said. People are numbers here, which no name and no rank can be told from; none of it is printed,
and what it adds to a score is only told of five people or more.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from metering.analysis.evidence.spreads import stated
from metering.analysis.observed.panel import DAYS_PER_WEEK, Bools, Floats, Ints, Panel
from metering.analysis.observed.windows import LENGTH_CLASSES_DAYS, Windows

# Logs are looked at in steps; everybody may have moved by so many of them, some by further ones.
_STEP: Final = 0.15
_ALL: Final = tuple(range(-6, 11))
_FURTHER: Final = (3, 6, 9, 14)
# A person's noise is nearly normal once weeks are summed.
_FREEDOM: Final = 6.0
_SHARE: Final = 0.5
# A pattern is of some of the people more often than not; honest change is so now and then.
_PATTERN: Final = 0.7
_HONEST: Final = 0.1
_LEAST_INSIDE_WEEKS: Final = 2
_LEAST_OUTSIDE_WEEKS: Final = 3
_LEAST_PEOPLE: Final = 2
_MAD: Final = 0.6745
_LEAST_SPREAD: Final = 0.08
_SPREAD_FALLBACK: Final = 0.4
_SPREAD_STEP: Final = 0.02
_COMPARISONS: Final = 30
_MOST: Final = 20.0


@dataclass(frozen=True, slots=True)
class _People:
    """People by weeks, those of an object one after another.

    Attributes:
        object_: whose each person is; rising.
        spent: people by whole weeks.
    """

    object_: Ints
    spent: Floats


def moved_apart(panel: Panel, windows: Windows, value: Floats) -> Floats:
    """Return the evidence that some of the people moved: objects by windows, a log ratio.

    Args:
        panel: with weeks of people in its frames.
        windows: the windows; they are looked at in whole weeks.
        value: per cell of the frames, what counts in place of what was paid: without what vendors
            did, and without a dearer model, for which others ask.

    Returns:
        0 where fewer than two people can be compared.
    """
    people = _people(panel, value)
    found = np.zeros((panel.objects, len(windows.first)))
    if not len(people.object_):
        return found
    begins, ends, place = _in_weeks(panel, windows)
    length = np.digitize((ends - begins) * DAYS_PER_WEEK, LENGTH_CLASSES_DAYS)
    apart = np.zeros((panel.objects, len(begins)))
    for number in np.unique(length):
        here = np.flatnonzero(length == number)
        moved, known = _moved(people, begins[here], ends[here])
        apart[:, here] = _apart(panel.objects, people.object_, moved, known)
    pattern, honest = (
        np.log1p(share * np.expm1(np.minimum(apart, _MOST))) for share in (_PATTERN, _HONEST)
    )
    return np.asarray(np.where(apart == 0, 0.0, pattern - honest)[:, place], np.float64)


def _people(panel: Panel, value: Floats) -> _People:
    """Return what people spent by week, each cell of a week at what counts of it."""
    keys = ["object", "week", "provider", "model"]
    cells = panel.frames.cells
    week = (panel.days - 1 - cells["day"].to_numpy(np.int64)) // DAYS_PER_WEEK
    sums = pd.DataFrame(
        {
            **{name: cells[name].to_numpy() for name in ("object", "provider", "model")},
            "week": week,
            "paid": cells["cost_usd"].to_numpy(np.float64),
            "value": value,
        }
    )
    sums = sums.groupby(keys, sort=False, as_index=False)[["paid", "value"]].sum()
    spent = panel.frames.persons.merge(sums, on=keys, how="left")
    spent = spent[spent["week"] < panel.weeks]
    paid = spent["paid"].to_numpy(np.float64)
    per_usd = np.divide(
        spent["value"].to_numpy(np.float64), paid, out=np.zeros(len(spent)), where=paid > 0
    )
    number = spent["person"].to_numpy(np.int64)
    numbers, first, place = np.unique(number, return_index=True, return_inverse=True)
    table = np.bincount(
        place * panel.weeks + (panel.weeks - 1 - spent["week"].to_numpy(np.int64)),
        weights=spent["usd"].to_numpy(np.float64) * per_usd,
        minlength=len(numbers) * panel.weeks,
    )
    object_ = spent["object"].to_numpy(np.int64)[first]
    spent_weeks = np.asarray(table, np.float64).reshape(len(numbers), panel.weeks)
    order = np.argsort(object_, kind="stable")
    return _People(object_[order], spent_weeks[order])


def _in_weeks(panel: Panel, windows: Windows) -> tuple[Ints, Ints, Ints]:
    """Return windows in whole weeks, each once, and which of them each window is."""
    skipped = panel.days - panel.weeks * DAYS_PER_WEEK
    # Half of a week and more counts as one.
    first, last = (
        (edge - skipped + DAYS_PER_WEEK // 2) // DAYS_PER_WEEK
        for edge in (windows.first, windows.end)
    )
    first = np.clip(first, 0, panel.weeks - 1)
    last = np.clip(last, first + 1, panel.weeks)
    pairs, place = np.unique(first * (panel.weeks + 1) + last, return_inverse=True)
    return pairs // (panel.weeks + 1), pairs % (panel.weeks + 1), place.reshape(-1)


def _moved(people: _People, begins: Ints, ends: Ints) -> tuple[Floats, Bools]:
    """Return the log of spend in an active week inside over outside, and where it can be told."""
    spent, active = (
        np.pad(np.cumsum(of, axis=1, dtype=np.float64), ((0, 0), (1, 0)))
        for of in (people.spent, people.spent > 0)
    )
    usd, weeks = spent[:, ends] - spent[:, begins], active[:, ends] - active[:, begins]
    others, rest = spent[:, -1:] - usd, active[:, -1:] - weeks
    known = (weeks >= np.minimum(_LEAST_INSIDE_WEEKS, ends - begins)) & (
        rest >= _LEAST_OUTSIDE_WEEKS
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = np.log(usd / weeks) - np.log(others / rest)
    known &= np.isfinite(moved)
    return np.where(known, moved, 0.0), known


def _apart(objects: int, whose: Ints, moved: Floats, known: Bools) -> Floats:
    """Return how much better two groups explain the people of each object than one does."""
    starts = np.flatnonzero(np.diff(whose, prepend=-1))

    def of_objects(values: Floats) -> Floats:
        return np.asarray(np.add.reduceat(values, starts, axis=0), np.float64)

    count = of_objects(known.astype(np.float64))
    spread = _spread(moved, of_objects(moved), count, known, whose)
    density = {
        at: (1 + ((moved - at * _STEP) / spread) ** 2 / _FREEDOM) ** (-(_FREEDOM + 1) / 2)
        for at in sorted({at + by for at in _ALL for by in (0, *_FURTHER)})
    }
    one, two = [], []
    for at in _ALL:
        one.append(of_objects(np.where(known, np.log(density[at]), 0.0)))
        for by in _FURTHER:
            mixed = (1 - _SHARE) * density[at] + _SHARE * density[at + by]
            two.append(of_objects(np.where(known, np.log(mixed), 0.0)))
    ratio = np.logaddexp.reduce(two, axis=0) - np.logaddexp.reduce(one, axis=0)
    found = np.zeros((objects, moved.shape[1]))
    found[whose[starts]] = np.where(count >= _LEAST_PEOPLE, ratio - np.log(len(_FURTHER)), 0.0)
    return found


def _spread(moved: Floats, sums: Floats, count: Floats, known: Bools, whose: Ints) -> float:
    """Return how far people of one object part anyway, in windows of a like length.

    The median over all objects, so that the few that are looked for do not widen it.
    """
    place = np.cumsum(np.diff(whose, prepend=whose[:1]) > 0)
    several = known & (count[place] >= _LEAST_PEOPLE)
    if several.sum() < _COMPARISONS:
        return _SPREAD_FALLBACK
    number = np.maximum(count, _LEAST_PEOPLE)
    # The mean is drawn towards each person, the more the fewer there are.
    beside = (moved - (sums / number)[place]) * np.sqrt(number / (number - 1))[place]
    return max(
        _LEAST_SPREAD, stated(float(np.median(np.abs(beside[several]))) / _MAD, _SPREAD_STEP)
    )
