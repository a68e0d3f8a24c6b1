"""What all tables of the books share: names of constraints, STRICT, and rows that stay.

A table's name and its columns are in the file of its aggregate. Rows are inserted, never updated
and never deleted; the first revision adds triggers that hold this against anybody with SQL.
"""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, TypeVar

from sqlalchemy import CheckConstraint, Connection, Insert, MetaData, Table
from sqlalchemy import inspect as inspected
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from metering.books.types import BIG_INTEGER, TEXT
from metering.errors import LedgerError

T = TypeVar("T")

# Every file that holds tables, and their names: to make the models of all of them takes as long as
# a command may, so that whoever needs only some of them asks for those by name.
_AGGREGATES: Final[Mapping[str, Sequence[str]]] = {
    "runs": ("run",),
    "seals": ("run_seal", "sealed_rows"),
    "sources": ("source", "quarantine", "quarantine_resolution", "quarantine_owner"),
    "lake": ("lake_file", "lake_retirement", "cell_file"),
    "coverage": ("coverage",),
    "outcomes": ("outcome_file",),
    "rate_cards": (
        "rate_card",
        "rate",
        "rate_modifier",
        "no_effect",
        "model_alias",
        "contract_term",
    ),
    "directory": ("directory_file", "directory_row"),
    "rules": ("rule_set", "rule"),
    "sharing": ("sharing", "pool", "split", "driver", "driver_weight"),
    "budgets": ("budget_file", "budget"),
    "flat_files": ("flat_file",),
    "accounts": ("account", "charge_basis"),
    "ledger": ("posting",),
    "fx": ("fx_rate", "posting_fx"),
    "periods": (
        "period_event",
        "period_close",
        "accepted_refusal",
        "period_estimate",
        "owners_restated",
    ),
    "invoices": ("invoice", "invoice_line", "invoice_event"),
    "adjustments": ("adjustment", "adjustment_line"),
    "disputes": ("dispute", "dispute_event"),
    "findings": ("finding_event",),
    "company_events": ("event_file",),
    "stand_ins": ("stand_in",),
}


class BookTable(SQLModel):
    """What every table extends; its metadata is ours alone and names constraints by convention.

    A table model does not validate what it is given, so rows are built only from checked values;
    and what would validate them is not made.
    """

    model_config = {"defer_build": True}
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
    for aggregate in _AGGREGATES:
        _load(aggregate)
    return BookTable.metadata


def table_names() -> tuple[str, ...]:
    """Return the names of all tables of the books, sorted."""
    return tuple(sorted(name for names in _AGGREGATES.values() for name in names))


def table_named(name: str) -> Table | None:
    """Return the table of that name, loading no other aggregate; None when there is none."""
    for aggregate, names in _AGGREGATES.items():
        if name in names:
            _load(aggregate)
            return BookTable.metadata.tables[name]
    return None


def _load(aggregate: str) -> None:
    importlib.import_module(f"metering.books.{aggregate}")


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
