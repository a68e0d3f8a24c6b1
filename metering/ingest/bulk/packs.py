"""Many small files of one format, read by one statement.

To parse a file of a megabyte takes milliseconds; to plan and run the statements over it takes many
times that. So files of JSON Lines are read together: their lines form one table, in which each
line knows its file, and all that follows is done once for all of them. What comes out for each
file, line numbers and counts included, is what reading it alone gives.

Of files with the same bytes one is read; the others are left to be read alone, and then known.
"""
# ruff: noqa: S608 - names and texts go through `name` and `literal`; there is nothing to bind

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.errors import Rejection
from metering.ingest.bulk.enums import with_enumerations
from metering.ingest.bulk.layout import Layout, name, rejection
from metering.ingest.bulk.line_batches import LineBatches
from metering.ingest.bulk.sources import json_lines_source
from metering.ingest.bulk.statement import (
    LINE,
    same_for_all,
    shared_statement,
    sql_type_of,
    statement,
    usage_column,
)
from metering.ingest.contract import Pack, PackedFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    import duckdb

    from metering.ingest.fingerprints import Fingerprint, Readable

_LINES: Final = "pack_lines"
_FILES: Final = "pack_files"
_RECORDS: Final = "pack_records"
# The lines of the files that are not left to be read alone.
_READ: Final = f"(SELECT * FROM {_LINES} JOIN {_FILES} USING (file_no))"
TABLES: Final = (_LINES, _FILES, _RECORDS)


@dataclass(frozen=True, slots=True)
class PackFile:
    """One file of a pack.

    Attributes:
        plain: the file, unpacked.
        fingerprint: of its bytes as received, asked for once its lines were read; its rows are
            marked with their SHA-256, hexadecimal.
    """

    plain: Path
    fingerprint: "Callable[[], Fingerprint]"


@dataclass(slots=True)
class _Found:
    """What the lines of one file are."""

    records: int = 0
    noise: Counter[str] = field(default_factory=Counter)
    rejections: list[Rejection] = field(default_factory=list)


def read_pack(
    connection: "duckdb.DuckDBPyConnection",
    files: Sequence[PackFile],
    layout: Layout,
    opened: "Callable[[Path], AbstractContextManager[Readable]]",
) -> Pack:
    """Read files of JSON Lines together.

    Args:
        connection: on which the rows of the pack stand until the next one is read.
        files: none of them twice.
        layout: of their format.
        opened: what opens an unpacked file, to read all of it.

    Raises:
        duckdb.InvalidInputException: a file cannot be read.
    """
    filled = layout.columns.keys() - same_for_all(layout)
    kept = (*sorted(filled), *layout.shared_keys, *layout.kept, "file_no", "row_no")
    lines = statement(layout, json_lines_source(layout), carried=(LINE, "file_no"))
    batches = LineBatches([file.plain for file in files], layout, opened)
    with batches.registered(connection), _in_any_order(connection):
        _make(
            connection,
            _LINES,
            f"SELECT {_listed(kept)}, noise, refused_by, found"
            f" FROM (SELECT *, {LINE} AS row_no FROM ({lines}))",
        )
    found = _files(connection, files)
    accepted = _count_lines(connection, found)
    _collect_rejections(connection, found, layout)
    records = f"SELECT {_listed(kept)} FROM {_READ} WHERE noise IS NULL AND refused_by IS NULL"
    if layout.merge:
        records = f"WITH records AS ({records}) SELECT {_listed(kept)} FROM ({layout.merge})"
    _make(connection, _RECORDS, f"{records} ORDER BY file_no, row_no")
    _count_records(connection, found, accepted, layout)
    return Pack(
        connection.sql(_rows(connection, layout)),
        tuple(
            PackedFile(one.records, dict(one.noise), tuple(one.rejections)) if one else None
            for one in (found.get(at) for at in range(len(files)))
        ),
    )


def _files(connection: "duckdb.DuckDBPyConnection", files: Sequence[PackFile]) -> dict[int, _Found]:
    """Return the files by their place, of those with the same bytes the first."""
    sources: dict[str, int] = {}
    for number, file in enumerate(files):
        sources.setdefault(file.fingerprint().sha256, number)
    # As parameters: Arrow would import pandas for a look at the types of these few values.
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {_FILES} AS SELECT unnest($1::INTEGER[]) AS file_no,"
        " unnest($2::VARCHAR[]) AS source",
        [list(sources.values()), list(sources)],
    )
    return {number: _Found() for number in sources.values()}


def _count_lines(
    connection: "duckdb.DuckDBPyConnection", found: dict[int, _Found]
) -> dict[int, int]:
    """Count the lines that are noise; return how many others were accepted, by file."""
    accepted = {}
    for number, noise, count in connection.execute(
        f"SELECT file_no, noise, count(*) FROM {_READ} WHERE refused_by IS NULL GROUP BY ALL"
    ).fetchall():
        if noise is None:
            accepted[number] = count
        else:
            found[number].noise[noise] = count
    return accepted


def _collect_rejections(
    connection: "duckdb.DuckDBPyConnection", found: dict[int, _Found], layout: Layout
) -> None:
    for number, line, at, shown in connection.execute(
        f"SELECT file_no, row_no, refused_by, found FROM {_READ}"
        " WHERE refused_by IS NOT NULL ORDER BY file_no, row_no"
    ).fetchall():
        found[number].rejections.append(rejection(layout, line, at, shown))


def _count_records(
    connection: "duckdb.DuckDBPyConnection",
    found: dict[int, _Found],
    accepted: dict[int, int],
    layout: Layout,
) -> None:
    for number, count in connection.execute(
        f"SELECT file_no, count(*) FROM {_RECORDS} GROUP BY file_no"
    ).fetchall():
        found[number].records = count
    for number, count in accepted.items():
        one = found[number]
        if count > one.records:
            one.noise[layout.merged_noise] = count - one.records


def _rows(connection: "duckdb.DuckDBPyConnection", layout: Layout) -> str:
    joined = f"SELECT * FROM {_RECORDS} JOIN {_FILES} USING (file_no)"
    for key, shared in zip(layout.shared_keys, layout.shared, strict=True):
        keys = f"SELECT DISTINCT {key} FROM {_RECORDS}"
        _make(connection, f"pack_{key}", shared_statement(shared, key, keys))
        types = {column: sql_type_of(column) for column in shared.columns}
        few = with_enumerations(connection, f"pack_{key}", types)
        joined = f"{joined} JOIN ({few}) USING ({key})"
    always = same_for_all(layout)
    given = {*layout.columns, *layout.shared_columns, "row_no"} - always.keys()
    columns = ", ".join(
        name(column)
        if column in given
        else usage_column(column, always.get(column, "NULL"), layout.schema)
        for column in layout.schema.names
    )
    return f"SELECT {columns}, source FROM ({joined})"


@contextmanager
def _in_any_order(connection: "duckdb.DuckDBPyConnection") -> Iterator[None]:
    # Rows that know their place need not be kept in it, which costs a sixth of the time.
    connection.execute("SET preserve_insertion_order = false")
    try:
        yield
    finally:
        connection.execute("RESET preserve_insertion_order")


def _make(connection: "duckdb.DuckDBPyConnection", table: str, query: str) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {query}")


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(map(name, columns))
