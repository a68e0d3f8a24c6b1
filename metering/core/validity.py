"""From which day to which day an entry or a rule holds: half-open days, either bound open."""

import re
from datetime import date
from typing import Final

from metering.errors import WHOLE_FILE_REMEDY, RejectedError, Rejection, shown

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def day_of(text: str) -> date | None:
    """Return the day that YYYY-MM-DD names, or None for empty text.

    Raises:
        ValueError: it is written otherwise, or the calendar has no such day.
    """
    if not text:
        return None
    if _DAY.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not written as YYYY-MM-DD")
    return date.fromisoformat(text)


def validity_of(
    line: int, start: tuple[str, str], end: tuple[str, str]
) -> tuple[date | None, date | None]:
    """Return the days between two bounds of a record.

    Args:
        line: where the record is.
        start: name of the field and its text.
        end: the same for the day after the last.

    Raises:
        RejectedError: `bad-date`, or `empty-validity` when no day lies between them.
    """
    first, last = _bound(line, *start), _bound(line, *end)
    if first is not None and last is not None and last <= first:
        expected = f"a day after {start[0]} {first}: it is the day after the last one"
        raise RejectedError(
            Rejection(line, "empty-validity", end[0], shown(last), expected, WHOLE_FILE_REMEDY)
        )
    return first, last


def days_told(start: date | None, end: date | None) -> str:
    """Return half-open days in words."""
    since = f"from {start}" if start else "from the beginning"
    return f"{since} to {end}" if end else f"{since} on"


def _bound(line: int, name: str, text: str) -> date | None:
    try:
        return day_of(text)
    except ValueError as error:
        expected = "a day as YYYY-MM-DD, or nothing"
        raise RejectedError(
            Rejection(line, "bad-date", name, shown(text), expected, WHOLE_FILE_REMEDY)
        ) from error
