"""Usage records for tests: a table in the usage schema from a few named values."""

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from metering.engine.rollup.cells import DayUsage
from metering.usage.schema import USAGE_SCHEMA
from metering.usage.staged import describe
from metering.usage.staging import Staging

NOON = datetime(2026, 10, 1, 12, tzinfo=UTC)


def usage_rows(*rows: dict[str, Any]) -> pa.Table:
    """Return records; what a row leaves out is null or a plain default."""
    complete = [
        {
            "row_no": number,
            "start": NOON,
            "grain": "request",
            "provider": "anthropic",
            "platform": "anthropic-api",
            "product": "api",
            "model_raw": "claude-sonnet-4-5",
            **row,
        }
        for number, row in enumerate(rows, start=1)
    ]
    return pa.Table.from_pylist(complete, schema=USAGE_SCHEMA)


def staged_days(staging: Staging) -> list[DayUsage]:
    """Return the days of what is staged, as if it were all the usage there is."""
    return [
        DayUsage(
            date.fromisoformat(day.day),
            day.files,
            ("content",),
            day.records,
            frozenset(day.models),
            bool(day.other_meters),
        )
        for day in describe(staging.connection, staging.files())
    ]
