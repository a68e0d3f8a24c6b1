"""What the providers' own cost reports say, added up by day and line item."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import duckdb

from metering.usage.rows import usage_rows

_STATEMENT = """
    SELECT provider, platform, billing_account, ingestor, reported_currency,
        CAST(CAST("start" AS DATE) AS VARCHAR) AS day,
        coalesce(nullif(model_raw, ''), nullif(split_part(tags['line_item'], ', ', 1), ''),
            nullif(tags['description'], ''), nullif(tags['cost_type'], ''), '') AS item,
        CAST(sum(reported_nanos) AS BIGINT) AS nanos, count(*) AS reported,
        bool_and(reported_nanos % 10000000 = 0) AS in_cents,
        bool_or(grain = 'range' AND coalesce("end" - "start" > INTERVAL 1 DAY, true)) AS of_range
    FROM {rows}
    WHERE reported_nanos IS NOT NULL AND reported_currency IS NOT NULL
    GROUP BY ALL ORDER BY ALL
"""


class ReportedCost(NamedTuple):
    """What one cost report says of one day and line item.

    Attributes:
        day: ISO day, UTC.
        item: the model, or how else the report calls it; "" when it does not say.
        nanos: of `currency`.
        rows: how many rows of the report make it up.
        in_cents: whether each of them is a whole number of hundredths.
        of_range: whether one of them is of more than a day, which it only begins on.
    """

    provider: str
    platform: str
    billing_account: str
    ingestor: str
    currency: str
    day: str
    item: str
    nanos: int
    rows: int
    in_cents: bool
    of_range: bool


def reported_costs(
    connection: "duckdb.DuckDBPyConnection", files: Sequence[Path]
) -> list[ReportedCost]:
    """Return what lake files of cost reports say, by provider, account, report, day and item."""
    if not files:
        return []
    rows = connection.execute(_STATEMENT.format(rows=usage_rows(files))).fetchall()
    return [ReportedCost(*row) for row in rows]
