"""Outcomes one by one, with what became of each, and the feeds that they make up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from metering.core.outcomes.feeds import FeedState
from metering.core.outcomes.stages import VENDOR_UNITS
from metering.engine.given import give_table
from metering.engine.outcomes.netting import (
    ACCEPTED,
    NO_TEAM,
    REVERSAL_OF_UNKNOWN,
    REVERSED_TOO_EARLY,
    UNKNOWN_TEAM,
)

if TYPE_CHECKING:
    import duckdb

STATUSES: Final = (
    "settled",  # it stood for its window, or its source says so
    "settling",  # it has still to stand for a while
    "reversed",  # it was taken back, by a row of its own
    "reversal",  # it takes another back
    "told",  # attempted or completed: the agent's own word
    "activity",  # what a vendor counts: beside outcomes, in no sum with them
    "doubled",  # told a second time as settled
    NO_TEAM,
    UNKNOWN_TEAM,
    REVERSED_TOO_EARLY,
    REVERSAL_OF_UNKNOWN,
)
"""What may have become of an outcome."""

COLUMNS: Final = (
    *("day", "system", "outcome_id", "reference", "kind", "stage", "weight_e4", "team", "project"),
    *("status", "workflow_key", "repository", "branch", "ticket", "trace", "session"),
    *("assisted_by", "ingestor"),
)
"""What is told of an outcome; weights in ten-thousandths."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which outcomes are asked for.

    Attributes:
        first, last: days between which they changed, inclusive; None: whenever.
        equal: value by column, kind, team, project, stage or status; others are not looked at.
        limit: how many at most, the latest first.
    """

    first: date | None = None
    last: date | None = None
    equal: Mapping[str, str] | None = None
    limit: int = 100


def list_outcomes(
    connection: "duckdb.DuckDBPyConnection",
    wanted: Wanted,
    settles: Sequence[tuple[str, int]],
    last_day: date,
    known_teams: Sequence[str],
) -> tuple[list[tuple[object, ...]], int]:
    """Return outcomes as COLUMNS, the latest first, and how many there are without the limit.

    Args:
        connection: with the table `outcomes`.
        wanted: which.
        settles: (kind, days that an outcome must stand).
        last_day: of the data.
        known_teams: those that rules or a directory name.
    """
    give_table(connection, "settles", {"kind": "VARCHAR", "days": "INTEGER"}, settles)
    give_table(connection, "known_teams", {"team": "VARCHAR"}, [(team,) for team in known_teams])
    units = ", ".join(f"'{kind}'" for kind in sorted(VENDOR_UNITS))
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW told AS
        SELECT * REPLACE (CAST(day AS VARCHAR) AS day),
            CASE WHEN problem IS NOT NULL THEN problem
                WHEN is_doubled THEN 'doubled'
                WHEN is_reversal THEN 'reversal'
                WHEN is_followed OR sum(weight_e4) FILTER (WHERE problem IS NULL) OVER same <= 0
                    THEN 'reversed'
                WHEN team = '' THEN '{NO_TEAM}'
                WHEN team NOT IN (SELECT team FROM known_teams) THEN '{UNKNOWN_TEAM}'
                WHEN kind IN ({units}) THEN 'activity'
                WHEN stage NOT IN {ACCEPTED} THEN 'told'
                WHEN stage = 'settled' OR outcome_day + days <= DATE '{last_day}' THEN 'settled'
                ELSE 'settling' END AS status
        FROM outcomes LEFT JOIN settles USING (kind)
        WINDOW same AS (PARTITION BY system, original_id, stage)
        """
    )
    conditions = ["true"]
    given: list[str | date] = []
    for column, value in (wanted.equal or {}).items():
        conditions.append(f'"{column}" = ?')
        given.append(value)
    for bound, day in ((">=", wanted.first), ("<=", wanted.last)):
        if day is not None:
            conditions.append(f"CAST(day AS DATE) {bound} ?")
            given.append(day)
    where = " AND ".join(conditions)
    ((count,),) = connection.execute(f"SELECT count(*) FROM told WHERE {where}", given).fetchall()
    columns = ", ".join(f'"{name}"' for name in COLUMNS)
    rows = connection.execute(
        f"SELECT {columns} FROM told WHERE {where}"
        f" ORDER BY day DESC, system, outcome_id, stage, weight_e4 LIMIT {wanted.limit}",
        given,
    ).fetchall()
    return rows, count


def feed_states(connection: "duckdb.DuckDBPyConnection", last_day: date) -> list[FeedState]:
    """Return what each system sent of each team, sorted by both.

    Args:
        connection: with the table `outcomes`.
        last_day: of the data; a pause is counted up to it.
    """
    rows = connection.execute(
        """
        WITH days AS (
            SELECT team, system, day, count(*) AS outcomes FROM outcomes
            WHERE weight_e4 > 0 AND NOT is_reversal GROUP BY team, system, day
        ), paused AS (
            SELECT *, day - lag(day) OVER (PARTITION BY team, system ORDER BY day) AS pause
            FROM days
        ), kinds AS (
            SELECT team, system, list_sort(list(DISTINCT kind)) AS kinds FROM outcomes
            GROUP BY team, system
        )
        SELECT team, system, kinds, min(day), max(day), CAST(sum(outcomes) AS BIGINT), max(pause)
        FROM paused JOIN kinds USING (team, system) GROUP BY ALL ORDER BY team, system
        """
    ).fetchall()
    return [
        FeedState(
            team, system, tuple(kinds), first, last, count, longest, max((last_day - last).days, 0)
        )
        for team, system, kinds, first, last, count, longest in rows
    ]
