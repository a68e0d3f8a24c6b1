"""A bulk file becomes checked rows in scratch space, in one of two ways with one result.

The fast way lets DuckDB parse the file and run the format's statement over it, once. When DuckDB
stumbles, or finds another number of rows than the file has lines, the exact way reads line by line
what can be read and says of each other line what is wrong with it (`line_batches`, and `exact_rows`
for tables). Row numbers come from the rows' places in the file of checked rows: counting rows while
parsing would take one core instead of all.
"""
# ruff: noqa: S608 - names and texts go through `name` and `literal`; there is nothing to bind

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from duckdb import (
    BinderException,
    Error,
    InvalidInputException,
    OutOfMemoryException,
    ParserException,
)

from metering.errors import SourceError, SourceRef
from metering.ingest.bulk import exact_rows
from metering.ingest.bulk.forms import Form
from metering.ingest.bulk.key_checks import LOOKED_AT, may_fail, without_key_checks
from metering.ingest.bulk.layout import Layout, one_file
from metering.ingest.bulk.line_batches import LineBatches
from metering.ingest.bulk.parquet_source import damaged, parquet_table, sifted, take_rows
from metering.ingest.bulk.scratch import Scratch, only_number
from metering.ingest.bulk.sharing import joining_as_written
from metering.ingest.bulk.sources import (
    csv_source,
    exact_table_source,
    json_lines_source,
    json_source,
)
from metering.ingest.bulk.statement import LINE, statement
from metering.ingest.bulk.typed import statement_of_columns
from metering.ingest.bulk.unfolding import PLACE

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Staged:
    """Checked rows of one file, in its order, in scratch space.

    Attributes:
        path: Parquet: the columns of `statement.statement`.
        first_line: physical line of the first row, or 1 for the first of JSON that does not stand
            line by line, where the rows follow each other; None where `line_no` tells.
        count: rows of the source, whatever became of them.
        lines: where a line holds many rows, Parquet: the row a line begins with, and its number.
    """

    path: Path
    first_line: int | None
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
        line = LINE if self.first_line is None else f"file_row_number + {self.first_line}"
        return (
            f"SELECT *, {line} AS row_no"
            f" FROM read_parquet({one_file(self.path)}, file_row_number = true)"
        )


@dataclass(frozen=True, slots=True)
class BulkFile:
    """A file of records, to be staged.

    Attributes:
        path: as it was named, for messages.
        plain: the file, unpacked.
        layout: of its format.
        lines: tells how many lines it has.
        connection: the reader's.
        scratch: the reader's.
    """

    path: Path
    plain: Path
    layout: Layout
    lines: Callable[[], int]
    connection: "duckdb.DuckDBPyConnection"
    scratch: Scratch

    def staged(self, form: Form) -> Staged:
        """Return the rows of the file, checked.

        Raises:
            SourceError: as `readers.Reader.bulk`.
        """
        stage: dict[Form, Callable[[], Staged]] = {
            Form.JSON_LINES: self._json_lines,
            Form.ARRAY: partial(self._whole, "array", "array"),
            Form.SPREAD: partial(self._whole, "unstructured", "text"),
            Form.TABLE: self._table,
            Form.PARQUET: self._parquet,
        }
        return stage[form]()

    def _json_lines(self) -> Staged:
        # A line that is not JSON stops the statement; an empty one is passed over, and the count
        # of rows betrays it.
        staged = self._attempt(json_source(self.plain, self.layout, "newline_delimited"))
        if staged is not None and self._lines_in(staged) == self.lines():
            return staged
        with LineBatches([self.plain], self.layout).registered(self.connection):
            return self._stage(json_lines_source(self.layout), self.layout, None)

    def _lines_in(self, staged: Staged) -> int:
        if staged.lines is None:
            return staged.count
        lines = f"SELECT count(*) FROM read_parquet({one_file(staged.lines)})"
        return only_number(self.connection.execute(lines))

    def _whole(self, form: str, called: str) -> Staged:
        """Stage JSON of which one broken object costs the file."""
        staged = self._attempt(json_source(self.plain, self.layout, form))
        if staged is not None:
            return staged
        raise SourceError(
            SourceRef(str(self.path)),
            "bad-json",
            f"the JSON {called} is cut, or holds something that is not an object",
            do="export it again, as JSON Lines if you can: then one bad row does not cost the file",
        )

    def _table(self) -> Staged:
        header = tuple(map(self.layout.spelling, exact_rows.header_of(self.plain, str(self.path))))
        exact_rows.check_header(header, self.layout.required, str(self.path))
        source = csv_source(self.plain, header, self.layout)
        if self.layout.aside:
            staged = self._sifted(source, first_line=2)
        else:
            staged = self._attempt(source, first_line=2)
        if staged is not None and staged.count + 1 == self.lines():
            return staged
        copy = self.scratch.file("rows")
        columns = tuple(column for column in self.layout.fields if column in header)
        exact_rows.copy_readable_rows(self.plain, copy, header, columns, str(self.path))
        return self._stage(exact_table_source(copy, self.layout), self.layout, None)

    def _sifted(self, source: str, first_line: int) -> Staged | None:
        """Stage a table as one of columns, since most of its rows are of no interest."""
        cells = self.scratch.file("cells")
        try:
            count = self._write(sifted(source, self.layout), cells)
            table = self.connection.sql(f"SELECT * FROM {parquet_table(cells)}")
            return self._of_columns(cells, table, count, first_line)
        except (InvalidInputException, OutOfMemoryException):
            return None

    def _parquet(self) -> Staged:
        try:
            table = self.connection.sql(f"SELECT * FROM {parquet_table(self.plain)}")
            header = tuple(map(self.layout.spelling, table.columns))
            exact_rows.check_header(header, self.layout.required, str(self.path))
            counted = self.connection.execute(f"SELECT count(*) FROM {parquet_table(self.plain)}")
            return self._of_columns(self.plain, table, only_number(counted))
        except (BinderException, ParserException, OutOfMemoryException):
            raise
        except Error as error:
            # What is broken inside a Parquet file comes out under any of DuckDB's names.
            raise damaged(self.path) from error

    def _of_columns(
        self,
        file: Path,
        table: "duckdb.DuckDBPyRelation",
        count: int,
        first_line: int = 1,
    ) -> Staged:
        target = self.scratch.file("staged")
        rows, groups = take_rows(self.connection, file, table, self.layout, first_line)
        with joining_as_written(self.connection):
            self._write(statement_of_columns(self.layout, rows, groups), target)
        return Staged(target, None, count)

    def _attempt(self, source: str, first_line: int = 1) -> Staged | None:
        try:
            staged = self._stage(source, without_key_checks(self.layout), first_line)
            rows = f"read_parquet({one_file(staged.path)}) WHERE {LOOKED_AT}"
            if may_fail(self.connection, self.layout, rows):
                staged = self._stage(source, self.layout, first_line)
        except (InvalidInputException, OutOfMemoryException):
            # Out of memory are files of very long lines, which the exact way cuts down first.
            return None
        return staged

    def _stage(self, source: str, layout: Layout, first_line: int | None) -> Staged:
        target = self.scratch.file("staged")
        carried = (LINE,) if first_line is None else ()
        count = self._write(statement(layout, source, carried), target)
        return Staged(target, first_line, count, self._begins(target) if layout.unfold else None)

    def _begins(self, staged: Path) -> Path:
        """Write where each line begins among the rows it gave, with its number."""
        target = self.scratch.file("begins")
        self._write(
            "SELECT file_row_number AS begins_at, row_number() OVER (ORDER BY file_row_number)"
            f" AS line FROM read_parquet({one_file(staged)}, file_row_number = true)"
            f" WHERE {PLACE} = 0",
            target,
        )
        return target

    def _write(self, query: str, target: Path) -> int:
        return self.scratch.write(self.connection, query, target)
