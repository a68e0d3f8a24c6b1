"""Each outcome says what became of it, and each feed since when it is silent."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import duckdb
import pytest

from metering.core.outcomes.feeds import FeedState
from metering.engine.outcomes.one_by_one import (
    COLUMNS,
    STATUSES,
    Wanted,
    feed_states,
    list_outcomes,
)
from tests.unit.test_outcome_netting import netted, row

LAST_DAY = date(2026, 10, 31)
SETTLES = [("ticket", 7), ("awu", 0)]


@pytest.fixture
def known(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    return netted(
        tmp_path,
        row("settled", "2026-10-01"),
        row("settling", "2026-10-30"),
        row("taken-back", "2026-10-02"),
        row("takes-back", "2026-10-05", weight_e4=-10_000, reversal_of="taken-back"),
        row("opened-again", "2026-10-03", as_of="2026-10-03T12:00:00Z"),
        row("opened-again", "2026-10-04", as_of="2026-10-04T12:00:00Z", weight_e4=0),
        row("said", "2026-10-06", stage="completed"),
        row("counted", "2026-10-07", stage="completed", kind="awu"),
        row("final", "2026-10-08"),
        row("final", "2026-10-30", stage="settled"),
        row("nobody", "2026-10-09", team=None, project=None),
        row("stranger", "2026-10-10", team="z"),
        row("too-early", "2026-10-01", weight_e4=-10_000, reversal_of="settling"),
        row("of-nothing", "2026-10-11", weight_e4=-10_000, reversal_of="unheard-of"),
    )


def listed(
    known: duckdb.DuckDBPyConnection, wanted: Wanted
) -> tuple[list[Mapping[str, object]], int]:
    rows, count = list_outcomes(known, wanted, SETTLES, LAST_DAY, ["a"])
    return [dict(zip(COLUMNS, one, strict=True)) for one in rows], count


def test_an_outcome_says_what_became_of_it(known: duckdb.DuckDBPyConnection) -> None:
    rows, count = listed(known, Wanted())

    assert {(one["outcome_id"], one["stage"], one["status"]) for one in rows} == {
        ("settled", "validated", "settled"),
        ("settling", "validated", "settling"),
        ("taken-back", "validated", "reversed"),
        ("takes-back", "validated", "reversal"),
        ("opened-again", "validated", "reversed"),
        ("opened-again", "validated", "reversal"),
        ("said", "completed", "told"),
        ("counted", "completed", "activity"),
        ("final", "validated", "settled"),
        ("final", "settled", "doubled"),
        ("nobody", "validated", "no-team"),
        ("stranger", "validated", "unknown-team"),
        ("too-early", "validated", "reversed-before-outcome"),
        ("of-nothing", "validated", "reversal-of-unknown"),
    }
    assert {one["status"] for one in rows} == set(STATUSES)
    assert count == len(rows)


def test_a_list_holds_what_is_asked_for_the_latest_first(
    known: duckdb.DuckDBPyConnection,
) -> None:
    october = Wanted(date(2026, 10, 2), date(2026, 10, 6), {"stage": "validated"}, limit=3)

    rows, count = listed(known, october)

    assert [(one["day"], one["outcome_id"]) for one in rows] == [
        ("2026-10-05", "takes-back"),
        ("2026-10-04", "opened-again"),
        ("2026-10-03", "opened-again"),
    ]
    assert count == 4
    assert [one["outcome_id"] for one in listed(known, Wanted(equal={"team": "z"}))[0]] == [
        "stranger"
    ]
    assert listed(known, Wanted(equal={"team": "'; DROP TABLE outcomes; --"})) == ([], 0)


def test_a_feed_is_of_a_system_and_a_team(tmp_path: Path) -> None:
    connection = netted(
        tmp_path,
        row("1", "2026-10-01"),
        row("2", "2026-10-11", kind="deploy"),
        row("3", "2026-10-12", weight_e4=-10_000, reversal_of="1"),
        row("4", "2026-10-20", team="b", system="github"),
    )

    assert feed_states(connection, LAST_DAY) == [
        FeedState(
            "a", "test", ("deploy", "ticket"), date(2026, 10, 1), date(2026, 10, 11), 2, 10, 20
        ),
        FeedState("b", "github", ("ticket",), date(2026, 10, 20), date(2026, 10, 20), 1, None, 11),
    ]


@pytest.mark.parametrize(
    ("longest", "pause", "status"),
    [
        (3, 7, "sending"),
        (3, 8, "silent since 2026-10-01"),
        (20, 20, "sending"),
        (20, 21, "silent since 2026-10-01"),
        (None, 14, "sending"),
        (None, 15, "silent since 2026-10-01"),
    ],
)
def test_a_feed_is_silent_when_it_pauses_longer_than_it_ever_did(
    longest: int | None, pause: int, status: str
) -> None:
    day = date(2026, 10, 1)

    assert FeedState("a", "github", (), day, day, 1, longest, pause).status == status


def test_a_team_that_nothing_was_ever_told_of_has_no_feed() -> None:
    assert (FeedState("a").status, FeedState("a").is_silent) == ("never", False)
