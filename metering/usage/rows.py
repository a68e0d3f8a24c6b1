"""How the lake's files are read: every record with every column, whatever a file holds.

A file need not have a column that is null in all of its records, since to write one takes as long
as to write one with little in it. Where that is `row_no`, the place of a record in the file of the
lake is its line. So whoever reads files of usage records does it through here.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from metering.usage.columns import USAGE_COLUMNS

# What the lake says of a record itself. `source` is the SHA-256 of the file it is from, where a
# file of the lake holds the records of many.
_GIVEN_BY_THE_LAKE: Final = {"source": "VARCHAR", "record_key": "UUID", "ingestor": "VARCHAR"}
_STORED: Final = _GIVEN_BY_THE_LAKE | {
    name: kind for name, kind in USAGE_COLUMNS.items() if name != "event_id"
}


def usage_rows(files: Iterable[Path | str]) -> str:
    """Return a query, in brackets, that gives the records of lake files for DuckDB.

    Every column is there, and the day, a date, from the folder of the file.

    Args:
        files: at least one.
    """
    return f"(SELECT * EXCLUDE (filename, file_row_number) FROM {placed_rows(files)})"


def placed_rows(files: Iterable[Path | str]) -> str:
    """Return what `usage_rows` does, with `filename` and, from 0 on, `file_row_number`."""
    quoted = ", ".join("'" + str(path).replace("'", "''") + "'" for path in files)
    columns = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in _STORED.items())
    return (
        "(SELECT * REPLACE (coalesce(row_no, file_row_number + 1) AS row_no)"
        f" FROM (SELECT {columns} WHERE false UNION ALL BY NAME FROM read_parquet([{quoted}],"
        " hive_partitioning = true, hive_types = {'day': DATE}, union_by_name = true,"
        " filename = true, file_row_number = true)))"
    )
