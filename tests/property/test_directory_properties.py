"""A directory in tables says the same whatever the order of its files and rows, day by day.

The oracle follows the links of one key on one day, in plain words; it shares no code with the join.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from metering.core.ownership.attribution import RuleSet, owner_of
from metering.core.ownership.directory import joined
from metering.core.ownership.directory_files import DatedRow, DirectoryFile, Kind

FIRST = date(2026, 10, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(6)]
TEAMS, PEOPLE, PROJECTS, KEYS = ("t1", "t2"), ("p1", "p2"), ("j1",), ("k1", "k2", "k3")
Cells = dict[str, str]


def timeline(cells: st.SearchStrategy[Cells]) -> st.SearchStrategy[list[tuple[Cells, Any, Any]]]:
    """Draw what one subject says from day to day: stretches that touch or leave gaps."""

    def cut(drawn: tuple[set[date], list[Cells | None]]) -> list[tuple[Cells, Any, Any]]:
        bounds: list[date | None] = [None, *sorted(drawn[0]), None]
        said = zip(pairwise(bounds), drawn[1], strict=False)
        return [(one, start, end) for (start, end), one in said if one is not None]

    moves = st.sets(st.sampled_from(DAYS[1:]), max_size=2)
    return st.tuples(moves, st.lists(st.none() | cells, min_size=3, max_size=3)).map(cut)


def table(kind: Kind, subject: str, names: Sequence[str], cells: st.SearchStrategy[Cells]) -> Any:
    def rows(drawn: list[list[tuple[Cells, Any, Any]]]) -> DirectoryFile:
        said = [
            ({subject: name, **one}, start, end)
            for name, stretches in zip(names, drawn, strict=True)
            for one, start, end in stretches
        ]
        source = f"{kind.value}.csv"
        return DirectoryFile(
            kind, source, tuple(DatedRow(source, at, *one) for at, one in enumerate(said, start=2))
        )

    return st.lists(timeline(cells), min_size=len(names), max_size=len(names)).map(rows)


team_cells = st.sampled_from(["c1", "c2", "c3"]).map(lambda name: {"cost_centre": name})
person_cells = st.sampled_from(TEAMS).map(lambda name: {"team": name, "name": "x"})
project_cells = st.sampled_from(TEAMS).map(lambda name: {"team": name})
key_cells = st.sampled_from(
    [
        *({"person": name} for name in PEOPLE),
        *({"project": name} for name in PROJECTS),
        *({"team": name} for name in TEAMS),
    ]
)
directories = st.tuples(
    table(Kind.TEAMS, "team", TEAMS, team_cells),
    table(Kind.PEOPLE, "person", PEOPLE, person_cells),
    table(Kind.PROJECTS, "project", PROJECTS, project_cells),
    table(Kind.KEYS, "key", KEYS, key_cells),
)


def on(files: Sequence[DirectoryFile], kind: Kind, subject: str, name: str, day: date) -> Any:
    for row in next(file for file in files if file.kind is kind).rows:
        if row[subject] == name and (row.valid_from or day) <= day < (row.valid_to or date.max):
            return row
    return None


def by_hand(files: Sequence[DirectoryFile], key: str, day: date) -> tuple[str, str] | None:
    """Follow the links of a key on a day to the team and its cost centre."""
    row = on(files, Kind.KEYS, "key", key, day)
    if row is not None and row["person"]:
        row = on(files, Kind.PEOPLE, "person", row["person"], day)
    elif row is not None and row["project"]:
        row = on(files, Kind.PROJECTS, "project", row["project"], day)
    team = on(files, Kind.TEAMS, "team", row["team"], day) if row is not None else None
    return (team["team"], team["cost_centre"]) if team is not None else None


@settings(max_examples=150)
@given(files=directories)
def test_a_key_on_a_day_has_the_owner_of_its_links_on_that_day(
    files: tuple[DirectoryFile, ...],
) -> None:
    directory = joined(files).directory

    for key in KEYS:
        for day in DAYS:
            found = owner_of({"api_key": key}, day, RuleSet(), directory)
            said = (found.owner.team, found.owner.cost_centre) if found else None
            assert said == by_hand(files, key, day)


@settings(max_examples=100)
@given(files=directories, chance=st.randoms(use_true_random=False))
def test_the_order_of_files_and_rows_says_nothing(
    files: tuple[DirectoryFile, ...], chance: Any
) -> None:
    shuffled = [
        DirectoryFile(file.kind, file.name, tuple(chance.sample(file.rows, len(file.rows))))
        for file in chance.sample(files, len(files))
    ]

    one, other = joined(files), joined(shuffled)

    assert one.refused == other.refused
    assert sorted(map(str, one.holes)) == sorted(map(str, other.holes))
    assert sorted(map(str, one.directory.entries)) == sorted(map(str, other.directory.entries))
    assert sorted(map(str, one.directory.people)) == sorted(map(str, other.directory.people))
