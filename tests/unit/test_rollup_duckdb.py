"""The embedded engine's roll-up: what footers say of all records changes nothing in the cells."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from metering.engine.connection import open_duckdb
from metering.engine.rollup.cells import Cuts, build_cells
from metering.engine.rollup.on_duckdb import DuckDbRollUp
from metering.engine.rollup.statement import statement
from metering.usage.staging import Staging
from tests.support.usage_rows import staged_days, usage_rows

DAYS = (datetime(2026, 10, 1, 12, tzinfo=UTC), datetime(2026, 10, 2, 12, tzinfo=UTC))
# As texts "333" comes after "1000003": the least of both days and the greatest are one text.
COUNTS = (1_000_003, 333, 1_000_003)


@pytest.mark.parametrize("in_one_file", [True, False])
@pytest.mark.parametrize(
    "drawn",
    [
        [{"start": DAYS[0], "output": 7, "service_tier": "it's"}] * 2,
        [{"start": DAYS[place > 0], "output": count} for place, count in enumerate(COUNTS)],
        [{"start": DAYS[0], "service_tier": tier} for tier in (None, "standard", None)],
        [{"start": day, "api_key": key} for day, key in zip(DAYS, ("k1", None), strict=True)],
        [{"start": DAYS[0], "api_key": "k" * 300 + last} for last in "ab"],
    ],
    ids=["same", "text-order", "some-null", "null-on-one-day", "long-texts"],
)
def test_cells_are_the_same_whatever_footers_tell(
    drawn: list[dict[str, Any]], tmp_path: Path, *, in_one_file: bool
) -> None:
    rows = [{"event_id": str(number), **one} for number, one in enumerate(drawn)]
    with open_duckdb(tmp_path / "spill", memory_limit="500MB", threads=1) as connection:
        staging = Staging(connection, tmp_path / "usage", ingestor="made", account="default")
        for part in [rows] if in_one_file else [[row] for row in rows]:
            staging.add(usage_rows(*part))
            staging.flush()
        days = [(day, Cuts({}, {}, ())) for day in staged_days(staging)]

        built = build_cells(DuckDbRollUp(connection), days, tmp_path / "cells")

        read = f"read_parquet({[str(path) for path in built.values()]}, hive_partitioning = true)"
        columns = connection.sql(statement(days)).columns
        cells = connection.sql(
            f"SELECT {', '.join(map(_quoted, columns))} FROM {read} ORDER BY ALL"
        )
        plain = connection.sql(f"SELECT * FROM ({statement(days)}) ORDER BY ALL")
        assert cells.fetchall() == plain.fetchall()
        assert cells.types == plain.types


def _quoted(name: str) -> str:
    return f'"{name}"'
