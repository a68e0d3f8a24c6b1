"""Outcomes netted: from what systems of record said to dated events with an owner.

The lake keeps every state that a source told. Here the latest state of each outcome stands, an
earlier one that it changed is taken back by an event of its own, and a reversal finds what it takes
back, whose team, project and keys it shares. Nothing depends on the order in which files came.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.engine.given import give_table
from metering.engine.owners import NO_OWNER, OwnerAnswers, Values, owner_joins
from metering.usage.columns import WORK_KEYS

if TYPE_CHECKING:
    import duckdb

REVERSED_TOO_EARLY: Final = "reversed-before-outcome"
REVERSAL_OF_UNKNOWN: Final = "reversal-of-unknown"
NO_TEAM: Final = "no-team"
UNKNOWN_TEAM: Final = "unknown-team"

ACCEPTED: Final = "('validated', 'settled')"
"""The stages at which a system of record agrees, as SQL."""

# The fields of attribution rules that outcomes fill, and their columns.
OWNER_FIELDS: Final = {
    "workflow_key": "workflow_key",
    **{f"tag:{name}": name for name in ("repository", "branch", "ticket", "trace", "session")},
    "tag:queue": "queue",
}

_TYPES: Final = {"int64": "BIGINT", "string": "VARCHAR", "timestamp[us, tz=UTC]": "TIMESTAMPTZ"}
# How often a revert may be reverted before we stop to follow it.
_LONGEST_CHAIN: Final = 20
# How many characters of a commit a reversal names: what GitLab puts in the branch of a revert.
_SHORT_HASH: Final = 8


@dataclass(frozen=True, slots=True)
class Problem:
    """Outcomes that count for nothing, or for nobody.

    Attributes:
        code: stable, kebab-case.
        ingestor: what read them.
        outcomes: how many.
        example: the id of the first.
    """

    code: str
    ingestor: str
    outcomes: int
    example: str


def open_outcomes(connection: "duckdb.DuckDBPyConnection", files: Sequence[Path]) -> None:
    """Net the outcomes of some files into the table `events`.

    A row is a change of one outcome's weight at one stage: `day` when it changed (UTC),
    `outcome_day` when the outcome it changes was reached, `original_id` which one that is,
    `is_followed` whether a later state takes it back, `problem` why it counts for nothing.
    """
    if files:
        listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in files)
        source = f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"
    else:
        from metering.usage.schema import OUTCOME_SCHEMA  # noqa: PLC0415 - Arrow, for this alone

        columns = ", ".join(
            f'NULL::{_TYPES[str(field.type)]} AS "{field.name}"' for field in OUTCOME_SCHEMA
        )
        source = f"(SELECT NULL::VARCHAR AS ingestor, NULL::VARCHAR AS system, {columns} LIMIT 0)"
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE states AS
        SELECT *, lead(true, 1, false) OVER told AS is_followed,
            lead(instant) OVER told AS next_instant,
            lead(weight_e4) OVER told AS next_weight_e4,
            lead(as_of) OVER told AS next_as_of
        FROM {source}
        WINDOW told AS (PARTITION BY system, outcome_id, stage ORDER BY as_of NULLS FIRST)
        """
    )
    # A state that its successor only describes otherwise is replaced; one whose weight or date
    # it changes is taken back on the day of the change.
    connection.execute(
        "DELETE FROM states"
        " WHERE is_followed AND next_instant = instant AND next_weight_e4 = weight_e4"
    )
    _find_originals(connection)
    shared = ", ".join(
        f"CASE WHEN o.outcome_id IS NULL THEN s.{name} ELSE o.{name} END AS {name}"
        for name in ("kind", "team", "project", "repository", "queue", *WORK_KEYS)
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE events AS
        WITH found AS (
            SELECT s.ingestor, s.system, s.outcome_id, s.reference, s.stage, {shared},
                s.assisted_by, s.weight_e4, s.is_followed, s.next_as_of, s.instant,
                coalesce(o.outcome_id, s.outcome_id) AS original_id,
                coalesce(o.instant, s.instant) AS reached,
                s.reversal_of IS NOT NULL AS is_reversal,
                CASE WHEN s.reversal_of IS NULL THEN NULL
                    WHEN o.outcome_id IS NULL THEN '{REVERSAL_OF_UNKNOWN}'
                    WHEN s.instant < o.instant THEN '{REVERSED_TOO_EARLY}' END AS problem
            FROM states s
            LEFT JOIN originals f
                ON f.system = s.system AND f.outcome_id = s.outcome_id AND f.stage = s.stage
            LEFT JOIN states o
                ON o.system = f.system AND o.outcome_id = f.original AND o.stage = f.stage
                AND NOT o.is_followed
        ), every AS (
            SELECT * EXCLUDE (next_as_of), CAST(instant AS DATE) AS day FROM found
            UNION ALL BY NAME
            SELECT * EXCLUDE (next_as_of)
                REPLACE (-weight_e4 AS weight_e4, true AS is_reversal),
                CAST(greatest(next_as_of, instant) AS DATE) AS day
            FROM found WHERE is_followed
        )
        SELECT row_number() OVER () AS event_no, * EXCLUDE (reached, instant),
            CAST(reached AS DATE) AS outcome_day
        FROM every WHERE weight_e4 <> 0
        """
    )


def _find_originals(connection: "duckdb.DuckDBPyConnection") -> None:
    """Make `originals`: each reversal, and the outcome at the end of what it takes back."""
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE originals AS
        WITH RECURSIVE names AS (
            SELECT system, stage, outcome_id AS name, outcome_id, reversal_of
            FROM states WHERE NOT is_followed
            UNION
            SELECT system, stage, reference, outcome_id, reversal_of
            FROM states WHERE NOT is_followed AND reference IS NOT NULL
            UNION
            SELECT system, stage, repository || '@' || left("commit", {_SHORT_HASH}), outcome_id,
                reversal_of
            FROM states WHERE NOT is_followed AND "commit" IS NOT NULL
        ), steps AS (
            SELECT s.system, s.stage, s.outcome_id, n.outcome_id AS original,
                n.reversal_of AS further, 1 AS depth
            FROM states s JOIN names n
                ON n.system = s.system AND n.stage = s.stage AND n.name = s.reversal_of
            WHERE s.reversal_of IS NOT NULL
            UNION
            SELECT t.system, t.stage, t.outcome_id, n.outcome_id, n.reversal_of, t.depth + 1
            FROM steps t JOIN names n
                ON n.system = t.system AND n.stage = t.stage AND n.name = t.further
            WHERE t.depth < {_LONGEST_CHAIN}
        )
        SELECT system, stage, outcome_id, arg_max(original, (depth, original)) AS original
        FROM steps GROUP BY ALL
        """
    )


def owner_values(connection: "duckdb.DuckDBPyConnection", fields: Sequence[str]) -> list[Values]:
    """Return the distinct values that events without both team and project hold in some fields."""
    if not fields:
        return [()]
    columns = ", ".join(f'"{OWNER_FIELDS[field]}"' for field in fields)
    return connection.execute(
        f"SELECT DISTINCT {columns} FROM events WHERE team IS NULL OR project IS NULL"
        " ORDER BY ALL NULLS FIRST"
    ).fetchall()


def own_outcomes(
    connection: "duckdb.DuckDBPyConnection",
    owners: Sequence[OwnerAnswers],
    names: Sequence[tuple[int, str, str]],
) -> None:
    """Give each event the team and project it is of: the table `outcomes`.

    Args:
        connection: with the table `events`.
        owners: the answers of the attribution rules over `OWNER_FIELDS`.
        names: (owner number, team, project).

    What the source says stands; the rules fill what it leaves out, and a project only where they
    name the same team. Both are "" where nobody knows.
    """
    fields = ", ".join(f'"{column}" AS "{field}"' for field, column in OWNER_FIELDS.items())
    joins, owner = owner_joins(connection, owners)
    give_table(
        connection,
        "outcome_owners",
        {"owner_no": "BIGINT", "owner_team": "VARCHAR", "owner_project": "VARCHAR"},
        names or [(NO_OWNER, "", "")],
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE outcomes AS
        WITH asked AS (
            SELECT event_no, outcome_day AS day, {fields} FROM events
        ), answered AS (
            SELECT event_no, {owner} AS owner_no FROM asked c {joins}
        ), numbered AS (
            SELECT *,
                -- What the source calls settled was validated before: one outcome, not two.
                stage = 'settled' AND bool_or(stage = 'validated') OVER same AS is_doubled
            FROM events WINDOW same AS (PARTITION BY system, outcome_id)
        )
        SELECT e.* EXCLUDE (event_no, team, project),
            coalesce(e.team, o.owner_team, '') AS team,
            coalesce(e.project,
                CASE WHEN e.team IS NULL OR e.team = o.owner_team THEN o.owner_project END, ''
            ) AS project
        FROM numbered e JOIN answered USING (event_no) LEFT JOIN outcome_owners o USING (owner_no)
        """
    )


def last_outcomes(connection: "duckdb.DuckDBPyConnection") -> dict[str, tuple[date, date, int]]:
    """Return per team that ever sent an outcome: the first day, the last, and how many."""
    rows = connection.execute(
        "SELECT team, min(day), max(day), count(*) FROM outcomes"
        " WHERE team <> '' AND weight_e4 > 0 GROUP BY team ORDER BY team"
    ).fetchall()
    return {team: (first, last, count) for team, first, last, count in rows}


def problems(
    connection: "duckdb.DuckDBPyConnection", known_teams: Sequence[str]
) -> tuple[Problem, ...]:
    """Return the outcomes that count for nothing or for nobody, by code and ingestor."""
    give_table(connection, "known_teams", {"team": "VARCHAR"}, [(team,) for team in known_teams])
    rows = connection.execute(
        f"""
        SELECT code, ingestor, count(*), min(outcome_id) FROM (
            SELECT problem AS code, ingestor, outcome_id FROM outcomes WHERE problem IS NOT NULL
            UNION ALL
            SELECT '{NO_TEAM}', ingestor, outcome_id FROM outcomes WHERE team = ''
            UNION ALL
            SELECT '{UNKNOWN_TEAM}', ingestor, outcome_id FROM outcomes
            WHERE team <> '' AND team NOT IN (SELECT team FROM known_teams)
        ) GROUP BY code, ingestor ORDER BY code, ingestor
        """
    ).fetchall()
    return tuple(Problem(*row) for row in rows)


def stages_told(
    connection: "duckdb.DuckDBPyConnection",
) -> list[tuple[str, str, str, str, date | None]]:
    """Return (team, project, kind, stage, last day) of everything that was ever reported.

    The last day is that of the last outcome that was no reversal.
    """
    return connection.execute(
        "SELECT team, project, kind, stage, max(day) FILTER (WHERE weight_e4 > 0)"
        " FROM outcomes GROUP BY team, project, kind, stage ORDER BY ALL"
    ).fetchall()


IS_SETTLED: Final = "is_accepted AND is_due AND (NOT is_reversal OR day <= settled_on)"
"""Of a row of `judged`: its weight counts as settled, as SQL."""


def judged(last_day: date) -> str:
    """Return the query of outcomes that count, each with whether it stood for its window.

    It reads `outcomes` and `settles`: (kind, days that an outcome must stand).

    Args:
        last_day: of the data.
    """
    return f"""
        SELECT *, stage IN {ACCEPTED} AS is_accepted,
            is_final OR settled_on <= DATE '{last_day}' AS is_due
        FROM (
            SELECT o.*, bool_or(stage = 'settled') OVER (PARTITION BY system, outcome_id)
                    AS is_final,
                outcome_day + s.days AS settled_on
            FROM outcomes o JOIN settles s USING (kind)
        ) WHERE problem IS NULL AND NOT is_doubled"""


def stage_sums(
    connection: "duckdb.DuckDBPyConnection",
    days: tuple[date, date],
    settles: Sequence[tuple[str, int]],
    last_day: date,
) -> list[tuple[str, str, str, int, int, int, int, int, int]]:
    """Return what was reached in a period, by team, project and kind.

    An outcome belongs to the day it was reached, and with it whatever takes it back later. It is
    settled when it has stood for its window by the last day, or when its source says so; what is
    taken back later stays settled.

    Args:
        connection: with the table `outcomes`.
        days: first and last day of the period, inclusive.
        settles: (kind, days that an outcome must stand).
        last_day: of the data.

    Returns:
        Rows of (team, project, kind, attempted, completed, validated, settled, settling,
        reversed), weights in ten-thousandths.
    """
    give_table(connection, "settles", {"kind": "VARCHAR", "days": "INTEGER"}, settles)
    first, last = days
    return connection.execute(
        f"""
        WITH judged AS ({judged(last_day)})
        SELECT team, project, kind,
            {_weight("stage = 'attempted'")}, {_weight("stage = 'completed'")},
            {_weight("is_accepted AND NOT is_reversal")},
            {_weight(IS_SETTLED)},
            {_weight("is_accepted AND NOT is_reversal AND NOT is_due")},
            {_weight("is_accepted AND is_reversal")}
        FROM judged WHERE outcome_day BETWEEN DATE '{first}' AND DATE '{last}'
        GROUP BY team, project, kind ORDER BY ALL
        """
    ).fetchall()


def first_reports(connection: "duckdb.DuckDBPyConnection") -> dict[tuple[str, str], date]:
    """Return by team and kind the first day on which such an outcome was ever reached."""
    rows = connection.execute(
        "SELECT team, kind, min(outcome_day) FROM outcomes GROUP BY team, kind ORDER BY ALL"
    ).fetchall()
    return {(team, kind): day for team, kind, day in rows}


def standing_by_day(
    connection: "duckdb.DuckDBPyConnection",
    days: tuple[date, date],
    settles: Sequence[tuple[str, int]],
) -> list[tuple[str, str, str, date, int]]:
    """Return what was validated in some days and still stands, by team, project, kind and day.

    What is taken back within the days that an outcome of its kind must stand is taken off, on the
    day it was reached; once those days are over the rest is settled.

    Args:
        connection: with the table `outcomes`.
        days: first and last day, inclusive.
        settles: (kind, days that an outcome must stand).

    Returns:
        Rows of (team, project, kind, day, weight in ten-thousandths).
    """
    give_table(connection, "settles", {"kind": "VARCHAR", "days": "INTEGER"}, settles)
    first, last = days
    return connection.execute(
        f"""
        SELECT team, project, kind, outcome_day, CAST(sum(weight_e4) AS BIGINT)
        FROM outcomes o JOIN settles s USING (kind)
        WHERE problem IS NULL AND NOT is_doubled AND stage IN {ACCEPTED} AND team <> ''
            AND outcome_day BETWEEN DATE '{first}' AND DATE '{last}'
            AND (NOT is_reversal OR day <= outcome_day + s.days)
        GROUP BY ALL ORDER BY ALL
        """
    ).fetchall()


def _weight(condition: str) -> str:
    return f"CAST(coalesce(sum(weight_e4) FILTER (WHERE {condition}), 0) AS BIGINT)"
