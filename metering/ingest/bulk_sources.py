"""What DuckDB reads a bulk file with: one query for each form and each way of reading.

Each gives the fields of a layout, in the file's order, and three columns about the line:
`line_fault` (null, "empty", "unfinished", or the code of a rejection), `line_size` (characters or
cells, for its message) and `line_no` (null where the place among the rows is the line).
"""
# ruff: noqa: S608 - names and texts go through `name` and `literal`; there is nothing to bind

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from metering.ingest import exact_lines
from metering.ingest.bulk import (
    Fields,
    Layout,
    json_fields,
    json_types,
    literal,
    name,
    source_path,
)

# Unless told that every line is an object of our fields, DuckDB parses the first 20480 lines once
# more to find out, on one core: of a file of long lines that is all of it.
_OBJECTS: Final = "records = 'true', compression = 'none'"
_NO_FAULT: Final = "NULL::VARCHAR AS line_fault, NULL::BIGINT AS line_size, NULL::BIGINT AS line_no"


def json_source(plain: Path, layout: Layout, form: str) -> str:
    """Return the query for clean JSON; `form` is "newline_delimited" or "array"."""
    return (
        f"SELECT *, {_NO_FAULT} FROM read_json({source_path(plain)}, format = '{form}',"
        f" columns = {json_types(layout.fields)}, {_OBJECTS},"
        f" maximum_object_size = {exact_lines.LONGEST_COPY})"
    )


def many_files_source(plains: Sequence[Path], layout: Layout) -> str:
    """Return the query for clean JSON Lines of many files, one after the other.

    The further column `file_no` is the place of a line's file among them, from 0.
    """
    return (
        f"SELECT *, file_index AS file_no, {_NO_FAULT} FROM read_json("
        f"[{', '.join(map(source_path, plains))}], format = 'newline_delimited',"
        f" columns = {json_types(layout.fields)}, {_OBJECTS},"
        f" maximum_object_size = {exact_lines.LONGEST_COPY})"
    )


def exact_lines_source(copy: Path, layout: Layout) -> str:
    """Return the query for what `exact_lines.copy_readable_lines` wrote."""
    lines = (
        f"SELECT line FROM read_csv({source_path(copy)}, columns = {{line: 'VARCHAR'}},"
        f" delim = {literal(exact_lines.SEPARATOR)}, quote = '', escape = '', header = false,"
        " auto_detect = false, new_line = '\\n', compression = 'none',"
        f" max_line_size = {exact_lines.LONGEST_COPY})"
    )
    # A name that stands twice is nobody's business unless it is one of ours.
    ours = ", ".join(literal(field) for field in layout.fields)
    looked_at = f"list_filter(json_keys(line), lambda key: key IN ({ours}))"
    fault = f"""CASE
      WHEN line IS NULL OR trim(line, ' ' || chr(9)) = '' THEN 'empty'
      WHEN line = {literal(exact_lines.BAD_ENCODING)} THEN 'bad-encoding'
      WHEN line = {literal(exact_lines.LINE_TOO_LONG)} THEN 'line-too-long'
      WHEN line = {literal(exact_lines.UNFINISHED)} THEN 'unfinished'
      WHEN NOT json_valid(line) OR json_type(line) NOT IN ('OBJECT', 'NULL') THEN 'bad-json'
      WHEN list_unique(json_keys(line)) < len(json_keys(line)) THEN CASE
        WHEN list_unique({looked_at}) < len({looked_at}) THEN 'bad-json' END
    END"""
    return f"""
      SELECT unnest({json_fields("CASE WHEN line_fault IS NULL THEN line END", layout.fields)}),
        line_fault, line_size, NULL::BIGINT AS line_no
      FROM (
        SELECT *, {fault} AS line_fault, length(rtrim(line, chr(9))) AS line_size FROM ({lines})
      )"""


def csv_source(plain: Path, header: tuple[str, ...], layout: Layout) -> str:
    """Return the query for a clean table; columns the layout does not name are passed over."""
    # Other columns may have no name at all, or one that differs from a field's in case alone.
    names = (column if column in layout.fields else f"{at}." for at, column in enumerate(header))
    columns = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in names)
    given = ", ".join(_cell(column, column in header) for column in layout.fields)
    return (
        f"SELECT {given}, {_NO_FAULT} FROM read_csv({source_path(plain)},"
        f" columns = {{{columns}}}, delim = ',', quote = '\"', escape = '\"', header = true,"
        " auto_detect = false, strict_mode = true, null_padding = false, compression = 'none',"
        f" max_line_size = {exact_lines.LONGEST_COPY})"
    )


def exact_table_source(copy: Path, layout: Layout) -> str:
    """Return the query for what `exact_lines.copy_readable_rows` wrote."""
    cells = dict.fromkeys(layout.fields, "VARCHAR")
    shape: Fields = {"line": "BIGINT", "fault": "VARCHAR", "size": "BIGINT", "cells": cells}
    return (
        "SELECT unnest(cells), fault AS line_fault, size AS line_size, line AS line_no FROM"
        f" read_json({source_path(copy)}, format = 'newline_delimited',"
        f" columns = {json_types(shape)}, {_OBJECTS},"
        f" maximum_object_size = {exact_lines.LONGEST_COPY})"
    )


def _cell(column: str, is_given: bool) -> str:
    return name(column) if is_given else f"NULL::VARCHAR AS {name(column)}"
