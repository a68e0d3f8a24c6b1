"""Exchange rates by day, as somebody published them: never guessed, never carried over.

A rate holds for its day, or from its day to `until` where the file says so (a weekend, a month).
A day without a rate has none: its charges stay in their currency and are listed.

Source: pricing specification, "Precedence, discounts, credits, taxes, seats, capacity", currency.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Final

from metering.core.csv_table import Row, read_rows, read_table
from metering.core.money import NANOS_PER_UNIT, divide_half_even, nanos_from_decimal_text
from metering.errors import WHOLE_FILE_REMEDY, RefusedFileError, RejectedError, Rejection, shown

FX_COLUMNS: Final = ("date", "from", "to", "rate", "source")
_OPTIONAL: Final = ("until",)
_CURRENCY: Final = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True, order=True)
class FxRate:
    """What one unit of a currency is worth in another.

    Attributes:
        base, quote: ISO 4217; one `base` is `rate` of `quote`.
        day, until: first and last day it holds for, inclusive.
        rate: decimal text as it was published, above 0.
        source: who published it.
        line: physical line in its file; 0 when it comes from the books.
    """

    base: str
    quote: str
    day: date
    until: date
    rate: str
    source: str
    line: int = field(default=0, compare=False)

    def convert(self, nanos: int) -> int:
        """Return nanos of `base` as nanos of `quote`, rounded once, half to even."""
        return divide_half_even(nanos * nanos_from_decimal_text(self.rate), NANOS_PER_UNIT)


def parse_fx(text: str, path: str) -> tuple[FxRate, ...]:
    """Return the rates of a file, sorted.

    Args:
        text: CSV with the columns date, from, to, rate, source and, if it likes, until.
        path: the file as the user named it, for messages.

    Raises:
        RefusedFileError: a cell is not as the format says, or two rates hold on one day; every
            such place is told.
    """
    rates, rejections = read_rows(read_table(text, FX_COLUMNS, _OPTIONAL), _rate)
    rejections.extend(_overlaps(rates))
    if rejections:
        raise RefusedFileError(path, rejections)
    return tuple(sorted(rates))


def conflicts(known: Iterable[FxRate], new: Iterable[FxRate]) -> Iterator[Rejection]:
    """Yield the new rates that say otherwise than known ones of the same days."""
    by_pair: dict[tuple[str, str], list[FxRate]] = defaultdict(list)
    for rate in known:
        by_pair[rate.base, rate.quote].append(rate)
    for rate in new:
        for other in by_pair[rate.base, rate.quote]:
            if rate != other and rate.day <= other.until and other.day <= rate.until:
                yield Rejection(
                    rate.line,
                    "fx-conflict",
                    "rate",
                    shown(rate.rate),
                    f"the rate in force, {other.rate} of {other.source} from {other.day}: charges "
                    "are pinned to it",
                    "leave the line out; a rate that is in force is never changed",
                )


def fx_for(rates: Iterable[FxRate]) -> dict[tuple[str, date], FxRate]:
    """Return the rate by currency and day."""
    found: dict[tuple[str, date], FxRate] = {}
    for rate in rates:
        for ordinal in range(rate.day.toordinal(), rate.until.toordinal() + 1):
            found[rate.base, date.fromordinal(ordinal)] = rate
    return found


def _rate(row: Row) -> FxRate:
    cells = row.cells
    day = _day(row, "date")
    until = _day(row, "until") if cells["until"] else day
    if until < day:
        raise _refused(row, "bad-date", "until", "a day that is not before date")
    base, quote = _currency(row, "from"), _currency(row, "to")
    if base == quote:
        raise _refused(row, "bad-currency", "to", "another currency than from")
    if not cells["source"]:
        raise _refused(row, "missing-field", "source", "who published the rate")
    return FxRate(base, quote, day, until, _decimal(row), cells["source"], row.line)


def _day(row: Row, column: str) -> date:
    try:
        return date.fromisoformat(row.cells[column])
    except ValueError:
        raise _refused(row, "bad-date", column, "a day as YYYY-MM-DD") from None


def _currency(row: Row, column: str) -> str:
    if not _CURRENCY.fullmatch(row.cells[column]):
        expected = "three capital letters of ISO 4217, like USD"
        raise _refused(row, "bad-currency", column, expected)
    return row.cells[column]


def _decimal(row: Row) -> str:
    said = row.cells["rate"]
    try:
        plain = nanos_from_decimal_text(said) > 0
    except ValueError:
        plain = False
    if not plain:
        raise _refused(row, "bad-fx-rate", "rate", "a decimal above 0, nine decimals at most")
    return said


def _refused(row: Row, code: str, column: str, expected: str) -> RejectedError:
    found = shown(row.cells[column])
    return RejectedError(Rejection(row.line, code, column, found, expected, WHOLE_FILE_REMEDY))


def _overlaps(rates: Iterable[FxRate]) -> Iterator[Rejection]:
    for one, other in pairwise(sorted(rates)):
        if (one.base, one.quote) == (other.base, other.quote) and other.day <= one.until:
            yield Rejection(
                max(one.line, other.line),
                "fx-conflict",
                "date",
                shown(other.day),
                f"one rate a day; line {min(one.line, other.line)} holds until {one.until}",
                WHOLE_FILE_REMEDY,
            )
