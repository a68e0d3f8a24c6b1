"""CSV that people write: rows by physical line, cells by the column's name.

Accepts a byte order mark, any line ends, empty lines, further columns, and the empty cells that
spreadsheets add at the end of a row. Refuses a missing or doubled column and a row that has lost
or gained cells; nothing is read by position.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from metering.errors import WHOLE_FILE_REMEDY, RejectedError, Rejection

_BYTE_ORDER_MARK: Final = "\ufeff"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        line: physical line of its first character, 1-based.
        cells: column name to text, without spaces around it; an optional column that the file
            lacks is empty.
    """

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file that can be read, and the refusal of each that cannot."""

    rows: tuple[Row, ...]
    rejections: tuple[Rejection, ...]


def read_header(text: str) -> tuple[str, ...]:
    """Return the names of the columns of a CSV text; none where its header cannot be read."""
    try:
        return tuple(name.strip() for name in next(_numbered_rows(text), (1, []))[1])
    except csv.Error:
        return ()


def read_table(
    text: str, required: Sequence[str], optional: Sequence[str] = (), *, closed: bool = False
) -> Table:
    """Return the rows of a CSV text.

    Args:
        text: the whole file, decoded.
        required: columns that must be there, in the order a message names them.
        optional: columns that may be there.
        closed: refuse any other column.
    """
    rows: list[Row] = []
    rejections: list[Rejection] = []
    numbered = _numbered_rows(text)
    line = 0
    try:
        line, header = next(numbered, (1, []))
        names = [name.strip() for name in header]
        refused = _header_refused(line, names, required, optional, closed=closed)
        if refused:
            return Table((), refused)
        wanted = {*required, *optional}
        for line, cells in numbered:
            if len(cells) < len(names) or any(cells[len(names) :]):
                rejections.append(_wrong_width(line, len(cells), len(names)))
                continue
            found = zip(names, cells, strict=False)
            said = {name: cell.strip() for name, cell in found if name in wanted}
            rows.append(Row(line, {name: said.get(name, "") for name in (*required, *optional)}))
    except csv.Error as error:
        rejections.append(
            Rejection(
                line + 1, "bad-csv", "", str(error), "CSV with closed quotes", WHOLE_FILE_REMEDY
            )
        )
    return Table(tuple(rows), tuple(rejections))


def read_rows(table: Table, of: Callable[[Row], T]) -> tuple[list[T], list[Rejection]]:
    """Return what the rows of a table say, and every refusal: the table's own, then of its rows.

    Args:
        table: as it was read.
        of: what one row says; it raises RejectedError for a row that it refuses.
    """
    said: list[T] = []
    rejections = list(table.rejections)
    for row in table.rows:
        try:
            said.append(of(row))
        except RejectedError as error:
            rejections.append(error.rejection)
    return said, rejections


def _numbered_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    # The reader's line number is that of a row's last line; the row begins after the one before.
    reader = csv.reader(io.StringIO(text.removeprefix(_BYTE_ORDER_MARK), newline=""), strict=True)
    before = 0
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield before + 1, cells
        before = reader.line_num


def _header_refused(
    line: int,
    names: Sequence[str],
    required: Sequence[str],
    optional: Sequence[str],
    *,
    closed: bool,
) -> tuple[Rejection, ...]:
    expected = "a header with the columns " + ", ".join(required)
    if closed and optional:
        expected += f"; there may be {', '.join(optional)}"
    missing = ", ".join(name for name in required if name not in names)
    doubled = ", ".join(n for n in (*required, *optional) if names.count(n) > 1)
    others = {*required, *optional, ""} if closed else set(names)
    unknown = ", ".join(dict.fromkeys(name for name in names if name not in others))
    told = (
        ("missing-column", missing, "missing"),
        ("doubled-column", doubled, "there twice"),
        ("unknown-column", unknown, "there"),
    )
    return tuple(
        Rejection(line, code, columns, found, expected, WHOLE_FILE_REMEDY)
        for code, columns, found in told
        if columns
    )


def _wrong_width(line: int, cells: int, columns: int) -> Rejection:
    expected = f"{columns} cells, one for each column of the header"
    return Rejection(line, "bad-row", "", f"{cells} cells", expected, WHOLE_FILE_REMEDY)
