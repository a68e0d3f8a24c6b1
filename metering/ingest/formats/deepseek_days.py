"""The days of DeepSeek's exports, and what both of its tables have in common.

Old exports name a UTC day. New ones give the bounds of a row with the offset of whoever made the
export, by day or by hour, and end with that person's calendar month. A month of another zone does
not end at a midnight of ours, and an import replaces whole days: so every row is placed on the
local day it lies in, which is charged to the UTC day that it begins in. Then no day is shared
between the exports of two months, and two exports made in different zones are refused as two views.

Source: source formats note, section 3.2, read 2026-11-21.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final

from metering.errors import SourceError, SourceRef, shown
from metering.ingest.shapes.pages import Row
from metering.ingest.shapes.tables import Table
from metering.ingest.values.fields import FieldRefused, Fields

UTC_DAY: Final = "utc_date"
START: Final = "start_time_iso"
END: Final = "end_time_iso"

_DAY: Final = re.compile(r"20\d\d-?\d\d-?\d\d", re.ASCII)
_EXPECTED_DAY: Final = "a UTC day as YYYY-MM-DD or YYYYMMDD"
_ONE_DAY: Final = timedelta(days=1)
_LONGEST_DAY: Final = timedelta(hours=25)  # the one on which clocks are put back


@dataclass(frozen=True, slots=True)
class LocalDay:
    """The calendar day a row lies in, where the export was made.

    Attributes:
        start: its midnight, with the offset of the row.
    """

    start: datetime

    @property
    def offset(self) -> str:
        """The offset, such as +08:00."""
        return self.start.isoformat()[-6:]

    def cells(self) -> Mapping[str, object]:
        """Return the cells that say when the row was."""
        start = self.start.astimezone(UTC)
        return {"start": start, "end": start + _ONE_DAY, "grain": "day"}


def require_dates(table: Table, path: str) -> None:
    """Refuse a table that has neither the old nor the new columns of time.

    Raises:
        SourceError: `missing-column`.
    """
    if UTC_DAY not in table.header and not {START, END} <= set(table.header):
        raise SourceError(
            SourceRef(path, 1),
            "missing-column",
            f"the header lacks {shown(START)} and {shown(END)}, and {shown(UTC_DAY)}",
            do="export the table with these columns and ingest the file",
        )


def local_day(row: Fields) -> LocalDay:
    """Return the day of a row.

    Raises:
        FieldRefused: `bad-date`, `bad-instant`, `naive-timestamp`, or `bad-bucket` for a row that
            does not end after it starts and within its day.
    """
    if START not in row.values:
        return _utc_day(row)
    start = row.instant(START).astimezone(_zone(row, START))
    end = row.instant(END)
    midnight = datetime.combine(start.date(), time(), start.tzinfo)
    if not start < end <= midnight + _LONGEST_DAY:
        raise row.refused("bad-bucket", END, f"an end after {START}, and within its day")
    return LocalDay(midnight)


def grouping_of(rows: Sequence[Row]) -> str:
    """Return the signature of an export: the offset its first day was given in."""
    days = []
    for row in rows:
        try:
            days.append(local_day(row.fields))
        except FieldRefused:
            continue
    first = min(days, key=lambda day: day.start, default=None)
    return f"days={first.offset if first else '+00:00'}"


def _utc_day(row: Fields) -> LocalDay:
    spelled = row.text(UTC_DAY)
    try:
        if _DAY.fullmatch(spelled):
            found = datetime.strptime(spelled.replace("-", ""), "%Y%m%d")  # noqa: DTZ007 - a day
            return LocalDay(found.replace(tzinfo=UTC))
    except ValueError:
        pass
    raise row.refused("bad-date", UTC_DAY, _EXPECTED_DAY)


def _zone(row: Fields, name: str) -> tzinfo:
    zone = datetime.fromisoformat(str(row.values[name]).upper()).tzinfo
    return zone or UTC
