"""Many small files of one format, read by one statement.

To parse a file of a megabyte takes milliseconds; to plan and run the statements over it takes many
times that. So files of JSON Lines are read together: their lines form one table, in which each
line knows its file, and all that follows is done once for all of them. What comes out for each
file, line numbers and counts included, is what reading it alone gives.

A file that cannot be read this way, because a line of it is empty, cut or no JSON, is left to be
read alone.
"""
# ruff: noqa: S608 - names and texts go through `name` and `literal`; there is nothing to bind

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from metering.errors import Rejection
from metering.ingest.bulk import Layout, name, rejection
from metering.ingest.bulk_sources import many_files_source
from metering.ingest.bulk_statement import (
    same_for_all,
    shared_statement,
    statement,
    usage_column,
)
from metering.ingest.contract import Pack, PackedFile

if TYPE_CHECKING:
    from concurrent.futures import Future

    import duckdb

    from metering.ingest.decompression import PlainFile
    from metering.ingest.fingerprints import Fingerprint

_LINES: Final = "pack_lines"
_FILES: Final = "pack_files"
_RECORDS: Final = "pack_records"
_SHARED: Final = "pack_shared"
# The lines of the files that are not left to be read alone.
_READ: Final = (
    f"(SELECT lines.*, lines.rowid AS row_no, begins_at FROM {_LINES} AS lines"
    f" JOIN {_FILES} USING (file_no))"
)
TABLES: Final = (_LINES, _FILES, _RECORDS, _SHARED)


@dataclass(frozen=True, slots=True)
class PackFile:
    """One file of a pack.

    Attributes:
        plain: the file, unpacked.
        fingerprint: of its bytes as received, which are hashed while its lines are read; its rows
            are marked with their SHA-256, hexadecimal.
    """

    plain: "PlainFile"
    fingerprint: "Future[Fingerprint]"

    @property
    def lines(self) -> int:
        """How many it has."""
        counted = self.plain.lines
        return self.fingerprint.result().lines if counted is None else counted


@dataclass(slots=True)
class _Found:
    """What the lines of one file are."""

    begins_at: int
    records: int = 0
    noise: Counter[str] = field(default_factory=Counter)
    rejections: list[Rejection] = field(default_factory=list)


def read_pack(
    connection: "duckdb.DuckDBPyConnection", files: Sequence[PackFile], layout: Layout
) -> Pack:
    """Read files of JSON Lines together.

    Args:
        connection: on which the rows of the pack stand until the next one is read.
        files: none of them twice.
        layout: of their format.

    Raises:
        duckdb.InvalidInputException: a line of one of the files is no JSON; which one, is for the
            caller to find out.
    """
    filled = layout.columns.keys() - same_for_all(layout)
    kept = (*sorted(filled), "shared_key", *layout.kept, "file_no")
    source = many_files_source([file.plain.path for file in files], layout)
    lines = statement(layout, source, carried=("file_no",))
    _make(
        connection,
        _LINES,
        f"SELECT {_listed(kept)}, noise, refused_by, found FROM ({lines})",
    )
    found = _files(connection, files)
    _count_noise(connection, found)
    _collect_rejections(connection, found, layout)
    records = (
        f"SELECT {_listed(kept)}, row_no FROM {_READ} WHERE noise IS NULL AND refused_by IS NULL"
    )
    if layout.merge:
        records = (
            f"WITH records AS ({records}) SELECT {_listed((*kept, 'row_no'))} FROM ({layout.merge})"
        )
    _make(connection, _RECORDS, f"{records} ORDER BY row_no")
    _count_records(connection, found, layout)
    return Pack(
        connection.sql(_rows(connection, layout)),
        tuple(
            PackedFile(one.records, dict(one.noise), tuple(one.rejections)) if one else None
            for one in (found.get(at) for at in range(len(files)))
        ),
    )


def _files(connection: "duckdb.DuckDBPyConnection", files: Sequence[PackFile]) -> dict[int, _Found]:
    """Return the files that were read line by line, by their place; the others are left out.

    Of files with the same bytes the first is one that was read.
    """
    placed = connection.execute(
        f"SELECT file_no, count(*), min(rowid), max(rowid) FROM {_LINES} GROUP BY file_no"
    ).fetchall()
    found = {
        number: _Found(begins_at=first)
        for number, count, first, last in placed
        if count == files[number].lines and count == last - first + 1
    }
    seen: set[str] = set()
    for number in sorted(found):
        source = files[number].fingerprint.result().sha256
        if source in seen:
            del found[number]
        seen.add(source)
    numbers = sorted(found)
    # As parameters: Arrow would import pandas for a look at the types of these few values.
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {_FILES} AS SELECT unnest($1::UBIGINT[]) AS file_no,"
        " unnest($2::BIGINT[]) AS begins_at, unnest($3::VARCHAR[]) AS source",
        [
            numbers,
            [found[number].begins_at for number in numbers],
            [files[number].fingerprint.result().sha256 for number in numbers],
        ],
    )
    return found


def _count_noise(connection: "duckdb.DuckDBPyConnection", found: dict[int, _Found]) -> None:
    for number, noise, count in connection.execute(
        f"SELECT file_no, noise, count(*) FROM {_READ} WHERE noise IS NOT NULL GROUP BY ALL"
    ).fetchall():
        found[number].noise[noise] = count


def _collect_rejections(
    connection: "duckdb.DuckDBPyConnection", found: dict[int, _Found], layout: Layout
) -> None:
    for number, line, at, shown in connection.execute(
        f"SELECT file_no, row_no - begins_at + 1, refused_by, found FROM {_READ}"
        " WHERE refused_by IS NOT NULL ORDER BY row_no"
    ).fetchall():
        found[number].rejections.append(rejection(layout, line, at, shown))


def _count_records(
    connection: "duckdb.DuckDBPyConnection", found: dict[int, _Found], layout: Layout
) -> None:
    left: dict[int, int] = defaultdict(int)
    left.update(
        connection.execute(f"SELECT file_no, count(*) FROM {_RECORDS} GROUP BY file_no").fetchall()
    )
    for number, accepted in connection.execute(
        f"SELECT file_no, count(*) FROM {_READ} WHERE noise IS NULL AND refused_by IS NULL"
        " GROUP BY file_no"
    ).fetchall():
        one = found[number]
        one.records = left[number]
        if accepted > one.records:
            one.noise[layout.merged_noise] = accepted - one.records


def _rows(connection: "duckdb.DuckDBPyConnection", layout: Layout) -> str:
    shared = layout.shared.columns if layout.shared else {}
    joined = (
        f"SELECT * REPLACE (row_no - begins_at + 1 AS row_no)"
        f" FROM {_RECORDS} JOIN {_FILES} USING (file_no)"
    )
    if layout.shared:
        keys = f"SELECT DISTINCT shared_key FROM {_RECORDS}"
        _make(connection, _SHARED, shared_statement(layout.shared, keys))
        joined = f"{joined} JOIN {_SHARED} USING (shared_key)"
    always = same_for_all(layout)
    given = {*layout.columns, *shared, "row_no"} - always.keys()
    columns = ", ".join(
        name(column)
        if column in given
        else usage_column(column, always.get(column, "NULL"), layout.schema)
        for column in layout.schema.names
    )
    return f"SELECT {columns}, source FROM ({joined})"


def _make(connection: "duckdb.DuckDBPyConnection", table: str, query: str) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {query}")


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(map(name, columns))
