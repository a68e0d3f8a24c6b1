"""Price a month of requests, against bare DuckDB and against others asked row by row.

    python -m tests.benchmarks.pricing [RECORDS [PYTHON]]

Two bars. Rating the cells of a month, decisions included, takes at most a quarter more than DuckDB
needs to join the same cells to two tables and to group them. Request records priced per second are
at least a hundred times those of one `calc_price` a row; rolling records up into cells, which
serves more than their price and is done once a day, is told apart and together.
With PYTHON, an interpreter that has LiteLLM installed (`python -m venv lite && lite/bin/pip install
litellm`; it is too heavy to be a tool of this project), they are at least three hundred times those
of one `completion_cost` a row; see `litellm_costs`.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import genai_prices

from metering.books import lake as lake_book
from metering.books.engine import begin_read, open_engine
from metering.core.ownership.field_sets import Attribution
from metering.engine.charging import charges as engine
from metering.engine.connection import open_duckdb
from metering.engine.rollup.cells import RATING_COLUMNS
from metering.settings import Settings, load_settings
from metering.usage.columns import METER_COLUMNS
from metering.usage.lake import Lake
from metering.workflows.ledger_start import start_ledger
from metering.workflows.posting.day_cells import DayCells, day_cells, rolls_up
from metering.workflows.posting.desired import desired_charges
from metering.workflows.posting.policy import policy_in_force
from metering.workflows.runs import Run
from tests.benchmarks import corpus
from tests.benchmarks.filling import record_relation

if TYPE_CHECKING:
    from metering.workflows.posting.policy import Policy

RECORDS = 2_000_000
ASKED_ONE_BY_ONE = 5_000
REPEAT = 5
# What both know; the corpus spells providers as a gateway does.
PROVIDERS = {"bedrock": "aws", "gemini": "google", "xai": "x-ai"}


def main() -> None:
    records = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    with tempfile.TemporaryDirectory() as scratch:
        settings = _month(Path(scratch) / "month", records)
        with (
            Lake(settings.lake).staging() as staging,
            begin_read(open_engine(settings.books_url)) as connection,
            open_duckdb(staging / "scratch", memory_limit="2GB", threads=0) as duck,
        ):
            policy = policy_in_force(connection, settings)
            files = lake_book.live_files(connection)
            began = time.perf_counter()
            engine = partial(rolls_up, settings, duck)
            cells = day_cells(engine, Lake(settings.lake), staging / "cells", files, {}, policy)
            rolled_up = time.perf_counter() - began
            floor, charging = _against_bare_duckdb(duck, policy, cells)
            identities = _seconds(lambda: _look_at_identities(duck, policy))
    rating = charging - identities
    one_by_one = _genai_prices_per_second()
    _say("join and group", floor, f"{cells_of(cells):,} cells of {records:,} records, bare DuckDB")
    _say("rate", rating, f"the same cells, {rating / floor:.2f} x (bar 1.25 x)")
    _say("find owners", identities, "identities of the cells; no part of rating")
    _say("roll up", rolled_up, "from records to cells; no part of rating")
    _rate("genai-prices", one_by_one, "one call a record")
    _rate("from cells", records / charging, f"{records / charging / one_by_one:.0f} x (bar 100 x)")
    if len(sys.argv) > 2:
        known, asked = _litellm_per_second(sys.argv[2])
        _rate("LiteLLM", asked, f"one call a record, {known:,} of {ASKED_ONE_BY_ONE:,} known to it")
        _rate("from cells", records / charging, f"{records / charging / asked:.0f} x (bar 300 x)")
    whole = records / (rolled_up + charging)
    _rate("with roll-up", whole, f"{whole / one_by_one:.0f} x")


def _month(home: Path, records: int) -> Settings:
    start_ledger(home, Run("init", "bench", datetime.now(UTC)))
    settings = load_settings(home / "metering.toml")
    record_relation(settings, records)
    return settings


def _against_bare_duckdb(
    duck: duckdb.DuckDBPyConnection, policy: "Policy", cells: DayCells
) -> tuple[float, float]:
    """Return the best seconds of either, run in turns."""
    first, last = cells.first, cells.last
    if first is None or last is None:
        raise AssertionError("the month has no usage")
    floors, ours = [], []
    for _ in range(REPEAT):
        engine.open_cells(duck, cells.files)
        floors.append(_seconds(lambda: _join_and_group(duck)))
        ours.append(_seconds(lambda: desired_charges(duck, policy, (first, last))))
    return min(floors), min(ours)


def _join_and_group(duck: duckdb.DuckDBPyConnection) -> None:
    """Join the cells to their distinct keys and to a number per key and meter, and group."""
    columns = ", ".join(RATING_COLUMNS)
    same = " AND ".join(f"c.{name} IS NOT DISTINCT FROM k.{name}" for name in RATING_COLUMNS)
    sums = ", ".join(f"CAST(sum(c.{name}) AS BIGINT) AS {name}" for name in METER_COLUMNS)
    meters = ", ".join(METER_COLUMNS)
    duck.execute(
        f"CREATE OR REPLACE TEMP TABLE k AS SELECT row_number() OVER () AS key_no, {columns}"
        f" FROM cells GROUP BY {columns}"
    )
    duck.execute(
        "CREATE OR REPLACE TEMP TABLE prices AS SELECT key_no, meter, key_no % 97 AS price"
        f" FROM k, (SELECT unnest({list(METER_COLUMNS)}) AS meter)"
    )
    duck.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE grouped AS
        WITH summed AS (
            SELECT c.day, k.key_no, c.product, c.ingestor, c.segment_start, c.segment_end, {sums}
            FROM cells c JOIN k ON {same} GROUP BY ALL
        )
        SELECT s.day, s.key_no, s.product, s.meter, sum(s.quantity) AS quantity,
            sum(s.quantity) * any_value(p.price) AS amount
        FROM (FROM summed UNPIVOT (quantity FOR meter IN ({meters}))) s
        JOIN prices p ON p.key_no = s.key_no AND p.meter = s.meter
        GROUP BY ALL
        """
    )


def _look_at_identities(duck: duckdb.DuckDBPyConnection, policy: "Policy") -> None:
    for field_set in Attribution(policy.rules, policy.directory).field_sets:
        engine.distinct_values(duck, field_set.fields)


def _requests() -> list[tuple[Any, ...]]:
    """Return requests as (provider, model, prompt tokens, cached of them, output, instant)."""
    connection = duckdb.connect()
    corpus.requests(connection, ASKED_ONE_BY_ONE, corpus.DAYS)
    return connection.execute(
        "SELECT used.provider, used.model, uncached + cached, cached, output, begun FROM requests"
    ).fetchall()


def _litellm_per_second(python: str) -> tuple[int, float]:
    """Return how many requests LiteLLM has a price for, and how many it prices in a second."""
    rows = json.dumps([row[:5] for row in _requests()])
    done = subprocess.run(
        [python, str(Path(__file__).with_name("litellm_costs.py"))],
        input=rows,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    said = json.loads(done.stdout.splitlines()[-1])
    return said["known"], said["per_second"]


def _genai_prices_per_second() -> float:
    rows = _requests()
    asked = [
        (
            PROVIDERS.get(provider, provider),
            model,
            genai_prices.Usage(input_tokens=prompt, cache_read_tokens=cached, output_tokens=output),
            begun.replace(tzinfo=UTC),
        )
        for provider, model, prompt, cached, output, begun in rows
    ]
    known = [row for row in asked if _is_priced(*row)]
    seconds = min(_seconds(lambda: [_price(*row) for row in known]) for _ in range(3))
    return len(known) / seconds


def _price(provider: str, model: str, usage: genai_prices.Usage, at: datetime) -> object:
    return genai_prices.calc_price(
        usage, model_ref=model, provider_id=provider, genai_request_timestamp=at
    )


def _is_priced(provider: str, model: str, usage: genai_prices.Usage, at: datetime) -> bool:
    try:
        _price(provider, model, usage, at)
    except (LookupError, ValueError):
        return False
    return True


def cells_of(cells: DayCells) -> int:
    """Return how many cells there are."""
    return sum(new.cells for new in cells.new)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _say(what: str, seconds: float, more: str) -> None:
    sys.stdout.write(f"{what:14} {seconds:8.3f} s  {more}\n")


def _rate(what: str, per_second: float, more: str) -> None:
    sys.stdout.write(f"{what:14} {per_second:12,.0f} records/s  {more}\n")


if __name__ == "__main__":
    main()
