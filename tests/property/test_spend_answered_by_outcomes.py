"""The four-way split of spend equals a plain reading of its definition, to the nano.

The reading here shares no code with the engine: per row of spend it looks at every day of the
window, one by one, and takes the first answer.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.engine.given import give_table
from metering.engine.outcomes.spend import answers, split_spend

FIRST = date(2026, 10, 1)
DAYS = 24
KEYS = ("workflow_key", "branch")
_SPEND = {
    "day": "DATE",
    "team": "VARCHAR",
    "project": "VARCHAR",
    "currency": "VARCHAR",
    **dict.fromkeys(KEYS, "VARCHAR"),
    "amount_nanos": "BIGINT",
}
_OUTCOMES = {
    "day": "DATE",
    "team": "VARCHAR",
    "project": "VARCHAR",
    **dict.fromkeys(KEYS, "VARCHAR"),
    "weight_e4": "BIGINT",
    "stage": "VARCHAR",
    "problem": "VARCHAR",
    "is_doubled": "BOOLEAN",
}


@dataclass(frozen=True, slots=True)
class Spent:
    day: int
    team: str
    project: str
    currency: str
    keys: tuple[str | None, ...]
    nanos: int


@dataclass(frozen=True, slots=True)
class Came:
    day: int
    team: str
    project: str
    keys: tuple[str | None, ...]
    weight: int
    stage: str
    problem: str | None


days = st.integers(0, DAYS - 1)
teams = st.sampled_from(("", "a", "b", "c"))
projects = st.sampled_from(("", "p", "q"))
keys = st.tuples(*[st.sampled_from((None, "k1", "k2", "k3"))] * len(KEYS))
spending = st.builds(
    Spent, days, teams, projects, st.sampled_from(("USD", "EUR")), keys, st.integers(-9, 10**15)
)
coming = st.builds(
    Came,
    days,
    teams,
    projects,
    keys,
    st.integers(-3, 4).filter(bool).map(lambda weight: weight * 2500),
    st.sampled_from(("attempted", "completed", "validated", "validated", "settled")),
    st.sampled_from((None, None, None, "reversal-of-unknown")),
)


def answered(
    spent: Sequence[Spent],
    came: Sequence[Came],
    windows: dict[tuple[str, str], int],
    last: int,
) -> dict[tuple[str, str, str, str], int]:
    """Return the sums as the definition says them, row by row."""
    sums: dict[tuple[str, str, str, str], int] = defaultdict(int)
    feed: dict[str, int] = {}
    for one in came:
        if one.team and one.weight > 0:
            feed[one.team] = max(one.day, feed.get(one.team, one.day))
    for row in spent:
        window = windows[row.team, row.project]
        ours = [
            one
            for one in came
            if (one.team, one.project) == (row.team, row.project)
            and (row.team or row.project)
            and one.stage in ("validated", "settled")
            and one.problem is None
            and row.day <= one.day <= row.day + window
        ]
        nets = [
            sum(one.weight for one in ours if one.keys[at] == key)
            for at, key in enumerate(row.keys)
            if key is not None
        ]
        if any(net > 0 for net in nets):
            bucket = "keyed"
        elif sum(one.weight for one in ours) > 0:
            bucket = "project"
        elif row.day + window > last:
            bucket = "pending"
        elif row.team not in feed:
            bucket = "no-feed"
        elif row.day > feed[row.team]:
            bucket = "feed-silent"
        else:
            bucket = "has-feed"
        sums[row.team, row.project, row.currency, bucket] += row.nanos
    return dict(sums)


def split(
    spent: Sequence[Spent],
    came: Sequence[Came],
    windows: dict[tuple[str, str], int],
    last: int,
) -> dict[tuple[str, str, str, str], int]:
    """Return the sums as the engine finds them."""
    with duckdb.connect() as connection:
        give_table(
            connection,
            "spend",
            _SPEND,
            [(_day(s.day), s.team, s.project, s.currency, *s.keys, s.nanos) for s in spent],
        )
        give_table(
            connection,
            "outcomes",
            _OUTCOMES,
            [
                (_day(c.day), c.team, c.project, *c.keys, c.weight, c.stage, c.problem, False)
                for c in came
            ],
        )
        listed = [(team, project, days) for (team, project), days in windows.items()]
        split_spend(connection, KEYS, listed, _day(last))
        return {row[:4]: row[4] for row in answers(connection)}


def _day(number: int) -> date:
    return FIRST + timedelta(days=number)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_the_engine_and_the_definition_agree(data: st.DataObject) -> None:
    spent = data.draw(st.lists(spending, min_size=1, max_size=25))
    came = data.draw(st.lists(coming, max_size=25))
    windows = {
        (row.team, row.project): data.draw(st.integers(0, 9), label=f"{row.team}/{row.project}")
        for row in spent
    }

    found = split(spent, came, windows, DAYS - 1)

    assert found == answered(spent, came, windows, DAYS - 1)
    assert sum(found.values()) == sum(row.nanos for row in spent)


def test_an_outcome_answers_on_the_first_and_the_last_day_of_the_window_and_no_longer() -> None:
    spent = [Spent(at, "a", "p", "USD", ("k1", None), 10**at) for at in range(6)]
    came = [Came(4, "a", "p", ("k1", None), 10_000, "validated", None)]

    found = split(spent, came, {("a", "p"): 2}, 20)

    assert found == {
        ("a", "p", "USD", "has-feed"): 11,
        ("a", "p", "USD", "keyed"): 11_100,
        ("a", "p", "USD", "feed-silent"): 100_000,
    }


def test_a_reversal_inside_the_window_takes_the_answer_away() -> None:
    spent = [Spent(at, "a", "p", "USD", ("k1", None), 10**at) for at in range(4)]
    came = [
        Came(3, "a", "p", ("k1", None), 10_000, "validated", None),
        Came(5, "a", "p", ("k1", None), -10_000, "validated", None),
    ]

    found = split(spent, came, {("a", "p"): 3}, 20)

    # From day 2 on the window of three days holds the reversal too.
    assert found == {("a", "p", "USD", "keyed"): 11, ("a", "p", "USD", "has-feed"): 1_100}
