"""Measure the findings of a large company: half a year, 5,000 people, 300 projects, 10 M records.

    python -m tests.benchmarks.findings_speed
    python -m tests.benchmarks.findings_speed --records 1000000

Bars: under 60 s and 2 GiB together, of it under 10 s for the statistics. The records are made by
DuckDB in the shape that a folder or a ledger gives; making them is not measured.
"""

import argparse
import resource
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import duckdb

from metering.analysis.findings.review_list import Options, review
from metering.engine.behaviour.of_folder import AT_FIRST_PRICES, COUNTS, EMPTY_TABLES
from metering.engine.behaviour.summed import sum_behaviour
from metering.engine.connection import open_duckdb
from metering.workflows.findings.findings_try import frames_of

_FIRST = date(2026, 3, 1)
_DAYS, _PEOPLE, _PROJECTS, _TEAMS, _MODELS = 26 * 7, 5_000, 300, 60, 12


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.findings_speed", description=__doc__)
    parser.add_argument("--records", type=int, default=10_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        stored = Path(scratch) / "usage.parquet"
        with open_duckdb(Path(scratch), memory_limit="1GB", threads=0) as made:
            _make(made, options.records, stored)
        with open_duckdb(Path(scratch), memory_limit="1GB", threads=0) as connection:
            _open(connection, stored)
            before = _now()
            last = _FIRST + timedelta(days=_DAYS - 1)
            summed = sum_behaviour(connection, _FIRST, last, default_window_days=14)
        frames = frames_of(summed)
        summing = _since(before)
        before = _now()
        found = review(frames, Options())
        weighing = _since(before)
    print(f"{options.records:,} records, {len(frames.cells):,} cells, {len(found.shown)} findings")
    for name, (wall, cpu) in {"engine": summing, "statistics": weighing}.items():
        print(f"{name:12} {wall:6.1f} s, {cpu:6.1f} s of CPU")
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(before: tuple[float, float]) -> tuple[float, float]:
    return time.perf_counter() - before[0], time.process_time() - before[1]


def _make(connection: duckdb.DuckDBPyConnection, records: int, stored: Path) -> None:
    counts = ", ".join(f"CAST(1 + hash(i, '{name}') % 400 AS BIGINT) AS {name}" for name in COUNTS)
    first_prices = ", ".join(f"NULL::DECIMAL(28, 12) AS {name}" for name in AT_FIRST_PRICES)
    connection.execute(
        f"""
        COPY (
            WITH drawn AS (
                SELECT i, CAST(hash(i, 1) % {_PEOPLE} AS BIGINT) AS person,
                    CAST(i * {_DAYS} // {records} AS INTEGER) AS day,
                    CAST(hash(i, 2) % {_MODELS} AS BIGINT) AS model
                FROM range({records}) r(i)
            )
            SELECT DATE '{_FIRST}' + day AS date, 'p' || model % 4 AS provider,
                'm' || model AS model, 'team-' || person % {_TEAMS} AS team,
                'project-' || person % {_PROJECTS} AS project, 'u' || person AS "user",
                'k' || person || '-' || day // 5 AS workflow_key, {counts},
                CAST((1 + hash(i, 3) % 100) * 0.0001 AS DECIMAL(28, 12)) AS cost_usd,
                {first_prices}
            FROM drawn
        ) TO '{stored}' (FORMAT parquet)
        """
    )


def _open(connection: duckdb.DuckDBPyConnection, stored: Path) -> None:
    for name in ("projects", "prices", "events"):
        connection.execute(EMPTY_TABLES[name])
    connection.execute(f"CREATE TEMP VIEW usage AS FROM read_parquet('{stored}')")
    connection.execute(
        """
        CREATE TEMP TABLE outcomes AS
        SELECT CAST(max(date) + 3 AS TIMESTAMPTZ) AS "timestamp", 'merged' AS kind, team, project,
            workflow_key, CAST(1 AS DECIMAL(18, 4)) AS weight
        FROM usage WHERE hash(workflow_key) % 3 > 0 GROUP BY ALL
        """
    )


if __name__ == "__main__":
    main()
