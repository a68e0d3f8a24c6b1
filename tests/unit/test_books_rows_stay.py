"""Rows are inserted, never changed or deleted: not even by somebody with SQL at hand."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, Table, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DatabaseError

from metering.books.engine import begin_write
from metering.books.schema import all_tables

_TABLES = sorted(all_tables().tables)
_SQLITE = sqlite.dialect()
_REFUSAL = "rows are inserted, never changed or deleted"

# What the checks of a table want, besides 1 in every whole number and "x" in every text.
_WANTED: dict[str, dict[str, int | str | None]] = {
    "source": {"records_in": 3},
    "lake_file": {"path": "x"},
    "posting": {"credit_account_id": 2},
    "period_event": {"state": "open"},
    "adjustment": {"kind": "dispute"},
    "dispute_event": {"state": "open"},
    "invoice_event": {"state": "cancelled"},
    "finding_event": {"state": "open"},
    "invoice_line": {"category": "tax", "booking_currency": None, "booking_amount_nanos": None},
}


@pytest.fixture
def bare(books: Engine) -> Iterator[sqlite3.Connection]:
    """Yield a connection as any tool makes one: no foreign keys, nothing of our engine's."""
    connection = sqlite3.connect(Path(str(books.url.database)))
    yield connection
    connection.close()


def _insert(connection: sqlite3.Connection, table: Table) -> None:
    row: dict[str, int | str | None] = {
        column.name: 1 if column.type.compile(dialect=_SQLITE) == "INTEGER" else "x"
        for column in table.columns
    }
    row |= _WANTED.get(table.name, {})
    marks = ", ".join(f":{name}" for name in row)
    names = ", ".join(f'"{name}"' for name in row)
    connection.execute(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', row)


@pytest.mark.parametrize("name", _TABLES)
def test_sqlite_refuses_to_change_or_delete(bare: sqlite3.Connection, name: str) -> None:
    _insert(bare, all_tables().tables[name])

    with pytest.raises(sqlite3.IntegrityError, match=f"{name}: {_REFUSAL}"):
        bare.execute(f'UPDATE "{name}" SET id = 2')
    with pytest.raises(sqlite3.IntegrityError, match=f"{name}: {_REFUSAL}"):
        bare.execute(f'DELETE FROM "{name}"')


def test_sqlite_refuses_to_replace_through_our_engine(books: Engine) -> None:
    replace = text(
        "INSERT OR REPLACE INTO run (id, command, arguments, started_at, started_by, version)"
        " VALUES (1, 'post', '{}', 'x', 'x', 'x')"
    )
    with begin_write(books) as connection:
        connection.execute(replace)

        with pytest.raises(DatabaseError, match=f"run: {_REFUSAL}"):
            connection.execute(replace)


@pytest.mark.postgres
@pytest.mark.parametrize(
    "change", ["UPDATE {} SET id = 2", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
def test_postgresql_refuses_to_change_or_delete(postgresql_books: Engine, change: str) -> None:
    for name in _TABLES:
        with (
            pytest.raises(DatabaseError, match=f": {_REFUSAL}"),
            begin_write(postgresql_books) as connection,
        ):
            connection.execute(text(change.format(name)))
