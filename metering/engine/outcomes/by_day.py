"""Outcomes added up by the day they were reached, for what one of them costs."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from metering.core.outcomes.stages import VENDOR_UNITS
from metering.engine.given import give_table
from metering.engine.outcomes.netting import IS_SETTLED, judged

if TYPE_CHECKING:
    import duckdb


class OutcomeDay(NamedTuple):
    """What was reached on one day by one project, of one kind; weights in ten-thousandths.

    Attributes:
        settled_e4: net weight that stood for its window; of a vendor's unit, what it counts.
        validated_e4: what a system of record confirmed, reversals apart.
        reversed_e4: of that, what was taken back, above zero.
    """

    team: str
    project: str
    kind: str
    day: date
    settled_e4: int
    validated_e4: int
    reversed_e4: int


def outcome_days(
    connection: "duckdb.DuckDBPyConnection", settles: Sequence[tuple[str, int]], last_day: date
) -> list[OutcomeDay]:
    """Return every day on which something was reached, by team, project, kind and day.

    Args:
        connection: with the table `outcomes`.
        settles: (kind, days that an outcome must stand).
        last_day: of the data.
    """
    give_table(connection, "settles", {"kind": "VARCHAR", "days": "INTEGER"}, settles)
    vendors = ", ".join(f"'{kind}'" for kind in sorted(VENDOR_UNITS))
    rows = connection.execute(
        f"""
        SELECT team, project, kind, outcome_day,
            {_sum(f"CASE WHEN kind IN ({vendors}) THEN true ELSE {IS_SETTLED} END")},
            {_sum("is_accepted AND NOT is_reversal")},
            -{_sum("is_accepted AND is_reversal")}
        FROM ({judged(last_day)}) GROUP BY ALL ORDER BY ALL
        """
    ).fetchall()
    return [OutcomeDay(*row) for row in rows]


def _sum(condition: str) -> str:
    return f"CAST(coalesce(sum(weight_e4) FILTER ({condition}), 0) AS BIGINT)"
