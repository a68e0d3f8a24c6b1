"""Whether some of the people moved: against their own past, and how far people part anyway."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np
import pandas as pd
import pytest

from metering.analysis.evidence.some_people import moved_apart
from metering.analysis.observed.headcount import log_headcount
from metering.analysis.observed.panel import COUNTED, Floats, Frames, Panel, panel_of
from metering.analysis.observed.windows import Windows

_WEEKS: Final = 20
_OBJECTS: Final = 12
_PEOPLE: Final = 6
_FIRST: Final = date(2026, 3, 2)
# The last six of twenty weeks.
_LATE: Final = Windows(np.array([98]), np.array([140]), 7 * _WEEKS)


def _weekly(spread: float = 0.1) -> Floats:
    """Return what the people of every object spend a week: objects, people, weeks."""
    noise = np.random.default_rng(5).normal(0, spread, (_OBJECTS, _PEOPLE, _WEEKS // 2))
    # Two weeks each, so that a spread is of people and not of weeks alone.
    return np.asarray(40 * np.exp(np.repeat(noise, 2, axis=2)), np.float64)


def _panel(weekly: Floats, numbers: Sequence[int] | None = None) -> Panel:
    objects, people, weeks = weekly.shape
    object_, person, week = (part.ravel() for part in np.indices(weekly.shape))
    numbered = np.arange(people) if numbers is None else np.array(numbers)
    persons = pd.DataFrame(
        {
            "object": object_,
            "person": object_ * people + numbered[person],
            "week": weeks - 1 - week,
            "provider": "orca",
            "model": "mid",
            "usd": weekly.ravel(),
        }
    )
    persons = persons[persons["usd"] > 0].sort_values(["person", "week"], ignore_index=True)
    cells = persons.groupby(["object", "week"])[["usd"]].sum().reset_index()
    cells["day"] = 7 * (weeks - 1 - cells["week"])
    cells["provider"], cells["model"] = "orca", "mid"
    cells = cells.rename(columns={"usd": "cost_usd"}).drop(columns="week")
    cells = cells.assign(**dict.fromkeys(COUNTED, 0), constant_usd=np.nan)
    active = (weekly > 0).sum(axis=1)
    at, week = (part.ravel() for part in np.indices(active.shape))
    table = pd.DataFrame({"object": at, "week": weeks - 1 - week, "people": active.ravel()})
    numbers_of = np.arange(objects)
    named = pd.DataFrame({"object": numbers_of, "team": [f"t{n}" for n in numbers_of]})
    named["project"], named["function"], named["attribution_window_days"] = "p", "f", 14
    nothing = pd.DataFrame({"object": np.array([], np.int64)})
    outcomes = pd.DataFrame({"object": numbers_of, "day": 0})
    outcomes[["net", "accepted", "events", "squares"]] = 1.0
    return panel_of(
        Frames(
            *(_FIRST, _FIRST + timedelta(days=7 * weeks - 1), named, cells, outcomes),
            lags=nothing,
            people=table,
            persons=persons,
            keys=nothing,
            targets=nothing,
            workflows=nothing,
            prices=pd.DataFrame({"provider": [], "model": [], "day": []}),
            events=nothing,
        )
    )


def _evidence(weekly: Floats, numbers: Sequence[int] | None = None) -> Floats:
    panel = _panel(weekly, numbers)
    return moved_apart(panel, _LATE, panel.constant)[:, 0]


def test_some_who_double_are_told_from_all_who_double() -> None:
    weekly = _weekly()
    weekly[0, :3, 14:] *= 2
    weekly[1, :, 14:] *= 2

    some, everybody, *others = _evidence(weekly)

    assert some > 1.5
    assert everybody < 0
    assert max(others) < 0


def test_where_work_changes_hands_the_same_move_says_less() -> None:
    calm, restless = _weekly(), _weekly(spread=1.2)
    for weekly in (calm, restless):
        weekly[0, :3, 14:] *= 2

    assert _evidence(restless)[0] < _evidence(calm)[0] - 1


def test_the_numbers_of_people_do_not_matter() -> None:
    weekly = _weekly()
    weekly[0, :3, 14:] *= 2

    assert _evidence(weekly, [4, 2, 5, 0, 1, 3]) == pytest.approx(_evidence(weekly), abs=1e-9)


def test_nothing_is_said_of_one_person_nor_of_those_who_have_no_past() -> None:
    weekly = _weekly()
    weekly[0, 1:] = 0
    weekly[1, 1:, :14] = 0
    weekly[:2, 0, 14:] *= 3

    assert list(_evidence(weekly)[:2]) == [0.0, 0.0]


def test_a_dearer_price_of_a_model_is_no_move_of_its_users() -> None:
    weekly = _weekly()
    weekly[0, :3, 14:] *= 2
    panel = _panel(weekly)
    # What counts is given by cell; of the first object nothing rose but the price.
    late = (panel.frames.cells["object"] == 0) & (panel.frames.cells["day"] >= 98)
    value = np.where(late, panel.constant / 1.5, panel.constant)

    as_paid, without = (moved_apart(panel, _LATE, of)[0, 0] for of in (panel.constant, value))

    # All users of the cell are scaled alike, so who moved among them stays as it was.
    assert without == pytest.approx(as_paid, abs=0.3)


def test_twice_the_people_are_the_log_of_two() -> None:
    weekly = _weekly()
    weekly[0, 3:, :14] = 0

    found = log_headcount(_panel(weekly), _LATE)[:, 0]

    assert found[0] == pytest.approx(np.log(6.3 / 3.3))
    assert found[1] == pytest.approx(0)
