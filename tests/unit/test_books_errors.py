"""Each refusal of the books says exactly what its folder of `tests/errors/` holds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Engine, create_engine, text

from metering.books.engine import begin_read, begin_write, open_engine
from metering.books.ledger import add_postings
from metering.books.migrations import require_current, upgrade
from metering.books.periods import PeriodState, add_period_event
from metering.errors import BookError
from metering.workflows.ledger_start import start_ledger
from metering.workflows.runs import Run
from tests.support.books_rows import NOW, a_run, posting

ERRORS = Path(__file__).parents[1] / "errors"
BOOKS = "sqlite:///books.sqlite"


def bad_books_url() -> None:
    open_engine("mysql://nina:secret@host/books")


def books_missing() -> None:
    open_engine(BOOKS)


def books_unreachable() -> None:
    Path("books.sqlite").write_text("Dear diary, today I spent a lot." * 99, encoding="utf-8")
    with begin_read(open_engine(BOOKS)):
        pass


def books_outdated() -> None:
    require_current(open_engine(BOOKS, must_exist=False))


def books_newer() -> None:
    engine = open_engine(BOOKS, must_exist=False)
    upgrade(engine)
    with begin_write(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    require_current(engine)


def books_of_another_build() -> None:
    engine = open_engine(BOOKS, must_exist=False)
    upgrade(engine)
    with begin_write(engine) as connection:
        connection.execute(text("DROP TABLE dispute_event"))
        connection.execute(text("ALTER TABLE fx_rate RENAME COLUMN source TO origin"))
    require_current(engine)


def books_busy() -> None:
    engine = open_engine(BOOKS, must_exist=False)
    with begin_write(engine), begin_write(open_engine(BOOKS)):
        pass


def period_closed() -> None:
    engine = open_engine(BOOKS, must_exist=False)
    upgrade(engine)
    with begin_write(engine) as connection:
        run_id = a_run(connection)
        add_period_event(connection, run_id, "2026-10", PeriodState.CLOSED, "tied out")
        add_postings(connection, run_id, [posting(1, 2, 1)])


def storage_failed() -> None:
    engine = open_engine(BOOKS, must_exist=False)
    upgrade(engine)
    with begin_write(engine) as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        connection.execute(text("CREATE TABLE more (page BLOB)"))
        connection.execute(text("INSERT INTO more VALUES (zeroblob(1 << 20))"))


def already_a_ledger() -> None:
    run = Run("init", "nina", NOW)
    start_ledger(Path(), run)
    start_ledger(Path(), run)


@contextmanager
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a writer wait a tenth of a second, and say the seconds it would have waited."""

    def create(url: URL, **options: Any) -> Engine:
        return create_engine(url, **(options | {"connect_args": {"timeout": 0.1}}))

    with monkeypatch.context() as patched:
        patched.setattr("metering.books.engine.create_engine", create)
        yield


@pytest.mark.parametrize(
    "refused",
    [
        bad_books_url,
        books_missing,
        books_unreachable,
        books_outdated,
        books_newer,
        books_of_another_build,
        books_busy,
        period_closed,
        storage_failed,
        already_a_ledger,
    ],
    ids=lambda refused: refused.__name__.replace("_", "-"),
)
def test_a_refusal_says_what_and_what_to_do(
    refused: Callable[[], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
) -> None:
    monkeypatch.chdir(tmp_path)
    code = refused.__name__.replace("_", "-")
    expected = ERRORS / code / "books.expected"

    with impatient(monkeypatch), pytest.raises(BookError) as refusal:
        refused()

    actual = f"{refusal.value}\n"
    if pytestconfig.getoption("--update-golden"):
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(actual, encoding="utf-8")
    assert refusal.value.code == code
    assert actual == expected.read_text(encoding="utf-8")
