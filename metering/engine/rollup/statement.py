"""What every engine is given to roll up: the one heavy statement and the tables beside it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from metering.engine.rollup.cells import COUNTS, Cuts, DayUsage, tag_column
from metering.usage.columns import CONDITION_COLUMNS, IDENTITY_COLUMNS, METER_COLUMNS

Batch = Sequence[tuple[DayUsage, Cuts]]

# Columns of the records that are columns of the cells.
_RECORD: Final = (
    *("ingestor", "provider", "platform", "billing_account", "product", "model_raw"),
    *CONDITION_COLUMNS,
)
_REPORTED: Final = ("reported_currency", "reported_kind")
KEPT: Final = (*_RECORD, *IDENTITY_COLUMNS, *_REPORTED)
SUMMED: Final = (*COUNTS, *METER_COLUMNS)

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def statement(batch: Batch, same: Mapping[str, str] = _NOTHING) -> str:
    """Return the roll-up of some days, whose tags and sessions are the same, in DuckDB's SQL.

    Args:
        batch: the days.
        same: columns among `KEPT` and `SUMMED` that have one value in all of their records, with
            that value as SQL; what is known need not be read, nor be compared record by record.
    """
    cuts = batch[0][1]
    text = _statement(cuts, same, other_meters=False)
    if any(usage.has_other_meters for usage, _ in batch):
        text = f"({text})\nUNION ALL\n({_statement(cuts, same, other_meters=True)})"
    return text


def files(batch: Batch) -> list[Path]:
    """Return the usage files of some days."""
    return [path for usage, _ in batch for path in usage.files]


def prompt_bounds(batch: Batch) -> list[tuple[str, str, str, list[int]]]:
    """Return the rows of `bounds`: provider, platform, model and the bounds of its tiers."""
    found = {key: value for _, cuts in batch for key, value in cuts.bounds.items() if value}
    return [(*key, list(bounds)) for key, bounds in found.items()]


def price_cuts(batch: Batch) -> list[tuple[str, str, date, list[datetime]]]:
    """Return the rows of `cuts`: provider, platform, day and the instants (UTC) inside it."""
    return [
        (*key, usage.day, [instant.replace(tzinfo=None) for instant in found])
        for usage, cuts in batch
        for key, found in cuts.instants.items()
        if found
    ]


def _statement(cuts: Cuts, same: Mapping[str, str], *, other_meters: bool) -> str:
    kept = ",\n    session" if cuts.sessions else ""
    kept += "".join(f",\n    tags['{escaped(tag)}'] AS {tag_column(tag)}" for tag in cuts.tags)
    if other_meters:
        measures = [
            *(f"CAST(NULL AS BIGINT) AS {name}" for name in ("records", *SUMMED)),
            "other.entry.key AS other_meter",
            "CAST(sum(other.entry.value) AS BIGINT) AS other_quantity",
        ]
        source = " CROSS JOIN UNNEST(map_entries(other_meters)) AS other(entry)"
    else:
        measures = [
            "count(*) AS records",
            *(f"CAST(sum({same.get(name, name)}) AS BIGINT) AS {name}" for name in SUMMED),
            "CAST(NULL AS VARCHAR) AS other_meter",
            "CAST(NULL AS BIGINT) AS other_quantity",
        ]
        source = ""
    return _template().format(
        record=_columns(_RECORD, same),
        identity=_columns(IDENTITY_COLUMNS, same) + kept,
        reported=_columns(_REPORTED, same),
        measures=",\n    ".join(measures),
        other_meters=source,
    )


def _columns(names: Sequence[str], same: Mapping[str, str]) -> str:
    return ", ".join(f"{same[name]} AS {name}" if name in same else name for name in names)


@cache
def _template() -> str:
    return (Path(__file__).parent / "rollup.sql").read_text(encoding="utf-8")


def escaped(text: str) -> str:
    """Return text as it stands inside the quotes of SQL."""
    return text.replace("'", "''")
