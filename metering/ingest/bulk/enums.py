"""Texts of which there are few, as enumerations: Parquet takes them ten times as fast as texts.

A writer of Parquet looks up each text in a dictionary that it builds as it goes. The values of an
enumeration are numbers in a dictionary that is there already; the file is the same, and whoever
reads it finds texts.
"""
# ruff: noqa: S608 - names and texts go through `name` and `literal`; there is nothing to bind

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk.layout import literal, name

if TYPE_CHECKING:
    import duckdb

# The type of a column without any text.
NO_TEXT: Final = "ENUM('')"

# Every group of rows gets the whole dictionary of an enumeration, so it must be small.
_FEW: Final = 10_000
# What holds texts, by type: lists of them over all rows of a group.
_LISTED: Final = {
    "VARCHAR": ("list(DISTINCT {})",),
    "MAP(VARCHAR, VARCHAR)": (
        "list_distinct(flatten(list(map_keys({}))))",
        "list_distinct(flatten(list(map_values({}))))",
    ),
}


def enum_of(text: str) -> str:
    """Return a literal text as the only value of an enumeration."""
    return f"{text}::ENUM({text})"


def with_enumerations(
    connection: "duckdb.DuckDBPyConnection", table: str, types: Mapping[str, str]
) -> str:
    """Return the query for a small table with its texts as enumerations.

    Args:
        connection: looks into the table.
        table: what follows FROM; it is read once.
        types: of the columns that may hold texts; those of other types, and of more texts than pay,
            stay as they are.
    """
    made = _enumerated(connection, table, types)
    replaced = ", ".join(f"{value} AS {name(column)}" for column, value in made.items())
    return f"SELECT *{f' REPLACE ({replaced})' if made else ''} FROM {table}"


def _enumerated(
    connection: "duckdb.DuckDBPyConnection", table: str, types: Mapping[str, str]
) -> dict[str, str]:
    """Return, for the columns whose texts are few, expressions that give them as enumerations."""
    looked_at = {column: _LISTED[kind] for column, kind in types.items() if kind in _LISTED}
    if not looked_at:
        return {}
    lists = ", ".join(
        f"list_filter({one.format(name(column))}, lambda text: text IS NOT NULL)"
        for column, listed in looked_at.items()
        for one in listed
    )
    (row,) = connection.execute(f"SELECT {lists} FROM {table}").fetchall()
    found = iter(row)
    expressions = {}
    for column, listed in looked_at.items():
        texts = [next(found) for _ in listed]
        if types[column] == "VARCHAR" and not any(texts):
            expressions[column] = f"NULL::{NO_TEXT}"
        elif all(texts) and max(map(len, texts)) <= _FEW:
            enums = ", ".join(map(_enum, texts))
            kind = enums if types[column] == "VARCHAR" else f"MAP({enums})"
            expressions[column] = f"{name(column)}::{kind}"
    return expressions


def _enum(texts: Iterable[str]) -> str:
    return f"ENUM({', '.join(map(literal, sorted(texts)))})"
