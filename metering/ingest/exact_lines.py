"""The exact way to read a file that the fast reader stumbles over.

One damaged line must not cost a file, and every line keeps its number. So the file is copied once,
line for line, into a form that cannot stumble: what cannot be read is replaced by a mark of what
is wrong with it. A mark is one control character, which no JSON line can be.
"""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from metering.errors import SourceError, SourceRef, shown
from metering.ingest.bulk import Fields, Form

LONGEST_LINE: Final = 64 << 20
# DuckDB holds two thousand lines at a time: longer ones are cut down to the fields in use.
LONG_LINE: Final = 32 << 10
# DuckDB reserves a few times this for each thread.
LONGEST_COPY: Final = 16 << 20
# Cannot occur in the copy: it would part a line in two where DuckDB reads it as a table.
SEPARATOR: Final = "\x1f"
BAD_ENCODING: Final = "\x01"
LINE_TOO_LONG: Final = "\x02"
UNFINISHED: Final = "\x03"
NOT_JSON: Final = "\x04"

_BLOCK: Final = 8 << 20
# A carriage return is blank space to JSON and a line end to DuckDB; NUL and the separator are
# forbidden in JSON, and stay forbidden.
_TRANSLATION: Final = bytes.maketrans(b"\r\0\x1f", b"\t\x1e\x1e")


def copy_readable_lines(source: Path, copy: Path, fields: Fields, *, live: bool) -> None:
    """Copy a file of JSON lines; line n of the copy stands for line n of the file.

    Args:
        source: the file.
        copy: what is written; no line of it is longer than `LONGEST_COPY`.
        fields: what a long line is cut down to.
        live: whether the file may still be growing; then a last line without its line end that is
            no JSON is marked as unfinished.
    """
    with source.open("rb") as stream, copy.open("xb") as target:
        for block in _whole_lines(stream):
            lines = block.translate(_TRANSLATION).split(b"\n")
            if live and lines[-1] and not _is_json(lines[-1]):
                lines[-1] = UNFINISHED.encode()
            target.write(b"\n".join(_short(line, fields) for line in _readable(lines)))


def copy_readable_rows(
    source: Path, copy: Path, header: Sequence[str], columns: Sequence[str], name: str
) -> None:
    """Copy a table as JSON lines: {"line": 5, "fault": …, "size": …, "cells": {…}}.

    A row stands for itself under the physical line it starts on; an empty line is one, too.

    Args:
        source: the file.
        copy: what is written.
        header: what the columns of the table are called, in their order.
        columns: names of the columns to copy; all are in the header.
        name: the file as the user named it.

    Raises:
        SourceError: `unclosed-quote`: a quote is not closed within 64 MiB or before the end, so
            that nobody can say where the rows after it begin. Nothing of the file is recorded.
    """
    with (
        source.open(encoding="utf-8", errors="surrogateescape", newline="") as stream,
        copy.open("x", encoding="ascii") as target,
    ):
        rows = numbered_rows(stream, name)
        next(rows)
        places = {column: header.index(column) for column in columns}
        for line, row in rows:
            judged = json.dumps(_judged(line, _fault(row, len(header)), row, places))
            if len(judged) > LONGEST_COPY:
                judged = json.dumps(_judged(line, "line-too-long", row, places))
            target.write(judged + "\n")


def header_of(source: Path, name: str) -> tuple[str, ...]:
    """Return the cells of a table's first row.

    Raises:
        SourceError: `unclosed-quote`.
    """
    with source.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
        _, header = next(numbered_rows(stream, name), (0, []))
    return tuple(header)


def check_header(header: Sequence[str], required: Sequence[str], name: str) -> None:
    """Refuse a table that lacks a column, or has two of one name.

    Args:
        header: names of the columns.
        required: columns without which the table is of another format.
        name: the file as the user named it.

    Raises:
        SourceError: `bad-encoding`, `missing-column` or `doubled-column`.
    """
    if not all(column.isprintable() for column in header):
        raise SourceError(
            SourceRef(name, 1),
            "bad-encoding",
            "the header holds bytes that are not UTF-8, or control characters",
            do="export the table again as UTF-8 and ingest the file",
        )
    for column in required:
        if column not in header:
            raise SourceError(
                SourceRef(name, 1),
                "missing-column",
                f"the header lacks {shown(column)}",
                do="export the table with this column and ingest the file",
            )
    for column, times in Counter(header).items():
        if times > 1:
            raise SourceError(
                SourceRef(name, 1),
                "doubled-column",
                f"the header names {shown(column)} {times} times",
                do="remove or rename one of the columns and ingest the file",
            )


def numbered_rows(stream: IO[str], name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row of a table with the physical line it starts on; an empty line is a row, too.

    Args:
        stream: text, opened with `newline=""`.
        name: the file as the user named it.

    Raises:
        SourceError: `unclosed-quote`.
    """
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


def _readable(lines: list[bytes]) -> list[bytes]:
    try:
        b"\n".join(lines).decode("utf-8")
    except UnicodeDecodeError:
        return [_readable_line(line) for line in lines]
    return lines


def _readable_line(line: bytes) -> bytes:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return BAD_ENCODING.encode()
    return line


def _short(line: bytes, fields: Fields) -> bytes:
    """Return a line as it is, or, if it is long, what it says in the given fields."""
    if len(line) <= LONG_LINE:
        return line
    try:
        value = json.loads(line, object_pairs_hook=_Object)
    except (ValueError, RecursionError):
        return _no_json(line)
    if isinstance(value, _Object) and not value.repeated.isdisjoint(fields):
        return _no_json(line)
    cut = json.dumps(_only(value, fields)).encode()
    return cut if len(cut) <= LONGEST_COPY else LINE_TOO_LONG.encode()


class _Object(dict[str, object]):
    """An object of which the first of each name counts, as to DuckDB; and what stands twice."""

    def __init__(self, members: list[tuple[str, object]]) -> None:
        super().__init__(reversed(members))
        times = Counter(name for name, _ in members) if len(self) < len(members) else Counter()
        self.repeated = frozenset(name for name, count in times.items() if count > 1)


def _no_json(line: bytes) -> bytes:
    # Its beginning stands for it; the mark makes sure that this is no JSON either.
    return line[:LONG_LINE] + NOT_JSON.encode()


def _only(value: object, form: Form) -> object:
    match value:
        case list() if isinstance(form, tuple):
            return [_only(element, form[0]) for element in value]
        case dict() if isinstance(form, Mapping):
            return {field: _only(value[field], of) for field, of in form.items() if field in value}
        case _:
            return value


def _judged(
    line: int, fault: str | None, row: list[str], places: Mapping[str, int]
) -> Mapping[str, object]:
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
