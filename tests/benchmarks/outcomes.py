"""Set ten million usage records against a million outcomes, and compare with a bare join.

    python -m tests.benchmarks.outcomes [--records 10000000] [--outcomes 1000000] [--threads 1]
    python -m tests.benchmarks.outcomes --practice DIR    # a folder of token_maxing_practice.py

The floor joins the records to the outcomes on team, project and workflow key and sums the money of
the pairs. The split takes the same two tables and says of each nano whether it is keyed, project,
pending or unattributed. The bars: at most four times the floor, in processor time, and 2 GiB.
"""

import argparse
import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import duckdb

from metering.engine.outcomes.spend import answers, split_spend

LAST_DAY = date(2026, 7, 1)
_PROJECTS = 2_000
_DAYS = 150


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.outcomes")
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--outcomes", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--practice", type=Path)
    parser.add_argument("--part", choices=("floor", "split"))
    options = parser.parse_args()
    if options.part:
        _measure(options)
        return
    for part in ("floor", "split"):
        # Each part in a process of its own, so that its peak memory is its own.
        subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.outcomes", *sys.argv[1:], "--part", part],
            check=True,
        )


def _measure(options: argparse.Namespace) -> None:
    connection = duckdb.connect(config={"threads": options.threads, "memory_limit": "1500MB"})
    connection.execute("SET TimeZone = 'UTC'")
    if options.practice:
        windows = _practice(connection, options.practice)
    else:
        windows = _made_up(connection, options.records, options.outcomes)
    (last_day,) = connection.execute("SELECT max(day) FROM spend").fetchall()[0]
    loaded = time.process_time()
    if options.part == "floor":
        found = connection.execute(
            "SELECT count(*), sum(s.amount_nanos) FROM spend s"
            " JOIN outcomes o USING (team, project, workflow_key)"
        ).fetchall()
        what = f"{found[0][0]:,} pairs"
    else:
        split_spend(connection, ("workflow_key",), windows, last_day)
        total = connection.execute("SELECT sum(amount_nanos) FROM spend").fetchall()[0][0]
        parts = answers(connection)
        if sum(nanos for *_, nanos in parts) != total:
            raise AssertionError("the parts do not add up to the spend")
        what = f"{len(parts):,} sums that add up"
    seconds = time.process_time() - loaded
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"{options.part:5}  {seconds:7.3f} s  {peak_mib:7,.0f} MiB  {what}\n")


def _made_up(
    connection: duckdb.DuckDBPyConnection, records: int, outcomes: int
) -> list[tuple[str, str, int]]:
    """Make spend and outcomes; one key in four has no outcome, as work that was given up."""
    named = (
        f"'team-' || (k % 500) AS team, 'project-' || (k % {_PROJECTS}) AS project,"
        " 'run-' || k AS workflow_key"
    )
    keys = max(1, outcomes * 4 // 3)
    connection.execute(
        f"CREATE TABLE spend AS SELECT DATE '2026-02-02' + CAST(hash(k) % {_DAYS - 10} + n % 10"
        f" AS INTEGER) AS day, {named}, 'USD' AS currency, CAST(hash(n) % 1000000000 AS BIGINT)"
        f" AS amount_nanos FROM (SELECT n, hash(n * 7) % {keys} AS k FROM range({records}) t(n))"
    )
    connection.execute(
        f"CREATE TABLE outcomes AS SELECT DATE '2026-02-02' + CAST(hash(k) % {_DAYS - 10} + 5 AS"
        f" INTEGER) AS day, {named}, CASE WHEN hash(k) % 50 = 0 THEN -10000 ELSE 10000 END AS"
        f" weight_e4, 'validated' AS stage, NULL AS problem, false AS is_doubled"
        f" FROM (SELECT k FROM range({outcomes}) t(k))"
    )
    rows = connection.execute("SELECT DISTINCT team, project FROM spend ORDER BY ALL").fetchall()
    return [(team, project, 7 + at % 20) for at, (team, project) in enumerate(rows)]


def _practice(connection: duckdb.DuckDBPyConnection, folder: Path) -> list[tuple[str, str, int]]:
    connection.execute(
        "CREATE TABLE spend AS SELECT date AS day, team, project, 'USD' AS currency, workflow_key,"
        " CAST(cost_usd::DECIMAL(30, 12) * 1000000000 AS BIGINT) AS amount_nanos"
        f" FROM read_csv('{folder}/usage.csv')"
    )
    connection.execute(
        "CREATE TABLE outcomes AS SELECT CAST(timestamp AS DATE) AS day, team, project,"
        " workflow_key, CAST(weight::DECIMAL(18, 4) * 10000 AS BIGINT) AS weight_e4,"
        " 'validated' AS stage, NULL AS problem, false AS is_doubled"
        f" FROM read_csv('{folder}/outcomes.csv', types = {{'weight': 'VARCHAR'}})"
    )
    return connection.execute(
        f"SELECT team, project, attribution_window_days FROM read_csv('{folder}/projects.csv')"
    ).fetchall()


if __name__ == "__main__":
    main()
