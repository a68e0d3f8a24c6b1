"""What a folder of exports may not hold, and how it is said."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from metering.engine.behaviour.of_folder import COUNTS, open_folder
from metering.engine.connection import open_duckdb
from metering.errors import MeteringError

_USAGE = (
    "date,provider,model,team,project,user,workflow_key," + ",".join(COUNTS) + ",cost_usd\n"
    "2026-01-05,orion,orion-3,blue,one,ana,k-1,1,2,3,4,5,1,1,1,0,0,0.000000000001\n"
)
_PROJECTS = "team,project,function,attribution_window_days\nblue,one,engineering,14\n"
_OUTCOMES = (
    "outcome_id,timestamp,kind,team,project,workflow_key,weight\n"
    "o1,2026-01-05T23:30:00-02:00,merged,blue,one,,1.5\n"
)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_duckdb(tmp_path / "scratch", memory_limit="200MB", threads=1) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "usage.csv").write_text(_USAGE, encoding="utf-8")
    (tmp_path / "projects.csv").write_text(_PROJECTS, encoding="utf-8")
    (tmp_path / "outcomes.csv").write_text(_OUTCOMES, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("usage.csv", "cost_usd", "cost", "usage.csv:1: error[missing-column]: cost_usd"),
        ("usage.csv", "2026-01-05", "05.01.2026", "usage.csv:2: error[bad-date]: date is"),
        ("usage.csv", "2026-01-05", "2026-13-05", "usage.csv:2: error[bad-date]: date is"),
        ("usage.csv", ",1,2,3", ",1,-2,3", "error[bad-quantity]: input_tokens is '-2'"),
        ("usage.csv", ",1,2,3", ",1,2.5,3", "error[bad-quantity]: input_tokens is '2.5'"),
        ("usage.csv", ",blue,", ",,", "usage.csv:2: error[missing-field]: team is ''"),
        ("usage.csv", "0.000000000001", "1.2e", "error[bad-amount]: cost_usd is '1.2e'"),
        ("outcomes.csv", "-02:00", "", "outcomes.csv:2: error[naive-timestamp]: timestamp is"),
        ("outcomes.csv", "2026-01-05T23", "yesterday", "outcomes.csv:2: error[bad-instant]"),
        ("outcomes.csv", "1.5", "much", "outcomes.csv:2: error[bad-quantity]: weight is 'much'"),
        ("projects.csv", ",14", ",two", "projects.csv:2: error[bad-quantity]"),
        ("usage.csv", _USAGE.splitlines()[1] + "\n", "", "usage.csv: error[no-rows]"),
        ("projects.csv", "blue,one,engineering,14\n", "blue,one,,1\n" * 2, "error[duplicate-key]"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused_with_its_place(
    connection: duckdb.DuckDBPyConnection, folder: Path, file: str, old: str, new: str, said: str
) -> None:
    path = folder / file
    path.write_text(path.read_text("utf-8").replace(old, new), encoding="utf-8")

    with pytest.raises(MeteringError) as refused:
        open_folder(connection, folder)

    assert said in str(refused.value)


def test_amounts_keep_their_last_digit(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    open_folder(connection, folder)

    found = connection.execute("SELECT CAST(sum(cost_usd) AS VARCHAR) FROM usage").fetchall()

    assert found == [("0.000000000001",)]


def test_an_outcome_is_of_its_day_in_utc(
    connection: duckdb.DuckDBPyConnection, folder: Path
) -> None:
    open_folder(connection, folder)

    found = connection.execute('SELECT CAST("timestamp" AS DATE) FROM outcomes').fetchall()

    assert [str(day) for (day,) in found] == ["2026-01-06"]


def test_a_count_that_a_file_lacks_is_unknown_and_not_zero(
    connection: duckdb.DuckDBPyConnection, folder: Path
) -> None:
    head, row = (line.split(",") for line in _USAGE.splitlines())
    at = head.index("sessions")
    lines = (",".join(cells[:at] + cells[at + 1 :]) for cells in (head, row))
    (folder / "usage.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    open_folder(connection, folder)

    assert connection.execute("SELECT sessions, requests FROM usage").fetchall() == [(None, 1)]


def test_prices_events_and_outcomes_may_be_missing(
    connection: duckdb.DuckDBPyConnection, folder: Path
) -> None:
    (folder / "outcomes.csv").unlink()

    first, last = open_folder(connection, folder)

    assert str(first) == str(last) == "2026-01-05"
    for name in ("outcomes", "prices", "events"):
        assert connection.execute(f"SELECT count(*) FROM {name}").fetchall() == [(0,)]
