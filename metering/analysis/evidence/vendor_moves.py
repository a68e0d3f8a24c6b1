"""What many teams did in the same week is looked for at the vendor first.

A new tokenizer, a client's cache bug or a default that changed moves every user of a model at once.
For each model the common weekly move of a ratio is the median over the cost objects that use it;
where it stands out of their noise it is taken off, so that one team's habit remains.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from metering.analysis.observed.panel import DAYS_PER_WEEK, Floats, Panel

_OBJECTS: Final = 6
_TEAMS: Final = 4
_WEEKS_OF_USE: Final = 8
# A move is common when the median over objects is this many of its standard errors, and 5 %.
_STANDARD_ERRORS: Final = 3.0
_LEAST_MOVE: Final = 0.05
_MEDIAN_ERROR: Final = 1.25  # of a median, in standard errors of a mean
_MAD: Final = 1.4826


@dataclass(frozen=True, slots=True)
class VendorMove:
    """A common move that was taken off.

    Attributes:
        model: provider and model.
        week: 0 is the first whole week.
        factor: by how much the ratio stood above the objects' usual one.
        objects: how many objects it was seen in.
    """

    model: str
    week: int
    factor: float
    objects: int


@dataclass(frozen=True, slots=True)
class Common:
    """The common moves of a ratio.

    Attributes:
        factor: per cell of the panel's frames; 1 where nothing is common.
        moves: what was found, by model and week.
    """

    factor: Floats
    moves: tuple[VendorMove, ...]


def common_moves(panel: Panel, above: Floats, below: Floats) -> Common:
    """Return by how much the ratio above/below moved for all users of a model.

    Args:
        panel: of which `above` and `below` are columns by cell.
        above: e.g. USD.
        below: e.g. requests.
    """
    cells = panel.frames.cells
    skipped = panel.days - panel.weeks * DAYS_PER_WEEK
    # Days before the first whole week go with it.
    week = np.maximum(0, (cells["day"].to_numpy(np.int64) - skipped) // DAYS_PER_WEEK)
    names = (cells["provider"] + "/" + cells["model"]).to_numpy(str)
    factor = np.ones(len(cells))
    moves: list[VendorMove] = []
    objects = cells["object"].to_numpy(np.int64)
    for model in sorted(set(names)):
        here = np.flatnonzero(names == model)
        place = objects[here] * panel.weeks + week[here]
        shape = (panel.objects, panel.weeks)
        size = panel.objects * panel.weeks
        top, bottom = (
            np.bincount(place, weights=of[here], minlength=size).astype(np.float64).reshape(shape)
            for of in (above, below)
        )
        path, seen = _common_path(top, bottom, panel.teams)
        factor[here] = np.exp(path[week[here]])
        moves += [
            VendorMove(model, int(at), float(np.exp(path[at])), int(seen[at]))
            for at in np.flatnonzero(path)
        ]
    return Common(factor, tuple(moves))


def _common_path(above: Floats, below: Floats, teams: Sequence[str]) -> tuple[Floats, Floats]:
    """Return the common log move of each week, and how many objects it was seen in."""
    used = (above > 0) & (below > 0)
    regular = used.sum(axis=1) >= _WEEKS_OF_USE
    nothing = np.zeros(above.shape[1])
    if regular.sum() < _OBJECTS or len({teams[int(at)] for at in np.flatnonzero(regular)}) < _TEAMS:
        return nothing, nothing
    used, above, below = used[regular], above[regular], below[regular]
    moved = np.where(used, np.log(np.where(used, above, 1) / np.where(used, below, 1)), np.nan)
    moved -= np.nanmedian(moved, axis=1, keepdims=True)
    seen = used.sum(axis=0).astype(np.float64)
    enough = seen >= _OBJECTS
    moved[:, ~enough] = 0.0
    middle = np.nanmedian(moved, axis=0)
    spread = _MAD * np.nanmedian(np.abs(moved - middle), axis=0)
    error = _MEDIAN_ERROR * spread / np.sqrt(np.maximum(seen, 1))
    stands_out = np.abs(middle) > np.maximum(_STANDARD_ERRORS * error, _LEAST_MOVE)
    return np.where(enough & stands_out, middle, 0.0), seen
