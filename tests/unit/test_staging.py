"""What is staged is one file for each charge day, however it was handed over."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from metering.engine.connection import open_duckdb
from metering.usage import staging as staged
from metering.usage.staging import Staging, describe, describe_sources, scan
from tests.usage_rows import usage_rows

FIRST, SECOND = (datetime(2026, 10, day, 12, tzinfo=UTC) for day in (1, 2))


@pytest.fixture
def connection(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    return open_duckdb(tmp_path / "scratch", memory_limit="500MB", threads=1)


def test_more_records_than_are_written_at_once_are_one_file_a_day(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staged, "_FLUSH_ROWS", 2)
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
    rows = connection.execute(f"SELECT row_no FROM {scan(staging.files())} ORDER BY ALL").fetchall()
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
