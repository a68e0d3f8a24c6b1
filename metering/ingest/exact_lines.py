"""The exact way to read a file that the fast reader stumbles over.

One damaged line must not cost a file, and every line keeps its number. So the file is copied once,
line for line, into a form that cannot stumble: what cannot be read is replaced by a mark of what
is wrong with it. A mark is one control character, which no JSON line can be.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from metering.errors import SourceError, SourceRef

LONGEST_LINE: Final = 16 << 20
# Cannot occur in the copy: it would part a line in two where DuckDB reads it as a table.
SEPARATOR: Final = "\x1f"
BAD_ENCODING: Final = "\x01"
LINE_TOO_LONG: Final = "\x02"
UNFINISHED: Final = "\x03"

_BLOCK: Final = 8 << 20
# A carriage return is blank space to JSON and a line end to DuckDB; NUL and the separator are
# forbidden in JSON, and stay forbidden.
_TRANSLATION: Final = bytes.maketrans(b"\r\0\x1f", b"\t\x1e\x1e")


def copy_readable_lines(source: Path, copy: Path, *, live: bool) -> None:
    """Copy a file of JSON lines; line n of the copy stands for line n of the file.

    Args:
        source: the file.
        copy: what is written.
        live: whether the file may still be growing; then a last line without its line end that is
            no JSON is marked as unfinished.
    """
    with source.open("rb") as stream, copy.open("xb") as target:
        for block in _whole_lines(stream):
            readable = _readable(block.translate(_TRANSLATION))
            if live and not readable.endswith(b"\n") and not _is_json(readable):
                readable = UNFINISHED.encode()
            target.write(readable)


def copy_readable_rows(source: Path, copy: Path, columns: Sequence[str], name: str) -> None:
    """Copy a table as JSON lines: {"line": 5, "fault": …, "size": …, "cells": {…}}.

    A row stands for itself under the physical line it starts on; an empty line is one, too.

    Args:
        source: the file.
        copy: what is written.
        columns: names of the columns to copy; all are in the header.
        name: the file as the user named it.

    Raises:
        SourceError: `unclosed-quote`: a quote is not closed within 16 MiB or before the end, so
            that nobody can say where the rows after it begin. Nothing of the file is recorded.
    """
    with (
        source.open(encoding="utf-8", errors="surrogateescape", newline="") as stream,
        copy.open("x", encoding="ascii") as target,
    ):
        rows = _rows(stream, name)
        _, header = next(rows)
        places = {column: header.index(column) for column in columns}
        for line, row in rows:
            target.write(json.dumps(_judged(line, row, places, len(header))) + "\n")


def header_of(source: Path, name: str) -> tuple[str, ...]:
    """Return the cells of a table's first row.

    Raises:
        SourceError: `unclosed-quote`.
    """
    with source.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
        _, header = next(_rows(stream, name), (0, []))
    return tuple(header)


def _whole_lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield blocks that end at a line end; a line beyond the limit is a mark instead."""
    rest = b""
    while block := stream.read(_BLOCK):
        head, end, tail = block.rpartition(b"\n")
        if end:
            yield _marked_if_long(rest, head + end)
            rest = tail
        else:
            # Beyond the limit it is only known that it is; the rest of it is not kept.
            rest = (rest + tail)[: LONGEST_LINE + 1]
    if rest:
        yield LINE_TOO_LONG.encode() if len(rest) > LONGEST_LINE else rest


def _marked_if_long(rest: bytes, lines: bytes) -> bytes:
    first, end, others = (rest + lines).partition(b"\n")
    if len(first) <= LONGEST_LINE:
        return first + end + others
    return LINE_TOO_LONG.encode() + end + others


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _readable(block: bytes) -> bytes:
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        return b"\n".join(_readable_line(line) for line in block.split(b"\n"))
    return block


def _readable_line(line: bytes) -> bytes:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return BAD_ENCODING.encode()
    return line


def _rows(stream: IO[str], name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the physical line it starts on."""
    csv.field_size_limit(LONGEST_LINE)
    reader = csv.reader(stream, strict=True)
    line = 1
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise SourceError(
            SourceRef(name, line),
            "unclosed-quote",
            "a quote that opens on this line is not closed, or is followed by more text",
            do="correct the quotes of the row and ingest the file again",
        ) from error


def _judged(
    line: int, row: list[str], places: Mapping[str, int], width: int
) -> Mapping[str, object]:
    fault = _fault(row, width)
    cells = {} if fault else {column: row[at] for column, at in places.items() if row[at]}
    return {"line": line, "fault": fault, "size": len(row), "cells": cells}


def _fault(row: list[str], width: int) -> str | None:
    if not row:
        return "empty"
    if len(row) != width:
        return "bad-row"
    try:
        "".join(row).encode("utf-8")
    except UnicodeEncodeError:
        return "bad-encoding"
    return None
