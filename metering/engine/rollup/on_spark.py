"""A company's own Spark rolls up: the same statement, where one machine is not enough.

Usage files have to lie where its workers read them under the same path; only the cells travel.
Days are UTC there as here, and a sum that does not fit 64 bits fails there as here.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from metering.engine.rollup.statement import Batch, files, price_cuts, prompt_bounds, statement
from metering.errors import BookError, shown
from metering.usage.schema import INSTANT, METERS, TAGS, USAGE_SCHEMA

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_BOUNDS: Final = "provider STRING, platform STRING, model_raw STRING, bounds ARRAY<BIGINT>"
_CUTS: Final = "provider STRING, platform STRING, day DATE, cuts ARRAY<TIMESTAMP_NTZ>"
_CONNECT: Final = "sc://"
_SETTINGS: Final = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
}
_OF_A_DRIVER: Final = {
    "spark.log.level": "ERROR",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


class SparkRollUp:
    """Rolls up in a session of Spark; see `open_spark`."""

    records_at_once: int | None = None

    def __init__(self, session: "SparkSession", translate: Callable[..., list[str]]) -> None:
        self._session = session
        self._translate = translate

    def write_cells(self, days: Batch, folder: Path) -> None:
        """Write the cells of some days, a Parquet file each."""
        paths = files(days)
        root = paths[0].parent.parent
        # Hadoop takes the sign in "day=…" as it stands, where a proper URI would have it escaped.
        reader = self._session.read.schema(_usage_columns()).option("basePath", f"file://{root}")
        usage = reader.parquet(*(f"file://{path}" for path in paths))
        usage.createOrReplaceTempView("usage")
        for name, rows, schema in (
            ("bounds", prompt_bounds(days), _BOUNDS),
            ("cuts", price_cuts(days), _CUTS),
        ):
            self._session.createDataFrame(rows, schema).createOrReplaceTempView(name)
        (translated,) = self._translate(statement(days), read="duckdb", write="spark")
        _write(self._session.sql(translated).toArrow(), folder)

    def cells_in(self, path: Path) -> int:
        """Return how many cells a file holds, from its footer."""
        import pyarrow.parquet as pq  # noqa: PLC0415 - as below

        return int(pq.read_metadata(path).num_rows)


def _usage_columns() -> str:
    """Return the columns of usage files that Spark can read, and the folder's, in its own words.

    A file that an older program wrote may lack one: it is null there.
    """
    types = {
        pa.string(): "STRING",
        pa.int64(): "BIGINT",
        INSTANT: "TIMESTAMP",
        TAGS: "MAP<STRING, STRING>",
        METERS: "MAP<STRING, BIGINT>",
    }
    columns = (f"`{field.name}` {types[field.type]}" for field in USAGE_SCHEMA)
    return ", ".join(("ingestor STRING", "day DATE", *columns))


@contextmanager
def open_spark(master: str) -> Iterator[SparkRollUp]:
    """Yield Spark at an address.

    Args:
        master: "spark://host:7077", "yarn", "local[4]"; "sc://host" for Spark Connect.

    Raises:
        BookError: `engine-missing` without PySpark; `engine-unreachable` where nobody answers.
    """
    try:
        from pyspark.sql import SparkSession  # noqa: PLC0415 - of the extra
        from sqlglot import transpile  # noqa: PLC0415 - of the extra
    except ImportError as error:
        raise BookError(
            "engine-missing",
            "[engine] kind is spark, and PySpark is not installed",
            do='pip install "metering[spark]"',
        ) from error
    builder: Any = SparkSession.builder
    connected = master.startswith(_CONNECT)
    builder = builder.remote(master) if connected else builder.master(master).appName("metering")
    for name, value in {**_SETTINGS, **({} if connected else _OF_A_DRIVER)}.items():
        builder = builder.config(name, value)
    try:
        with warnings.catch_warnings():
            # Of pandas 3, through which nothing of ours goes.
            warnings.simplefilter("ignore", FutureWarning)
            session = builder.getOrCreate()
    except Exception as error:  # PySpark raises what Java did, whatever that was
        raise BookError(
            "engine-unreachable",
            f"Spark at {master} does not answer: {type(error).__name__}",
            details=(f"said:     {shown(error)}",),
            do="look at [engine] spark in metering.toml, and at the cluster",
        ) from error
    try:
        yield SparkRollUp(session, transpile)
    finally:
        session.stop()


def _write(cells: pa.Table, folder: Path) -> None:
    import pyarrow.compute as pc  # noqa: PLC0415 - a run of DuckDB does not need them
    import pyarrow.parquet as pq  # noqa: PLC0415

    days = cells.column("day")
    rest = cells.drop_columns(["day"])
    for day in pc.unique(days):
        target = folder / f"day={day}"
        target.mkdir(parents=True)
        pq.write_table(
            rest.filter(pc.equal(days, day)),
            target / "cells.parquet",
            compression="zstd",
            compression_level=1,
        )
