"""Pages of a provider's usage API: buckets of time that hold rows, or rows alone.

A file is one page, a JSON list of pages, or pages one after the other, such as JSON Lines: however
the pull was saved. A page that is damaged is refused with its whole file, since a snapshot replaces
whole days and half of a day would erase the other half. A row that is damaged is refused alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from metering.errors import Rejection, SourceError, SourceRef, shown
from metering.ingest.contract import Reading
from metering.ingest.shapes.buckets import Span
from metering.ingest.shapes.records import readings
from metering.ingest.values.fields import FieldRefused, Fields
from metering.ingest.values.strict_json import Cursor
from metering.usage.columns import place_of

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_LIST: Final = "data"
_ROWS: Final = "results"
_DEEPEST_LIST: Final = 2

Element = TypeVar("Element")
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
    """One answer of the provider.

    Attributes:
        buckets: in file order.
        members: what the page says beside them, such as how fresh it is.
    """

    buckets: tuple[Bucket, ...]
    members: Mapping[str, object]

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


@dataclass(frozen=True, slots=True)
class RowPage:
    """One answer of the provider that lists rows, each with its own time.

    Attributes:
        rows: in file order.
        members: what the page says beside them, such as how fresh it is.
    """

    rows: tuple[Row, ...]
    members: Mapping[str, object]


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
    found = _pages_of(path, reader, lambda reading: _bucket(reading, span_of))
    return tuple(Page(buckets, members) for buckets, members in found)


def says_that_more_follow(page: "RowPage") -> bool:
    """Return whether a page says that it is not the last, as most APIs say it."""
    return page.members.get("has_more") is True or bool(page.members.get("next_page"))


def read_row_pages(
    path: Path,
    reader: "Reader",
    list_name: str = _LIST,
    more_follow: Callable[["RowPage"], bool] = says_that_more_follow,
) -> tuple[RowPage, ...]:
    """Return every page of a file whose pages list rows without buckets.

    Rows of one day may be spread over many pages, and a snapshot replaces whole days, so a pull
    that was not finished is refused.

    Args:
        path: the file; compressed or not.
        reader: gives its content, up to the size it allows for a file that is held whole.
        list_name: the member of a page that holds its rows.
        more_follow: whether a page says that it is not the last.

    Raises:
        SourceError: `incomplete-pull` where the last page says that more follow; else as
            `read_pages`.
    """
    pages = tuple(
        RowPage(rows, members) for rows, members in _pages_of(path, reader, _row, list_name)
    )
    if more_follow(pages[-1]):
        raise SourceError(
            SourceRef(str(path)),
            "incomplete-pull",
            "the last page says that more follow",
            do="pull every page, put them in one file in order, and ingest it",
        )
    return pages


def read_rows(path: Path, reader: "Reader") -> tuple[Row, ...]:
    """Return the rows of a file that lists them, or has one after the other.

    A list may hold lists: pages of rows that were saved together.

    Args:
        path: the file; compressed or not.
        reader: gives its content, up to the size it allows for a file that is held whole.

    Raises:
        SourceError: `bad-json` where the text is not JSON; and whatever the reader refuses.
    """
    cursor = Cursor(text_of(path, reader), str(path))
    rows: list[Row] = []
    while cursor.ahead():
        rows.extend(_rows_ahead(cursor))
    return tuple(rows)


def _rows_ahead(cursor: Cursor, depth: int = 0) -> Iterator[Row]:
    if cursor.ahead() == "[" and depth < _DEEPEST_LIST:
        for _ in cursor.elements():
            yield from _rows_ahead(cursor, depth + 1)
    else:
        yield Row(cursor.line(), cursor.value())


def rows_as_records(
    rows: Iterable[Row], cells_of: Callable[[Row], Mapping[str, object]]
) -> Iterator[dict[str, object] | Rejection]:
    """Yield the record of each row that has its own time, or why it is refused.

    Args:
        rows: in file order.
        cells_of: turns a row into the cells of a usage record, time included, or raises
            `FieldRefused`. The line is filled in here.
    """
    for place, row in _placed(rows):
        try:
            yield {"row_no": place, **cells_of(row)}
        except FieldRefused as refusal:
            yield refusal.at(row.line)


def rows_as_several(
    rows: Iterable[Row], cells_of: Callable[[Row], Sequence[Mapping[str, object]]]
) -> Iterator[dict[str, object] | Rejection]:
    """Yield the records of each row; a row of which one record is refused is refused whole.

    Args:
        rows: in file order.
        cells_of: turns a row into the cells of its records, in order, or raises `FieldRefused`.
    """
    for place, row in _placed(rows):
        try:
            records = cells_of(row)
        except FieldRefused as refusal:
            yield refusal.at(row.line)
            continue
        yield from ({"row_no": place, **cells} for cells in records)


def _placed(rows: Iterable[Row]) -> Iterator[tuple[int, Row]]:
    """Yield rows with their place: an API's answer is often one line, which finds none of them."""
    for line, found in groupby(rows, key=lambda row: row.line):
        on_line = tuple(found)
        for nth, row in enumerate(on_line, 1):
            yield place_of(line, nth) if len(on_line) > 1 else line, row


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
    counts = {"empty bucket": sum(page.empty_buckets() for page in pages), **(noise or {})}
    yield from readings(_records(pages, cells_of), counts)


def _records(pages: Sequence[Page], cells_of: CellsOf) -> Iterator[dict[str, object] | Rejection]:
    places = _placed(row for page in pages for row in page.rows())
    for bucket in (bucket for page in pages for bucket in page.buckets):
        placed = islice(places, len(bucket.rows))
        if isinstance(bucket.span, FieldRefused):
            yield from map(bucket.span.at, [row.line for _, row in placed] or [bucket.line])
            continue
        for place, row in placed:
            try:
                yield {"row_no": place, **bucket.span.cells(), **cells_of(row, bucket.span)}
            except FieldRefused as refusal:
                yield refusal.at(row.line)


def text_of(path: Path, reader: "Reader") -> str:
    """Return the text of a file that is held whole.

    Raises:
        SourceError: `bad-encoding` where it is not UTF-8; and whatever the reader refuses.
    """
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


class _PageReading(Generic[Element]):
    """Walks pages and their list by hand, so that each element keeps its line.

    Args:
        cursor: at the beginning of the file.
        path: the file, for messages.
        element: reads one element of the list a page holds.
        list_name: the member that is that list.
    """

    def __init__(
        self,
        cursor: Cursor,
        path: str,
        element: "Callable[[_PageReading[Element]], Element]",
        list_name: str,
    ) -> None:
        self.cursor = cursor
        self._path = path
        self._element = element
        self._list_name = list_name

    def pages(self) -> Iterator[tuple[tuple[Element, ...], Mapping[str, object]]]:
        """Yield the list and the other members of each page, listed or one after the other."""
        while ahead := self.cursor.ahead():
            if ahead == "[":
                for _ in self.cursor.elements():
                    yield self._page()
            else:
                yield self._page()

    def _page(self) -> tuple[tuple[Element, ...], Mapping[str, object]]:
        line = self.cursor.line()
        members: dict[str, object] = {}
        elements: tuple[Element, ...] = ()
        for key in self.cursor.members():
            self.refuse_twice(key, members)
            if key == self._list_name:
                elements = tuple(self._element(self) for _ in self.items(key))
                members[key] = None
            else:
                members[key] = self.cursor.value()
        self.require(self._list_name, members, "page", line)
        return elements, members

    def items(self, name: str) -> Iterator[int]:
        """Yield the line of each element of the list ahead; refuse what is no list."""
        if self.cursor.ahead() not in ("[", ""):
            raise self._bad_page(self.cursor.line(), f"{name!r} is not a list")
        return self.cursor.elements()

    def refuse_twice(self, key: str, members: Mapping[str, object]) -> None:
        """Refuse a file in which an object that holds others says a thing twice."""
        if key in members:
            raise self._bad_page(self.cursor.line(), f"{shown(key)} stands twice in one object")

    def require(self, name: str, members: Mapping[str, object], what: str, line: int) -> None:
        """Refuse a file in which an object lacks its list."""
        if name not in members:
            raise self._bad_page(line, f"the {what} has no {name!r}")

    def _bad_page(self, line: int, what: str) -> SourceError:
        return SourceError(
            SourceRef(self._path, line),
            "bad-page",
            what,
            do="pull the pages again as the provider sends them; nothing of the file is recorded",
        )


def _pages_of(
    path: Path,
    reader: "Reader",
    element: Callable[[_PageReading[Element]], Element],
    list_name: str = _LIST,
) -> list[tuple[tuple[Element, ...], Mapping[str, object]]]:
    reading = _PageReading(Cursor(text_of(path, reader), str(path)), str(path), element, list_name)
    pages = list(reading.pages())
    if not pages:
        raise SourceError(
            SourceRef(str(path)), "bad-page", "the file holds no page", do="pull the pages again"
        )
    return pages


def _bucket(reading: "_PageReading[Bucket]", span_of: SpanOf) -> Bucket:
    line = reading.cursor.line()
    members: dict[str, object] = {}
    rows: tuple[Row, ...] = ()
    for key in reading.cursor.members():
        reading.refuse_twice(key, members)
        if key == _ROWS:
            rows = tuple(Row(at, reading.cursor.value()) for at in reading.items(_ROWS))
            members[key] = None
        else:
            members[key] = reading.cursor.value()
    reading.require(_ROWS, members, "bucket", line)
    try:
        return Bucket(line, span_of(Fields(members)), rows)
    except FieldRefused as refusal:
        return Bucket(line, refusal, rows)


def _row(reading: "_PageReading[Row]") -> Row:
    return Row(reading.cursor.line(), reading.cursor.value())
