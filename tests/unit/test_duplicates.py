"""An event is one fact, however often and in whatever order its records come."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from metering.engine.connection import open_duckdb
from metering.usage import rows as stored
from metering.usage.duplicates import remove_duplicates
from metering.usage.staged import describe
from metering.usage.staging import Staging
from tests.support.usage_rows import usage_rows


@pytest.fixture
def connection(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    return open_duckdb(tmp_path / "scratch", memory_limit="500MB", threads=1)


def _staged(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    *rows: dict[str, Any],
    told_aside: bool = False,
) -> Staging:
    staging = Staging(
        connection, folder, ingestor="some-log", account="default", told_aside=told_aside
    )
    staging.add(usage_rows(*rows))
    staging.flush()
    return staging


def _outputs(staging: Staging) -> list[int]:
    if not staging.files():
        return []
    rows = staging.connection.execute(
        f"SELECT output FROM {stored.usage_rows(staging.files())} ORDER BY output"
    ).fetchall()
    return [output for (output,) in rows]


def test_events_with_ids_of_their_own_are_all_kept(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    staging = _staged(
        connection, tmp_path / "new", {"event_id": "a", "output": 1}, {"event_id": "b", "output": 1}
    )

    found = remove_duplicates(staging, {}, keep_largest=False)

    assert (found.already_known, found.conflicts) == (0, ())
    assert _outputs(staging) == [1, 1]


def test_an_identical_repeat_in_one_file_is_known(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    same = {"event_id": "a", "output": 7}
    staging = _staged(connection, tmp_path / "new", same, same)

    found = remove_duplicates(staging, {}, keep_largest=False)

    assert found.already_known == 1
    assert _outputs(staging) == [7]


def test_a_different_repeat_is_refused_and_the_recorded_one_stays(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    old = _staged(connection, tmp_path / "old", {"event_id": "a", "output": 7})
    live = {"usage/old.parquet": old.files()[0]}
    new = _staged(
        connection,
        tmp_path / "new",
        {"event_id": "a", "output": 9},
        {"event_id": "a", "output": 7},
        {"event_id": "b", "output": 1},
    )

    found = remove_duplicates(new, live, keep_largest=False)

    assert [(item.line, item.code) for item in found.conflicts] == [(1, "conflicting-repeat")]
    assert (found.already_known, found.superseded_records) == (1, 0)
    assert _outputs(new) == [1]
    assert _outputs(old) == [7]


@pytest.mark.parametrize("first", [3, 9])
def test_the_largest_snapshot_of_an_event_wins_in_either_order(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, first: int
) -> None:
    second = 12 - first
    other = {"event_id": "b", "output": 100}
    old = _staged(connection, tmp_path / "old", {"event_id": "a", "output": first}, other)
    live = {"usage/old.parquet": old.files()[0]}
    new = _staged(connection, tmp_path / "new", {"event_id": "a", "output": second})

    found = remove_duplicates(new, live, keep_largest=True)

    left = found.superseded.get("usage/old.parquet")
    if second > first:
        assert _outputs(new) == [9]
        assert found.superseded_records == 1
        assert left is not None
        assert connection.execute("SELECT output FROM read_parquet(?)", [str(left)]).fetchall() == [
            (100,)
        ]
    else:
        assert _outputs(new) == []
        assert found.already_known == 1
        assert found.superseded_records == 0


def test_a_file_that_loses_every_record_is_left_empty(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    old = _staged(connection, tmp_path / "old", {"event_id": "a", "output": 1})
    new = _staged(connection, tmp_path / "new", {"event_id": "a", "output": 2})

    found = remove_duplicates(new, {"usage/old.parquet": old.files()[0]}, keep_largest=True)

    assert found.superseded == {"usage/old.parquet": None}


def test_records_without_an_id_are_never_merged(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    staging = _staged(connection, tmp_path / "new", {"output": 5}, {"output": 5})

    found = remove_duplicates(staging, {}, keep_largest=False)

    assert found.already_known == 0
    assert [day.records for day in describe(connection, staging.files())] == [2]


@pytest.mark.parametrize("main_first", [True, False])
def test_an_event_told_aside_gives_way_to_any_other_telling_in_either_order(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, *, main_first: bool
) -> None:
    main, aside = {"event_id": "a/1", "output": 5}, {"event_id": "a/", "output": 50}
    first, second = (main, aside) if main_first else (aside, main)
    old = _staged(connection, tmp_path / "old", first, told_aside=True)
    lone = {"event_id": "b/", "output": 7}
    new = _staged(connection, tmp_path / "new", second, lone, told_aside=True)

    found = remove_duplicates(
        new, {"usage/old.parquet": old.files()[0]}, keep_largest=True, told_aside=True
    )

    if main_first:
        assert (found.already_known, found.superseded) == (1, {})
        assert _outputs(new) == [7]
    else:
        assert (found.already_known, found.superseded) == (0, {"usage/old.parquet": None})
        assert _outputs(new) == [5, 7]


def test_tellings_of_one_event_in_the_main_chain_are_events_of_their_own(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    rows = [{"event_id": event, "output": 1} for event in ("a/1", "a/2", "a/", "a/")]
    staging = _staged(connection, tmp_path / "new", *rows, told_aside=True)

    found = remove_duplicates(staging, {}, keep_largest=True, told_aside=True)

    assert found.already_known == 2
    assert _outputs(staging) == [1, 1]
