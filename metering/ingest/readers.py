"""Reading source files: unpacked, hashed, and the bulk formats through DuckDB.

A bulk file is read in one of two ways with one result. The fast way lets DuckDB parse the file and
run the format's statement over it, once. When DuckDB stumbles, or finds another number of rows
than the file has lines, the exact way reads line by line what can be read and says of each other
line what is wrong with it (`line_batches`, and `exact_rows` for tables). Both end in a Parquet file
of checked rows in scratch space, so memory is bounded by the limit given and not by the file, and
row numbers come from the rows' places in that file: counting rows while parsing would take one core
instead of all. Where a large file is clean as far as a sample shows, its rows do not wait there
at all (`at_once`).
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import duckdb

from metering.errors import SourceError, SourceRef
from metering.ingest.bulk import at_once, exact_rows, packs, parquet_source
from metering.ingest.bulk.forms import Form, form_of
from metering.ingest.bulk.key_checks import may_fail, without_key_checks
from metering.ingest.bulk.layout import Layout, literal, name, one_file, rejection
from metering.ingest.bulk.line_batches import LineBatches
from metering.ingest.bulk.packs import PackFile, read_pack
from metering.ingest.bulk.parquet_source import (
    damaged,
    parquet_columns,
    parquet_table,
    sifted,
    take_rows,
)
from metering.ingest.bulk.sharing import joined, joining_as_written, work_out
from metering.ingest.bulk.sources import (
    csv_source,
    exact_table_source,
    json_lines_source,
    json_source,
)
from metering.ingest.bulk.statement import (
    merging,
    replaced_slices,
    same_for_all,
    shared_statement,
    statement,
)
from metering.ingest.bulk.typed import statement_of_columns
from metering.ingest.bulk.unfolding import PLACE
from metering.ingest.contract import Destination, Noise, Pack, Reading, Rejections, Slice
from metering.ingest.decompression import ArchiveLimits, PlainFile, plain_file
from metering.ingest.fingerprints import Fingerprint, Fingerprints, Readable, opened_as_it_lies
from metering.ingest.shapes.records import batch_of

if TYPE_CHECKING:
    from concurrent.futures import Future
    from contextlib import AbstractContextManager
    from types import TracebackType

_SPILL: Final = "spill"
_BEGINNING: Final = 64 << 10
_LARGEST_PAGE: Final = 64 << 20
_REJECTIONS_AT_ONCE: Final = 1000
# How many records must have a combination of texts in common for a join to pay.
_WORTH_SHARING: Final = 4
# Small groups of rows keep every core busy to the end of a file, and little in memory. What is read
# once more and then removed is not worth a packing: snappy takes a fifth of the time of writing it,
# and the dictionaries of its texts alone make it a tenth of the file.
_PARQUET: Final = "FORMAT parquet, COMPRESSION uncompressed, ROW_GROUP_SIZE 30720"


@dataclass(frozen=True, slots=True)
class _Staged:
    """Checked rows of one file, in its order, in scratch space.

    Attributes:
        path: Parquet: the columns of `bulk_statement.statement`.
        first_line: physical line of the first row, or 1 for the first of a JSON array; the rows
            follow line by line, except where `line_no` says otherwise.
        count: rows of the source, whatever became of them.
        lines: where a line holds many rows, Parquet: the row a line begins with, and its number.
    """

    path: Path
    first_line: int
    count: int
    lines: Path | None = None

    @property
    def rows(self) -> str:
        """The rows as a query, with their `row_no`."""
        if self.lines:
            return (
                f"SELECT rows.*, line AS row_no FROM read_parquet({one_file(self.path)},"
                f" file_row_number = true) AS rows JOIN read_parquet({one_file(self.lines)})"
                f" ON begins_at = rows.file_row_number - {PLACE}"
            )
        return (
            f"SELECT *, coalesce(line_no, file_row_number + {self.first_line}) AS row_no"
            f" FROM read_parquet({one_file(self.path)}, file_row_number = true)"
        )


class Reader:
    """Reads the files of one import; holds its scratch space and its one DuckDB connection.

    Args:
        scratch: folder for temporary files; made when missing. What the reader puts there is
            removed when it closes.
        memory_limit: what DuckDB may take, e.g. "1GB"; beyond it, it spills to scratch.
        threads: DuckDB's threads; 0 means one per core.
        limits: how much a compressed file may unpack to.
        fingerprints: where files may be hashed already; closed with the reader.

    Attributes:
        connection: its relations are what bulk formats hand over; in UTC.
    """

    def __init__(
        self,
        scratch: Path,
        memory_limit: str,
        threads: int = 0,
        limits: ArchiveLimits | None = None,
        fingerprints: Fingerprints | None = None,
    ) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix="reader-", dir=scratch))
        self._limits = limits or ArchiveLimits()
        self._files = 0
        self._destination: Destination | None = None
        self._plain: dict[Path, PlainFile] = {}
        self._fingerprints = fingerprints or Fingerprints()
        self.connection = duckdb.connect(
            config={
                "memory_limit": memory_limit,
                "temp_directory": str(self._folder / _SPILL),
                "preserve_insertion_order": "true",
                "autoinstall_known_extensions": "false",
                **({"threads": str(threads)} if threads else {}),
            }
        )
        self.connection.execute("SET TimeZone = 'UTC'")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: "TracebackType | None",
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop hashing, close the connection and remove the scratch files."""
        self._fingerprints.close()
        self.connection.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def forget(self) -> None:
        """Remove what the files read so far left in scratch space; the connection stays open."""
        self._plain.clear()
        for table in (*packs.TABLES, *parquet_source.TABLES, *at_once.TABLES):
            self.connection.execute(f"DROP TABLE IF EXISTS {table}")
        for path in self._folder.iterdir():
            if path.name == _SPILL:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    @contextmanager
    def writing_to(self, destination: Destination | None) -> Iterator[None]:
        """Let what is read be written while it is read, where that can be done.

        What the reader has written to the destination it does not yield as a batch.
        """
        self._destination = destination
        try:
            yield
        finally:
            self._destination = None

    def start_fingerprint(self, path: Path) -> "Future[Fingerprint]":
        """Begin to hash a file in a thread, so that it overlaps with reading.

        The future raises what `fingerprints.fingerprint_of` does.
        """
        return self._fingerprints.start(path)

    def fingerprint(self, path: Path) -> Fingerprint:
        """Return what a file is, waiting for its hash.

        Raises:
            SourceError: `unreadable-file`.
        """
        return self.start_fingerprint(path).result()

    def plain(self, path: Path) -> Path:
        """Return the file unpacked and without byte order mark; the file itself if it is so.

        Raises:
            SourceError: as `decompression.plain_file`; nothing of the file is recorded.
        """
        return self._plain_file(path).path

    def content(self, path: Path, limit: int = _LARGEST_PAGE) -> bytes:
        """Return the whole content of a small file, unpacked.

        Args:
            path: the file.
            limit: bytes it may have.

        Raises:
            SourceError: `page-too-large`, or as `plain`; nothing of the file is recorded.
        """
        plain = self.plain(path)
        if plain.stat().st_size > limit:
            raise SourceError(
                SourceRef(str(path)),
                "page-too-large",
                f"the page has more than {limit >> 20} MiB",
                do="export shorter periods, or smaller pages, and ingest each of them",
            )
        return plain.read_bytes()

    def beginning(self, path: Path) -> str:
        """Return the beginning of a file, unpacked; bytes that are not UTF-8 are replaced.

        Raises:
            SourceError: as `plain`; nothing of the file is recorded.
        """
        with self.plain(path).open("rb") as stream:
            return stream.read(_BEGINNING).decode("utf-8", errors="replace")

    def bulk(self, path: Path, layout: Layout) -> Iterator[Reading]:
        """Read a file of records: JSON Lines, or, where the format has them, an array or a table.

        Which of them it is shows at its beginning; a table may be CSV or Parquet. Yields the slices
        of a snapshot, then one batch, whose rows are a relation over checked rows in scratch space,
        then rejections and noise; records, rejected and noise add up to the lines of the file (the
        header aside), or to the rows of a Parquet file.

        Raises:
            SourceError: as `plain`; `bad-json` for an array that is cut or broken;
                `missing-column` or `doubled-column` for a table's header; `unclosed-quote`;
                `damaged-file` for Parquet that cannot be read to its end.
        """
        plain = self.plain(path)
        reading = {
            Form.JSON_LINES: self._json_lines,
            Form.ARRAY: self._array,
            Form.TABLE: self._table,
            Form.PARQUET: self._parquet,
        }
        form = form_of(plain, layout)
        if form is Form.JSON_LINES and self._is_written(path, plain, layout):
            return
        if layout.table and self._is_flat(path, plain, form, layout.table):
            layout = layout.table
        yield from self._readings(reading[form](path, plain, layout), layout)

    def pack(self, paths: Sequence[Path], layout: Layout) -> Pack | None:
        """Read files of JSON Lines together, see `packs`; None where one spoils it for all.

        Raises:
            SourceError: as `plain`.
        """
        files = [PackFile(self.plain(path), partial(self.fingerprint, path)) for path in paths]
        for path, file in zip(paths, files, strict=True):
            if file.plain != path:
                self.start_fingerprint(path)
        try:
            return read_pack(self.connection, files, layout, self._opened)
        except (duckdb.InvalidInputException, duckdb.OutOfMemoryException, duckdb.IOException):
            return None

    def _opened(self, plain: Path) -> "AbstractContextManager[Readable]":
        """Open a file to read all of it; one that lies as it was received is hashed on the way."""
        if plain in self._plain:
            return self._fingerprints.opened(plain)
        return opened_as_it_lies(plain)

    def _is_written(self, path: Path, plain: Path, layout: Layout) -> bool:
        """Say whether the records of a file are where they go already."""
        if self._destination is None:
            return False
        writing = at_once.Writing(self.connection, self._destination, self._scratch_file)
        try:
            return writing.is_done(plain, layout, partial(self._lines, path))
        except (duckdb.InvalidInputException, duckdb.OutOfMemoryException):
            return False

    def _json_lines(self, path: Path, plain: Path, layout: Layout) -> _Staged:
        # A line that is not JSON stops the statement; an empty one is passed over, and the count
        # of rows betrays it.
        staged = self._attempt(json_source(plain, layout, "newline_delimited"), layout)
        if staged is not None and self._lines_in(staged) == self._lines(path):
            return staged
        with LineBatches([plain], layout).registered(self.connection):
            return self._stage(json_lines_source(layout), layout)

    def _lines_in(self, staged: _Staged) -> int:
        if staged.lines is None:
            return staged.count
        lines = f"SELECT count(*) FROM read_parquet({one_file(staged.lines)})"
        return _only_number(self.connection.execute(lines))

    def _array(self, path: Path, plain: Path, layout: Layout) -> _Staged:
        staged = self._attempt(json_source(plain, layout, "array"), layout)
        if staged is not None:
            return staged
        raise SourceError(
            SourceRef(str(path)),
            "bad-json",
            "the JSON array is cut, or holds something that is not an object",
            do="export it again, as JSON Lines if you can: then one bad row does not cost the file",
        )

    def _table(self, path: Path, plain: Path, layout: Layout) -> _Staged:
        header = tuple(map(layout.spelling, exact_rows.header_of(plain, str(path))))
        exact_rows.check_header(header, layout.required, str(path))
        source = csv_source(plain, header, layout)
        if layout.aside:
            staged = self._sifted(source, layout, first_line=2)
        else:
            staged = self._attempt(source, layout, first_line=2)
        if staged is not None and staged.count + 1 == self._lines(path):
            return staged
        copy = self._scratch_file("rows")
        columns = tuple(column for column in layout.fields if column in header)
        exact_rows.copy_readable_rows(plain, copy, header, columns, str(path))
        return self._stage(exact_table_source(copy, layout), layout)

    def _sifted(self, source: str, layout: Layout, first_line: int) -> _Staged | None:
        """Stage a table as one of columns, since most of its rows are of no interest."""
        cells = self._scratch_file("cells")
        try:
            count = self._written(sifted(source, layout), cells)
            table = self.connection.sql(f"SELECT * FROM {parquet_table(cells)}")
            return self._of_columns(cells, table, layout, count, first_line)
        except (duckdb.InvalidInputException, duckdb.OutOfMemoryException):
            return None

    def _parquet(self, path: Path, plain: Path, layout: Layout) -> _Staged:
        try:
            table = self.connection.sql(f"SELECT * FROM {parquet_table(plain)}")
            header = tuple(map(layout.spelling, table.columns))
            exact_rows.check_header(header, layout.required, str(path))
            counted = self.connection.execute(f"SELECT count(*) FROM {parquet_table(plain)}")
            return self._of_columns(plain, table, layout, _only_number(counted))
        except (duckdb.BinderException, duckdb.ParserException, duckdb.OutOfMemoryException):
            raise
        except duckdb.Error as error:
            # What is broken inside a Parquet file comes out under any of DuckDB's names.
            raise damaged(path) from error

    def _of_columns(
        self,
        file: Path,
        table: duckdb.DuckDBPyRelation,
        layout: Layout,
        count: int,
        first_line: int = 1,
    ) -> _Staged:
        target = self._scratch_file("staged")
        rows, groups = take_rows(self.connection, file, table, layout, first_line)
        with joining_as_written(self.connection):
            self._written(statement_of_columns(layout, rows, groups), target)
        return _Staged(target, first_line, count)

    def _is_flat(self, path: Path, plain: Path, form: Form, table: Layout) -> bool:
        """Say whether a file of a format with two layouts has the columns of the flat one."""
        if form is not Form.PARQUET:
            return form is Form.TABLE
        columns = {table.spelling(column) for column in parquet_columns(plain, path)}
        return columns.issuperset(table.required)

    def _attempt(self, source: str, layout: Layout, first_line: int = 1) -> _Staged | None:
        try:
            staged = self._stage(source, without_key_checks(layout), first_line)
            if may_fail(self.connection, layout, staged.path):
                staged = self._stage(source, layout, first_line)
        except (duckdb.InvalidInputException, duckdb.OutOfMemoryException):
            # Out of memory are files of very long lines, which the exact way cuts down first.
            return None
        return staged

    def _stage(self, source: str, layout: Layout, first_line: int = 1) -> _Staged:
        target = self._scratch_file("staged")
        count = self._written(statement(layout, source), target)
        return _Staged(target, first_line, count, self._begins(target) if layout.unfold else None)

    def _begins(self, staged: Path) -> Path:
        """Write where each line begins among the rows it gave, with its number."""
        target = self._scratch_file("begins")
        self._written(
            "SELECT file_row_number AS begins_at, row_number() OVER (ORDER BY file_row_number)"
            f" AS line FROM read_parquet({one_file(staged)}, file_row_number = true)"
            f" WHERE {PLACE} = 0",
            target,
        )
        return target

    def _written(self, query: str, target: Path) -> int:
        """Write the rows of a query to scratch space and return how many they are."""
        copied = self.connection.execute(f"COPY ({query}) TO {literal(str(target))} ({_PARQUET})")
        return _only_number(copied)

    def _readings(self, staged: _Staged, layout: Layout) -> Iterator[Reading]:
        noise = self._noise(staged)
        refused = _only_number(
            self.connection.execute(f"SELECT count(refused_by) FROM ({staged.rows})")
        )
        count = staged.count - noise.total() - refused
        records = f"SELECT * FROM ({staged.rows}) WHERE noise IS NULL AND refused_by IS NULL"
        if layout.merge:
            merged = self._scratch_file("merged")
            kept = self._written(merging(records, layout), merged)
            noise[layout.merged_noise] = count - kept
            records = f"SELECT * FROM read_parquet({one_file(merged)})"
            count = kept
        slices: list[Slice] = []
        if layout.snapshot:
            found = self.connection.execute(replaced_slices(staged.rows)).fetchall()
            slices += (Slice(*piece) for piece in found)
            yield from slices
        scopes = {piece.scope for piece in slices}
        scope = "snapshot.scope" if len(scopes) > 1 else ""
        rows = self.connection.sql(self._records(records, layout, count, scope))
        yield batch_of(rows, count, layout.schema)
        if refused:
            yield from self._rejections(staged, layout)
        if noise := +noise:
            yield Noise(dict(noise))

    def _records(self, accepted: str, layout: Layout, count: int, scope: str) -> str:
        given = same_for_all(layout)
        columns = ", ".join(
            f"{given[column]} AS {name(column)}" if column in given else name(column)
            for column in layout.schema.names
        )
        if scope:
            columns += f", {scope} AS scope"
        rows, worked_out = accepted, []
        for key, shared in zip(layout.shared_keys, layout.shared, strict=True):
            distinct = f"SELECT DISTINCT {key} FROM ({accepted})"
            keys = _only_number(self.connection.execute(f"SELECT count(*) FROM ({distinct})"))
            if keys * _WORTH_SHARING > count:
                rows = shared_statement(shared, key, rows)
            else:
                target = self._scratch_file("shared")
                worked_out.append(work_out(self.connection, shared, key, distinct, target))
        return f"SELECT {columns} FROM ({joined(rows, worked_out)})"

    def _noise(self, staged: _Staged) -> Counter[str]:
        query = (
            f"SELECT noise, sum(stands_for)::BIGINT FROM ({staged.rows})"
            " WHERE noise IS NOT NULL GROUP BY noise"
        )
        return Counter(dict(self.connection.execute(query).fetchall()))

    def _rejections(self, staged: _Staged, layout: Layout) -> Iterator[Rejections]:
        # A cursor of its own: the caller may use the connection before the next ones are asked for.
        cursor = self.connection.cursor()
        cursor.execute(
            f"SELECT row_no, refused_by, found FROM ({staged.rows})"
            " WHERE refused_by IS NOT NULL ORDER BY row_no, file_row_number"
        )
        while refused := cursor.fetchmany(_REJECTIONS_AT_ONCE):
            yield Rejections(tuple(rejection(layout, *one) for one in refused))

    def _plain_file(self, path: Path) -> PlainFile:
        if path not in self._plain:
            self._plain[path] = plain_file(path, self._scratch_file("plain"), self._limits)
        return self._plain[path]

    def _lines(self, path: Path) -> int:
        counted = self._plain[path].lines
        return self.fingerprint(path).lines if counted is None else counted

    def _scratch_file(self, kind: str) -> Path:
        self._files += 1
        return self._folder / f"{self._files}-{kind}"


def _only_number(result: duckdb.DuckDBPyConnection) -> int:
    # To the last row: a connection with a result that is not read to its end takes no other query.
    (row,) = result.fetchall()
    return int(row[0])
