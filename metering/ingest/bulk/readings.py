"""What the checked rows of a bulk file say: slices, records, rejections and noise."""
# ruff: noqa: S608 - names and texts go through `name` and `literal`; there is nothing to bind

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from metering.ingest.batches import batch_of
from metering.ingest.bulk.layout import Layout, name, one_file, rejection
from metering.ingest.bulk.scratch import Scratch, only_number
from metering.ingest.bulk.sharing import joined, work_out
from metering.ingest.bulk.statement import (
    merging,
    replaced_slices,
    same_for_all,
    shared_statement,
)
from metering.ingest.contract import Noise, Reading, Rejections, Slice

if TYPE_CHECKING:
    import duckdb

    from metering.ingest.bulk.staging import Staged

_REJECTIONS_AT_ONCE: Final = 1000
# How many records must have a combination of texts in common for a join to pay.
_WORTH_SHARING: Final = 4


@dataclass(frozen=True, slots=True)
class Readings:
    """Reads the checked rows of a file.

    Attributes:
        staged: the rows.
        layout: of their format.
        connection: the reader's; the records are a relation of it.
        scratch: the reader's.
    """

    staged: "Staged"
    layout: Layout
    connection: "duckdb.DuckDBPyConnection"
    scratch: Scratch

    def each(self) -> Iterator[Reading]:
        """Yield the slices of a snapshot, then one batch, then rejections and noise."""
        staged, layout = self.staged, self.layout
        noise = self._noise()
        refused = only_number(
            self.connection.execute(f"SELECT count(refused_by) FROM ({staged.rows})")
        )
        count = staged.count - noise.total() - refused
        records = f"SELECT * FROM ({staged.rows}) WHERE noise IS NULL AND refused_by IS NULL"
        if layout.merge:
            merged = self.scratch.file("merged")
            kept = self.scratch.write(self.connection, merging(records, layout), merged)
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
        rows = self.connection.sql(self._records(records, count, scope))
        yield batch_of(rows, count, layout.schema)
        if refused:
            yield from self._rejections()
        if noise := +noise:
            yield Noise(dict(noise))

    def _records(self, accepted: str, count: int, scope: str) -> str:
        layout = self.layout
        given = same_for_all(layout)
        columns = ", ".join(
            f"{given[column]} AS {name(column)}" if column in given else name(column)
            for column in layout.schema.names
        )
        if scope:
            columns += f", {scope} AS scope"
        rows, worked_out = accepted, []
        for key, shared in zip(layout.shared_keys, layout.shared, strict=True):
            distinct = self.scratch.file("keys")
            query = f"SELECT DISTINCT {key} FROM ({accepted})"
            if self.scratch.write(self.connection, query, distinct) * _WORTH_SHARING > count:
                rows = shared_statement(shared, key, rows)
                continue
            keys, target = f"FROM read_parquet({one_file(distinct)})", self.scratch.file("shared")
            worked_out.append(work_out(self.connection, shared, key, keys, target))
        return f"SELECT {columns} FROM ({joined(rows, worked_out)})"

    def _noise(self) -> Counter[str]:
        count = "sum(coalesce(stands_for, 1))::BIGINT" if self.layout.aside else "count(*)"
        noise = f"SELECT noise, {count} FROM ({self.staged.rows}) WHERE noise IS NOT NULL"
        return Counter(dict(self.connection.execute(f"{noise} GROUP BY noise").fetchall()))

    def _rejections(self) -> Iterator[Rejections]:
        # A cursor of its own: the caller may use the connection before the next ones are asked for.
        cursor = self.connection.cursor()
        cursor.execute(
            f"SELECT row_no, refused_by, found FROM ({self.staged.rows})"
            " WHERE refused_by IS NOT NULL ORDER BY row_no, file_row_number"
        )
        while refused := cursor.fetchmany(_REJECTIONS_AT_ONCE):
            yield Rejections(tuple(rejection(self.layout, *one) for one in refused))
