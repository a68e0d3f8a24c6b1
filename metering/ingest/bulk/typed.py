"""The statement over a file of columns, in which a few columns cost much less than all of them.

Bills are such files, those in CSV by way of scratch space, and most of their rows are of other
services. So the rows of no interest are found, counted and dated by a few columns alone, and what
follows from texts is worked out once for each combination of texts. The result is what `statement`
gives, but for the rows of no interest: one row stands for all of a kind and day.
"""
# ruff: noqa: S608 - names and texts go through `name` and `literal`; there is nothing to bind

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from metering.ingest.bulk.layout import Aside, Layout, name
from metering.ingest.bulk.parquet_source import Rows, fields_of
from metering.ingest.bulk.statement import statement, stepped

_NO_FAULT: Final = {
    "line_fault": "NULL::VARCHAR",
    "line_size": "NULL::BIGINT",
    "line_no": "line_no",
}


def statement_of_columns(layout: Layout, rows: Rows, groups: Rows) -> str:
    """Return the query that makes usage rows of a file of columns.

    Args:
        layout: the format.
        rows: those that the layout does not put aside; never all of their columns are read twice.
        groups: the combinations of the fields of `layout.aside` in the same file, with the number
            of their rows as `line_no`; not read where the layout puts nothing aside.
    """
    steps = replace(layout, flattened={})
    aside = ""
    if layout.aside:
        given = groups.spelled(fields_of(layout), beside=_NO_FAULT)
        aside = f" UNION ALL BY NAME {_summed(_set_aside(steps, layout.aside, given), layout)}"
    every = statement(replace(steps, keyed=(), aside=None), _keyed(layout, rows))
    return f"SELECT * FROM ({every}){aside}"


def _keyed(layout: Layout, rows: Rows) -> str:
    """Return the rows with the steps that follow from a few fields.

    Rows are joined by what stands in the file, so that what is keyed is spelled as text once for
    each combination of values, too.
    """
    rest, kept, joins, columns = fields_of(layout), set[str](), "", ""
    for at, keyed in enumerate(layout.keyed):
        fields = [field for field in keyed.fields if field in rest]
        rest = [field for field in rest if field not in fields]
        raw = {column: _raw(column) for column in rows.columns_behind(keyed.fields)}
        kept |= raw.keys()
        listed = ", ".join(map(name, raw)) or "1"
        combinations = f"SELECT DISTINCT {listed} FROM {rows.table}"
        beside = {alias: name(column) for column, alias in raw.items()}
        values = stepped(rows.spelled(keyed.fields, combinations, beside), keyed.steps)
        same = " AND ".join(
            f"rows.{name(alias)} IS NOT DISTINCT FROM keys_{at}.{name(alias)}"
            for alias in raw.values()
        )
        joins += f" JOIN ({values}) AS keys_{at} ON {same or 'true'}"
        hidden = [*raw.values(), *(field for field in keyed.fields if field not in fields)]
        columns += f", keys_{at}.*{_without(hidden)}"
    beside = _NO_FAULT | {_raw(column): name(column) for column in kept}
    given = rows.spelled(rest, beside=beside)
    return f"SELECT rows.*{_without(map(_raw, kept))}{columns} FROM ({given}) AS rows{joins}"


def _raw(column: str) -> str:
    return f"{column} as it stands"


def _without(columns: Iterable[str]) -> str:
    listed = ", ".join(map(name, columns))
    return f" EXCLUDE ({listed})" if listed else ""


def _set_aside(layout: Layout, aside: Aside, groups: str) -> str:
    """Return rows of no interest, one for each combination of values, as `statement` gives them."""
    every = statement(layout, f"SELECT * FROM ({groups}) WHERE ({aside.noise}) IS NOT NULL")
    return f"SELECT * REPLACE (line_no AS stands_for) FROM ({every})"


def _summed(rows: str, layout: Layout) -> str:
    """Return one row for all that are noise of one kind and day."""
    summed, kinds = "NULL::VARCHAR", "noise"
    if layout.snapshot:
        summed = (
            "{'scope': snapshot.scope, 'signature': snapshot.signature, 'day': snapshot.day,"
            " 'as_of': max(snapshot.as_of)}"
        )
        kinds = "noise, snapshot.scope, snapshot.signature, snapshot.day"
    return (
        f"SELECT noise, {summed} AS snapshot, sum(stands_for)::BIGINT AS stands_for FROM ({rows})"
        f" GROUP BY {kinds}"
    )
