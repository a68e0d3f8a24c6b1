"""The statement over a file of columns, in which a few columns cost much less than all of them.

Bills are such files, those in CSV by way of scratch space, and most of their rows are of other
services. So the rows of no interest are found, counted and dated by a few columns alone, and what
follows from texts is worked out once for each combination of texts. The result is what `statement`
gives, but for the rows of no interest: one row stands for all of a kind and day.
"""
# ruff: noqa: S608 - names and texts go through `name` and `literal`; there is nothing to bind

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from metering.ingest.bulk.layout import Aside, Keyed, Layout, name
from metering.ingest.bulk.parquet_source import Rows, fields_of, mentions
from metering.ingest.bulk.statement import LINE, replaced, statement, stepped

_NO_FAULT: Final = {
    "line_fault": "NULL::VARCHAR",
    "line_size": "NULL::BIGINT",
    "line_no": "line_no",
}
_WORD: Final = re.compile(r"\w+")


def statement_of_columns(layout: Layout, rows: Rows, groups: Rows) -> str:
    """Return the query that makes usage rows of a file of columns.

    Args:
        layout: the format.
        rows: those that the layout does not put aside; taken out of the file once.
        groups: the combinations of the fields of `layout.aside` in the same file, with the number
            of their rows as `line_no`; not read where the layout puts nothing aside.
    """
    aside = f" UNION ALL BY NAME {_set_aside(layout, layout.aside, groups)}" if layout.aside else ""
    layout = _with_checks_of_keys(layout)
    once = replace(layout, flattened={}, keyed=(), aside=None)
    every = statement(once, _keyed(layout, rows), carried=(LINE,))
    # They are looked at once for each of the layout's keys, and to keep them for one statement
    # costs half of what a table of them does.
    return f"WITH {rows.table} AS MATERIALIZED ({rows.query}) SELECT * FROM ({every}){aside}"


def _with_checks_of_keys(layout: Layout) -> Layout:
    """Return a layout in which checks that look at one key alone are made by a step of it.

    The step gives the number of the first of them that fails.
    """
    keys = [{*keyed.fields, *_made(keyed.steps)} for keyed in layout.keyed]
    every = {*fields_of(layout), *_made(layout.steps)}.union(*keys)
    checks, failing = list(layout.checks), [""] * len(keys)
    for nth, check in enumerate(checks):
        looked_at = every.intersection(_WORD.findall(check.fails))
        for at, own in enumerate(keys):
            if looked_at and looked_at <= own:
                failing[at] += f" WHEN {check.fails} THEN {nth}"
                checks[nth] = replace(check, fails=f"{_failed(at)} = {nth}")
                break
    keyed = (
        Keyed(one.fields, (*one.steps, {_failed(at): f"(CASE{failing[at]} END)::SMALLINT"}))
        if failing[at]
        else one
        for at, one in enumerate(layout.keyed)
    )
    return replace(layout, keyed=tuple(keyed), checks=tuple(checks))


def _failed(key: int) -> str:
    return f"check_of_key_{key}"


def _made(steps: Iterable[Mapping[str, str]]) -> set[str]:
    return {key for step in steps for key in step}


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


def _set_aside(layout: Layout, aside: Aside, groups: Rows) -> str:
    """Return rows of no interest as `statement` does, but one for all of one kind and day."""
    shown = replaced(layout.snapshot)
    every = [*(step for keyed in layout.keyed for step in keyed.steps), *layout.steps]
    steps = _leading_to(shown, every)
    looked_at = " ".join((shown, aside.noise, *(made for step in steps for made in step.values())))
    fields = [field for field in fields_of(layout) if mentions(looked_at, field)]
    given = groups.spelled(fields, beside={"line_no": "line_no"})
    noise = {"line_noise": f"({aside.noise})::VARCHAR"}
    rows = (
        f"SELECT line_noise AS noise, {shown} AS snapshot, line_no"
        f" FROM ({stepped(given, (*steps, noise))}) WHERE noise IS NOT NULL"
    )
    summed, kinds = "snapshot", "noise, snapshot"
    if layout.snapshot:
        summed = (
            "{'scope': snapshot.scope, 'signature': snapshot.signature, 'day': snapshot.day,"
            " 'as_of': max(snapshot.as_of)}"
        )
        kinds = "noise, snapshot.scope, snapshot.signature, snapshot.day"
    return (
        f"SELECT noise, {summed} AS snapshot, sum(line_no)::BIGINT AS stands_for FROM ({rows})"
        f" GROUP BY {kinds}"
    )


def _leading_to(shown: str, steps: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Return the steps that an expression looks at, and those that they look at, in order."""
    found = list[Mapping[str, str]]()
    for step in reversed(steps):
        if kept := {key: made for key, made in step.items() if mentions(shown, key)}:
            found.insert(0, kept)
            shown = " ".join((shown, *kept.values()))
    return found
