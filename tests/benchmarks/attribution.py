"""Measure what it takes to find owners: 1,000 rules and a directory, on the records of a month.

    python -m tests.benchmarks.attribution                # 10 M records
    python -m tests.benchmarks.attribution --lake-records 1000000

The directory has 5,000 people in 50 teams, 2,000 keys and 400 projects. Attribution, which is
rating with all of them less rating with none, is to add at most the time of one bare scan and
group-by of the same lake; `owners check` is to take less than 5 s. All records stand in as the
detail that divides what one workspace is billed. Times are of the processor, since the machine may
be shared; seconds on the wall stand beside them.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from metering.books.engine import begin_read, open_engine
from metering.core.ownership.attribution import Assign, Directory, Match, Rule, RuleSet
from metering.core.patterns import Pattern
from metering.engine.charging import charges as engine
from metering.settings import Settings, load_settings
from metering.usage.lake import Lake
from metering.workflows.ledger_start import start_ledger
from metering.workflows.ownership.owner_check import check
from metering.workflows.ownership.owner_imports import import_files
from metering.workflows.ownership.owner_suggestions import suggest
from metering.workflows.posting.day_cells import live_cells
from metering.workflows.posting.desired import desired_charges
from metering.workflows.posting.policy import Policy, policy_in_force
from metering.workflows.posting.post import FIRST_DAY, LAST_DAY
from metering.workflows.runs import Run
from tests.benchmarks import corpus
from tests.benchmarks.filling import BenchRecords
from tests.benchmarks.measure import MEMORY, fill_lake

_RULES = 1_000
_KEYS = 2_000
_REPEAT = 3
_DIVIDERS = RuleSet(
    "metering.toml",
    (
        Rule(
            1,
            BenchRecords.name,
            (Match("workspace", Pattern.parse("team-1")),),
            Assign(cost_centre=BenchRecords.name),
        ),
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lake-records", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, help="keep the corpus here, and reuse it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        settings = _prepared(folder, options.lake_records)
        print(f"{options.lake_records:,} records, {_RULES:,} rules")
        _measure(settings)


def _measure(settings: Settings) -> None:
    floor = _timed("scan, grouped by day, team, project and model", lambda: _floor(settings))
    with begin_read(open_engine(settings.books_url)) as connection:
        policy = policy_in_force(connection, settings)
    bare = replace(policy, rules=RuleSet(), directory=Directory())
    without = _timed("rating, nobody attributed", lambda: _rated(settings, policy, bare))
    with_all = _timed("rating, everybody attributed", lambda: _rated(settings, policy, policy))
    added = with_all - without
    print(f"   attribution adds     {added:7.2f} s   {added / floor:5.2f} x of the scan")
    divided = replace(policy, dividers=_DIVIDERS)
    _timed("rating, divided by detail", lambda: _rated(settings, policy, divided, divide=True))
    _timed("owners check", lambda: _identities(settings))
    _timed("owners suggest", lambda: len(suggest(settings).columns))


def _timed(what: str, work: Callable[[], int]) -> float:
    best: tuple[float, float, int] | None = None
    for _ in range(_REPEAT):
        wall, busy = time.perf_counter(), time.process_time()
        count = work()
        took = (time.process_time() - busy, time.perf_counter() - wall, count)
        best = min(best or took, took)
    if best is None:
        raise AssertionError("nothing was measured")
    print(f"   {best[0]:7.2f} s processor  {best[1]:7.2f} s wall   {what} ({best[2]:,})")
    return best[0]


def _floor(settings: Settings) -> int:
    connection = duckdb.connect(config={"memory_limit": MEMORY})
    return len(
        connection.execute(
            f"""
            SELECT day, workspace, tags['project'] AS project, model_raw, count(*) AS n,
                sum(input_uncached) AS i, sum(cache_read) AS c, sum(output) AS o
            FROM read_parquet('{settings.lake}/usage/*/*.parquet', hive_partitioning = true)
            GROUP BY ALL
            """
        ).fetchall()
    )


def _rated(settings: Settings, cut: Policy, decide: Policy, *, divide: bool = False) -> int:
    # All work on the same cells, which keep the tags that the rules read.
    with _cells(settings, cut) as (duck, days, files):
        desired = desired_charges(duck, decide, days, detail=files if divide else ())
        return len(desired.bases)


@contextmanager
def _cells(
    settings: Settings, policy: Policy
) -> Iterator[tuple[duckdb.DuckDBPyConnection, tuple[date, date] | None, tuple[Path, ...]]]:
    with (
        begin_read(open_engine(settings.books_url)) as connection,
        Lake(settings.lake).staging() as staging,
        live_cells(connection, settings, staging, policy, (FIRST_DAY, LAST_DAY)) as (duck, cells),
    ):
        if cells.new:
            raise AssertionError("the cells were to be there already")
        engine.open_cells(duck, cells.files)
        first, last = cells.first, cells.last
        yield duck, (first, last) if first and last else None, cells.files


def _identities(settings: Settings) -> int:
    return check(settings).identities


def _prepared(folder: Path, rows: int) -> Settings:
    home = folder / f"attribution-{rows}"
    if not (home / "ready").exists():
        shutil.rmtree(home, ignore_errors=True)
        start_ledger(home, _run("init"))
        settings = replace(load_settings(home / "metering.toml"), memory_limit=MEMORY)
        files = [home / f"{name}.csv" for name in ("teams", "people", "projects", "keys")]
        corpus.write_rules(home / "rules.toml", _RULES)
        _write_directory(home)
        import_files(settings, _run("owners import"), [home / "rules.toml", *files])
        fill_lake(settings, rows)
        (home / "ready").touch()
    return replace(load_settings(home / "metering.toml"), memory_limit=MEMORY)


def _write_directory(home: Path) -> None:
    teams = [f"team-{n},CC-{n:03d}" for n in range(corpus.TEAMS)]
    # A tenth of the people moves in the middle of the month.
    people = []
    for n in range(corpus.PEOPLE):
        team = n % corpus.TEAMS
        moves = n % 10 == 0
        people.append(f"E{n},u-{n},team-{team},,{'2026-09-16' if moves else ''}")
        if moves:
            people.append(f"E{n},u-{n},team-{(team + 1) % corpus.TEAMS},2026-09-16,")
    projects = [f"P{n},team-{n % corpus.TEAMS},T{n}" for n in range(corpus.PROJECTS)]
    keys = [f"key-{n},,P{n % corpus.PROJECTS}," for n in range(_KEYS)]
    for name, header, lines in (
        ("teams", "team,cost_centre", teams),
        ("people", "person,logins,team,valid_from,valid_to", people),
        ("projects", "project,team,tickets", projects),
        ("keys", "key,person,project,team", keys),
    ):
        (home / f"{name}.csv").write_text("\n".join((header, *lines, "")), encoding="utf-8")


def _run(command: str) -> Run:
    return Run(command, "bench", datetime.now(UTC))


if __name__ == "__main__":
    main()
