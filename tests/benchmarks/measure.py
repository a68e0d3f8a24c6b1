"""One measurement in a process of its own; prints one JSON object.

python -m tests.benchmarks.measure prepare|floor|ours start|night|backfill|post FOLDER ROWS
"""

import json
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from metering.books import lake as lake_book
from metering.books.engine import begin_write, open_engine
from metering.books.runs import record_run
from metering.engine.connection import open_duckdb
from metering.settings import Settings, load_settings
from metering.usage.lake import Lake
from metering.workflows.posting.day_cells import day_cells, rolls_up
from metering.workflows.posting.policy import policy_in_force
from metering.workflows.posting.post import name_cells, post
from metering.workflows.runs import Run
from tests.benchmarks import corpus

MEMORY = "1GB"


def main() -> None:
    part, name, folder, rows = sys.argv[1:]
    found = _PARTS[part, name](Path(folder), int(rows))
    found["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found.setdefault("steps", {})
    print(json.dumps(found))


def _timed(what: str, work: Callable[[], object]) -> dict[str, Any]:
    began, spent = time.perf_counter(), _processor_time()
    work()
    return {
        "seconds": time.perf_counter() - began,
        "cpu": _processor_time() - spent,
        "what": what,
    }


def _processor_time() -> float:
    """Return what this process and those it waited for took of the processor, in seconds."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


# --- start-up ---------------------------------------------------------------------------------


def _prepare_start(folder: Path, rows: int) -> dict[str, Any]:
    del folder, rows
    return {}


def _floor_start(folder: Path, rows: int) -> dict[str, Any]:
    del folder, rows
    command = [sys.executable, "-c", "import click"]
    return _timed("a Python that imports click", lambda: subprocess.run(command, check=True))


def _ours_start(folder: Path, rows: int) -> dict[str, Any]:
    del folder, rows
    command = [sys.executable, "-m", "metering", "--help"]
    return _timed(
        "metering --help",
        lambda: subprocess.run(command, check=True, capture_output=True),
    )


# --- ingest and post of a file ------------------------------------------------------------------


def _log(folder: Path, rows: int, days: int) -> Path:
    return folder / f"spend-logs-{rows}-of-{days}.jsonl"


def _prepare_ingest(folder: Path, rows: int, days: int) -> dict[str, Any]:
    path = _log(folder, rows, days)
    if not path.exists():
        corpus.write_spend_logs(duckdb.connect(), rows, days, path)
    return {}


def _floor_ingest(folder: Path, rows: int, days: int) -> dict[str, Any]:
    connection = duckdb.connect(config={"memory_limit": MEMORY})
    counts = ("prompt_tokens", "completion_tokens", "total_tokens")
    texts = (
        *("request_id", "startTime", "endTime", "call_type", "api_key", "model", "user"),
        *("custom_llm_provider", "team_id", "end_user", "cache_hit", "status", "session_id"),
        *("request_tags", "metadata"),
    )
    columns = ", ".join(
        [f"\"{name}\": 'VARCHAR'" for name in texts]
        + [f"{name}: 'BIGINT'" for name in counts]
        + ["spend: 'DOUBLE'"]
    )
    source = f"""read_json('{_log(folder, rows, days)}', format = 'newline_delimited',
        columns = {{{columns}}})"""
    sums = f"""count(*), {", ".join(f"sum({name})" for name in counts)}, sum(spend),
        sum(CAST(metadata->>'$.usage_object.cache_read_input_tokens' AS BIGINT))"""
    few = f'SELECT "startTime"[:10], api_key, model, team_id, {sums} FROM {source} GROUP BY ALL'
    every = f"""
        SELECT "startTime"[:10], api_key, "user", team_id, end_user, model, custom_llm_provider,
            call_type, cache_hit, status, request_tags, {sums},
            max(request_id), max("startTime"), max("endTime"), max(session_id)
        FROM {source} GROUP BY ALL
    """
    narrow = _timed("", lambda: connection.execute(few).fetchall())
    return _timed(
        "typed scan of every field that is recorded, grouped by who and what",
        lambda: connection.execute(every).fetchall(),
    ) | {"narrow": narrow["seconds"]}


def _ours_ingest(folder: Path, rows: int, days: int) -> dict[str, Any]:
    from metering.ingest.registry import installed  # noqa: PLC0415 - heavy, and not timed
    from metering.workflows.intake.ingest import ingest_files  # noqa: PLC0415
    from metering.workflows.intake.order import Order  # noqa: PLC0415

    settings = _ledger(folder / "ledger")
    steps = {}

    def work() -> None:
        began = time.perf_counter()
        receipts = list(
            ingest_files(settings, _run("ingest"), [_log(folder, rows, days)], Order(installed()))
        )
        if receipts[0].recorded != rows:
            raise AssertionError(receipts)
        steps["ingest"] = time.perf_counter() - began
        began = time.perf_counter()
        steps["postings"] = post(settings, _run("post")).postings
        steps["post"] = time.perf_counter() - began

    return _timed("ingest and post, 500 rules, SQLite", work) | {"steps": steps}


# --- post of a month from its cells -------------------------------------------------------------


def prepare_month(folder: Path, rows: int) -> dict[str, Any]:
    """Make a ledger whose lake holds a month of records, with its cells."""
    home = folder / f"month-{rows}"
    if (home / "ready").exists():
        return {}
    settings = _ledger(home)
    fill_lake(settings, rows)
    (home / "ready").touch()
    return {}


def _floor_post(folder: Path, rows: int) -> dict[str, Any]:
    connection = duckdb.connect(config={"memory_limit": MEMORY})
    statement = f"""
        SELECT day, workspace, tags['project'] AS project, model_raw, count(*) AS n,
            sum(input_uncached) AS i, sum(cache_read) AS c, sum(output) AS o
        FROM read_parquet('{folder / f"month-{rows}"}/lake/usage/*/*.parquet',
            hive_partitioning = true) GROUP BY ALL
    """
    return _timed(
        "scan, grouped by day, team, project and model",
        lambda: connection.execute(statement).fetchall(),
    )


def _ours_post(folder: Path, rows: int) -> dict[str, Any]:
    home = folder / f"month-{rows}"
    fresh = folder / "fresh.sqlite"
    shutil.copyfile(home / "books.sqlite", fresh)
    settings = replace(load_settings(home / "metering.toml"), books_url=f"sqlite:///{fresh}")
    found: dict[str, Any] = {}

    def work() -> None:
        posted = post(settings, _run("post"))
        if posted.cells_built:
            raise AssertionError("the cells were to be there already")
        found["postings"] = posted.postings

    return _timed("post from cells, 500 rules, SQLite", work) | {"steps": found}


def fill_lake(settings: Settings, rows: int) -> None:
    """Record the corpus and roll its cells up."""
    from tests.benchmarks.filling import record_relation  # noqa: PLC0415 - only to prepare

    record_relation(settings, rows)
    books = open_engine(settings.books_url)
    lake = Lake(settings.lake)
    with (
        lake.staging() as staging,
        begin_write(books) as connection,
        open_duckdb(staging / "scratch", memory_limit=MEMORY, threads=0) as duck,
    ):
        policy = policy_in_force(connection, settings)
        files = lake_book.live_files(connection)
        engine = partial(rolls_up, settings, duck)
        cells = day_cells(engine, lake, staging / "cells", files, {}, policy)
        run_id = record_run(connection, "bench", {}, datetime.now(UTC), "bench")
        name_cells(connection, lake, run_id, cells)


def _ledger(home: Path) -> Settings:
    from metering.workflows.ledger_start import start_ledger  # noqa: PLC0415 - only to prepare
    from metering.workflows.ownership.owner_imports import import_file  # noqa: PLC0415

    shutil.rmtree(home, ignore_errors=True)
    start_ledger(home, _run("init"))
    settings = load_settings(home / "metering.toml")
    corpus.write_rules(home / "rules.toml")
    import_file(settings, _run("owners import"), home / "rules.toml")
    return replace(settings, memory_limit=MEMORY)


def _run(command: str) -> Run:
    return Run(command, "bench", datetime.now(UTC))


_PARTS: dict[tuple[str, str], Callable[[Path, int], dict[str, Any]]] = {
    ("prepare", "start"): _prepare_start,
    ("floor", "start"): _floor_start,
    ("ours", "start"): _ours_start,
    ("prepare", "night"): partial(_prepare_ingest, days=1),
    ("floor", "night"): partial(_floor_ingest, days=1),
    ("ours", "night"): partial(_ours_ingest, days=1),
    ("prepare", "backfill"): partial(_prepare_ingest, days=corpus.DAYS),
    ("floor", "backfill"): partial(_floor_ingest, days=corpus.DAYS),
    ("ours", "backfill"): partial(_ours_ingest, days=corpus.DAYS),
    ("prepare", "post"): prepare_month,
    ("floor", "post"): _floor_post,
    ("ours", "post"): _ours_post,
}

if __name__ == "__main__":
    main()
