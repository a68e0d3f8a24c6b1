"""What is staged is one file for each charge day, however it was handed over, and what is in it."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from metering.engine.connection import open_duckdb
from metering.usage import rows as stored
from metering.usage import staging as staging_module
from metering.usage.columns import USAGE_COLUMNS
from metering.usage.staged import content_digests, describe, describe_sources
from metering.usage.staging import Staging
from tests.support.usage_rows import usage_rows

FIRST, SECOND = (datetime(2026, 10, day, 12, tzinfo=UTC) for day in (1, 2))


@pytest.fixture
def connection(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    return open_duckdb(tmp_path / "scratch", memory_limit="500MB", threads=1)


def test_more_records_than_are_written_at_once_are_one_file_a_day(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging_module, "_FLUSH_ROWS", 2)
    staging = Staging(connection, tmp_path / "new", ingestor="some-log", account="default")
    for place in range(5):
        start = FIRST if place % 2 else SECOND
        staging.add(usage_rows({"event_id": str(place), "start": start, "row_no": place}))

    staging.finish()

    assert [
        (day.day, len(day.files), day.records) for day in describe(connection, staging.files())
    ] == [
        ("2026-10-01", 1, 2),
        ("2026-10-02", 1, 3),
    ]
    rows = connection.execute(
        f"SELECT row_no FROM {stored.usage_rows(staging.files())} ORDER BY ALL"
    ).fetchall()
    assert rows == [(place,) for place in range(5)]


def test_records_of_several_files_name_theirs(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    staging = Staging(
        connection, tmp_path / "new", ingestor="some-bill", account="default", packed=True
    )
    staging.add(usage_rows({"event_id": "a"}, {"event_id": "b"}), "first")
    staging.add(connection.from_arrow(usage_rows({"event_id": "a"})), "second")

    staging.finish()

    held = describe_sources(connection, staging.files())
    assert [(day.source, day.records) for day in held] == [("first", 2), ("second", 1)]
    assert len(staging.files()) == 1


def test_a_file_lacks_columns_without_content_and_reads_as_if_it_had_them(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    staging = _staged(connection, tmp_path, {"event_id": "a", "output": 3}, {"event_id": "b"})

    (file,) = staging.files()
    held = pq.read_table(file, partitioning=None)
    read = staging.connection.sql(f"SELECT * FROM {stored.usage_rows([file])}")

    assert not [name for name in held.column_names if held[name].null_count == held.num_rows]
    assert "output" in held.column_names
    every = {*USAGE_COLUMNS, "record_key", "ingestor", "source", "day"} - {"event_id"}
    assert set(read.columns) == every
    rows = read.project("output, cache_read, CAST(day AS VARCHAR)").fetchall()
    assert sorted(rows, key=str) == [(3, None, "2026-10-01"), (None, None, "2026-10-01")]


def test_records_without_an_id_have_no_key(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    staging = _staged(connection, tmp_path, {"output": 3}, {"output": 3})

    rows = staging.connection.execute(
        f"SELECT record_key, output FROM {stored.usage_rows(staging.files())}"
    ).fetchall()

    assert rows == [(None, 3), (None, 3)]
    assert describe(staging.connection, staging.files())[0].records == 2


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (({"output": 3}, {"output": 4}), ({"output": 4}, {"output": 3}), True),
        # Twice the same is not nothing, and not twice something else.
        (({"output": 3}, {"output": 3}), ({"output": 4}, {"output": 4}), False),
        (({"output": 3}, {"output": 3}), ({"output": 3},), False),
        # A number says which meter it is of.
        (({"output": 3},), ({"cache_read": 3},), False),
        # That a column is in the file for the sake of another record says nothing.
        (({"output": 3},), ({"output": 3, "cache_read": None},), True),
        (({"workspace": "a", "principal": "b"},), ({"workspace": "a b"},), False),
    ],
)
def test_a_digest_is_of_the_records_alone(
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    left: tuple[dict[str, object], ...],
    right: tuple[dict[str, object], ...],
    equal: bool,
) -> None:
    digests = []
    for side, rows in (("left", left), ("right", right)):
        staging = _staged(connection, tmp_path / side, *rows)
        digests.append(content_digests(staging.connection, staging.files()))

    assert (digests[0] == digests[1]) is equal
    assert [len(digest) for digest in digests[0].values()] == [32]


def _staged(
    connection: duckdb.DuckDBPyConnection, folder: Path, *rows: dict[str, object]
) -> Staging:
    staging = Staging(connection, folder, ingestor="acme", account="default")
    staging.add(usage_rows(*rows))
    staging.finish()
    return staging
