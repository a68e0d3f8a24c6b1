"""Roll usage records up into day cells.

A cell is one distinct combination of day, identity, model, conditions, rate segment and prompt
band, with summed meters. The statement that makes it is `rollup.sql`; who runs it is a `RollUp`:
the embedded engine, or a company's own Spark.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final, Protocol

from metering.usage.columns import CONDITION_COLUMNS

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


class RollUp(Protocol):
    """Whoever runs the one heavy statement.

    Attributes:
        records_at_once: how many records it is given in one go, so that memory does not grow with
            the number of days; None for all.
    """

    records_at_once: int | None

    def write_cells(self, days: Sequence[tuple[DayUsage, Cuts]], folder: Path) -> None:
        """Write the cells of some days as `folder/day=YYYY-MM-DD/*.parquet`, a file each."""
        ...

    def cells_in(self, path: Path) -> int:
        """Return how many cells a file holds, from its footer."""
        ...


def build_cells(
    engine: RollUp, days: Sequence[tuple[DayUsage, Cuts]], folder: Path
) -> dict[date, Path]:
    """Write the cells of some days, a Parquet file each, and return where.

    Args:
        engine: runs the roll-up.
        days: usage and cuts of each day; tags and sessions of all are the same.
        folder: a folder on the lake's file system; made when missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    built: dict[date, Path] = {}
    for number, batch in enumerate(_batches(days, engine.records_at_once)):
        target = folder / f"cells-{number}"
        engine.write_cells(batch, target)
        for path in sorted(target.glob("day=*/*.parquet")):
            day = date.fromisoformat(path.parent.name.removeprefix("day="))
            if day in built:
                raise AssertionError(f"the engine wrote two cell files for {day}")
            built[day] = path
    return built


def _batches(
    days: Sequence[tuple[DayUsage, Cuts]], records_at_once: int | None
) -> list[list[tuple[DayUsage, Cuts]]]:
    batches: list[list[tuple[DayUsage, Cuts]]] = []
    records = 0
    for usage, cuts in days:
        is_full = records_at_once is not None and records + usage.records > records_at_once
        if not batches or is_full:
            batches.append([])
            records = 0
        batches[-1].append((usage, cuts))
        records += usage.records
    return batches


def tag_column(tag: str) -> str:
    """Return the quoted name of a tag's column in the cells."""
    return '"tag:' + tag.replace('"', '""') + '"'
