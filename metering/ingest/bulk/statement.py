"""The one statement over a bulk file: from the fields of a layout to checked usage columns."""
# ruff: noqa: S608 - names and texts go through `name` and `literal`; there is nothing to bind

import re
from collections.abc import Iterable, Mapping
from typing import Final

import pyarrow as pa

from metering.ingest.bulk.enums import NO_TEXT, enum_of
from metering.ingest.bulk.layout import LINE_CHECKS, Layout, Shared, Snapshot, name
from metering.ingest.bulk.unfolding import PLACE, unfolded
from metering.usage.schema import SQL_TYPES, USAGE_SCHEMA

# The line of a row, carried where its place among the rows does not tell.
LINE: Final = "line_no"

_TEXT: Final = re.compile(r"'(?:[^']|'')*'")
_NAME: Final = re.compile(r"\w+")
_CONSTANT: Final = re.compile(rf"{_TEXT.pattern}|\d+|NULL")


def statement(layout: Layout, source: str, carried: Iterable[str] = ()) -> str:
    """Return the query that makes usage rows of a source.

    Args:
        layout: the format.
        source: a query that gives the layout's fields, and `line_fault` and `line_size`.
        carried: further columns of the source that come back as they are.

    Returns:
        A query over the source, in its order: the usage columns but for `row_no`, the shared ones
        and those that are the same for all (`same_for_all`), then the shared keys, `noise`,
        `refused_by` (index into LINE_CHECKS and the layout's checks) and `found`; the last three
        are null for a record. Then, where the layout has them: `snapshot`; `stands_for`, how many
        rows of the source this one is, where some are put aside; `place`, where a line holds many
        records; its `kept` steps. Then what is carried.
    """
    carried = tuple(carried)
    rows = flat(layout, source, carried)
    rows = unfolded(rows, layout.unfold) if layout.unfold else f"SELECT * FROM ({rows})"
    for keyed in layout.keyed:
        rows = stepped(rows, keyed.steps)
    noise = f"coalesce({layout.aside.noise}, {layout.noise})" if layout.aside else layout.noise
    query = stepped(rows, layout.steps)
    elsewhere = {"row_no", *layout.shared_columns, *same_for_all(layout)}
    columns = "".join(
        usage_column(column, layout.columns.get(column, "NULL"), layout.schema) + ",\n  "
        for column in layout.schema.names
        if column not in elsewhere
    )
    told = f", {replaced(layout.snapshot)} AS snapshot" if layout.snapshot else ""
    told += ", 1::BIGINT AS stands_for" if layout.aside else ""
    further = (*((PLACE,) if layout.unfold else ()), *layout.kept, *carried)
    checks = (*LINE_CHECKS, *layout.checks)
    failing = " ".join(f"WHEN {check.fails} THEN {at}" for at, check in enumerate(checks))
    finding = " ".join(f"WHEN {at} THEN {check.found}" for at, check in enumerate(checks))
    judged = (
        "SELECT *, CASE line_fault WHEN 'empty' THEN 'empty lines'"
        " WHEN 'unfinished' THEN 'incomplete last line'"
        f" ELSE CASE WHEN line_fault IS NULL THEN ({noise}) END END::VARCHAR AS line_noise,"
        f" (CASE WHEN line_noise IS NULL THEN CASE {failing} END END)::SMALLINT AS refused_by"
        f" FROM ({query})"
    )
    return (
        f"SELECT {columns}{_shared_keys(layout)}line_noise AS noise, refused_by,"
        " CASE WHEN refused_by IS NOT NULL"
        f" THEN left((CASE refused_by {finding} END)::VARCHAR, 64) END AS found"
        f"{told}{''.join(f', {name(one)}' for one in further)}\nFROM ({judged})"
    )


def same_for_all(layout: Layout) -> dict[str, str]:
    """Return an expression for each column of one value, or none, that no record is read for.

    What a merge names is none of them, since it looks at it or fills it; all else it passes on.
    """
    elsewhere = {"row_no", *layout.shared_columns, *_NAME.findall(layout.merge)}
    given = {
        column: layout.columns.get(column, "NULL")
        for column in layout.schema.names
        if column not in elsewhere
    }
    return {
        column: _constant(value, sql_type_of(column, layout.schema))
        for column, value in given.items()
        if _CONSTANT.fullmatch(value)
    }


def _constant(value: str, kind: str) -> str:
    if _TEXT.fullmatch(value):
        return enum_of(value)
    return f"{value}::{NO_TEXT if kind == 'VARCHAR' else kind}"


def sql_type_of(column: str, schema: pa.Schema = USAGE_SCHEMA) -> str:
    """Return the SQL type of a column of the schema."""
    return SQL_TYPES[schema.field(column).type]


def replaced(snapshot: Snapshot | None) -> str:
    """Return an expression for what a row tells of what it replaces; null without a layout's."""
    if snapshot is None:
        return "NULL::VARCHAR"
    return (
        f"{{'scope': ({snapshot.scope})::VARCHAR, 'signature': ({snapshot.signature})::VARCHAR,"
        f" 'day': ({snapshot.day})::VARCHAR, 'as_of': ({snapshot.as_of})::VARCHAR}}"
    )


def replaced_slices(rows: str) -> str:
    """Return the query for what staged rows replace: scope, signature, first, last day, as of."""
    return (
        "SELECT snapshot.scope, snapshot.signature, min(snapshot.day), max(snapshot.day),"
        f" coalesce(max(snapshot.as_of), '') FROM ({rows}) WHERE refused_by IS NULL"
        " AND snapshot.scope IS NOT NULL AND snapshot.day IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2"
    )


def shared_statement(shared: Shared, key: str, source: str) -> str:
    """Return the query that adds shared columns to a source, from the column of their key."""
    parts = ", ".join(
        f"nullif(split_part({key}, chr(0), {at}), '') AS {name(part)}"
        for at, part in enumerate(shared.parts, start=1)
    )
    query = stepped(f"SELECT *, {parts} FROM ({source})", shared.steps)
    columns = ", ".join(usage_column(column, made) for column, made in shared.columns.items())
    helpers = (*shared.parts, *(key for step in shared.steps for key in step))
    hidden = ", ".join(name(helper) for helper in helpers)
    return f"SELECT * EXCLUDE ({hidden}), {columns} FROM ({query})"


def merging(records: str, layout: Layout) -> str:
    """Return the query that merges checked rows of one file, see `Layout.merge`."""
    elsewhere = {*layout.shared_columns, *same_for_all(layout)}
    own = (name(one) for one in layout.schema.names if one not in elsewhere)
    columns = ", ".join((*own, *layout.shared_keys))
    kept = "".join(f", {name(step)}" for step in layout.kept)
    return (
        f"WITH records AS (SELECT {columns}{kept}, 0 AS file_no FROM ({records}))"
        f" SELECT {columns} FROM ({layout.merge}) ORDER BY row_no"
    )


def flat(layout: Layout, source: str, carried: Iterable[str] = ()) -> str:
    """Return a source with the layout's own names for what is nested in its fields."""
    if not layout.flattened:
        return source
    named = ", ".join(f"{value} AS {name(key)}" for key, value in layout.flattened.items())
    beside = ", ".join(map(name, ("line_fault", "line_size", *carried)))
    return f"SELECT {named}, {beside} FROM ({source})"


def usage_column(column: str, expression: str, schema: pa.Schema = USAGE_SCHEMA) -> str:
    """Return an expression in the type of a column of the schema, under its name."""
    return f"({expression})::{sql_type_of(column, schema)} AS {name(column)}"


def stepped(query: str, steps: Iterable[Mapping[str, str]]) -> str:
    """Return a query with named expressions added to its columns, step by step."""
    for step in steps:
        named = ", ".join(f"{expression} AS {name(key)}" for key, expression in step.items())
        query = f"SELECT *, {named} FROM ({query})"
    return query


def _shared_keys(layout: Layout) -> str:
    return "".join(
        f"{_joined(one)} AS {key}, "
        for key, one in zip(layout.shared_keys, layout.shared, strict=True)
    )


def _joined(shared: Shared) -> str:
    parts = (f"coalesce({part}, '')" for part in shared.parts.values())
    return f"concat_ws(chr(0), {', '.join(parts)})"
