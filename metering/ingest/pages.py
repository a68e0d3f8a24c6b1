"""Pages of a provider's usage API: buckets of time that hold rows.

A file is one page, a JSON list of pages, or pages one after the other, such as JSON Lines: however
the pull was saved. A page that is damaged is refused with its whole file, since a snapshot replaces
whole days and half of a day would erase the other half. A row that is damaged is refused alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.errors import Rejection, SourceError, SourceRef, shown
from metering.ingest.buckets import Span
from metering.ingest.contract import Noise, Reading, Rejections
from metering.ingest.fields import FieldRefused, Fields
from metering.ingest.records import BATCH_RECORDS, RecordColumns
from metering.ingest.strict_json import Cursor

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_BUCKETS: Final = "data"
_ROWS: Final = "results"

SpanOf = Callable[[Fields], Span]
CellsOf = Callable[["Row", Span], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Row:
    """One result row.

    Attributes:
        line: physical line its object starts on.
        value: as `strict_json` decodes it; not yet known to be an object.
    """

    line: int
    value: object

    @property
    def fields(self) -> Fields:
        """Return its fields, or raise `FieldRefused` if it is no object with distinct keys."""
        return Fields.of(self.value)

    def member(self, name: str) -> object:
        """Return one value without checking it; None if it is left out, empty, or out of reach."""
        value = self.value.get(name) if isinstance(self.value, Mapping) else None
        return None if value == "" else value


@dataclass(frozen=True, slots=True)
class Bucket:
    """One stretch of time and what was used in it.

    Attributes:
        line: physical line its object starts on.
        span: when; or why that cannot be told, which refuses every row of it.
        rows: in file order; none when there was no usage.
    """

    line: int
    span: Span | FieldRefused
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of the provider: its buckets in file order."""

    buckets: tuple[Bucket, ...]

    def rows(self) -> Iterator[Row]:
        """Yield the rows of every bucket in file order."""
        for bucket in self.buckets:
            yield from bucket.rows

    def spans(self) -> Iterator[tuple[Span, int]]:
        """Yield when each bucket was, with its line; empty ones too, unreadable ones not."""
        for bucket in self.buckets:
            if isinstance(bucket.span, Span):
                yield bucket.span, bucket.line

    def empty_buckets(self) -> int:
        """Count the buckets that say there was no usage."""
        return sum(isinstance(bucket.span, Span) and not bucket.rows for bucket in self.buckets)


def read_pages(path: Path, reader: "Reader", span_of: SpanOf) -> tuple[Page, ...]:
    """Return every page of a file.

    Args:
        path: the file; compressed or not.
        reader: gives its content, up to the size it allows for a file that is held whole.
        span_of: reads the bounds of a bucket from its fields.

    Raises:
        SourceError: `bad-json` where the text is not JSON; `bad-page` where a page or bucket lacks
            its list or says a thing twice; and whatever the reader refuses.
    """
    reading = _PageReading(Cursor(_text(path, reader), str(path)), str(path), span_of)
    pages = tuple(reading.pages())
    if not pages:
        raise SourceError(
            SourceRef(str(path)), "bad-page", "the file holds no page", do="pull the pages again"
        )
    return pages


def usage_of(
    pages: Sequence[Page], cells_of: CellsOf, *, noise: Mapping[str, int] | None = None
) -> Iterator[Reading]:
    """Yield the rows of pages as batches and rejections, and the empty buckets as noise.

    Args:
        pages: of one file, in file order.
        cells_of: turns a row into the cells of a usage record, or raises `FieldRefused`. Line and
            time are filled in here.
        noise: what else is known to carry no usage.
    """
    columns = RecordColumns()
    refused: list[Rejection] = []
    for record in _records(pages, cells_of):
        if isinstance(record, Rejection):
            refused.append(record)
            continue
        columns.add(record)
        if len(columns) == BATCH_RECORDS:
            yield columns.batch()
    if len(columns):
        yield columns.batch()
    if refused:
        yield Rejections(tuple(refused))
    counts = {"empty bucket": sum(page.empty_buckets() for page in pages), **(noise or {})}
    if any(counts.values()):
        yield Noise({what: count for what, count in counts.items() if count})


def _records(pages: Iterable[Page], cells_of: CellsOf) -> Iterator[dict[str, object] | Rejection]:
    for bucket in (bucket for page in pages for bucket in page.buckets):
        if isinstance(bucket.span, FieldRefused):
            yield from map(bucket.span.at, [row.line for row in bucket.rows] or [bucket.line])
            continue
        for row in bucket.rows:
            try:
                yield {**_placed(row, bucket.span), **cells_of(row, bucket.span)}
            except FieldRefused as refusal:
                yield refusal.at(row.line)


def _placed(row: Row, span: Span) -> dict[str, object]:
    return {"row_no": row.line, "start": span.start, "end": span.end, "grain": span.grain}


def _text(path: Path, reader: "Reader") -> str:
    content = reader.content(path)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(
            SourceRef(str(path), content.count(b"\n", 0, error.start) + 1),
            "bad-encoding",
            "the text is not UTF-8",
            do="export it again as UTF-8, or convert it, and ingest it",
        ) from error


class _PageReading:
    """Walks page, bucket list, bucket and row list by hand, and decodes what lies below."""

    def __init__(self, cursor: Cursor, path: str, span_of: SpanOf) -> None:
        self._cursor = cursor
        self._path = path
        self._span_of = span_of

    def pages(self) -> Iterator[Page]:
        """Yield the pages of the file, whether listed or one after the other."""
        while ahead := self._cursor.ahead():
            if ahead == "[":
                for _ in self._cursor.elements():
                    yield self._page()
            else:
                yield self._page()

    def _page(self) -> Page:
        line = self._cursor.line()
        members: dict[str, object] = {}
        buckets: tuple[Bucket, ...] = ()
        for key in self._cursor.members():
            self._refuse_twice(key, members)
            if key == _BUCKETS:
                buckets = tuple(self._bucket() for _ in self._list(_BUCKETS))
                members[key] = None
            else:
                members[key] = self._cursor.value()
        self._require(_BUCKETS, members, "page", line)
        return Page(buckets)

    def _bucket(self) -> Bucket:
        line = self._cursor.line()
        members: dict[str, object] = {}
        rows: tuple[Row, ...] = ()
        for key in self._cursor.members():
            self._refuse_twice(key, members)
            if key == _ROWS:
                rows = tuple(Row(at, self._cursor.value()) for at in self._list(_ROWS))
                members[key] = None
            else:
                members[key] = self._cursor.value()
        self._require(_ROWS, members, "bucket", line)
        try:
            return Bucket(line, self._span_of(Fields(members)), rows)
        except FieldRefused as refusal:
            return Bucket(line, refusal, rows)

    def _list(self, name: str) -> Iterator[int]:
        if self._cursor.ahead() not in ("[", ""):
            raise self._bad_page(self._cursor.line(), f"{name!r} is not a list")
        return self._cursor.elements()

    def _refuse_twice(self, key: str, members: Mapping[str, object]) -> None:
        if key in members:
            raise self._bad_page(self._cursor.line(), f"{shown(key)} stands twice in one object")

    def _require(self, name: str, members: Mapping[str, object], what: str, line: int) -> None:
        if name not in members:
            raise self._bad_page(line, f"the {what} has no {name!r}")

    def _bad_page(self, line: int, what: str) -> SourceError:
        return SourceError(
            SourceRef(self._path, line),
            "bad-page",
            what,
            do="pull the pages again as the provider sends them; nothing of the file is recorded",
        )
