"""A snapshot of people, and the one before: what changed becomes rows with days.

A directory service says who is there now, never since when. So each import is held against what is
in force: who is new begins, who is gone ends, and who has another team or login ends and begins.
The day is the one the export itself gives for the change where it lies after the snapshot before;
otherwise it is the day of this snapshot, the first on which the change is known. What was said of
earlier days stays.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from metering.core.ownership.directory_files import DatedRow, DirectoryFile, Kind
from metering.core.validity import day_of
from metering.errors import RefusedFileError, Rejection

CHANGED: Final = "changed"
"""Cell of a snapshot's row: the day it was changed last, as YYYY-MM-DD; not kept."""

LEFT: Final = "left"
"""Cell of a snapshot's row that is filled for somebody who has left; not kept."""


def difference(
    before: DirectoryFile | None, snapshot: DirectoryFile, as_of: date | None, path: str
) -> DirectoryFile:
    """Return the people file that a snapshot makes of the one in force.

    Args:
        before: the people in force; None for the first.
        snapshot: one row a person; `valid_from` is the day they were first known, or None.
        as_of: the day of the snapshot.
        path: the file as the user named it, for messages.

    Raises:
        RefusedFileError: `missing-day`: the day is not said; `snapshot-goes-back`: it lies before
            that of the snapshot in force.
    """
    if as_of is None:
        expected = "--as-of DAY, the day it was taken: it says who is there, not since when"
        raise RefusedFileError(path, [_rejection("missing-day", "a snapshot", expected)])
    if before is not None and before.as_of is not None and as_of < before.as_of:
        expected = f"a day not before {before.as_of}, that of {before.name}, which is in force"
        raise RefusedFileError(path, [_rejection("snapshot-goes-back", str(as_of), expected)])
    known: defaultdict[str, list[DatedRow]] = defaultdict(list)
    for row in before.rows if before else ():
        known[row["person"]].append(row)
    after = before.as_of if before else None
    seen = {row["person"]: row for row in snapshot.rows}
    rows = [
        changed
        for person in dict.fromkeys((*known, *seen))
        for changed in _person(known[person], seen.get(person), as_of, after)
    ]
    if before is None:
        rows = [replace(row, valid_from=_first(seen[row["person"]])) for row in rows]
    return DirectoryFile(
        Kind.PEOPLE, snapshot.name, tuple(rows), as_of=as_of, left_out=snapshot.left_out
    )


def _person(
    rows: Sequence[DatedRow], now: DatedRow | None, as_of: date, after: date | None
) -> Iterator[DatedRow]:
    """Yield the rows of one person with what the snapshot says of them."""
    told = None if now is None or now[LEFT] else _plain(now)
    day = _change_day(now, as_of, after)
    past = [row for row in rows if row.valid_to is not None and row.valid_to <= as_of]
    future = [row for row in rows if row.valid_from is not None and row.valid_from > as_of]
    current = next((row for row in rows if row not in past and row not in future), None)
    yield from past
    if current is not None and told is not None and current.cells == told.cells:
        yield current
    elif current is not None:
        begins = current.valid_from
        if begins is None or begins < day:
            yield replace(current, valid_to=day)
            begins = day
        if told is not None:
            yield replace(told, valid_from=begins, valid_to=current.valid_to)
    elif told is not None:
        first = _first(told)
        begins = first if first and (after is None or after < first) and first <= as_of else as_of
        last = max((row.valid_to for row in past if row.valid_to), default=begins)
        ends = min((row.valid_from for row in future if row.valid_from), default=None)
        yield replace(told, valid_from=max(begins, last), valid_to=ends)
    yield from future


def _plain(row: DatedRow) -> DatedRow:
    return replace(row, cells={name: said for name, said in row.cells.items() if name != CHANGED})


def _first(row: DatedRow) -> date | None:
    return row.valid_from


def _change_day(now: DatedRow | None, as_of: date, after: date | None) -> date:
    """Return the day on which a person changed, as closely as the export tells."""
    changed = day_of(now[CHANGED]) if now is not None else None
    if changed is None or changed > as_of or (after is not None and changed <= after):
        return as_of
    return changed


def _rejection(code: str, found: str, expected: str) -> Rejection:
    return Rejection(1, code, "", found, expected, "say it, and give the file again")
