"""Checks of texts that many records have in common, made once for each combination of them.

To find out whether some tags are a JSON object takes as long as all other checks of a record, and
a file of millions of records holds some hundreds of them: the parts of a layout's shared columns.
So these checks are left out where a file is read, and made over the combinations afterwards. Where
one of them fails there, the file is read again with every check in its place, so that each record
is refused for the first thing that is wrong with it.
"""
# ruff: noqa: S608 - names and texts go through `name` and `literal`; there is nothing to bind

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk.layout import LINE_CHECKS, Check, Layout, Shared, name

if TYPE_CHECKING:
    import duckdb

# Of rows of the layout without these checks, those that may be records; others have no keys.
LOOKED_AT: Final = (
    f"noise IS NULL AND coalesce(refused_by, {len(LINE_CHECKS)}) >= {len(LINE_CHECKS)}"
)

_WORD: Final = re.compile(r"\w+")


def without_key_checks(layout: Layout) -> Layout:
    """Return a layout that does not make the checks of `may_fail`; all others keep their places."""
    own = [check for shared in layout.shared for check in _key_checks(layout, shared)]
    checks = (
        replace(check, fails="false", found="''") if check in own else check
        for check in layout.checks
    )
    return replace(layout, checks=tuple(checks)) if own else layout


def may_fail(connection: "duckdb.DuckDBPyConnection", layout: Layout, rows: str) -> bool:
    """Say whether a check that was left out refuses a record.

    Args:
        connection: reads the rows.
        layout: with all of its checks.
        rows: what follows FROM: rows with the shared keys that `statement` gives.
    """
    return any(
        _fails(connection, shared, checks, f"SELECT DISTINCT {key} AS key FROM {rows}")
        for key, shared in zip(layout.shared_keys, layout.shared, strict=True)
        if (checks := _key_checks(layout, shared))
    )


def _fails(
    connection: "duckdb.DuckDBPyConnection", shared: Shared, checks: Sequence[Check], keys: str
) -> bool:
    parts = shared.parts.values()
    values = ", ".join(
        f"nullif(split_part(key, chr(0), {at}), '') AS {name(part)}"
        for at, part in enumerate(parts, start=1)
    )
    # NUL parts the texts: where there is more of it, one of them has it in it.
    is_parted = f"len(string_split(key, chr(0))) = {len(parts)}"
    fails = " OR ".join(f"coalesce({check.fails}, false)" for check in checks)
    # No condition of the query, which DuckDB would ask of each row before it finds the keys.
    ((found,),) = connection.execute(
        f"SELECT bool_or(CASE WHEN {is_parted} THEN {fails} ELSE true END)"
        f" FROM (SELECT key, {values} FROM ({keys}))"
    ).fetchall()
    return bool(found)


def _key_checks(layout: Layout, shared: Shared) -> tuple[Check, ...]:
    """Return the checks that look at nothing but parts of some shared columns."""
    parts = {part for part in shared.parts.values() if part.isidentifier()}
    seen = {*layout.fields, *layout.flattened}
    for steps in (*(keyed.steps for keyed in layout.keyed), layout.steps):
        seen.update(key for step in steps for key in step)
    words = {word for one in seen - parts for word in _WORD.findall(one)}
    return tuple(
        check
        for check in layout.checks
        if check.empty_is_null
        and parts.intersection(_WORD.findall(check.fails))
        and words.isdisjoint(_WORD.findall(check.fails))
    )
