"""The owners file: who owned which key from one day to another, as CSV.

Its columns are `key, person, team, project, cost_centre, valid_from, valid_to`, in any order;
`key` is an API key's name or id, a principal or a workspace, as the usage spells it. All seven
must be there, since a misspelt `valid_to` would otherwise mean "for ever"; further columns are
left alone. Days are half-open: `valid_to` 2026-11-01 holds through 31 October, and an empty one
has no end.

The file is taken whole or refused whole, with every mistake at once: half a directory would
charge the wrong half of the company.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from metering.core.csv_table import Row, read_rows, read_table
from metering.core.ownership.attribution import Directory, DirectoryEntry
from metering.core.validity import days_told, validity_of
from metering.errors import WHOLE_FILE_REMEDY, RefusedFileError, RejectedError, Rejection, shown

OWNER_COLUMNS: Final = (
    "key",
    "person",
    "team",
    "project",
    "cost_centre",
    "valid_from",
    "valid_to",
)

_NEEDED: Final = {"key": "missing-key", "cost_centre": "missing-cost-centre"}


def parse_owners(text: str, path: str, *, name: str = "owners.csv") -> Directory:
    """Return the directory that an owners file holds.

    Args:
        text: the whole file, decoded.
        path: the file as the user named it, for messages.
        name: what explanations call the file.

    Raises:
        RefusedFileError: a column or cell is missing, a day is not a day, or two entries of one
            key overlap; every such place is told.
    """
    entries, rejections = read_rows(read_table(text, OWNER_COLUMNS), _entry)
    rejections.extend(_overlaps(entries))
    if rejections:
        raise RefusedFileError(path, rejections)
    return Directory(name, tuple(entries))


def _entry(row: Row) -> DirectoryEntry:
    cells = row.cells
    for column, code in _NEEDED.items():
        if not cells[column]:
            expected = "text: every line says what is owned and which cost centre pays"
            raise RejectedError(
                Rejection(row.line, code, column, "empty", expected, WHOLE_FILE_REMEDY)
            )
    start, end = validity_of(
        row.line, ("valid_from", cells["valid_from"]), ("valid_to", cells["valid_to"])
    )
    return DirectoryEntry(
        line=row.line,
        key=cells["key"],
        person=cells["person"],
        team=cells["team"],
        project=cells["project"],
        cost_centre=cells["cost_centre"],
        valid_from=start,
        valid_to=end,
    )


def _overlaps(entries: Sequence[DirectoryEntry]) -> Iterator[Rejection]:
    by_key: defaultdict[str, list[DirectoryEntry]] = defaultdict(list)
    for entry in entries:
        by_key[entry.key].append(entry)
    for same in by_key.values():
        in_time = sorted(same, key=lambda entry: entry.valid_from or date.min)
        lasting = in_time[0]
        for entry in in_time[1:]:
            if lasting.valid_to is None or (entry.valid_from or date.min) < lasting.valid_to:
                yield _overlap(*sorted((lasting, entry), key=lambda found: found.line))
            lasting = max(lasting, entry, key=lambda found: found.valid_to or date.max)


def _overlap(first: DirectoryEntry, second: DirectoryEntry) -> Rejection:
    return Rejection(
        second.line,
        "overlapping-validity",
        "key",
        f"{shown(second.key)}, {days_told(second.valid_from, second.valid_to)}",
        f"days that line {first.line} does not claim: it says"
        f" {days_told(first.valid_from, first.valid_to)}",
        "end the earlier one on the day the later one begins, and give the file again",
    )
