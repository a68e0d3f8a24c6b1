"""Outcomes follow each day's spend with less than its rise, and each may become heavier."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np
import pandas as pd
import pytest

from metering.analysis.evidence.answering import Answered, answer
from metering.analysis.evidence.excess import find_excess
from metering.analysis.evidence.heavier_outcomes import heavier_outcomes
from metering.analysis.observed.masks import masks_of
from metering.analysis.observed.panel import COUNTED, Floats, Frames, Panel, panel_of
from metering.analysis.observed.windows import Windows

_DAYS: Final = 84
_FIRST: Final = date(2026, 1, 5)
# Four weeks of twelve, from the fifth on.
_LATE: Final = Windows(np.array([56]), np.array([84]), _DAYS)


def _panel(spend: Floats, events: Floats, weight: Floats) -> Panel:
    """Return objects by days: each day's spend, its outcomes, and what each of them weighs."""
    objects, days = spend.shape
    at, day = (part.ravel() for part in np.indices(spend.shape))
    cells = pd.DataFrame({"object": at, "day": day, "provider": "orca", "model": "mid"})
    cells[list(COUNTED)] = 100
    cells["cost_usd"] = spend.ravel()
    outcomes = pd.DataFrame({"object": at, "day": day, "events": events.ravel()})
    outcomes["net"] = outcomes["accepted"] = (events * weight).ravel()
    outcomes["squares"] = (events * weight**2).ravel()
    outcomes[["reversals", "reversed"]] = 0.0
    numbers = np.arange(objects)
    named = pd.DataFrame({"object": numbers, "team": [f"t{n}" for n in numbers]})
    named["project"], named["function"], named["attribution_window_days"] = "p", "f", 2
    none = pd.DataFrame({"object": np.array([], np.int64)})
    lags = pd.DataFrame({"object": numbers, "lag": 0, "events": 10_000})
    return panel_of(
        Frames(
            *(_FIRST, _FIRST + timedelta(days=days - 1), named, cells, outcomes, lags),
            people=none.assign(week=none["object"], people=0.0, concentration=0.0),
            persons=none.assign(person=0, week=0, provider="", model="", usd=0.0),
            keys=none.assign(week=none["object"], usd=0.0, lost_usd=0.0),
            targets=none,
            workflows=none,
            prices=pd.DataFrame({"provider": [], "model": [], "day": []}),
            events=pd.DataFrame(columns=["first", "last", "kind", "scope", "detail"]),
        )
    )


def _evidence(events: Floats, weight: Floats) -> float:
    panel = _panel(np.ones((1, _DAYS)), events, weight)
    counted, weighed = events, events * weight
    some = np.ones((1, _DAYS))
    answered = Answered(weighed, counted, weighed, some, some, np.zeros(1))
    return float(heavier_outcomes(panel, answered, _LATE)[0, 0])


def _uneven(pattern: Sequence[float]) -> Floats:
    """Return one object's outcomes, of a Tuesday each week, by a pattern that repeats."""
    events = np.zeros((1, _DAYS))
    events[0, 1::7] = np.resize(np.array(pattern, np.float64), _DAYS // 7)
    return events


def test_outcomes_that_keep_their_weight_speak_a_little_against_heavier_work() -> None:
    # 20 outcomes inside and 40 outside: error^2 = 0.02/20 + 0.02/40 + 0.05^2 = 0.004, so that a
    # factor of 1.3 is 4.1 errors away; what is left is the quarter that heavier work would have.
    events = _uneven([1, 9, 2, 8])

    assert _evidence(events, np.ones((1, _DAYS))) == pytest.approx(-np.log(0.75), abs=1e-3)


def test_outcomes_that_are_worth_twice_as_much_speak_for_heavier_work() -> None:
    weight = np.ones((1, _DAYS))
    weight[0, 56:] = 2.0

    assert _evidence(_uneven([1, 9, 2, 8]), weight) == -4.0
    assert _evidence(_uneven([1, 9, 2, 8]), 3 * weight) == -4.0


def test_lighter_outcomes_are_no_heavier_work() -> None:
    weight = np.ones((1, _DAYS))
    weight[0, 56:] = 0.5

    assert _evidence(_uneven([1, 9, 2, 8]), weight) == pytest.approx(-np.log(0.75), abs=1e-3)


def test_totals_of_days_and_few_outcomes_say_nothing_of_their_weight() -> None:
    weight = np.ones((1, _DAYS))
    weight[0, 56:] = 2.0

    assert _evidence(np.ones((1, _DAYS)), weight) == 0.0
    assert _evidence(_uneven([0, 1]), weight) == 0.0


def test_every_accepted_outcome_is_credited_with_its_weight() -> None:
    events = _uneven([1, 9, 2, 8])
    panel = _panel(np.ones((1, _DAYS)), events, np.full((1, _DAYS), 2.5))

    answered = answer(panel, panel.spend, np.ones((1, _DAYS), np.bool_))

    assert answered.credited_events.sum() == pytest.approx(events.sum(), rel=0.01)
    assert answered.credited_weight == pytest.approx(2.5 * answered.credited_events)


def test_a_backlog_of_six_days_whose_outcomes_follow_leaves_nothing_over() -> None:
    spend = np.full((1, _DAYS), 50.0)
    spend[0, 58:64] *= 15
    panel = _panel(spend, 4 * (spend / 50.0) ** 0.9, np.ones((1, _DAYS)))

    test = find_excess(panel, masks_of(panel))

    around = (test.windows.first <= 55) & (test.windows.end >= 67) & test.usable[0]
    # Of the mean of a window the outcomes would fall short by a tenth and more.
    assert test.elasticity == 0.9
    assert around.any()
    assert test.excess[0, around] == pytest.approx(np.zeros(around.sum()), abs=0.03)


@pytest.mark.parametrize(
    ("silent", "every", "gaps"),
    [
        (range(40, 54), 1, [(40, 54)]),  # outcomes of every day, and none for two weeks
        (range(40, 46), 1, []),  # for six days: once in 15 000 stretches
        (range(40, 54), 7, []),  # a release a week, and two of them left out
        (range(0), 14, []),  # a release a fortnight
        (range(70, 84), 1, []),  # to the end: it may have stopped
    ],
)
def test_a_silence_that_ends_is_a_gap_of_the_feed(
    silent: range, every: int, gaps: list[tuple[int, int]]
) -> None:
    events = np.zeros((1, _DAYS))
    events[0, ::every] = 3.0
    events[0, list(silent)] = 0.0

    masks = masks_of(_panel(np.ones((1, _DAYS)), events, np.ones((1, _DAYS))))

    assert [(gap.first, gap.end) for gap in masks.gaps] == gaps
    assert int((~masks.seen).sum()) == sum(end - first for first, end in gaps)


def test_a_release_that_two_projects_wait_for_is_no_gap() -> None:
    events = np.zeros((2, _DAYS))
    events[:, ::14] = 100.0
    panel = _panel(np.ones((2, _DAYS)), events, np.ones((2, _DAYS)))
    panel.frames.objects["team"] = "t0"

    assert masks_of(panel).gaps == ()
