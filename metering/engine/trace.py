"""From the ledger back to usage records: which ones lie behind an amount."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from metering.engine.charging.charges import BILLED
from metering.engine.given import give_table
from metering.usage.columns import CONDITION_COLUMNS, METER_COLUMNS, line_and_record
from metering.usage.rows import placed_rows

if TYPE_CHECKING:
    import duckdb

TOKENS: Final = "tokens"
"""Asked for instead of a meter: whatever tokens a record counts, all of its meters together."""

# What a bill states is its only meter, as in `charges`.
_HAS: Final = (
    f"(list_contains(t.meters, $meter) OR $meter = '{TOKENS}' AND len(t.meters) > 0"
    f" OR $meter = '{BILLED}' AND t.reported_kind = 'billed' AND t.reported_nanos <> 0)"
)
USED_FOR: Final = ("provider", "platform", "billing_account", "product", "model_raw")


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """A kind of usage, as the basis of a charge names it.

    Attributes:
        day: ISO charge day.
        provider, platform, billing_account, product: as in the records.
        model_raw: "" for records whose source does not say.
    """

    day: str
    provider: str
    platform: str
    billing_account: str
    product: str
    model_raw: str


class Example(NamedTuple):
    """A usage record, as where it stands.

    Attributes:
        file: of the lake.
        source: SHA-256 of its source, where the lake file holds the records of many; else None.
        line, record: in its source; `record` is None for the only one on its line.
        quantity: of the meter that was asked for; nanos where it is a bill's.
    """

    file: str
    source: str | None
    line: int
    record: int | None
    quantity: int


def kinds_in(connection: "duckdb.DuckDBPyConnection", files: Sequence[Path]) -> list[Kind]:
    """Return every kind of usage in some lake files, sorted."""
    columns = ", ".join(("day", *(f"coalesce({name}, '')" for name in USED_FOR)))
    found = connection.execute(
        f"SELECT DISTINCT {columns} FROM {_read(files)} ORDER BY ALL"
    ).fetchall()
    return [Kind(*row) for row in found]


def open_usage(
    connection: "duckdb.DuckDBPyConnection", files: Sequence[Path], kinds: Sequence[Kind]
) -> None:
    """Make `traced` the records of some kinds of usage in some lake files."""
    give_table(
        connection,
        "kinds",
        dict.fromkeys(("day", *USED_FOR), "VARCHAR"),
        [(kind.day, *(getattr(kind, name) for name in USED_FOR)) for kind in kinds],
    )
    matches = " AND ".join(f"coalesce(u.{name}, '') = k.{name}" for name in USED_FOR)
    meters = ", ".join(f"CASE WHEN {name} <> 0 THEN '{name}' END" for name in METER_COLUMNS)
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW traced AS
        SELECT u.*, list_concat(
            list_filter([{meters}], lambda m: m IS NOT NULL),
            coalesce(map_keys(other_meters), [])
        ) AS meters
        FROM {_read(files)} u
        SEMI JOIN kinds k ON u.day = k.day AND {matches}
        """
    )


def kinds_of_records(connection: "duckdb.DuckDBPyConnection") -> list[tuple[Any, ...]]:
    """Return the traced records counted: (day, *USED_FOR, *CONDITION_COLUMNS, meters, count)."""
    columns = ", ".join(
        ("day", *(f"coalesce({name}, '') AS {name}" for name in USED_FOR), *CONDITION_COLUMNS)
    )
    return connection.execute(
        f"SELECT {columns}, meters, count(*) FROM traced GROUP BY ALL ORDER BY ALL"
    ).fetchall()


def identities(
    connection: "duckdb.DuckDBPyConnection", fields: Sequence[str], meter: str
) -> list[tuple[str | None, ...]]:
    """Return the distinct identities of the traced records that have a meter.

    Args:
        connection: with `traced`.
        fields: columns, or tags as "tag:NAME".
        meter: the meter, or TOKENS.
    """
    columns = ", ".join(_column(field) for field in fields)
    return connection.execute(
        f"SELECT DISTINCT {columns} FROM traced t WHERE {_HAS} ORDER BY ALL",
        {"meter": meter},
    ).fetchall()


def quantity_of(connection: "duckdb.DuckDBPyConnection", meter: str) -> int:
    """Return how much of a meter all traced records hold."""
    found = connection.execute(
        f"SELECT coalesce(CAST(sum({_quantity(meter)}) AS BIGINT), 0) FROM traced t"
    ).fetchall()
    return int(found[0][0])


def examples(
    connection: "duckdb.DuckDBPyConnection",
    fields: Sequence[str],
    wanted: Sequence[tuple[str | None, ...]],
    meter: str,
    limit: int,
) -> tuple[int, int, list[Example]]:
    """Return how many traced records have a meter and one of some identities, and the largest.

    Args:
        connection: with `traced`.
        fields: columns, or tags as "tag:NAME".
        wanted: identities: values of those fields.
        meter: the meter.
        limit: how many examples.

    Returns:
        Records, their quantity, and the largest.
    """
    give_table(
        connection, "wanted", {f"f{place}": "VARCHAR" for place in range(len(fields))}, wanted
    )
    same = " AND ".join(
        f"{_column(field)} IS NOT DISTINCT FROM f{place}" for place, field in enumerate(fields)
    )
    quantity = _quantity(meter)
    found = f"FROM traced t SEMI JOIN wanted ON {same} WHERE {_HAS}"
    bound = {"meter": meter}
    count, total = connection.execute(
        f"SELECT count(*), coalesce(CAST(sum({quantity}) AS BIGINT), 0) {found}", bound
    ).fetchall()[0]
    rows = connection.execute(
        f"SELECT filename, source, row_no, {quantity} {found}"
        f" ORDER BY {quantity} DESC, filename, source, row_no LIMIT {limit:d}",
        bound,
    ).fetchall()
    examples = [
        Example(file, source, *line_and_record(row_no), held) for file, source, row_no, held in rows
    ]
    return int(count), int(total), examples


def _read(files: Sequence[Path]) -> str:
    return f"(SELECT * REPLACE (CAST(day AS VARCHAR) AS day) FROM {placed_rows(files)})"


def _quantity(meter: str) -> str:
    if meter == TOKENS:
        return " + ".join(f"coalesce(t.{name}, 0)" for name in METER_COLUMNS)
    if meter == BILLED:
        return "t.reported_nanos"
    if meter in METER_COLUMNS:
        return f"t.{meter}"
    return f"t.other_meters['{meter.replace(chr(39), chr(39) * 2)}']"


def _column(field: str) -> str:
    if field.startswith("tag:"):
        return "tags['" + field.removeprefix("tag:").replace("'", "''") + "']"
    return f'"{field}"'
