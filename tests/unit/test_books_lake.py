"""Which usage files stand, and which two claims are to the same usage."""

from dataclasses import replace

import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from metering.books.engine import begin_write
from metering.books.lake import (
    NewCellFile,
    NewLakeFile,
    add_cell_files,
    add_lake_files,
    all_known_paths,
    cells_of_days,
    event_files,
    live_files,
    live_slice,
    retire_lake_files,
)
from tests.support.books_rows import a_run, a_source, lake_file


def _live(connection: Connection) -> list[str]:
    return [file.sha256 for file in live_files(connection)]


def _add(connection: Connection, *files: NewLakeFile) -> None:
    """Name each file by a source of its own."""
    for number, file in enumerate(files):
        run_id = a_run(connection)
        source_id = a_source(connection, run_id, f"{number}.json")
        path = f"usage/{number}.parquet" if file.path else None
        add_lake_files(connection, run_id, [replace(file, source_id=source_id, path=path)])


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        pytest.param({"slice_edition": 1}, {"slice_as_of": "2026-11-02"}, id="said to be later"),
        pytest.param({"slice_as_of": "2026-11-02"}, {"quantity": 99}, id="as of"),
        pytest.param({"slice_last_day": "2026-11-01"}, {"quantity": 99}, id="reaches further"),
        pytest.param({"quantity": 11}, {}, id="holds more"),
        pytest.param({"quantity": 11}, {"records": 99}, id="holds more in fewer records"),
        pytest.param({"records": 2}, {}, id="holds more records"),
        pytest.param({"content_digest": "a"}, {"content_digest": "B"}, id="digest"),
    ],
)
@pytest.mark.parametrize("winner_first", [True, False])
def test_of_two_snapshots_of_a_day_the_later_stands_whatever_came_first(
    any_books: Engine, winner: dict[str, object], loser: dict[str, object], winner_first: bool
) -> None:
    same = {"content_digest": "x"}
    files = [lake_file(0, "winner", **(same | winner)), lake_file(0, "loser", **(same | loser))]
    with begin_write(any_books) as connection:
        _add(connection, *(files if winner_first else reversed(files)))

        assert _live(connection) == ["winner"]


def test_of_a_snapshot_and_its_copy_the_one_that_came_first_stands(any_books: Engine) -> None:
    # Staging brings the records of a day together, so that a snapshot has one file of it.
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        sources = [a_source(connection, run_id, f"{name}.json") for name in ("b", "a")]
        files = [
            lake_file(source, f"of-{source}", content_digest="same", quantity=30)
            for source in sources
        ]
        add_lake_files(connection, run_id, files)

        assert _live(connection) == [f"of-{sources[0]}"]


def test_a_day_without_usage_covers_what_was_reported_before(any_books: Engine) -> None:
    nothing = {"path": None, "records": 0, "quantity": 0, "slice_as_of": "2026-11-02"}
    with begin_write(any_books) as connection:
        _add(connection, lake_file(0, "some"), lake_file(0, "", **nothing))

        (live,) = live_files(connection)
        assert (live.path, live.records) == (None, 0)


def test_a_file_without_records_cannot_be_named(any_books: Engine) -> None:
    with (
        pytest.raises(IntegrityError, match="without_records_no_file"),
        begin_write(any_books) as connection,
    ):
        _add(connection, lake_file(0, "empty", records=0))


def test_slices_stand_side_by_side(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        _add(
            connection,
            lake_file(0, "a"),
            lake_file(0, "b", slice_scope="embeddings"),
            lake_file(0, "c", slice_account="emea"),
            lake_file(0, "d", slice_signature="hour"),
            lake_file(0, "e", day="2026-10-02"),
            lake_file(0, "f", slice_provider="azure"),
        )

        assert _live(connection) == ["a", "b", "c", "d", "f", "e"]
        assert [
            file.sha256
            for file in live_slice(connection, "openai", "default", "completions", "day,model")
        ] == ["a", "e"]


def test_events_stand_until_they_are_retired(any_books: Engine) -> None:
    event = {"identity": "event", "ingestor": "litellm", "slice_scope": ""}
    with begin_write(any_books) as connection:
        _add(connection, lake_file(0, "a", **event), lake_file(0, "b", **event), lake_file(0, "c"))
        before = [file.sha256 for file in event_files(connection, "litellm")]
        retired = event_files(connection, "litellm")[0]
        retire_lake_files(connection, a_run(connection), [retired.id], "superseded")

        assert before == ["a", "b"]
        assert [file.sha256 for file in event_files(connection, "litellm")] == ["b"]
        assert _live(connection) == ["b", "c"]
        assert event_files(connection, "other") == []
        assert retired.path not in all_known_paths(connection)


def test_files_are_chosen_by_role_and_day(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        _add(
            connection,
            lake_file(0, "a"),
            lake_file(0, "b", role="detail", ingestor="other"),
            lake_file(0, "c", day="2026-10-31"),
        )

        assert [f.sha256 for f in live_files(connection, {"detail"})] == ["b"]
        assert [f.sha256 for f in live_files(connection, {"metered", "detail"})] == ["a", "b", "c"]
        assert live_files(connection, set()) == []
        assert [f.sha256 for f in live_files(connection, None, "2026-10-02", "2026-10-31")] == ["c"]


def test_a_file_comes_back_as_it_was(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        new = lake_file(a_source(connection, run_id), "a", models='[["openai","openai-api","m"]]')
        add_lake_files(connection, run_id, [new])

        (found,) = live_files(connection)
        assert {name: getattr(found, name) for name in new.__dataclass_fields__} == {
            name: getattr(new, name) for name in new.__dataclass_fields__
        }
        assert found.run_id == run_id


def test_the_lake_keeps_what_is_or_was_in_force_and_its_cells(any_books: Engine) -> None:
    cells = NewCellFile("2026-10-01", "r1", "cells/r1.parquet", "x", 10, 3)
    with begin_write(any_books) as connection:
        _add(connection, lake_file(0, "a"), lake_file(0, "b", quantity=11))
        add_cell_files(connection, a_run(connection), [cells])

        assert all_known_paths(connection) == {
            "usage/0.parquet",
            "usage/1.parquet",
            "cells/r1.parquet",
        }
        assert cells_of_days(connection, "2026-10-01", "2026-10-01") == {"r1": "cells/r1.parquet"}
        assert cells_of_days(connection, "2026-10-02", "2026-10-31") == {}
