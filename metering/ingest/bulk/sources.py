"""What DuckDB reads a bulk file with: one query for each form and each way of reading.

Each gives the fields of a layout, in the file's order, and two columns about the line:
`line_fault` (null, "empty", "unfinished", or the code of a rejection) and `line_size` (characters
or cells, for its message). Where the place among the rows does not tell the line, `line_no` does.
"""
# ruff: noqa: S608 - names and texts go through `name` and `literal`; there is nothing to bind

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from metering.ingest.bulk import line_batches
from metering.ingest.bulk.layout import (
    LONGEST_HELD,
    Fields,
    Layout,
    json_fields,
    json_types,
    literal,
    name,
    one_file,
)

# Unless told that every line is an object of our fields, DuckDB parses the first 20480 lines once
# more to find out, on one core: of a file of long lines that is all of it.
_OBJECTS: Final = "records = 'true', compression = 'none'"
_NO_FAULT: Final = "NULL::VARCHAR AS line_fault, NULL::BIGINT AS line_size"


def json_source(plain: Path, layout: Layout, form: str) -> str:
    """Return the query for clean JSON; `form` as DuckDB calls it."""
    return (
        f"SELECT *, {_NO_FAULT} FROM read_json({one_file(plain)}, format = '{form}',"
        f" columns = {json_types(layout.fields)}, {_OBJECTS},"
        f" maximum_object_size = {LONGEST_HELD})"
    )


def json_lines_source(layout: Layout) -> str:
    """Return the query for the lines that stand registered, see `line_batches`.

    The further column `file_no` says of which of the files a line is.
    """
    blank = "' ' || chr(9) || chr(10) || chr(13)"
    # A name that stands twice is nobody's business unless it is one of ours.
    ours = ", ".join(literal(field) for field in layout.fields)
    looked_at = f"list_filter(json_keys(line), lambda key: key IN ({ours}))"
    fault = f"""CASE
      WHEN trim(line, {blank}) = '' THEN 'empty'
      WHEN trim(line, {blank}) = {literal(line_batches.BAD_ENCODING)} THEN 'bad-encoding'
      WHEN trim(line, {blank}) = {literal(line_batches.LINE_TOO_LONG)} THEN 'line-too-long'
      WHEN trim(line, {blank}) = {literal(line_batches.UNFINISHED)} THEN 'unfinished'
      WHEN NOT json_valid(line) THEN 'bad-json'
      WHEN json_type(line) NOT IN ('OBJECT', 'NULL') THEN 'bad-json'
      WHEN list_unique({looked_at}) < len({looked_at}) THEN 'bad-json'
    END"""
    # That something could be taken out of a line tells that it is JSON: what is wrong with it is
    # asked of the few where nothing could, or that may name something twice. Always CASE, since of
    # AND and OR DuckDB may work out either side first, or both.
    doubtful = f"""CASE WHEN taken IS NULL OR NOT starts_with(line, '{{') THEN true
      WHEN {_is_telling(layout)} THEN {_may_double(layout)} END"""
    return f"""
      SELECT unnest(CASE WHEN line_fault IS NULL THEN taken END), line_fault,
        CASE WHEN line_fault IS NOT NULL THEN length(rtrim(line, {blank})) END AS line_size,
        line_no, file_no
      FROM (
        SELECT *, CASE WHEN {doubtful} THEN {fault} END AS line_fault
        FROM (SELECT *, {json_fields("line", layout.fields)} AS taken FROM {line_batches.TABLE})
      )"""


def _is_telling(layout: Layout) -> str:
    """Return a condition that holds where the layout's telling text is in a line.

    To look for it takes longer than to parse the line, so where it is one of the names that were
    taken out, it is looked for in those lines alone that do not have that field.
    """
    is_there = f"contains(line, {literal(layout.telling)})"
    place = _place_of(layout.telling.strip('"'), layout.fields)
    if place is None:
        return is_there
    return f"CASE WHEN taken.{place} IS NOT NULL THEN true ELSE {is_there} END"


def _place_of(field: str, fields: Fields) -> str | None:
    """Return where a field of an object, or of an object in it, stands; None where it is none."""
    for key, form in fields.items():
        if key == field:
            return name(key)
        within = _place_of(field, form) if isinstance(form, Mapping) else None
        if within is not None:
            return f"{name(key)}.{within}"
    return None


def _may_double(layout: Layout) -> str:
    """Return a condition that holds where an object has one of the layout's names twice.

    It may also hold where a name has a line end in it. One pattern over all names takes a tenth of
    the time of telling the names apart.
    """
    names = (re.escape(field) for field in layout.fields)
    twice = "|".join(rf"{field}\n(?:.*\n)?{field}" for field in names)
    pattern = literal(rf"(?s)(?:^|\n)(?:{twice})(?:\n|$)")
    # Not `array_to_string`, which stands for an expression that parses the line twice.
    return f"regexp_matches(list_aggregate(json_keys(line), 'string_agg', chr(10)), {pattern})"


def csv_source(plain: Path, header: tuple[str, ...], layout: Layout) -> str:
    """Return the query for a clean table; columns the layout does not name are passed over."""
    # Other columns may have no name at all, or one that differs from a field's in case alone.
    names = (column if column in layout.fields else f"{at}." for at, column in enumerate(header))
    columns = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in names)
    given = ", ".join(_cell(column, column in header) for column in layout.fields)
    return (
        f"SELECT {given}, {_NO_FAULT} FROM read_csv({one_file(plain)},"
        f" columns = {{{columns}}}, delim = ',', quote = '\"', escape = '\"', header = true,"
        " auto_detect = false, strict_mode = true, null_padding = false, compression = 'none',"
        f" max_line_size = {LONGEST_HELD})"
    )


def exact_table_source(copy: Path, layout: Layout) -> str:
    """Return the query for what `exact_rows.copy_readable_rows` wrote."""
    cells = dict.fromkeys(layout.fields, "VARCHAR")
    shape: Fields = {"line": "BIGINT", "fault": "VARCHAR", "size": "BIGINT", "cells": cells}
    return (
        "SELECT unnest(cells), fault AS line_fault, size AS line_size, line AS line_no FROM"
        f" read_json({one_file(copy)}, format = 'newline_delimited',"
        f" columns = {json_types(shape)}, {_OBJECTS},"
        f" maximum_object_size = {LONGEST_HELD})"
    )


def _cell(column: str, is_given: bool) -> str:
    return name(column) if is_given else f"NULL::VARCHAR AS {name(column)}"
