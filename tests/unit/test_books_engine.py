"""Writers take turns, readers see one committed state, and nothing half done stays."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from metering.books import engine as books_engine
from metering.books.engine import begin_read, begin_write, open_engine
from metering.books.runs import list_runs, record_run
from metering.errors import BookError

_NOW = datetime(2026, 10, 1, 3, 10, tzinfo=UTC)


@pytest.fixture
def second(any_books: Engine) -> Engine:
    """Return another process's engine on the same books."""
    return open_engine(any_books.url.render_as_string(hide_password=False))


def _record_and_fail(connection: Connection) -> None:
    record_run(connection, "ingest", {}, _NOW, "nina")
    raise ZeroDivisionError


def _commands(engine: Engine) -> list[str]:
    with begin_read(engine) as connection:
        return [run.command for run in list_runs(connection)]


def test_what_a_write_transaction_did_is_there_afterwards(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        record_run(connection, "ingest", {"files": ["a.json"]}, _NOW, "nina")

    with begin_read(any_books) as connection:
        (run,) = list_runs(connection)
    assert (run.command, run.arguments, run.started_at, run.started_by) == (
        "ingest",
        {"files": ["a.json"]},
        _NOW,
        "nina",
    )


def test_what_a_broken_write_transaction_did_is_not(any_books: Engine) -> None:
    with pytest.raises(ZeroDivisionError), begin_write(any_books) as connection:
        _record_and_fail(connection)

    assert _commands(any_books) == []


def test_a_reader_can_change_nothing(any_books: Engine) -> None:
    with pytest.raises(DBAPIError, match=r"read-?only"), begin_read(any_books) as connection:
        record_run(connection, "ingest", {}, _NOW, "nina")

    assert _commands(any_books) == []


def test_a_reader_sees_one_state_while_others_write(any_books: Engine, second: Engine) -> None:
    with begin_read(any_books) as reading:
        before = list_runs(reading)
        with begin_write(second) as writing:
            record_run(writing, "post", {}, _NOW, "nina")
        still = list_runs(reading)

    assert before == still == ()
    assert _commands(any_books) == ["post"]


def test_a_second_writer_is_told_that_the_books_are_busy(
    any_books: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books_engine, "BUSY_SECONDS", 0.1)
    second = open_engine(any_books.url.render_as_string(hide_password=False))

    with (
        begin_write(any_books),
        pytest.raises(BookError) as refusal,
        begin_write(second) as connection,
    ):
        record_run(connection, "post", {}, _NOW, "nina")

    assert refusal.value.code == "books-busy"
    assert _commands(any_books) == []


def test_a_row_that_refers_to_nothing_is_refused(any_books: Engine) -> None:
    with pytest.raises(DBAPIError, match=r"(?i)foreign key"), begin_write(any_books) as connection:
        connection.execute(
            text(
                "INSERT INTO period_event (run_id, period, state, reason)"
                " VALUES (77, '2026-10', 'closed', '')"
            )
        )


def test_sqlite_is_durable_and_lets_readers_read(books: Engine) -> None:
    with begin_read(books) as connection:
        pragma = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }

    assert pragma == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_looking_for_books_makes_none(tmp_path: Path) -> None:
    with pytest.raises(BookError) as refusal:
        open_engine(f"sqlite:///{tmp_path / 'typo.sqlite'}")

    assert refusal.value.code == "books-missing"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    [
        "books.sqlite",
        "sqlite://",
        "mysql://nina:hunter2@host/books",
        "nosuch://x",
        "postgresql://nina:half@hunter2@host/books",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_telling_it(url: str) -> None:
    with pytest.raises(BookError) as refusal:
        open_engine(url)

    assert refusal.value.code == "bad-books-url"
    assert "hunter2" not in str(refusal.value)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "books.sqlite"
    path.write_text("These are not the books you are looking for." * 100, encoding="utf-8")
    engine = open_engine(f"sqlite:///{path}")

    with pytest.raises(BookError) as refusal, begin_read(engine):
        pass

    assert refusal.value.code == "books-unreachable"


@pytest.mark.postgres
@pytest.mark.parametrize("begin", [begin_read, begin_write])
@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("SELECT pg_terminate_backend(pg_backend_pid())", "terminating connection"),
        ("SET LOCAL statement_timeout = 1; SELECT pg_sleep(9)", "canceling statement"),
        ("SET LOCAL ROLE pg_monitor; SELECT * FROM posting", "permission denied"),
    ],
    ids=["ended", "too slow", "no access"],
)
def test_a_server_that_gives_no_answer_is_told(
    postgresql_books: Engine,
    begin: Callable[[Engine], AbstractContextManager[Connection]],
    statement: str,
    said: str,
) -> None:
    with pytest.raises(BookError) as refusal, begin(postgresql_books) as connection:
        connection.exec_driver_sql(statement)

    assert refusal.value.code == "storage-failed"
    assert said in str(refusal.value)


def test_damaged_books_are_told_to_whoever_reads_them(books: Engine) -> None:
    with begin_read(books) as connection:
        page, size = connection.exec_driver_sql(
            "SELECT rootpage, page_size FROM sqlite_master, pragma_page_size WHERE name = 'run'"
        ).one()
    with Path(books.url.database or "").open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"?" * size)

    with pytest.raises(BookError) as refusal, begin_read(books) as connection:
        list_runs(connection)

    assert refusal.value.code == "storage-failed"
    assert "the books cannot be read: database disk image is malformed" in str(refusal.value)


def test_a_traceback_shows_no_row(books: Engine) -> None:
    with pytest.raises(DBAPIError) as refusal, begin_write(books) as connection:
        connection.execute(
            text("INSERT INTO run (command) VALUES (:command)"), {"command": "a secret"}
        )

    assert "a secret" not in str(refusal.value)
