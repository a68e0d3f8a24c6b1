"""The embedded engine rolls up: in process, in bounded memory, the default."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.engine.given import give_table
from metering.engine.rollup.statement import (
    KEPT,
    SUMMED,
    Batch,
    escaped,
    files,
    price_cuts,
    prompt_bounds,
    statement,
)
from metering.usage.rows import usage_rows

if TYPE_CHECKING:
    import duckdb

_BOUNDS: Final = {
    "provider": "VARCHAR",
    "platform": "VARCHAR",
    "model_raw": "VARCHAR",
    "bounds": "BIGINT[]",
}
_PARQUET: Final = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"
_CUTS: Final = {"provider": "VARCHAR", "platform": "VARCHAR", "day": "DATE", "cuts": "TIMESTAMP[]"}
# Of a longer text a footer may say no more than its beginning.
_WHOLE: Final = 32


class DuckDbRollUp:
    """Rolls up on an open connection, whose memory limit bounds what that takes."""

    records_at_once: int | None = 4_000_000

    def __init__(self, connection: "duckdb.DuckDBPyConnection") -> None:
        self._connection = connection

    def write_cells(self, days: Batch, folder: Path) -> None:
        """Write the cells of some days, a Parquet file each."""
        self._connection.execute(
            f"CREATE OR REPLACE TEMP VIEW usage AS FROM {usage_rows(files(days))}"
        )
        give_table(self._connection, "bounds", _BOUNDS, prompt_bounds(days))
        give_table(self._connection, "cuts", _CUTS, price_cuts(days))
        cells = statement(days, self._same_in_all(days))
        if len(days) == 1:
            self._write_day(cells, folder / f"day={days[0][0].day}")
            return
        self._connection.execute(
            f"COPY ({cells}) TO '{escaped(str(folder))}' ({_PARQUET}, PARTITION_BY (day))"
        )

    def cells_in(self, path: Path) -> int:
        """Return how many cells a file holds, from its footer."""
        found = self._connection.execute(
            "SELECT num_rows FROM parquet_file_metadata($file)", {"file": str(path)}
        ).fetchall()
        return int(found[0][0])

    def _write_day(self, cells: str, target: Path) -> None:
        # Cells of one day need no sorting into partitions, which costs as much as writing them.
        target.mkdir(parents=True)
        file = escaped(str(target / "cells.parquet"))
        self._connection.execute(
            f"COPY (SELECT * EXCLUDE (day) FROM ({cells})) TO '{file}' ({_PARQUET})"
        )

    def _same_in_all(self, days: Batch) -> Mapping[str, str]:
        """Return the columns that have one value in all records, or none in any, and that value.

        The footers of the files tell: the least and the greatest value of each column, and how
        often there is none; a column without any value need not be there.
        """
        found = self._connection.execute(
            """
            SELECT "column", min(stats_min_value)
            FROM (SELECT unnest($columns) AS "column")
            LEFT JOIN parquet_metadata($files) ON path_in_schema = "column"
            GROUP BY "column"
            HAVING coalesce(sum(num_values - coalesce(stats_null_count, 0)), 0) = 0
                OR sum(num_values) = $records
                    AND sum(stats_null_count) = 0 AND count(stats_min_value) = count(*)
                    AND bool_and(stats_min_value = stats_max_value)
                    AND count(DISTINCT stats_min_value) = 1
                    AND strlen(min(stats_min_value)) < $whole
            """,
            {
                "files": [str(path) for path in files(days)],
                "columns": [*KEPT, *SUMMED],
                "records": sum(usage.records for usage, _ in days),
                "whole": _WHOLE,
            },
        ).fetchall()
        return {
            column: f"CAST({_literal(value)} AS {'BIGINT' if column in SUMMED else 'VARCHAR'})"
            for column, value in found
        }


def _literal(value: str | None) -> str:
    return "NULL" if value is None else f"'{escaped(value)}'"
