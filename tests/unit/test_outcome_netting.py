"""What systems of record said becomes dated changes of weight, each with the owner of its work."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from metering.core.ownership.attribution import (
    Assign,
    Directory,
    DirectoryEntry,
    Match,
    Owner,
    Rule,
    RuleSet,
)
from metering.core.patterns import Pattern
from metering.core.sharing.reigns import Reign
from metering.engine.outcomes.netting import (
    OWNER_FIELDS,
    open_outcomes,
    own_outcomes,
    owner_values,
    problems,
    stage_sums,
)
from metering.usage.schema import OUTCOME_SCHEMA
from metering.workflows.posting.owning import owner_answers

OCTOBER = (date(2026, 10, 1), date(2026, 10, 31))
TICKETS = [("ticket", 7)]
_COLUMNS = ("ingestor", "system", *OUTCOME_SCHEMA.names)
Row = dict[str, object]


def row(outcome_id: str, instant: str, **cells: object) -> Row:
    return {
        "ingestor": "test",
        "system": "test",
        "row_no": 1,
        "outcome_id": outcome_id,
        "instant": f"{instant}T12:00:00Z",
        "kind": "ticket",
        "stage": "validated",
        "weight_e4": 10_000,
        "team": "a",
        "project": "p",
        **cells,
    }


def netted(folder: Path, *rows: Row) -> duckdb.DuckDBPyConnection:
    """Return an engine that has netted some rows, in the order given."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    kinds = {"int64": "BIGINT", "string": "VARCHAR", "timestamp[us, tz=UTC]": "TIMESTAMPTZ"}
    types = {"ingestor": "VARCHAR", "system": "VARCHAR"}
    types |= {f.name: kinds[str(f.type)] for f in OUTCOME_SCHEMA}
    columns = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
    connection.execute(f"CREATE TABLE said ({columns})")
    marks = ", ".join("?" * len(_COLUMNS))
    for one in rows:
        connection.execute(f"INSERT INTO said VALUES ({marks})", [one.get(c) for c in _COLUMNS])
    path = folder / "said.parquet"
    connection.execute(f"COPY said TO '{path}' (FORMAT parquet)")
    open_outcomes(connection, [path])
    own_outcomes(connection, [], [])
    return connection


def changes(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, int, bool, str | None]]:
    return connection.execute(
        "SELECT outcome_id, CAST(day AS VARCHAR), weight_e4, is_reversal, problem FROM outcomes"
        " ORDER BY day, outcome_id, weight_e4"
    ).fetchall()


def test_a_state_that_changed_is_taken_back_on_the_day_it_changed(tmp_path: Path) -> None:
    solved = row("C-1", "2026-10-01", as_of="2026-10-01T12:00:00Z")
    opened = row("C-1", "2026-10-01", as_of="2026-10-05T09:00:00Z", weight_e4=0)
    again = row("C-1", "2026-10-07", as_of="2026-10-07T12:00:00Z")
    expected = [
        ("C-1", "2026-10-01", 10_000, False, None),
        ("C-1", "2026-10-05", -10_000, True, None),
        ("C-1", "2026-10-07", 10_000, False, None),
    ]

    assert changes(netted(tmp_path, solved, opened, again)) == expected
    assert changes(netted(tmp_path, again, opened, solved)) == expected


def test_a_state_that_is_only_described_otherwise_is_replaced(tmp_path: Path) -> None:
    first = row("C-1", "2026-10-01", as_of="2026-10-01T12:00:00Z")
    moved = row("C-1", "2026-10-01", as_of="2026-10-09T12:00:00Z", team="b")

    connection = netted(tmp_path, moved, first)

    assert changes(connection) == [("C-1", "2026-10-01", 10_000, False, None)]
    assert connection.execute("SELECT team FROM outcomes").fetchall() == [("b",)]


def test_a_reversal_is_of_the_team_and_the_keys_of_what_it_takes_back(tmp_path: Path) -> None:
    merged = row("PR_1", "2026-10-01", reference="acme/x#1", branch="PAY-1-fix", ticket="PAY-1")
    revert = row(
        "PR_2",
        "2026-10-03",
        weight_e4=-10_000,
        reversal_of="acme/x#1",
        branch="revert-1-PAY-1-fix",
        team=None,
        project=None,
    )

    connection = netted(tmp_path, revert, merged)

    assert changes(connection) == [
        ("PR_1", "2026-10-01", 10_000, False, None),
        ("PR_2", "2026-10-03", -10_000, True, None),
    ]
    assert connection.execute(
        "SELECT DISTINCT team, project, branch, ticket FROM outcomes"
    ).fetchall() == [("a", "p", "PAY-1-fix", "PAY-1")]


def test_a_reversal_may_name_the_commit_that_it_takes_back(tmp_path: Path) -> None:
    whole = "1a2b3c4d5e6f708192a3b4c5d6e7f80911223344"
    merged = row("9001", "2026-10-01", repository="acme/x", commit=whole, branch="fix")
    revert = row("9002", "2026-10-03", weight_e4=-10_000, reversal_of="acme/x@1a2b3c4d", team=None)
    elsewhere = row("7", "2026-10-03", weight_e4=-10_000, reversal_of="acme/y@1a2b3c4d")

    connection = netted(tmp_path, revert, elsewhere, merged)

    assert changes(connection) == [
        ("9001", "2026-10-01", 10_000, False, None),
        ("7", "2026-10-03", -10_000, True, "reversal-of-unknown"),
        ("9002", "2026-10-03", -10_000, True, None),
    ]


def test_a_queue_finds_the_owner_of_an_outcome(tmp_path: Path) -> None:
    connection = netted(tmp_path, row("7", "2026-10-01", team=None, project=None, queue="Tier 1"))

    assert owner_values(connection, ["tag:queue"]) == [("Tier 1",)]


def test_a_revert_of_a_revert_gives_the_first_its_weight_again(tmp_path: Path) -> None:
    merged = row("PR_1", "2026-10-01", reference="acme/x#1", branch="fix")
    revert = row(
        "PR_2", "2026-10-03", reference="acme/x#2", weight_e4=-10_000, reversal_of="acme/x#1"
    )
    back = row("PR_3", "2026-10-04", reference="acme/x#3", reversal_of="acme/x#2", team=None)

    connection = netted(tmp_path, merged, revert, back)

    assert connection.execute(
        "SELECT outcome_id, CAST(outcome_day AS VARCHAR), team, branch FROM outcomes ORDER BY ALL"
    ).fetchall() == [
        ("PR_1", "2026-10-01", "a", "fix"),
        ("PR_2", "2026-10-01", "a", "fix"),
        ("PR_3", "2026-10-01", "a", "fix"),
    ]
    assert stage_sums(connection, OCTOBER, TICKETS, date(2026, 12, 1)) == [
        ("a", "p", "ticket", 0, 0, 10_000, 10_000, 0, 0)
    ]


def test_a_reversal_of_nothing_or_of_what_came_later_counts_for_nothing(tmp_path: Path) -> None:
    later = row("C-1", "2026-10-05")
    early = row("R-1", "2026-10-04", weight_e4=-10_000, reversal_of="C-1")
    unknown = row("R-2", "2026-10-04", weight_e4=-10_000, reversal_of="C-9")

    connection = netted(tmp_path, later, early, unknown)

    assert [(p.code, p.outcomes, p.example) for p in problems(connection, ["a"])] == [
        ("reversal-of-unknown", 1, "R-2"),
        ("reversed-before-outcome", 1, "R-1"),
    ]
    assert stage_sums(connection, OCTOBER, TICKETS, date(2026, 12, 1)) == [
        ("a", "p", "ticket", 0, 0, 10_000, 10_000, 0, 0)
    ]


@pytest.mark.parametrize(
    ("reversed_on", "last_day", "settled", "settling"),
    [
        ("2026-10-08", date(2026, 11, 30), 0, 0),
        ("2026-10-09", date(2026, 11, 30), 10_000, 0),
        ("2026-11-20", date(2026, 10, 7), 0, 10_000),
    ],
)
def test_an_outcome_settles_when_it_has_stood_for_its_window(
    tmp_path: Path, reversed_on: str, last_day: date, settled: int, settling: int
) -> None:
    solved = row("C-1", "2026-10-01")
    taken_back = row("R-1", reversed_on, weight_e4=-10_000, reversal_of="C-1")

    (sums,) = stage_sums(
        netted(tmp_path, solved, taken_back),
        OCTOBER,
        TICKETS,
        last_day,
    )

    assert sums[5:] == (10_000, settled, settling, -10_000)


def test_what_its_source_calls_settled_is_one_outcome_and_settled_at_once(tmp_path: Path) -> None:
    connection = netted(
        tmp_path,
        row("C-1", "2026-10-01"),
        row("C-1", "2026-10-02", stage="settled"),
        row("C-2", "2026-10-03", stage="settled"),
    )

    (sums,) = stage_sums(connection, OCTOBER, TICKETS, date(2026, 10, 4))

    assert sums[3:] == (0, 0, 20_000, 20_000, 0, 0)


def test_rules_find_the_owner_on_the_day_of_the_outcome(tmp_path: Path) -> None:
    connection = netted(
        tmp_path,
        row("1", "2026-10-01", team=None, project=None, repository="acme/x"),
        row("2", "2026-10-20", team=None, project=None, repository="acme/x"),
        row("3", "2026-10-01", team="own", project=None, repository="acme/x"),
        row("4", "2026-10-01", team=None, project=None, ticket="PAY-7"),
        row("5", "2026-10-01", team=None, project=None),
    )
    directory = Directory(
        entries=(
            DirectoryEntry(1, "acme/x", "", "a", "p", "CC", None, date(2026, 10, 15)),
            DirectoryEntry(2, "acme/x", "", "b", "q", "CC", date(2026, 10, 15), None),
        )
    )
    rules = RuleSet(
        rules=(
            Rule(
                1,
                "pay",
                (Match("tag:ticket", Pattern.parse("glob:PAY-*")),),
                Assign("CC", "pay", "ledger"),
            ),
            Rule(2, "repository", (), Assign(owner_of="tag:repository")),
            Rule(
                3, "models", (Match("model_raw", Pattern.parse("glob:*")),), Assign("CC", "x", "x")
            ),
        )
    )
    owners: list[Owner] = []

    def number_of(owner: Owner) -> int:
        owners.append(owner)
        return len(owners) - 1

    answers = owner_answers(
        [Reign(rules, directory)],
        lambda fields: (
            owner_values(connection, fields) if OWNER_FIELDS.keys() >= set(fields) else None
        ),
        number_of,
    )
    own_outcomes(connection, answers, [(at, o.team, o.project) for at, o in enumerate(owners)])

    assert connection.execute(
        "SELECT outcome_id, team, project FROM outcomes ORDER BY outcome_id"
    ).fetchall() == [
        ("1", "a", "p"),
        ("2", "b", "q"),
        ("3", "own", ""),
        ("4", "pay", "ledger"),
        ("5", "", ""),
    ]
    assert [p.code for p in problems(connection, ["a", "b", "pay"])] == ["no-team", "unknown-team"]
