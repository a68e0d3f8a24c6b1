"""Turn what an ingestor read into one staged Parquet file per charge day.

Works on the reader's own DuckDB connection, so that a bulk relation streams from the source file
into Parquet without a detour through Python, and memory stays within the engine's limit.
"""

import shutil
from collections.abc import Callable, Collection
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pyarrow as pa
from duckdb import InvalidInputException, OutOfMemoryException

from metering.usage.rows import usage_rows
from metering.usage.schema import USAGE_SCHEMA
from metering.usage.staged import KEPT, StagedDay, describe

if TYPE_CHECKING:
    import duckdb

_FLUSH_ROWS: Final = 200_000
# A column of staged records alone: the part of the account's usage they are of, if there are many.
SCOPE: Final = "scope"
PARQUET: Final = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"

_UNDIVIDED: Final = "records_of_several_days"


class Part(NamedTuple):
    """Whose usage some staged records are.

    Attributes:
        provider, billing_account: as in the records.
        scope: the part of the account's usage, where the records name theirs; else "".
        workspace: where records are taken apart by it; else "".
    """

    provider: str
    billing_account: str
    scope: str = ""
    workspace: str = ""


class Staging:
    """One source file, or many small ones, on the way into the lake.

    Args:
        connection: the reader's DuckDB connection, with its time zone set to UTC.
        folder: on the lake's file system; made when missing, and nobody else's.
        ingestor: stored name; part of every event's key.
        account: billing account of records whose source does not name one.
        packed: whether the records are of many files and name theirs, in a column `source`.
        told_aside: whether an event's id has two parts, `EVENT/REQUEST`, the second empty where the
            event is told again aside.
    """

    def __init__(
        self,
        connection: "duckdb.DuckDBPyConnection",
        folder: Path,
        *,
        ingestor: str,
        account: str,
        packed: bool = False,
        told_aside: bool = False,
    ) -> None:
        self.connection = connection
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._ingestor = ingestor
        self._packed = packed
        self._scoped = False
        self._record_key = _record_key(ingestor, told_aside=told_aside)
        self._account = account
        self._tables: list[pa.Table] = []
        self._buffered = 0
        self._parts = 0

    def add(
        self,
        rows: "pa.Table | duckdb.DuckDBPyRelation",
        source: str | None = None,
        scope: str | None = None,
    ) -> None:
        """Stage some records; a relation runs now, tables are gathered and written together.

        Args:
            rows: the records.
            source: SHA-256 of the file they are of, where many files are staged and the rows do
                not name theirs.
            scope: the part of the account's usage that a relation is of, where other files that are
                staged may be of others and its rows do not name theirs.
        """
        if source is not None:
            rows = _of_source(rows, source)
        if isinstance(rows, pa.Table):
            self._tables.append(rows)
            self._buffered += rows.num_rows
            if self._buffered >= _FLUSH_ROWS:
                self.flush()
            return
        self.flush()
        if scope is not None and SCOPE not in rows.columns:
            rows = rows.project(f"*, {_always(scope)} AS {SCOPE}")
        self._scoped |= SCOPE in rows.columns
        rows.create_view("incoming_rows", replace=True)
        self._write("incoming_rows", SCOPE if SCOPE in rows.columns else "")

    def write_days(
        self,
        rows: str,
        columns: Collection[str],
        days: tuple[str, str],
        expected: Callable[[], int],
    ) -> bool:
        """Stage the records of a query, all of some days; see `ingest.contract.Destination`."""
        self.flush()
        first, last = days
        part = self._next_part()
        select = self._kept(f"({rows})", columns)
        try:
            if first == last:
                count = self._copy_day(select, first, part, in_order=True)
            else:
                count = self._copy_days(select, first, last, part)
        except (InvalidInputException, OutOfMemoryException):
            count = None
        if count is not None and count == expected():
            return True
        shutil.rmtree(part)
        return False

    def flush(self) -> None:
        """Write what is gathered; after it, `files` are all there is."""
        if not self._tables:
            return
        table = pa.concat_tables(self._tables)
        self._tables.clear()
        self._buffered = 0
        if table.num_rows:
            self.connection.register("incoming_table", table)
            self._write("incoming_table")
            self.connection.unregister("incoming_table")

    def finish(self) -> None:
        """Write what is gathered, and bring the records of each day together in one file."""
        self.flush()
        files = self.files()
        if len({path.parent.name for path in files}) < len(files):
            self.rewrite(f"SELECT * FROM {usage_rows(files)}")

    def files(self) -> tuple[Path, ...]:
        """Return every staged file, sorted."""
        return tuple(sorted(self.folder.glob("part-*/day=*/*.parquet")))

    def apart(self, *, by_workspace: bool = False) -> dict[Part, tuple[StagedDay, ...]]:
        """Return what is staged of each account, and scope or workspace of it, per charge day.

        Where there are several parts, their records are written apart.
        """
        files = self.files()
        if not files:
            return {}
        staged = describe(self.connection, files)
        accounts = {account for day in staged for account in day.accounts}
        if len(accounts) == 1 and not self._scoped and not by_workspace:
            return {Part(*accounts.pop()): staged}
        scope = f"coalesce({SCOPE}, '')" if self._scoped else "''"
        workspace = "coalesce(workspace, '')" if by_workspace else "''"
        rows = (
            f"SELECT *, [provider, billing_account, {scope}, {workspace}] AS part"
            f" FROM {usage_rows(files)}"
        )
        parts = self.connection.execute(f"SELECT DISTINCT part FROM ({rows}) ORDER BY part")
        helpers = f"part, {SCOPE}" if self._scoped else "part"
        found = {}
        for place, (names,) in enumerate(parts.fetchall(), start=1):
            folder = self.folder / f"apart-{place}"
            self.connection.execute(
                f"COPY (SELECT * EXCLUDE ({helpers}) FROM ({rows})"
                f" WHERE part = [{', '.join(map(_quoted, names))}])"
                f" TO {_quoted(str(folder))} ({PARQUET}, PARTITION_BY (day))"
            )
            files_of_part = tuple(sorted(folder.glob("day=*/*.parquet")))
            found[Part(*names)] = describe(self.connection, files_of_part)
        return found

    def rewrite(self, select: str) -> None:
        """Replace everything staged by the rows of a statement over staged files."""
        old = [path for path in self.folder.iterdir() if path.name.startswith("part-")]
        self._copy(select, self._next_part())
        for part in old:
            for path in sorted(part.rglob("*.parquet")):
                path.unlink()

    def _write(self, source: str, scope: str = "") -> None:
        counts = ", ".join(f'count("{name}")' for name in USAGE_SCHEMA.names)
        first, last, *held = self.connection.execute(
            'SELECT CAST(CAST(min("start") AS DATE) AS VARCHAR),'
            f' CAST(CAST(max("start") AS DATE) AS VARCHAR), {counts} FROM {source}'
        ).fetchall()[0]
        if first is None:
            return
        # To write a column without content takes as long as to write one with little.
        filled = {name for name, count in zip(USAGE_SCHEMA.names, held, strict=True) if count}
        select = self._kept(source, filled, scope)
        self._divide(select, first, last, self._next_part())

    def _divide(self, select: str, first: str, last: str, part: Path) -> None:
        """Write the records of a query to the folders of their days."""
        # A nightly export is of one day, or of parts of two: its rows need no sorting into
        # partitions, which costs as much as writing them.
        if first == last:
            self._copy_day(select, first, part)
        elif last == _day_after(first):
            midnight = f"TIMESTAMPTZ '{last} 00:00:00+00'"
            self._copy_day(f'{select} WHERE "start" < {midnight}', first, part)
            self._copy_day(f'{select} WHERE "start" >= {midnight}', last, part)
        else:
            self._copy(f'SELECT *, CAST("start" AS DATE) AS day FROM ({select})', part)

    def _kept(self, source: str, filled: Collection[str], scope: str = "") -> str:
        """Return the query for what the lake keeps of a source of records with some columns."""
        columns = {
            "record_key": self._record_key if "event_id" in filled else "",
            "ingestor": _always(self._ingestor),
            "billing_account": f"coalesce(billing_account, {_quoted(self._account)})"
            if "billing_account" in filled
            else _always(self._account),
            "source": "source" if self._packed else "",
            SCOPE: scope,
            **{name: f'"{name}"' for name in KEPT if name in filled},
        }
        listed = ", ".join(f'{value} AS "{name}"' for name, value in columns.items() if value)
        return f"SELECT {listed} FROM {source}"

    def _copy_day(self, select: str, day: str, part: Path, *, in_order: bool = False) -> int:
        target = part / f"day={day}"
        target.mkdir(parents=True)
        # Whatever DuckDB holds of a statement, here the order of the rows is a promise.
        form = f"{PARQUET}, PRESERVE_ORDER true" if in_order else PARQUET
        return self._copied(select, target / "data.parquet", form)

    def _copy_days(self, select: str, first: str, last: str, part: Path) -> int:
        """Write records to the folders of their days; their lines are their places before that.

        They wait in a table, in which texts of an enumeration stay numbers: from a file they would
        come back as texts, each to be looked up again.
        """
        ((count,),) = self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {_UNDIVIDED} AS {select}"
        ).fetchall()
        self._divide(f"SELECT *, rowid + 1 AS row_no FROM {_UNDIVIDED}", first, last, part)
        self.connection.execute(f"DROP TABLE {_UNDIVIDED}")
        return int(count)

    def _copied(self, select: str, target: Path, form: str) -> int:
        ((count,),) = self.connection.execute(
            f"COPY ({select}) TO {_quoted(str(target))} ({form})"
        ).fetchall()
        return int(count)

    def _copy(self, select: str, part: Path) -> None:
        self.connection.execute(
            f"COPY ({select}) TO {_quoted(str(part))} ({PARQUET}, PARTITION_BY (day))"
        )

    def _next_part(self) -> Path:
        self._parts += 1
        return self.folder / f"part-{self._parts}"


# Halves of a record's key, where an event may be told aside: the event, and the telling.
EVENT_SQL: Final = "left(CAST(record_key AS VARCHAR), 18)"
IS_ASIDE_SQL: Final = "CAST(record_key AS VARCHAR) LIKE '%-0000-000000000000'"


def _record_key(ingestor: str, *, told_aside: bool) -> str:
    """Return a record's key as SQL: the same for the same event of one ingestor, whatever file."""
    if not told_aside:
        # Joined to the id, the name would make it too long for one round of the digest.
        return f"CAST(xor(md5_number(event_id), md5_number({_quoted(ingestor)})) AS UUID)"
    event = f"{_quoted(ingestor)} || chr(31) || split_part(event_id, '/', 1)"
    is_aside = "strpos(event_id, '/') = length(event_id)"
    telling = f"CASE WHEN {is_aside} THEN repeat('0', 16) ELSE left(md5(event_id), 16) END"
    return f"CAST(left(md5({event}), 16) || {telling} AS UUID)"


def _of_source(
    rows: "pa.Table | duckdb.DuckDBPyRelation", source: str
) -> "pa.Table | duckdb.DuckDBPyRelation":
    if isinstance(rows, pa.Table):
        return rows.append_column("source", pa.repeat(source, rows.num_rows))
    return rows.project(f"*, {_always(source)} AS source")


def _day_after(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def _always(text: str) -> str:
    """Return an expression for one text in all rows, of a type that is quick to write."""
    return f"{_quoted(text)}::ENUM({_quoted(text)})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
