"""Events of a company's calendar that a reviewer would know: outages, launches, holidays, targets.

Findings are read against them: a day on which a feed was down counts for nobody, a launch that was
announced is no surprise, and after a contest use rises because it is rewarded.

The file is CSV with the columns `start_date, end_date, kind, scope, detail`; an event without an
end lasts. `scope` says whom it is about: `all`, or `team:`, `project:`, `function:`, `provider:`
or `model:` and a name. Any kind that is not of the calendar is taken as work that was declared.
The file is taken whole or refused whole, with every mistake at once.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from metering.core.csv_table import Row, read_rows, read_table
from metering.errors import WHOLE_FILE_REMEDY, RefusedFileError, RejectedError, Rejection, shown

EVENT_COLUMNS: Final = ("start_date", "kind")
_FURTHER: Final = ("end_date", "scope", "detail")
SCOPES: Final = ("team", "project", "function", "provider", "model")
"""What an event may be about, before a colon and a name."""

EVERYBODY: Final = "all"


@dataclass(frozen=True, slots=True)
class CompanyEvent:
    """One event.

    Attributes:
        line: of the file, 1-based.
        first: its first day.
        last: its last day; None when it lasts.
        kind: as the file says: holiday, outage, launch, incentive …
        scope: `all`, or what it is about, with the name.
        detail: in words.
    """

    line: int
    first: date
    last: date | None
    kind: str
    scope: str
    detail: str


def parse_events(text: str, path: str) -> tuple[CompanyEvent, ...]:
    """Return the events that a file holds, in its order.

    Args:
        text: the whole file, decoded.
        path: the file as the user named it, for messages.

    Raises:
        RefusedFileError: a column or cell is missing, a day cannot be read, an event ends before it
            begins, or a scope names nothing; every such place is told.
    """
    events, rejections = read_rows(read_table(text, EVENT_COLUMNS, _FURTHER), _event)
    if rejections:
        raise RefusedFileError(path, rejections)
    return tuple(events)


def _event(row: Row) -> CompanyEvent:
    first = _day(row, "start_date", "a day as YYYY-MM-DD")
    last = None
    if row.cells["end_date"]:
        last = _day(row, "end_date", "a day as YYYY-MM-DD, or nothing while it lasts")
    if last is not None and last < first:
        raise _refused(row, "bad-interval", "end_date", "a day on or after start_date")
    if not row.cells["kind"]:
        raise _refused(row, "missing-field", "kind", "what it is: outage, launch, holiday …")
    return CompanyEvent(row.line, first, last, row.cells["kind"], _scope(row), row.cells["detail"])


def _day(row: Row, column: str, expected: str) -> date:
    written = row.cells[column]
    try:
        day = date.fromisoformat(written)
    except ValueError as error:
        raise _refused(row, "bad-date", column, expected) from error
    if day.isoformat() != written:
        raise _refused(row, "bad-date", column, expected)
    return day


def _scope(row: Row) -> str:
    written = row.cells["scope"] or EVERYBODY
    about, colon, name = written.partition(":")
    about, name = about.strip(), name.strip()
    if written == EVERYBODY:
        return written
    if not colon or about not in SCOPES or not name:
        expected = f"{EVERYBODY}, or one of {', '.join(f'{one}:' for one in SCOPES)} and a name"
        raise _refused(row, "unknown-value", "scope", expected)
    return f"{about}:{name}"


def _refused(row: Row, code: str, column: str, expected: str) -> RejectedError:
    found = shown(row.cells[column]) if row.cells[column] else "empty"
    return RejectedError(Rejection(row.line, code, column, found, expected, WHOLE_FILE_REMEDY))
