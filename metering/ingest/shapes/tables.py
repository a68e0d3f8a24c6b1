"""Tables of a provider's dashboard: CSV of megabytes, decoded in Python, each row on its line.

Columns are found by name, never by place: generations of one export differ in order and number.
An empty cell says nothing and is null. What cells mean beyond text (counts as 8.0, truth values as
FALSE) is said per column by the format, and a cell that is nothing of the kind stays text, so that
the accessor that asks for it refuses it and shows it as it is spelled.
"""

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.errors import Rejection
from metering.ingest.bulk.exact_rows import check_header, numbered_rows
from metering.ingest.contract import Reading
from metering.ingest.shapes.buckets import Coverage, Span, coverage
from metering.ingest.shapes.pages import Row, rows_as_records
from metering.ingest.shapes.records import readings
from metering.ingest.values.fields import FieldRefused, Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

Meaning = Callable[[str], object]

_COUNT: Final = re.compile(r"(\d{1,20})(\.0{1,20})?", re.ASCII)
# What stands for a byte that is not UTF-8.
_UNDECODED: Final = re.compile("[\udc80-\udcff]")
_FLAGS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file.

    Attributes:
        header: names of the columns.
        rows: in file order; values by column, null for an empty cell.
        refused: rows that are none: too few or too many cells, or bytes that are not UTF-8.
        empty_lines: lines that hold nothing.
    """

    header: tuple[str, ...]
    rows: tuple[Row, ...]
    refused: tuple[Rejection, ...]
    empty_lines: int


def count(cell: str) -> object:
    """Return a count that may be spelled 8 or 8.0; other text stays as it is."""
    match = _COUNT.fullmatch(cell)
    return int(match[1]) if match else cell


def flag(cell: str) -> object:
    """Return a truth value that may be spelled False, FALSE or false; other text stays as it is."""
    return _FLAGS.get(cell.lower(), cell)


def read_table(
    path: Path,
    reader: "Reader",
    required: Sequence[str],
    meanings: Mapping[str, Meaning],
    names_of: Callable[[Sequence[str]], Sequence[str]] = tuple,
) -> Table:
    """Return the rows of a file.

    Args:
        path: the file; compressed or not.
        reader: gives its content, up to the size it allows for a file that is held whole.
        required: columns without which the table is of another format.
        meanings: what the cells of a column mean; columns that are left out hold text.
        names_of: turns the header into the names of the columns, each of which has to stand once.

    Raises:
        SourceError: `missing-column`, `doubled-column`, `unclosed-quote`; nothing is recorded.
    """
    text = reader.content(path).decode("utf-8", errors="surrogateescape")
    numbered = numbered_rows(io.StringIO(text, newline=""), str(path))
    _, cells = next(numbered, (1, []))
    header = tuple(names_of(cells))
    check_header(header, required, str(path))
    rows: list[Row] = []
    refused: list[Rejection] = []
    empty = 0
    as_is: Meaning = str
    meant = [meanings.get(column, as_is) for column in header]
    for line, row in numbered:
        if not row:
            empty += 1
        elif rejection := _fault(line, row, len(header)):
            refused.append(rejection)
        else:
            values = [
                meaning(cell) if cell else None for meaning, cell in zip(meant, row, strict=True)
            ]
            rows.append(Row(line, dict(zip(header, values, strict=True))))
    return Table(header, tuple(rows), tuple(refused), empty)


def covered_by(
    rows: Iterable[Row], span_of: Callable[[Fields], Span], path: str
) -> tuple[Coverage, tuple[Span, ...]]:
    """Return the days that the rows cover, and their buckets in order.

    Many rows share a bucket; a row whose bounds cannot be read covers nothing.

    Args:
        rows: of one file.
        span_of: reads the bounds of a row's bucket.
        path: the file, for messages.

    Raises:
        SourceError: `repeated-bucket`; two different buckets of the file share an instant.
    """
    first_lines: dict[Span, int] = {}
    for row in rows:
        with suppress(FieldRefused):
            first_lines.setdefault(span_of(row.fields), row.line)
    return coverage(first_lines.items(), path), tuple(sorted(first_lines))


def readings_of(
    table: Table,
    cells_of: Callable[[Row], Mapping[str, object]],
    *,
    blank_but_for: frozenset[str] = frozenset(),
) -> Iterator[Reading]:
    """Yield the rows of a table as batches and rejections, and what holds no usage as noise.

    Args:
        table: all of a file.
        cells_of: turns a row into the cells of a usage record, or raises `FieldRefused`.
        blank_but_for: a row in which every other column is empty is a bucket without usage; none
            when the format has no such rows.
    """
    used = [row for row in table.rows if not _is_blank(row, blank_but_for)]
    yield from readings(
        chain(rows_as_records(used, cells_of), table.refused),
        {"empty bucket": len(table.rows) - len(used), "empty line": table.empty_lines},
    )


def _is_blank(row: Row, filled: frozenset[str]) -> bool:
    return (
        bool(filled)
        and isinstance(row.value, Mapping)
        and not any(
            value is not None for column, value in row.value.items() if column not in filled
        )
    )


def _fault(line: int, row: Sequence[str], width: int) -> Rejection | None:
    if len(row) != width:
        return Rejection(
            line,
            "bad-row",
            "",
            f"{len(row)} cells",
            "as many cells as the header has",
            "look for a stray separator or quote on the line, correct it and ingest the file",
        )
    if _UNDECODED.search("".join(row)):
        return Rejection(
            line,
            "bad-encoding",
            "",
            "bytes that are not UTF-8",
            "UTF-8 text",
            "export the file again as UTF-8 and ingest it",
        )
    return None
