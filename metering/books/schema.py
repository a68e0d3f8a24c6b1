"""What all tables of the books share: names of constraints, STRICT, and rows that stay.

A table's name and its columns are in the file of its aggregate. Rows are inserted, never updated
and never deleted; the first revision adds triggers that hold this against anybody with SQL.
"""

import importlib
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final, TypeVar

from sqlalchemy import CheckConstraint, Connection, Insert, MetaData, Table
from sqlalchemy import inspect as inspected
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from metering.books.types import BIG_INTEGER, TEXT
from metering.errors import LedgerError

T = TypeVar("T")

# Every file that holds tables; whoever needs all of them at once calls `all_tables`.
_AGGREGATES: Final = (
    "runs",
    "seals",
    "sources",
    "lake",
    "coverage",
    "outcomes",
    "rate_cards",
    "directory",
    "rules",
    "sharing",
    "budgets",
    "flat_files",
    "accounts",
    "ledger",
    "fx",
    "periods",
    "invoices",
    "adjustments",
    "disputes",
    "findings",
    "company_events",
)


class BookTable(SQLModel):
    """What every table extends; its metadata is ours alone and names constraints by convention.

    A table model does not validate what it is given, so rows are built only from checked values.
    """

    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        }
    )


def strict(*constraints: SchemaItem) -> tuple[Any, ...]:
    """Return table arguments: the constraints, and STRICT on SQLite.

    Without STRICT, SQLite stores the text 'abc' in an integer column.
    """
    return (*constraints, {"sqlite_strict": True})


def row_id() -> Any:
    """Return the field of a primary key that numbers itself."""
    return Field(default=None, primary_key=True, sa_type=BIG_INTEGER)


def reference(target: str, *, index: bool = False) -> Any:
    """Return the field of a foreign key to `table.column`."""
    return Field(sa_type=BIG_INTEGER, foreign_key=target, index=index)


def whole() -> Any:
    """Return the field of a 64-bit whole number: a count, a quantity or nanos."""
    return Field(sa_type=BIG_INTEGER)


def words(*, unique: bool = False, index: bool = False) -> Any:
    """Return the field of a text of any length."""
    return Field(sa_type=TEXT, unique=unique, index=index)


def table_of(model: type[BookTable]) -> Table:
    """Return the table of a model, for set-based statements."""
    table = inspected(model).local_table
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} is not a table")
    return table


def all_tables() -> MetaData:
    """Return the metadata with every table of the books in it."""
    for name in _AGGREGATES:
        importlib.import_module(f"metering.books.{name}")
    return BookTable.metadata


def flag_check(column: str) -> CheckConstraint:
    """Return the check that a flag is 0 or 1."""
    return CheckConstraint(f"{column} IN (0, 1)", name=f"{column}_is_flag")


def inserted_id(connection: Connection, statement: Insert) -> int:
    """Insert one row and return its id."""
    key = connection.execute(statement).inserted_primary_key
    if key is None:
        raise LedgerError("an insert gave no id")
    return int(key[0])


def in_blocks(values: Sequence[T], size: int = 10_000) -> Iterator[Sequence[T]]:
    """Yield the values in blocks that one statement's IN list can hold."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
