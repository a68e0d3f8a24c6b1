"""Time buckets of a provider's report, and the days that an import of them replaces.

A snapshot replaces whole days. So a day may be replaced only by a report that covers it from its
midnight on: a report that begins at noon would erase the morning. And one file may answer for a
bucket only once: two answers for one bucket are two pulls, and adding them would bill it twice.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Final

from metering.errors import SourceError, SourceRef
from metering.ingest.contract import Slice
from metering.ingest.values.fields import FieldRefused

_DAY: Final = timedelta(days=1)
_GRAINS: Final = {timedelta(minutes=1): "minute", timedelta(hours=1): "hour", _DAY: "day"}


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """When a bucket was: half-open, UTC, within one day.

    Attributes:
        start, end: aware instants; `end` is exclusive and later than `start`.
    """

    start: datetime
    end: datetime

    @classmethod
    def of(cls, start: datetime, end: datetime, *, field: str) -> "Span":
        """Return the span of a bucket.

        Args:
            start: aware, UTC.
            end: aware, UTC.
            field: what the source calls the end, for the message.

        Raises:
            FieldRefused: `bad-bucket`; it is empty, runs backwards or crosses a midnight.
        """
        if not start < end <= _midnight(start.date()) + _DAY:
            expected = f"an end after {start:%Y-%m-%dT%H:%M:%SZ} and within its day (UTC)"
            raise FieldRefused("bad-bucket", field, f"'{end:%Y-%m-%dT%H:%M:%SZ}'", expected)
        return cls(start, end)

    @classmethod
    def of_day(cls, day: date) -> "Span":
        """Return the span of a whole day, UTC."""
        return cls(_midnight(day), _midnight(day) + _DAY)

    def cells(self) -> dict[str, object]:
        """Return the cells that say when a record was."""
        return {"start": self.start, "end": self.end, "grain": self.grain}

    @property
    def day(self) -> date:
        """The UTC day the bucket lies in."""
        return self.start.date()

    @property
    def grain(self) -> str:
        """Return minute, hour or day; `range` for a bucket that the pull cut short."""
        return _GRAINS.get(self.end - self.start, "range")


@dataclass(frozen=True, slots=True)
class Coverage:
    """The days a file answers for.

    Attributes:
        whole: in order; covered from midnight on without a gap, at least up to the last bucket.
        partial: days that begin later, or have a gap: nothing may be replaced by them.
    """

    whole: tuple[date, ...] = ()
    partial: frozenset[date] = frozenset()

    def slices(self, scope: str, signature: str) -> Iterator[Slice]:
        """Yield one slice per unbroken run of whole days."""
        for first, last in _runs(self.whole):
            yield Slice(scope, signature, first.isoformat(), last.isoformat())


def coverage(spans: Iterable[tuple[Span, int]], path: str) -> Coverage:
    """Return the days that buckets cover.

    Args:
        spans: each bucket with its line, in any order, empty buckets included.
        path: the file, for the message.

    Raises:
        SourceError: `repeated-bucket`; two buckets of the file share an instant.
    """
    ordered = sorted(spans)
    partial: set[date] = set()
    covered_to: datetime | None = None
    for span, line in ordered:
        if covered_to is not None and span.start < covered_to:
            raise _repeated(SourceRef(path, line), span)
        if span.start != covered_to and span.start != _midnight(span.day):
            partial.add(span.day)
        covered_to = span.end
    days = {span.day for span, _ in ordered}
    return Coverage(tuple(sorted(days - partial)), frozenset(partial))


def grouping(spans: Collection[Span], dimensions: Iterable[str]) -> str:
    """Return the canonical text of how a report is grouped: bucket width and dimensions.

    The width is the least of minute, hour and day that holds every bucket, since the first and the
    last one may be cut short by the bounds of the pull.
    """
    longest = max((span.end - span.start for span in spans), default=_DAY)
    width = next(grain for limit, grain in _GRAINS.items() if longest <= limit)
    return f"width={width};dimensions={','.join(sorted(dimensions))}"


def partial_day(span: Span, field: str) -> FieldRefused:
    """Return the refusal of a record whose day is not covered from midnight on."""
    return FieldRefused(
        "partial-day",
        field,
        f"'{span.start:%Y-%m-%dT%H:%M:%SZ}'",
        "every bucket of its day, from midnight UTC on",
        "pull whole days, and put all pages of a pull in one file",
    )


def _runs(days: Sequence[date]) -> Iterator[tuple[date, date]]:
    # Days that follow each other are equally far from their places in the row.
    for _, run in groupby(enumerate(days), key=lambda placed: placed[1].toordinal() - placed[0]):
        found = [day for _, day in run]
        yield found[0], found[-1]


def _repeated(where: SourceRef, span: Span) -> SourceError:
    return SourceError(
        where,
        "repeated-bucket",
        f"the bucket at {span.start:%Y-%m-%dT%H:%M:%SZ} overlaps another one of this file",
        do="ingest each pull as a file of its own; two answers for one bucket are never added",
    )


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
