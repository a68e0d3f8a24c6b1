"""How many people a project has: spend that grows with them is growth, and no sign of anything."""

from typing import Final

import numpy as np

from metering.analysis.observed.panel import DAYS_PER_WEEK, Floats, Panel
from metering.analysis.observed.windows import Windows

# Keeps the ratio finite where nobody was active.
_PART_OF_ONE: Final = 0.3


def people_by_day(panel: Panel, column: str, otherwise: float) -> Floats:
    """Return a column of the weekly table of people, objects by days.

    Args:
        panel: the panel.
        column: of `frames.people`.
        otherwise: where a week says nothing.
    """
    people = panel.frames.people
    weekly = np.full((panel.objects, panel.weeks), otherwise)
    # Week 0 is the last one; days before the first whole week go with it.
    week = panel.weeks - 1 - people["week"].to_numpy(np.int64)
    known = week >= 0
    weekly[people["object"].to_numpy(np.int64)[known], week[known]] = people[column].to_numpy(
        np.float64
    )[known]
    by_day = np.repeat(weekly, DAYS_PER_WEEK, axis=1)
    return np.pad(by_day, ((0, 0), (panel.days - by_day.shape[1], 0)), mode="edge")


def log_headcount(panel: Panel, windows: Windows) -> Floats:
    """Return the log of active people in a week inside over outside: objects by windows.

    It is 0 where no source says who worked.
    """
    people = people_by_day(panel, "people", 0.0)
    inside = (windows.end - windows.first).astype(np.float64)
    within = windows.inside(people) / inside + _PART_OF_ONE
    without = windows.outside(people) / np.maximum(windows.days - inside, 1.0) + _PART_OF_ONE
    return np.asarray(np.log(within) - np.log(without), np.float64)
