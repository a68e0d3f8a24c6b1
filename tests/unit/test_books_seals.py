"""What a run wrote is sealed: a row changed, removed or slipped in by hand is found and named."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from metering.books.engine import begin_read, begin_write
from metering.books.seals import broken_seals, chain_head, digests_by_run, gained_by_run
from metering.books.sources import add_quarantine
from metering.errors import Rejection
from tests.support.books_rows import a_run, a_source

_REFUSED = (Rejection(3, "bad-quantity", "tokens", "'x'", "a whole number"),)
_REST = "run_id, source_id, line, code, field, found, expected, remedy"


@pytest.fixture
def sealed(any_books: Engine) -> Engine:
    """Return books with two sealed transactions."""
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        add_quarantine(connection, run_id, a_source(connection, run_id), _REFUSED * 3)
    with begin_write(any_books) as connection:
        a_source(connection, a_run(connection), "b.json")
    return any_books


def problems(engine: Engine) -> list[str]:
    with begin_read(engine) as connection:
        return list(broken_seals(connection))


def test_what_each_run_wrote_is_counted_and_chained(sealed: Engine) -> None:
    with begin_read(sealed) as connection:
        assert gained_by_run(connection) == {
            1: {"quarantine": 3, "run": 1, "source": 1},
            2: {"run": 1, "source": 1},
        }
        assert chain_head(connection) == digests_by_run(connection)[2]
    assert problems(sealed) == []


def test_a_transaction_that_is_given_up_is_not_sealed(sealed: Engine) -> None:
    with begin_write(sealed) as connection:
        a_run(connection)
        connection.rollback()
    with pytest.raises(IntegrityError), begin_write(sealed) as connection:
        a_source(connection, a_run(connection), "b.json")

    with begin_read(sealed) as connection:
        assert list(digests_by_run(connection)) == [1, 2]
    assert problems(sealed) == []


def test_both_databases_seal_the_same_rows_alike(books: Engine, postgresql_books: Engine) -> None:
    heads = set()
    for engine in (books, postgresql_books):
        with begin_write(engine) as connection:
            a_source(connection, a_run(connection), "ä \u2028 \U0001f600")
        with begin_read(engine) as connection:
            heads.add(chain_head(connection))

    assert len(heads) == 1


@pytest.fixture
def bare(books: Engine) -> Iterator[tuple[Engine, sqlite3.Connection]]:
    """Yield sealed books and a connection whose owner has removed every trigger."""
    with begin_write(books) as connection:
        run_id = a_run(connection)
        add_quarantine(connection, run_id, a_source(connection, run_id), _REFUSED * 3)
    with begin_write(books) as connection:
        a_source(connection, a_run(connection), "b.json")
    tampering = sqlite3.connect(Path(str(books.url.database)), isolation_level=None)
    triggers = tampering.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for (name,) in triggers:
        tampering.execute(f"DROP TRIGGER {name}")
    yield books, tampering
    tampering.close()


@pytest.mark.parametrize(
    ("tampering", "told"),
    [
        (
            "UPDATE quarantine SET found = 'y' WHERE id = 2",
            "quarantine: the rows of run 1 (ingest, nina",
        ),
        ("DELETE FROM quarantine WHERE id = 3", "it wrote 3 and 2 are there"),
        (
            f"INSERT INTO quarantine SELECT 4, {_REST} FROM quarantine WHERE id = 1",
            "quarantine: rows after id 3 were written by no command",
        ),
        (
            f"INSERT INTO quarantine SELECT -4, {_REST} FROM quarantine WHERE id = 1",
            "it wrote 3 and 4 are there",
        ),
        ("UPDATE run SET started_by = 'eve' WHERE id = 1", "run: the rows of run 1"),
        ("UPDATE run_seal SET digest = 'x' WHERE id = 1", "the seal of run 1"),
        ("UPDATE sealed_rows SET rows = 2 WHERE table_name = 'quarantine'", "the seal of run 1"),
        ("DELETE FROM run_seal WHERE id = 1", "the seal of run 2"),
        ("DELETE FROM sealed_rows WHERE run_seal_id = 2", "the seal of run 2"),
    ],
)
def test_tampering_is_found_and_named(
    bare: tuple[Engine, sqlite3.Connection], tampering: str, told: str
) -> None:
    engine, connection = bare
    assert problems(engine) == []

    connection.execute(tampering)

    assert any(told in problem for problem in problems(engine)), problems(engine)
