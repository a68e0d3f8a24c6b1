"""What moves all users of a model is the vendor's; what moves one of them is theirs."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from metering.analysis.evidence.answering import answer
from metering.analysis.evidence.vendor_moves import common_moves
from metering.analysis.observed.masks import masks_of
from metering.analysis.observed.panel import COUNTED, Frames, Panel, panel_of

_DAYS, _OBJECTS = 84, 8
_FIRST = date(2026, 1, 5)


def _panel(factors: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Panel:
    """Return eight teams of one project on one model, and what a request costs each day."""
    rng = np.random.default_rng(5)
    object_, day = (part.ravel() for part in np.indices((_OBJECTS, _DAYS)))
    usd = factors.ravel() * rng.lognormal(0, 0.05, len(day))
    cells = pd.DataFrame({"object": object_, "day": day, "provider": "orca", "model": "mid"})
    cells[list(COUNTED)] = 100
    cells["cost_usd"] = usd
    outcomes = pd.DataFrame({"object": object_, "day": day})
    outcomes[["net", "accepted", "events", "squares"]] = 1.0
    outcomes[["reversals", "reversed"]] = 0.0
    numbers = np.arange(_OBJECTS)
    objects = pd.DataFrame({"object": numbers, "team": [f"t{n}" for n in numbers]})
    objects["project"], objects["function"] = "p", "f"
    objects["attribution_window_days"] = 14
    empty = pd.DataFrame({"object": np.array([], np.int64)})
    events = pd.DataFrame(
        [(40, 46, "feed_gap", "team:t3", ""), (50, 60, "release", "project:nobody", "")],
        columns=["first", "last", "kind", "scope", "detail"],
    )
    return panel_of(
        Frames(
            *(_FIRST, _FIRST + timedelta(days=_DAYS - 1), objects, cells, outcomes),
            lags=empty.assign(lag=empty["object"], events=empty["object"]),
            people=empty,
            persons=empty,
            keys=empty,
            targets=empty,
            workflows=empty,
            prices=pd.DataFrame({"provider": [], "model": [], "day": []}),
            events=events,
        )
    )


def test_a_cache_that_is_lost_for_all_is_taken_off() -> None:
    factors = np.ones((_OBJECTS, _DAYS))
    factors[:, 42:56] = 1.6
    panel = _panel(factors)

    found = common_moves(panel, panel.constant, np.full(len(panel.constant), 100.0))

    assert {(move.model, move.week) for move in found.moves} == {("orca/mid", 6), ("orca/mid", 7)}
    assert [move.factor for move in found.moves] == pytest.approx([1.6, 1.6], rel=0.05)


def test_one_teams_habit_stays() -> None:
    factors = np.ones((_OBJECTS, _DAYS))
    factors[2, 42:] = 3.0
    panel = _panel(factors)

    found = common_moves(panel, panel.constant, np.full(len(panel.constant), 100.0))

    assert found.moves == ()
    assert (found.factor == 1).all()


def test_days_of_a_told_gap_count_neither_for_nor_against() -> None:
    panel = _panel(np.ones((_OBJECTS, _DAYS)))

    masks = masks_of(panel)
    answered = answer(panel, panel.spend, masks.seen)

    assert (~masks.seen).sum(axis=1).tolist() == [0, 0, 0, 7, 0, 0, 0, 0]
    assert masks.unread == ("project:nobody",)
    # Work of the days before the gap was accepted in it, unseen.
    assert (answered.observed[3, 36:44] < 1).all()
    assert answered.observed[2, 36:44] == pytest.approx(np.ones(8))


def test_every_outcome_is_credited_once() -> None:
    panel = _panel(np.ones((_OBJECTS, _DAYS)))

    answered = answer(panel, panel.spend, np.ones((_OBJECTS, _DAYS), np.bool_))

    # Those of the first days may be for work before the data begins.
    assert (answered.credited.sum(axis=1) <= _DAYS + 1e-6).all()
    assert (answered.credited.sum(axis=1) > _DAYS - 7).all()
