"""The embedded engine rolls up: in process, in bounded memory, the default."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.engine.given import give_table
from metering.engine.rollup import Batch, escaped, files, price_cuts, prompt_bounds, statement

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


class DuckDbRollUp:
    """Rolls up on an open connection, whose memory limit bounds what that takes."""

    records_at_once: int | None = 4_000_000

    def __init__(self, connection: "duckdb.DuckDBPyConnection") -> None:
        self._connection = connection

    def write_cells(self, days: Batch, folder: Path) -> None:
        """Write the cells of some days, a Parquet file each."""
        paths = ", ".join(f"'{escaped(str(path))}'" for path in files(days))
        self._connection.execute(
            f"CREATE OR REPLACE TEMP VIEW usage AS FROM read_parquet([{paths}],"
            " hive_partitioning = true, hive_types = {'day': DATE}, union_by_name = true)"
        )
        give_table(self._connection, "bounds", _BOUNDS, prompt_bounds(days))
        give_table(self._connection, "cuts", _CUTS, price_cuts(days))
        if len(days) == 1:
            self._write_day(days, folder)
            return
        self._connection.execute(
            f"COPY ({statement(days)}) TO '{escaped(str(folder))}' ({_PARQUET}, PARTITION_BY (day))"
        )

    def _write_day(self, days: Batch, folder: Path) -> None:
        # Cells of one day need no sorting into partitions, which costs as much as writing them.
        target = folder / f"day={days[0][0].day}"
        target.mkdir(parents=True)
        file = escaped(str(target / "cells.parquet"))
        self._connection.execute(
            f"COPY (SELECT * EXCLUDE (day) FROM ({statement(days)})) TO '{file}' ({_PARQUET})"
        )
