"""Reading source files: unpacked, hashed, and the bulk formats through DuckDB.

A bulk file becomes a Parquet file of checked rows in scratch space (`bulk.staging`), so memory is
bounded by the limit given and not by the file; what they say is read from there (`bulk.readings`).
Where a large file is clean as far as a sample shows, its rows do not wait there at all
(`bulk.at_once`). Many small files are read together (`bulk.packs`).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from duckdb import InvalidInputException, IOException, OutOfMemoryException

from metering.errors import SourceError, SourceRef
from metering.ingest.bulk import at_once, packs, parquet_source
from metering.ingest.bulk.forms import Form, form_of
from metering.ingest.bulk.layout import Layout
from metering.ingest.bulk.packs import PackFile, read_pack
from metering.ingest.bulk.parquet_source import parquet_columns
from metering.ingest.bulk.readings import Readings
from metering.ingest.bulk.scratch import Scratch
from metering.ingest.bulk.staging import BulkFile
from metering.ingest.contract import Destination, Pack, Reading
from metering.ingest.decompression import ArchiveLimits, PlainFile, plain_file
from metering.ingest.fingerprints import Fingerprint, Fingerprints, Readable, opened_as_it_lies

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import TracebackType

_BEGINNING: Final = 64 << 10
_LARGEST_PAGE: Final = 64 << 20


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
        self._scratch = Scratch(scratch)
        self._limits = limits or ArchiveLimits()
        self._destination: Destination | None = None
        self._plain: dict[Path, PlainFile] = {}
        self._fingerprints = fingerprints or Fingerprints()
        # Held by this module, the engine would never be let go of, see `cli.main`.
        from duckdb import connect  # noqa: PLC0415

        self.connection = connect(
            config={
                "memory_limit": memory_limit,
                "temp_directory": str(self._scratch.spill),
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
        self._scratch.remove()

    def forget(self) -> None:
        """Remove what the files read so far left in scratch space; the connection stays open."""
        self._plain.clear()
        for table in (*packs.TABLES, *parquet_source.TABLES, *at_once.TABLES):
            self.connection.execute(f"DROP TABLE IF EXISTS {table}")
        self._scratch.clear()

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

    def start_fingerprint(self, path: Path) -> None:
        """Begin to hash a file in a thread, so that it overlaps with reading.

        Raises:
            SourceError: `unreadable-file`: it is no file, or not there.
        """
        self._fingerprints.start(path)

    def fingerprint(self, path: Path) -> Fingerprint:
        """Return what a file is, waiting for its hash; to be asked after it is read.

        Raises:
            SourceError: `unreadable-file`; also where somebody wrote to it meanwhile.
        """
        return self._fingerprints.of(path)

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
        """Read a file of records: JSON of any form or, where the format has one, a table.

        Which of them it is shows at its beginning; a table may be CSV or Parquet. Yields the slices
        of a snapshot, then one batch, whose rows are a relation over checked rows in scratch space,
        then rejections and noise; records, rejected and noise add up to the lines of the file (the
        header aside), or to the rows of a Parquet file.

        Raises:
            SourceError: as `plain`; `bad-json` for an array, or objects over many lines, that are
                cut or broken;
                `missing-column` or `doubled-column` for a table's header; `unclosed-quote`;
                `damaged-file` for Parquet that cannot be read to its end.
        """
        plain = self.plain(path)
        form = form_of(plain, layout)
        if form is Form.JSON_LINES and self._is_written(path, plain, layout):
            return
        if layout.table and _is_flat(path, plain, form, layout.table):
            layout = layout.table
        lines = partial(self._lines, path)
        file = BulkFile(path, plain, layout, lines, self.connection, self._scratch)
        yield from Readings(file.staged(form), layout, self.connection, self._scratch).each()

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
        except (InvalidInputException, OutOfMemoryException, IOException):
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
        writing = at_once.Writing(self.connection, self._destination, self._scratch.file)
        try:
            return writing.is_done(plain, layout, partial(self._lines, path))
        except (InvalidInputException, OutOfMemoryException):
            return False

    def _plain_file(self, path: Path) -> PlainFile:
        if path not in self._plain:
            self._fingerprints.look_at(path)
            self._plain[path] = plain_file(path, self._scratch.file("plain"), self._limits)
        return self._plain[path]

    def _lines(self, path: Path) -> int:
        counted = self._plain[path].lines
        return self.fingerprint(path).lines if counted is None else counted


def _is_flat(path: Path, plain: Path, form: Form, table: Layout) -> bool:
    """Say whether a file of a format with two layouts has the columns of the flat one."""
    if form is not Form.PARQUET:
        return form is Form.TABLE
    columns = {table.spelling(column) for column in parquet_columns(plain, path)}
    return columns.issuperset(table.required)
