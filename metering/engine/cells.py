"""Roll usage records up into day cells.

A cell is one distinct combination of day, identity, model, conditions, rate segment and prompt
band, with summed meters. `CELL_KEYS` and `MEASURES` are its columns; the statement that makes it
is `rollup.sql`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.engine.given import give_table
from metering.usage.schema import CONDITION_COLUMNS, IDENTITY_COLUMNS, METER_COLUMNS

if TYPE_CHECKING:
    import duckdb

# Raised whenever the statement gives other cells for the same records, so that old ones rebuild.
VERSION: Final = 2

RATING_COLUMNS: Final = (
    "provider",
    "platform",
    "billing_account",
    "model_raw",
    *CONDITION_COLUMNS,
    "prompt_lo",
    "prompt_hi",
    "billed_currency",
)
COUNTS: Final = (
    "requests",
    "failed_requests",
    "distinct_prompts",
    "reasoning",
    "reported_nanos",
)
_DAYS_AT_ONCE_RECORDS: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class DayUsage:
    """The live usage of one charge day, as the roll-up needs to know it.

    Attributes:
        day: the charge day.
        files: absolute paths of its live usage files.
        contents: SHA-256 of each file; what the cells' recipe is made of.
        records: rows in all of them.
        models: distinct (provider, platform, model_raw).
        has_other_meters: some record has a meter beyond the token columns.
    """

    day: date
    files: tuple[Path, ...]
    contents: tuple[str, ...]
    records: int
    models: frozenset[tuple[str, str, str]]
    has_other_meters: bool


@dataclass(frozen=True, slots=True)
class Cuts:
    """Where cells must not add up: the price boundaries that matter to one day's usage.

    Attributes:
        instants: (provider, platform) to the instants strictly inside the day at which one of its
            prices changes, ascending.
        bounds: (provider, platform, model_raw) to the lower bounds of its prompt tiers, ascending.
        tags: names of the tags that some attribution rule reads, or that carry keys of outcomes,
            sorted.
        sessions: whether sessions are kept apart, since they are keys of outcomes.
    """

    instants: Mapping[tuple[str, str], tuple[datetime, ...]]
    bounds: Mapping[tuple[str, str, str], tuple[int, ...]]
    tags: tuple[str, ...]
    sessions: bool = False


def recipe(usage: DayUsage, cuts: Cuts) -> str:
    """Return the digest of everything a day's cells depend on, hexadecimal."""
    said = {
        "version": VERSION,
        "day": usage.day.isoformat(),
        "contents": sorted(usage.contents),
        "instants": sorted(
            (*key, [instant.isoformat() for instant in instants])
            for key, instants in cuts.instants.items()
            if instants
        ),
        "bounds": sorted((*key, list(bounds)) for key, bounds in cuts.bounds.items() if bounds),
        "tags": list(cuts.tags),
        **({"sessions": True} if cuts.sessions else {}),
    }
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def build_cells(
    connection: "duckdb.DuckDBPyConnection",
    days: Sequence[tuple[DayUsage, Cuts]],
    folder: Path,
) -> dict[date, Path]:
    """Write the cells of some days, a Parquet file each, and return where.

    Args:
        connection: from `open_duckdb`; its memory limit bounds what the roll-up takes.
        days: usage and cuts of each day; tags and sessions of all are the same.
        folder: a folder on the lake's file system; made when missing.

    Days are rolled up a few at a time, so that memory does not grow with the number of days.
    """
    folder.mkdir(parents=True, exist_ok=True)
    built: dict[date, Path] = {}
    for number, batch in enumerate(_batches(days)):
        target = folder / f"cells-{number}"
        _register(connection, batch)
        cuts = batch[0][1]
        statement = _statement(cuts, other_meters=False)
        if any(usage.has_other_meters for usage, _ in batch):
            statement += f"\nUNION ALL BY NAME\n({_statement(cuts, other_meters=True)})"
        connection.execute(
            f"COPY ({statement}) TO '{target}'"
            " (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, PARTITION_BY (day))"
        )
        for path in sorted(target.glob("day=*/*.parquet")):
            day = date.fromisoformat(path.parent.name.removeprefix("day="))
            if day in built:
                raise AssertionError(f"the engine wrote two cell files for {day}")
            built[day] = path
    return built


def cells_in(path: Path) -> int:
    """Return how many cells a file holds, from its footer."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - only for this

    return int(pq.read_metadata(path).num_rows)


def _batches(
    days: Sequence[tuple[DayUsage, Cuts]],
) -> list[list[tuple[DayUsage, Cuts]]]:
    batches: list[list[tuple[DayUsage, Cuts]]] = []
    records = 0
    for usage, cuts in days:
        if not batches or records + usage.records > _DAYS_AT_ONCE_RECORDS:
            batches.append([])
            records = 0
        batches[-1].append((usage, cuts))
        records += usage.records
    return batches


def _register(
    connection: "duckdb.DuckDBPyConnection", batch: Sequence[tuple[DayUsage, Cuts]]
) -> None:
    files = ", ".join(_quoted(path) for usage, _ in batch for path in usage.files)
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW usage AS FROM read_parquet([{files}],"
        " hive_partitioning = true, hive_types = {'day': DATE}, union_by_name = true)"
    )
    bounds = {key: value for _, cuts in batch for key, value in cuts.bounds.items() if value}
    give_table(
        connection,
        "bounds",
        {
            "provider": "VARCHAR",
            "platform": "VARCHAR",
            "model_raw": "VARCHAR",
            "bounds": "BIGINT[]",
        },
        [(*key, list(found)) for key, found in bounds.items()],
    )
    instants = [
        (*key, usage.day, [instant.replace(tzinfo=None) for instant in found])
        for usage, cuts in batch
        for key, found in cuts.instants.items()
        if found
    ]
    give_table(
        connection,
        "cuts",
        {"provider": "VARCHAR", "platform": "VARCHAR", "day": "DATE", "cuts": "TIMESTAMP[]"},
        instants,
    )


def _statement(cuts: Cuts, *, other_meters: bool) -> str:
    kept = ",\n    session" if cuts.sessions else ""
    kept += "".join(f",\n    tags['{_escaped(tag)}'] AS {tag_column(tag)}" for tag in cuts.tags)
    if other_meters:
        measures = [
            *(f"CAST(NULL AS BIGINT) AS {name}" for name in ("records", *COUNTS, *METER_COLUMNS)),
            "other.entry.key AS other_meter",
            "CAST(sum(other.entry.value) AS BIGINT) AS other_quantity",
        ]
        source = " CROSS JOIN UNNEST(map_entries(other_meters)) AS other(entry)"
    else:
        measures = [
            "count(*) AS records",
            *(f"CAST(sum({name}) AS BIGINT) AS {name}" for name in (*COUNTS, *METER_COLUMNS)),
            "CAST(NULL AS VARCHAR) AS other_meter",
            "CAST(NULL AS BIGINT) AS other_quantity",
        ]
        source = ""
    return _template().format(
        kept_columns=kept, measures=",\n    ".join(measures), other_meters=source
    )


@cache
def _template() -> str:
    return (Path(__file__).parent / "rollup.sql").read_text(encoding="utf-8")


def tag_column(tag: str) -> str:
    """Return the quoted name of a tag's column in the cells."""
    return '"tag:' + tag.replace('"', '""') + '"'


def identity_columns(tags: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of a cell that an attribution rule may look at, in order."""
    return (*IDENTITY_COLUMNS, *(f"tag:{tag}" for tag in tags))


def _escaped(text: str) -> str:
    return text.replace("'", "''")


def _quoted(path: Path) -> str:
    return "'" + _escaped(str(path)) + "'"
