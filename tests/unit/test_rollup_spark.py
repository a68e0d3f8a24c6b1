"""Spark gives the cells and the ledger that the embedded engine gives, to the last unit."""

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from metering.engine.connection import open_duckdb
from metering.engine.rollup.cells import Cuts, DayUsage, RollUp, build_cells
from metering.engine.rollup.on_duckdb import DuckDbRollUp
from metering.engine.rollup.on_spark import SparkRollUp, open_spark
from metering.errors import BookError
from metering.settings import FILE_NAME, load_settings
from metering.usage.staged import describe
from metering.usage.staging import Staging
from metering.workflows.posting.post import post
from tests.support.ledgers import SAMPLE, fresh_ledger, ingest, ledger_hash, run
from tests.support.usage_rows import usage_rows

SPARK = "local[1]"
NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)
MODEL = ("openai", "openai-api", "gpt-5.4")


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkRollUp]:
    with open_spark(SPARK) as engine:
        # The usual 200 parts of a shuffle are for clusters.
        SparkSession.builder.getOrCreate().conf.set("spark.sql.shuffle.partitions", "1")
        yield engine


def _traps() -> list[dict[str, Any]]:
    """Return records on both sides of every bound that the statement looks at."""
    common: dict[str, Any] = {"provider": MODEL[0], "platform": MODEL[1], "model_raw": MODEL[2]}
    second = timedelta(microseconds=1)
    asked: list[dict[str, Any]] = [
        {"start": start, "prompt_tokens": prompt, "output": 2**40, "api_key": key}
        for start in (NOON - second, NOON, NOON + second, NOON - timedelta(hours=12))
        for prompt in (0, 271_999, 272_000, 272_001, None)
        for key in ("key-1", None)
    ]
    buckets: list[dict[str, Any]] = [
        {"grain": "day", "start": NOON - timedelta(hours=12), "end": NOON + timedelta(hours=12)},
        {"grain": "hour", "start": NOON - timedelta(hours=1), "end": NOON},
        {"grain": "hour", "start": NOON, "end": NOON + timedelta(hours=1)},
        {"grain": "range", "start": NOON, "end": NOON + timedelta(days=3)},
    ]
    tagged: list[dict[str, Any]] = [
        {"start": NOON, "tags": {'team\'s "own"': "a", "cost": "é💶"}, "session": "s"},
        {"start": NOON, "tags": {}, "other_meters": {"image": 3, "web_search": 2**53 + 1}},
        {"start": NOON, "other_meters": {"image": 4}, "reported_kind": "billed"},
    ]
    return [
        {"event_id": str(number), **common, **record}
        for number, record in enumerate((*asked, *buckets, *tagged))
    ]


def _cells(engine: RollUp, usage: DayUsage, cuts: Cuts, folder: Path) -> list[tuple[Any, ...]]:
    (path,) = build_cells(engine, [(usage, cuts)], folder).values()
    table = pq.read_table(path, partitioning=None)
    names = sorted(table.column_names)
    types = [str(table.schema.field(name).type) for name in names]
    rows = zip(*(table[name].to_pylist() for name in names), strict=True)
    return [tuple(names), tuple(types), *sorted(rows, key=repr)]


@pytest.mark.parametrize("cut", [True, False])
def test_the_cells_of_both_engines_are_equal_in_every_value_and_type(
    cut: bool, spark: SparkRollUp, tmp_path: Path
) -> None:
    with open_duckdb(tmp_path / "spill", memory_limit="500MB", threads=1) as connection:
        staging = Staging(connection, tmp_path / "usage", ingestor="log", account="default")
        staging.add(usage_rows(*_traps()))
        staging.flush()
        (day,) = describe(connection, staging.files())
        usage = DayUsage(
            date.fromisoformat(day.day),
            day.files,
            ("content",),
            day.records,
            frozenset(day.models),
            has_other_meters=bool(day.other_meters),
        )
        cuts = Cuts(
            {MODEL[:2]: (NOON,)} if cut else {},
            {MODEL: (272_000,)} if cut else {},
            ("cost", 'team\'s "own"'),
            sessions=cut,
        )

        embedded = _cells(DuckDbRollUp(connection), usage, cuts, tmp_path / "one")
        distributed = _cells(spark, usage, cuts, tmp_path / "other")

    assert len(embedded) >= 10
    assert distributed == embedded


def test_the_ledger_of_the_sample_company_is_the_same(spark: SparkRollUp, tmp_path: Path) -> None:
    del spark  # one session a process: this ledger finds it open
    embedded = fresh_ledger(tmp_path / "embedded")
    october = sorted((SAMPLE / "usage").rglob("*2026-10*"))
    ingest(embedded, *october)
    shutil.copytree(embedded.home, tmp_path / "distributed")
    path = tmp_path / "distributed" / FILE_NAME
    said = path.read_text(encoding="utf-8")
    path.write_text(
        said.replace("[engine]\n", f'[engine]\nkind = "spark"\nspark = "{SPARK}"\n'),
        encoding="utf-8",
    )
    distributed = load_settings(path)

    one = post(embedded, run("post"))
    other = post(distributed, run("post"))

    assert distributed.spark == SPARK
    assert one.postings > 100
    assert (other.postings, other.amounts) == (one.postings, one.amounts)
    assert ledger_hash(distributed) == ledger_hash(embedded)


def test_spark_that_is_named_and_not_said_where_is_refused(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_text('[engine]\nkind = "spark"\n', encoding="utf-8")

    with pytest.raises(BookError, match="spark is not said") as refused:
        load_settings(path)

    assert refused.value.code == "bad-settings"
