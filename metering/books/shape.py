"""Whether the books have the tables and columns of this program, which their revision only claims.

A revision that is not released yet is edited in place, and a database can be changed by hand: then
the books have the right number and lack a column, and some command would stop in the middle of its
work. To ask the database is a matter of a millisecond; to make the models of all tables, and so to
say what is different, takes as long as a command, and is left for when something is.
"""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from metering.books.engine import POSTGRESQL, SQLITE
from metering.books.schema import all_tables, table_names
from metering.errors import first_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Of the columns of this program's tables; a test holds it equal to the models, and says the new one
# when they change.
SHAPE: Final = "0af02c193a694a72"

_MOST_TOLD: Final = 4

# Table, column, and whether it always has a value.
_COLUMNS: Final = {
    SQLITE: (
        'SELECT found.name, field.name, field."notnull"'
        " FROM sqlite_schema AS found, pragma_table_info(found.name) AS field"
        " WHERE found.type = 'table'"
    ),
    POSTGRESQL: (
        "SELECT found.relname, field.attname, field.attnotnull"
        " FROM pg_class AS found JOIN pg_attribute AS field ON field.attrelid = found.oid"
        " WHERE found.relkind IN ('r', 'p') AND pg_table_is_visible(found.oid)"
        " AND field.attnum > 0 AND NOT field.attisdropped"
    ),
}


@dataclass(frozen=True, slots=True, order=True)
class Column:
    """A column of a table.

    Attributes:
        is_filled: it always has a value.
    """

    table: str
    name: str
    is_filled: bool


def has_shape(connection: "Connection") -> bool:
    """Return whether every table has the columns this program works with, and no others.

    Tables that are not ours are not looked at: a server's owner may keep some beside the books.
    """
    return shape_of(_columns(connection)) == SHAPE


def shape_of(columns: frozenset[Column]) -> str:
    """Return the digest of columns; it does not depend on the database or on their order."""
    lines = (f"{one.table}.{one.name} {int(one.is_filled)}\n" for one in sorted(columns))
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def expected_columns() -> frozenset[Column]:
    """Return the columns of this program's tables; makes the models of all of them."""
    return frozenset(
        Column(table.name, column.name, not column.nullable)
        for table in all_tables().tables.values()
        for column in table.columns
    )


def differences(connection: "Connection") -> tuple[str, ...]:
    """Return what is different in the books, "label: text" each; empty if nothing is."""
    expected, found = expected_columns(), _columns(connection)
    lacks, besides = sorted(expected - found), sorted(found - expected)
    there = {one.table for one in found}
    tables = sorted({one.table for one in lacks} - there)
    missing = [
        *(f"the table {name}" for name in tables),
        *(_named(one) for one in lacks if one.table in there),
    ]
    told = (("lacking: ", missing), ("besides: ", [_named(one) for one in besides]))
    return tuple(
        f"{label} {', '.join(first_of(names, _MOST_TOLD))}" for label, names in told if names
    )


def _named(column: Column) -> str:
    return f"{column.table}.{column.name} ({'never' if column.is_filled else 'may be'} empty)"


def _columns(connection: "Connection") -> frozenset[Column]:
    ours = set(table_names())
    rows = connection.exec_driver_sql(_COLUMNS[connection.dialect.name])
    return frozenset(
        Column(table, name, bool(is_filled)) for table, name, is_filled in rows if table in ours
    )
