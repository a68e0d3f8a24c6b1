"""What staged Parquet files hold: by charge day, by source, and as a digest of their records."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.usage.columns import METER_COLUMNS
from metering.usage.rows import usage_rows
from metering.usage.schema import USAGE_SCHEMA

if TYPE_CHECKING:
    import duckdb

_GIVEN_BY_THE_LAKE: Final = ("event_id", "billing_account")
# What the lake keeps of what an ingestor read.
KEPT: Final = tuple(name for name in USAGE_SCHEMA.names if name not in _GIVEN_BY_THE_LAKE)

# What makes two records the same fact: everything but where they stood in a file.
CONTENT_COLUMNS: Final = ("billing_account", *(name for name in KEPT if name != "row_no"))

TOKENS_SQL: Final = " + ".join(f'coalesce("{name}", 0)' for name in METER_COLUMNS)
QUANTITY_SQL: Final = f"{TOKENS_SQL} + coalesce(list_sum(map_values(other_meters)), 0)"


@dataclass(frozen=True, slots=True)
class StagedDay:
    """The usage of one charge day, in staging.

    Attributes:
        day: ISO charge day, UTC.
        files: Parquet files that together hold it; empty for a day reported as without usage.
        records: rows in them.
        quantity: sum of all token meters and other meters.
        models: distinct (provider, platform, model_raw), sorted; null models as "".
        other_meters: names of the meters beyond the token columns, sorted.
        accounts: distinct (provider, billing_account), sorted.
    """

    day: str
    files: tuple[Path, ...]
    records: int
    quantity: int
    models: tuple[tuple[str, str, str], ...]
    other_meters: tuple[str, ...]
    accounts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SourceDay:
    """What one of many source files, staged together, holds of one charge day.

    Attributes:
        source: SHA-256 of the file, hexadecimal.
        day: ISO charge day, UTC.
        provider, billing_account: as in the records.
        records: how many.
    """

    source: str
    day: str
    provider: str
    billing_account: str
    records: int


def describe(
    connection: "duckdb.DuckDBPyConnection", files: Sequence[Path]
) -> tuple[StagedDay, ...]:
    """Return what staged files hold, per charge day, in order."""
    if not files:
        return ()
    rows = connection.execute(
        f"""
        WITH kinds AS (
            SELECT
                day, provider, platform, coalesce(model_raw, '') AS model, billing_account,
                count(*) AS records,
                sum({QUANTITY_SQL}) AS quantity,
                flatten(list(DISTINCT map_keys(other_meters))
                    FILTER (WHERE cardinality(other_meters) > 0)) AS meters
            FROM {usage_rows(files)}
            GROUP BY ALL
        )
        SELECT
            CAST(day AS VARCHAR), CAST(sum(records) AS BIGINT), sum(quantity),
            list(DISTINCT [provider, platform, model]),
            list(DISTINCT [provider, billing_account]),
            list_distinct(flatten(list(coalesce(meters, []))))
        FROM kinds
        GROUP BY day ORDER BY day
        """
    ).fetchall()
    by_day: dict[str, list[Path]] = {}
    for path in files:
        by_day.setdefault(path.parent.name.removeprefix("day="), []).append(path)
    return tuple(
        StagedDay(
            day=day,
            files=tuple(by_day[day]),
            records=records,
            quantity=int(quantity or 0),
            models=tuple(sorted((p, f, m) for p, f, m in models)),
            accounts=tuple(sorted((p, a) for p, a in accounts)),
            other_meters=tuple(sorted(others)),
        )
        for day, records, quantity, models, accounts, others in rows
    )


def describe_sources(
    connection: "duckdb.DuckDBPyConnection", files: Sequence[Path]
) -> tuple[SourceDay, ...]:
    """Return what staged files of many sources hold, by source and charge day."""
    if not files:
        return ()
    rows = connection.execute(
        "SELECT source, CAST(day AS VARCHAR), provider, billing_account, count(*)"
        f" FROM {usage_rows(files)} GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return tuple(SourceDay(*row) for row in rows)


def content_digests(
    connection: "duckdb.DuckDBPyConnection", files: Sequence[Path]
) -> dict[str, str]:
    """Return, per charge day, a digest of the records that is the same for any order of them."""
    if not files:
        return {}
    # What is null says nothing, whether or not its column is there.
    said = ", ".join(
        # By their places columns are named in half as much text, of which the digest is made.
        f"'{place}=' || \"{name}\"::VARCHAR"
        for place, name in enumerate(CONTENT_COLUMNS)
    )
    rows = connection.execute(
        f"""
        SELECT CAST(day AS VARCHAR), md5(concat_ws(' ', count(*), {_halves_added("content")}))
        FROM (
            SELECT day, md5_number(concat_ws(chr(31), {said})) AS content FROM {usage_rows(files)}
        ) GROUP BY day
        """
    ).fetchall()
    return dict(rows)


def _halves_added(number: str) -> str:
    # Numbers of 128 bits, added up without regard to their order and without overflow.
    low = f"{number} & {(1 << 64) - 1}::UHUGEINT"
    return f"sum(({number} >> 64)::UBIGINT), sum(({low})::UBIGINT)"
