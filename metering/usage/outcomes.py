"""Outcomes in the lake: one Parquet file per import, only what is new in it.

An outcome is known again by the system it is of, its id, its stage and the instant as of which it
is told: two exports of one system, whichever formats they are of, tell it twice.
What a system of record says later of the same outcome is a further row, never a change of one: the
engine nets them (`engine.outcomes`), so that any order of the same files gives the same outcomes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from metering.errors import Rejection
from metering.usage.columns import LINE_SQL
from metering.usage.duplicates import CONFLICT
from metering.usage.schema import OUTCOME_SCHEMA
from metering.usage.staging import PARQUET

if TYPE_CHECKING:
    import duckdb

_FLUSH_ROWS: Final = 200_000
_HALF: Final = 2**64
_CONTENT_COLUMNS: Final = tuple(name for name in OUTCOME_SCHEMA.names if name != "row_no")
# What one format of a system knows of an outcome and another leaves out.
_OPTIONAL: Final = ("session", "commit", "assisted_by")
_AS_TEXT: Final = "CAST(row({}) AS VARCHAR)"
_CONTENT: Final = _AS_TEXT.format(", ".join(f'"{name}"' for name in ("system", *_CONTENT_COLUMNS)))
_GIST: Final = _AS_TEXT.format(
    ", ".join(f'"{name}"' for name in _CONTENT_COLUMNS if name not in _OPTIONAL)
)
_KEY: Final = (
    "md5(concat_ws(chr(31), '{system}', outcome_id, stage, coalesce(CAST(as_of AS VARCHAR), '')))"
)


@dataclass(frozen=True, slots=True)
class NewOutcomes:
    """What of an import is new, in one file that is still in staging.

    Attributes:
        path: the file; None when nothing is new.
        read: rows the source gave, refused ones aside.
        recorded: rows of the file.
        first_day, last_day: ISO days of all rows the source gave; None without any.
        digest: of the new rows in any order and division, 32 hexadecimal digits; see
            `core.digests.joined_digest`.
        conflicts: rows refused because the same outcome is recorded with other content, by line.
    """

    path: Path | None
    read: int
    recorded: int
    first_day: str | None
    last_day: str | None
    digest: str
    conflicts: tuple[Rejection, ...]


class OutcomeStaging:
    """One source of outcomes on its way into the lake.

    Args:
        connection: the reader's DuckDB connection, with its time zone set to UTC.
        folder: on the lake's file system; made when missing, and nobody else's.
        ingestor: stored name of what reads it.
        system: of record; part of every outcome's key.
    """

    def __init__(
        self, connection: "duckdb.DuckDBPyConnection", folder: Path, *, ingestor: str, system: str
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._connection = connection
        self._folder = folder
        self._ingestor = ingestor
        self._system = system
        self._tables: list[pa.Table] = []
        self._buffered = 0
        self._parts: list[Path] = []

    def add(self, rows: "pa.Table | duckdb.DuckDBPyRelation") -> None:
        """Stage some outcomes; a relation runs now, tables are gathered and written together."""
        if isinstance(rows, pa.Table):
            self._tables.append(rows)
            self._buffered += rows.num_rows
            if self._buffered >= _FLUSH_ROWS:
                self._flush()
            return
        self._flush()
        rows.create_view("incoming_rows", replace=True)
        self._write("incoming_rows")

    def new_outcomes(self, live: Sequence[Path]) -> NewOutcomes:
        """Return what is new beside the outcomes that are recorded already.

        Args:
            live: the lake's files of the same system.
        """
        self._flush()
        if not self._parts:
            return NewOutcomes(None, 0, 0, None, None, "0" * 32, ())
        self._judge(live)
        read, first, last = self._row(
            "SELECT count(*), CAST(CAST(min(instant) AS DATE) AS VARCHAR),"
            f" CAST(CAST(max(instant) AS DATE) AS VARCHAR) FROM {_scan(self._parts)}"
        )
        target = self._folder / "outcomes.parquet"
        columns = ", ".join(("record_key", "ingestor", "system", *_columns()))
        new = (
            f"SELECT {columns} FROM {_scan(self._parts)} WHERE row_at IN"
            " (SELECT row_at FROM fates WHERE fate = 'new')"
        )
        self._connection.execute(f"COPY ({new} ORDER BY instant, row_no) TO '{target}' ({PARQUET})")
        recorded, low, high = self._row(
            f"SELECT count(*), sum(md5_number_lower({_CONTENT})), sum(md5_number_upper({_CONTENT}))"
            f" FROM {_scan([target])}"
        )
        return NewOutcomes(
            path=target if recorded else None,
            read=int(read),
            recorded=int(recorded),
            first_day=first,
            last_day=last,
            digest=f"{int(high or 0) % _HALF:016x}{int(low or 0) % _HALF:016x}",
            conflicts=self._conflicts(),
        )

    def _flush(self) -> None:
        if not self._tables:
            return
        table = pa.concat_tables(self._tables)
        self._tables.clear()
        self._buffered = 0
        self._connection.register("incoming_table", table)
        self._write("incoming_table")
        self._connection.unregister("incoming_table")

    def _write(self, incoming: str) -> None:
        target = self._folder / f"part-{len(self._parts)}.parquet"
        place = len(self._parts) << 40
        self._connection.execute(
            f"COPY (SELECT CAST({_KEY.format(system=self._system)} AS UUID) AS record_key,"
            f" '{self._ingestor}' AS ingestor, '{self._system}' AS system, {', '.join(_columns())},"
            f" {place} + row_number() OVER () AS row_at FROM {incoming}) TO '{target}' ({PARQUET})"
        )
        self._parts.append(target)

    def _judge(self, live: Sequence[Path]) -> None:
        """Say of each staged row whether it is new, known, or at odds with what is known.

        Two formats of one system agree when they say the same of what counts; the first stays.
        """
        columns = f"record_key, row_no, ingestor, {_CONTENT} AS content, {_GIST} AS gist"
        recorded = (
            f"UNION ALL SELECT -1, true, {columns} FROM {_scan(live)} WHERE record_key IN"
            f" (SELECT record_key FROM {_scan(self._parts)})"
            if live
            else ""
        )
        self._connection.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE fates AS
            WITH every AS (
                SELECT row_at, false AS recorded, {columns} FROM {_scan(self._parts)} {recorded}
            ), ranked AS (
                SELECT *, row_number() OVER w AS place,
                    content = first_value(content) OVER w
                    OR gist = first_value(gist) OVER w AND ingestor <> first_value(ingestor) OVER w
                        AS is_told
                FROM every
                WINDOW w AS (PARTITION BY record_key ORDER BY recorded DESC, row_no, row_at)
            )
            SELECT row_at, row_no, CASE WHEN place = 1 THEN 'new' WHEN is_told THEN 'known'
                ELSE 'conflict' END AS fate
            FROM ranked WHERE NOT recorded
            """
        )

    def _conflicts(self) -> tuple[Rejection, ...]:
        found = self._connection.execute(
            f"SELECT {LINE_SQL} FROM fates WHERE fate = 'conflict' ORDER BY row_no"
        )
        return tuple(
            Rejection(
                line=line,
                code=CONFLICT,
                field="",
                found="an outcome that is recorded with other content",
                expected="the same content, or a later instant at which the source changed it",
                remedy="export when each row was last changed; the one that came first stays",
            )
            for (line,) in found.fetchall()
        )

    def _row(self, query: str) -> tuple[int, str | None, str | None]:
        (row,) = self._connection.execute(query).fetchall()
        return row


def _columns() -> list[str]:
    return [f'"{name}"' for name in OUTCOME_SCHEMA.names]


def _scan(paths: Sequence[Path]) -> str:
    quoted = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    return f"read_parquet([{quoted}], hive_partitioning = false)"
