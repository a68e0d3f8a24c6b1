"""Shared columns: worked out once for all records that agree in what decides them."""
# ruff: noqa: S608 - names and texts go through `name` and `literal`; there is nothing to bind

from collections.abc import Iterable, Iterator, Sequence
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
# One row: what `looked_up` finds the columns in.
LISTS: Final = "shared_lists"


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
    connection: "duckdb.DuckDBPyConnection", rows: str, columns: Sequence[WorkedOut]
) -> str:
    """Return a query with worked out columns added to its rows, which stay in their order.

    What is `known` tells where a row has none. A key is made the number of its place in an
    enumeration, and the columns are lists in a table of one row, which every row has beside it. To
    join by the key would leave a statement whose rows stay in order to a single thread.

    Args:
        connection: the one that is to run the query; keeps the lists, in `LISTS`.
        rows: a query.
        columns: what is to be added.
    """
    if not columns:
        return rows
    listed = " CROSS JOIN ".join(map(_listed, columns))
    run = connection.execute
    run(f"CREATE OR REPLACE TEMP TABLE {LISTS} AS FROM {listed}")
    places, added = "", ""
    for one in columns:
        keys, place = f"{one.key}_keys", f"{one.key}_place"
        run(
            f"CREATE OR REPLACE TEMP TYPE {keys} AS ENUM"
            f" (SELECT unnest({_list_of(one, one.key)}) FROM {LISTS})"
        )
        places += f", enum_code(TRY_CAST({one.key} AS {keys}))::BIGINT + 1 AS {place}"
        added += f", {place} IS NOT NULL AS {known(one)}"
        for column in one.columns:
            added += f", {_list_of(one, column)}[{place}] AS {name(column)}"
    placed = f"SELECT *{places} FROM ({rows})"
    return f"SELECT rows.*{added} FROM ({placed}) AS rows CROSS JOIN {LISTS}"


def _listed(one: WorkedOut) -> str:
    """Return worked out columns as one row of lists, in the order of their keys."""
    lists = ", ".join(
        f"list({name(column)} ORDER BY {one.key}) AS {_list_of(one, column)}"
        for column in (one.key, *one.columns)
    )
    return f"(SELECT {lists} FROM ({one.query}))"


def _list_of(one: WorkedOut, column: str) -> str:
    return name(f"{column} by {one.key}")


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
