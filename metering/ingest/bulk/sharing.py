"""Shared columns: worked out once for all records that agree in what decides them."""
# ruff: noqa: S608 - names and texts go through `name` and `literal`; there is nothing to bind

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk.enums import with_enumerations
from metering.ingest.bulk.layout import Shared, literal, source_path
from metering.ingest.bulk.statement import shared_statement, sql_type_of

if TYPE_CHECKING:
    import duckdb

_PARQUET: Final = "FORMAT parquet, COMPRESSION uncompressed"


@dataclass(frozen=True, slots=True)
class WorkedOut:
    """The shared columns of each key.

    Attributes:
        key: the column of the keys, here and in the rows.
        query: gives the key and the columns; their texts as enumerations where there are few.
    """

    key: str
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
    table = f"read_parquet({source_path(target)})"
    types = {column: sql_type_of(column) for column in shared.columns}
    return WorkedOut(key, with_enumerations(connection, table, types))


def joined(rows: str, columns: Iterable[WorkedOut]) -> str:
    """Return a query with worked out columns joined to its rows; null where a key is not known."""
    query = f"({rows})"
    for one in columns:
        query += f" LEFT JOIN ({one.query}) USING ({one.key})"
    return f"SELECT * FROM {query}"
