"""The exact way to read a table that the fast reader stumbles over.

One damaged row must not cost a file, and every row keeps its line. So the table is copied once,
row for row, into a form that cannot stumble, which says of each row that cannot be read what is
wrong with it.
"""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from metering.errors import SourceError, SourceRef, shown
from metering.ingest.bulk.layout import LONGEST_HELD, LONGEST_LINE


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
            if len(judged) > LONGEST_HELD:
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
