"""Which snapshots stand is decided by what they say, never by the order in which they came."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from metering.books.engine import begin_write, open_engine
from metering.books.lake import NewLakeFile, add_lake_files, live_files
from metering.books.migrations import upgrade
from tests.support.books_rows import a_run, a_source, lake_file

_SLICE = ("ingestor", "slice_provider", "slice_account", "slice_scope", "slice_signature", "day")
_RANK = (
    *("slice_edition", "slice_as_of", "slice_last_day", "quantity", "records"),
    "content_digest",
)

Said = tuple[str | int | None, ...]


@st.composite
def reports(draw: st.DrawFn) -> NewLakeFile:
    """Draw one day of one report; few values, so that many of them meet."""
    content = draw(st.sampled_from(["", "a", "b", "A", "B"]))
    return replace(
        lake_file(0, content),
        day=draw(st.sampled_from(["2026-10-01", "2026-10-02"])),
        slice_scope=draw(st.sampled_from(["completions", "embeddings"])),
        slice_as_of=draw(st.sampled_from(["", "2026-10-02T00:00:00Z", "2026-10-03T00:00:00Z"])),
        slice_last_day=draw(st.sampled_from(["2026-10-02", "2026-10-31"])),
        slice_edition=draw(st.integers(0, 1)),
        quantity=draw(st.integers(1, 2)) if content else 0,
        records=draw(st.integers(1, 2)) if content else 0,
    )


@pytest.fixture(scope="module")
def shared_books(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Return books that each example writes to and rolls back."""
    path = tmp_path_factory.mktemp("live") / "books.sqlite"
    engine = open_engine(f"sqlite:///{path}", must_exist=False)
    upgrade(engine)
    return engine


def _standing(books: Engine, files: Sequence[NewLakeFile]) -> list[Said]:
    with begin_write(books) as connection:
        run_id = a_run(connection)
        for number, file in enumerate(files):
            source_id = a_source(connection, run_id, f"{number}.json")
            path = f"{number}.parquet" if file.records else None
            add_lake_files(connection, run_id, [replace(file, source_id=source_id, path=path)])
        found = [_said(file) for file in live_files(connection)]
        connection.rollback()
    return sorted(found, key=repr)


def _said(file: NewLakeFile) -> Said:
    return tuple(getattr(file, name) for name in (*_SLICE, *_RANK))


def _expected(files: Sequence[NewLakeFile]) -> list[Said]:
    greatest: dict[Said, NewLakeFile] = {}
    for file in files:
        key = tuple(getattr(file, name) for name in _SLICE)
        rival = greatest.setdefault(key, file)
        if _rank(file) > _rank(rival):
            greatest[key] = file
    return sorted((_said(file) for file in greatest.values()), key=repr)


def _rank(file: NewLakeFile) -> Said:
    return tuple(getattr(file, name) for name in _RANK)


@given(
    st.lists(reports(), max_size=7).flatmap(
        lambda files: st.tuples(st.just(files), st.permutations(files))
    )
)
@settings(max_examples=150)
def test_the_greatest_report_of_each_slice_and_day_stands_in_any_order(
    shared_books: Engine, drawn: tuple[list[NewLakeFile], list[NewLakeFile]]
) -> None:
    files, permuted = drawn

    assert _standing(shared_books, files) == _expected(files)
    assert _standing(shared_books, permuted) == _expected(files)
