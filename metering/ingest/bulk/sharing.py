"""Shared columns: worked out once for all records that agree in what decides them."""
# ruff: noqa: S608 - names and texts go through `name` and `literal`; there is nothing to bind

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk.enums import with_enumerations
from metering.ingest.bulk.layout import Shared, literal, name, one_file
from metering.ingest.bulk.statement import shared_statement, sql_type_of

if TYPE_CHECKING:
    import duckdb

_PARQUET: Final = "FORMAT parquet, COMPRESSION uncompressed"


@dataclass(frozen=True, slots=True)
class WorkedOut:
    """The shared columns of each key.

    Attributes:
        key: the column of the keys, here and in the rows.
        columns: names of the shared columns.
        query: gives the key and the columns; their texts as enumerations where there are few.
    """

    key: str
    columns: tuple[str, ...]
    query: str


def work_out(
    connection: "duckdb.DuckDBPyConnection", shared: Shared, key: str, keys: str, target: Path
) -> WorkedOut:
    """Work the shared columns of some keys out, into a file of scratch space.

    Args:
        connection: runs it.
        shared: what is shared.
        key: the column of the keys.
        keys: a query that gives each key once.
        target: a file to be made.
    """
    query = shared_statement(shared, key, keys)
    connection.execute(f"COPY ({query}) TO {literal(str(target))} ({_PARQUET})")
    table = f"read_parquet({one_file(target)})"
    types = {column: sql_type_of(column) for column in shared.columns}
    return WorkedOut(key, tuple(types), with_enumerations(connection, table, types))


def joined(rows: str, columns: Iterable[WorkedOut]) -> str:
    """Return a query with worked out columns joined to its rows, which may turn up in any order."""
    query = f"({rows})"
    for one in columns:
        query += f" JOIN ({one.query}) USING ({one.key})"
    return f"SELECT * FROM {query}"


def looked_up(
    connection: "duckdb.DuckDBPyConnection", rows: str, columns: Iterable[WorkedOut]
) -> str:
    """Return a query with worked out columns added to its rows, which stay in their order.

    What is `known` tells where a row has none. No join is in it: a statement with one is run by a
    single thread where its rows have to stay in order. A key is made the number of its place in an
    enumeration, and the columns are lists that the connection keeps.

    Args:
        connection: the one that is to run the query.
        rows: a query.
        columns: what is to be added.
    """
    for one in columns:
        keys, place = f"{one.key}_keys", f"{one.key}_place"
        listed = f"SELECT {one.key} FROM ({one.query})"
        connection.execute(f"CREATE OR REPLACE TEMP TYPE {keys} AS ENUM ({listed})")
        added = ""
        for column in one.columns:
            values = f"{one.key}_{column}"
            connection.execute(
                f"SET VARIABLE {name(values)} = (SELECT"
                f" list({name(column)} ORDER BY {one.key}::{keys}) FROM ({one.query}))"
            )
            added += f", getvariable({literal(values)})[{place}] AS {name(column)}"
        rows = (
            f"SELECT *, enum_code(TRY_CAST({one.key} AS {keys}))::BIGINT + 1 AS {place}"
            f" FROM ({rows})"
        )
        rows = f"SELECT *, {place} IS NOT NULL AS {known(one)}{added} FROM ({rows})"
    return rows


def known(one: WorkedOut) -> str:
    """Return the column of rows that are `looked_up` that says whether their key is known."""
    return f"{one.key}_known"


@contextmanager
def joining_as_written(connection: "duckdb.DuckDBPyConnection") -> Iterator[None]:
    """Let joins be done as they are written down.

    Left to itself, DuckDB takes the few combinations for many and turns the joins round, which
    makes them slow and loses the order of the rows.
    """
    connection.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
    try:
        yield
    finally:
        connection.execute("RESET disabled_optimizers")
