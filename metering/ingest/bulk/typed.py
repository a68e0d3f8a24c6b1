"""The statement over a file of columns, in which a few columns cost much less than all of them.

Bills are such files, and most of their rows are of other services. So the rows of no interest are
found, counted and dated by a few columns alone, and what follows from texts is worked out once for
each combination of texts. The result is what `statement` gives, but for the rows of no
interest: one row stands for all of a kind and day.
"""
# ruff: noqa: S608 - names and texts go through `name` and `literal`; there is nothing to bind

from dataclasses import replace

from metering.ingest.bulk.layout import Aside, Keyed, Layout, name
from metering.ingest.bulk.statement import flat, statement, stepped


def statement_of_columns(layout: Layout, source: str, groups: str) -> str:
    """Return the query that makes usage rows of a source whose rows say their `line_no`.

    Args:
        layout: the format.
        source: as for `statement`, without the rows that the layout puts aside; read more than
            once, but never all of its columns twice.
        groups: the combinations of the fields of `layout.aside` in the same source, with the number
            of their rows as `line_no`; not read where the layout puts nothing aside.
    """
    source, groups = flat(layout, source), flat(layout, groups)
    layout = replace(layout, flattened={})
    aside = ""
    if layout.aside:
        aside = f" UNION ALL BY NAME {_summed(_set_aside(layout, layout.aside, groups), layout)}"
    keyed = source
    for one in layout.keyed:
        keyed = _joined(keyed, source, one)
    every = statement(replace(layout, keyed=(), aside=None), keyed)
    return f"SELECT * FROM ({every}){aside}"


def _joined(rows: str, source: str, keyed: Keyed) -> str:
    fields = ", ".join(map(name, keyed.fields))
    values = stepped(f"SELECT DISTINCT {fields} FROM ({source})", keyed.steps)
    same = " AND ".join(
        f"rows.{name(field)} IS NOT DISTINCT FROM keys.{name(field)}" for field in keyed.fields
    )
    return (
        f"SELECT rows.*, keys.* EXCLUDE ({fields}) FROM ({rows}) AS rows"
        f" JOIN ({values}) AS keys ON {same}"
    )


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
