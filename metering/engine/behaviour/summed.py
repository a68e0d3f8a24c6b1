"""Behaviour: usage and outcomes summed to what the detectors of `analysis` look at.

Row by row nothing is decided here. A person's name is grouped by and never leaves: out come counts
of people, the shares of the largest, and weeks of people under numbers that mean nothing. Whole
numbers and exact decimals are summed, so that neither the order of rows nor how they were split
changes a figure.

The tables it is summed from are those of `of_folder`; a ledger can give the same ones.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from metering.engine.behaviour.of_folder import AT_FIRST_PRICES, COUNTS
from metering.engine.outcomes.spend import split_spend

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# A key that lives longer than this is a pipeline's: its outcomes do not tell how long work takes.
_LONGEST_TASK_DAYS: Final = 30
_LONGEST_LAG_DAYS: Final = 120


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What is known of each cost object, as Arrow tables; every table is sorted by its keys.

    Attributes:
        first_day: the first day with usage; `day` counts from it.
        last_day: the last day with usage.
        objects: object (0, 1, …), team, project, function, headcount, start_date,
            attribution_window_days; sorted by team and project. Where an object is one workflow of
            a project (`behaviour_workflows`): workflow, and has_outcomes, too.
        cells: object, day, provider, model, the counts of usage (null where the source does not
            count), cost_usd, and at the first prices constant_usd and USD by class of token (null
            where prices come as a table).
        outcomes: object, day, net (weight, reversals taken off), accepted (weight), events,
            squares (of weights), reversals (events), reversed (weight).
        lags: object, lag (days from the last usage of a task's key to its outcome), events.
        people: object, week (0 is the last, ends on the last day), people, top_share,
            top_five_share, concentration (Herfindahl).
        persons: object, person, week, provider, model, usd; a person is a number here, given in the
            order of their weeks' amounts, so that neither a name nor a rank can be told from it.
        keys: object, week in which a key was last used, keys, lost_keys (without an accepted
            outcome so far), usd, lost_usd.
        targets: object, above, below: months of people just above and just below the round amount
            of USD that gathers most; within five per cent.
        workflows: object, workflow, week, usd; of those that were used in four weeks or more.
        prices: provider, model, day (may be negative), four prices in USD per million tokens.
        events: first, last (day, null when open), kind, scope, detail.
        split: team, project, bucket, usd (exact): which outcomes answer for the spend.
        unknown_outcomes: outcomes of objects that have no usage; they are counted and left out.
    """

    first_day: date
    last_day: date
    objects: "pa.Table"
    cells: "pa.Table"
    outcomes: "pa.Table"
    lags: "pa.Table"
    people: "pa.Table"
    persons: "pa.Table"
    keys: "pa.Table"
    targets: "pa.Table"
    workflows: "pa.Table"
    prices: "pa.Table"
    events: "pa.Table"
    split: tuple[tuple[str, str, str, Decimal], ...]
    unknown_outcomes: int


def sum_behaviour(
    connection: "duckdb.DuckDBPyConnection",
    first: date,
    last: date,
    *,
    default_window_days: int,
    workflow: str = "workflow_key",
) -> Behaviour:
    """Sum the tables of a folder, or of a ledger in the same shape.

    Args:
        connection: with the tables of `of_folder`.
        first: the first day with usage.
        last: the last one; outcomes after it are left out.
        default_window_days: the attribution window of a project that declares none.
        workflow: the column of `usage` that names the workflow.
    """
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE objects AS
        SELECT CAST(row_number() OVER (ORDER BY team, project) - 1 AS INTEGER) AS object,
            team, project, coalesce(p.function, '') AS function, p.headcount, p.start_date,
            CAST(coalesce(p.attribution_window_days, {default_window_days}) AS INTEGER)
                AS attribution_window_days
        FROM (SELECT DISTINCT team, project FROM usage) LEFT JOIN projects p USING (team, project)
        """
    )
    since = f"CAST(CAST(day AS DATE) - DATE '{first}' AS INTEGER)"
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE used AS
        SELECT object, {since} AS day, CAST((DATE '{last}' - day) // 7 AS INTEGER) AS week,
            coalesce(provider, '') AS provider, model, "user" AS person, workflow_key,
            {workflow} AS workflow,
            {", ".join((*COUNTS, "cost_usd", *AT_FIRST_PRICES))}
        FROM (SELECT date AS day, * EXCLUDE (date) FROM usage) JOIN objects USING (team, project)
        """
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE reached AS
        SELECT object, {since} AS day, workflow_key, weight
        FROM (SELECT CAST("timestamp" AS DATE) AS day, * FROM outcomes)
        JOIN objects USING (team, project)
        WHERE day BETWEEN DATE '{first}' AND DATE '{last}'
        """
    )
    unknown = connection.execute(
        "SELECT count(*) FROM outcomes ANTI JOIN objects USING (team, project)"
    ).fetchall()
    split = _split(connection, last)
    return Behaviour(
        first_day=first,
        last_day=last,
        **summed_tables(connection, first, last),
        split=split,
        unknown_outcomes=int(unknown[0][0]),
    )


def summed_tables(
    connection: "duckdb.DuckDBPyConnection", first: date, last: date
) -> "dict[str, pa.Table]":
    """Return the tables of a `Behaviour` by name.

    Args:
        connection: with `objects`, `used` and `reached`, in which an object is whatever is compared
            with its own past.
        first: the first day with usage.
        last: the last one.
    """
    queries = {
        "objects": "FROM objects ORDER BY object",
        "cells": _CELLS,
        "outcomes": _OUTCOMES,
        "lags": LAGS,
        "people": _PEOPLE,
        "persons": _PERSONS,
        "keys": _KEYS.format(last=(last - first).days),
        "targets": _TARGETS.format(first=first),
        "workflows": _WORKFLOWS,
        "prices": _PRICES.format(first=first),
        "events": _EVENTS.format(first=first),
    }
    return {name: connection.sql(query).to_arrow_table() for name, query in queries.items()}


def _split(
    connection: "duckdb.DuckDBPyConnection", last: date
) -> tuple[tuple[str, str, str, Decimal], ...]:
    """Return which outcomes answer for the spend, exact to the last digit of the source."""
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE spend AS
        SELECT date AS day, team, project, 'USD' AS currency, workflow_key,
            CAST(sum(cost_usd) AS DECIMAL(38, 12)) AS amount_nanos
        FROM usage GROUP BY ALL
        """
    )
    # `split_spend` reads the table `outcomes` of the ledger; what was read is kept beside it.
    connection.execute("ALTER TABLE outcomes RENAME TO outcomes_read")
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE outcomes AS
        SELECT CAST("timestamp" AS DATE) AS day, team, project, workflow_key,
            CAST(weight * 10000 AS BIGINT) AS weight_e4, 'validated' AS stage,
            NULL::VARCHAR AS problem, false AS is_doubled
        FROM outcomes_read
        """
    )
    windows = connection.execute(
        "SELECT team, project, attribution_window_days FROM objects ORDER BY object"
    ).fetchall()
    split_spend(connection, ["workflow_key"], windows, last)
    return tuple(
        connection.execute(
            "SELECT team, project, bucket, CAST(amount_nanos AS DECIMAL(38, 12))"
            " FROM answered ORDER BY ALL"
        ).fetchall()
    )


_CELLS: Final = f"""
    SELECT object, day, provider, model,
        {", ".join(f"CAST(sum({name}) AS BIGINT) AS {name}" for name in COUNTS)},
        {", ".join(f"CAST(sum({n}) AS DOUBLE) AS {n}" for n in ("cost_usd", *AT_FIRST_PRICES))}
    FROM used GROUP BY ALL ORDER BY object, day, provider, model
"""

_OUTCOMES: Final = """
    SELECT object, day, CAST(sum(weight) AS DOUBLE) AS net,
        CAST(coalesce(sum(weight) FILTER (weight > 0), 0) AS DOUBLE) AS accepted,
        count(*) FILTER (weight > 0) AS events,
        CAST(coalesce(sum(weight * weight) FILTER (weight > 0), 0) AS DOUBLE) AS squares,
        count(*) FILTER (weight < 0) AS reversals,
        CAST(coalesce(-sum(weight) FILTER (weight < 0), 0) AS DOUBLE) AS reversed
    FROM reached GROUP BY ALL ORDER BY object, day
"""

LAGS: Final = f"""
    WITH tasks AS (
        SELECT object, workflow_key, min(day) AS first, max(day) AS last FROM used
        WHERE workflow_key IS NOT NULL GROUP BY ALL HAVING last - first <= {_LONGEST_TASK_DAYS}
    )
    SELECT object, greatest(0, o.day - t.last) AS lag, count(*) AS events
    FROM reached o JOIN tasks t USING (object, workflow_key)
    WHERE weight > 0 AND o.day BETWEEN t.first AND t.last + {_LONGEST_LAG_DAYS}
    GROUP BY ALL ORDER BY object, lag
"""
"""How long the tasks of each object took, from their keys: object, lag, events."""

_PEOPLE: Final = """
    WITH spent AS (
        SELECT object, week, person, sum(cost_usd) AS usd FROM used
        WHERE person IS NOT NULL GROUP BY ALL
    ), ranked AS (
        SELECT *, row_number() OVER (PARTITION BY object, week ORDER BY usd DESC) AS place
        FROM spent
    ), summed AS (
        SELECT object, week, count(*) AS people, CAST(sum(usd) AS DOUBLE) AS usd,
            CAST(max(usd) AS DOUBLE) AS top,
            CAST(coalesce(sum(usd) FILTER (place <= 5), 0) AS DOUBLE) AS top_five,
            CAST(sum(usd * CAST(usd AS DOUBLE) ORDER BY place) AS DOUBLE) AS squares
        FROM ranked GROUP BY ALL
    )
    SELECT object, week, people, top / nullif(usd, 0) AS top_share,
        top_five / nullif(usd, 0) AS top_five_share,
        squares / nullif(usd * usd, 0) AS concentration
    FROM summed ORDER BY object, week
"""

_PERSONS: Final = """
    WITH spent AS (
        SELECT object, person AS name, week, provider, model, CAST(sum(cost_usd) AS DOUBLE) AS usd
        FROM used WHERE person IS NOT NULL GROUP BY ALL
    ), numbered AS (
        SELECT object, name,
            row_number() OVER (
                ORDER BY object, list({'week': week, 'usd': usd} ORDER BY week, usd)
            ) - 1 AS person
        FROM spent GROUP BY object, name
    )
    SELECT object, person, week, provider, model, usd
    FROM spent JOIN numbered USING (object, name) ORDER BY person, week, provider, model
"""

_KEYS: Final = """
    WITH tasks AS (
        SELECT object, workflow_key, max(day) AS last, sum(cost_usd) AS usd FROM used
        WHERE workflow_key IS NOT NULL GROUP BY ALL
    ), won AS (
        SELECT object, workflow_key, sum(weight) > 0 AS is_won FROM reached
        WHERE workflow_key IS NOT NULL GROUP BY ALL
    )
    SELECT object, CAST(({last} - last) // 7 AS INTEGER) AS week, count(*) AS keys,
        count(*) FILTER (NOT coalesce(is_won, false)) AS lost_keys,
        CAST(sum(usd) AS DOUBLE) AS usd,
        CAST(coalesce(sum(usd) FILTER (NOT coalesce(is_won, false)), 0) AS DOUBLE) AS lost_usd
    FROM tasks LEFT JOIN won USING (object, workflow_key) GROUP BY ALL ORDER BY object, week
"""

# Only counts of months leave; whose they are does not.
_TARGETS: Final = """
    WITH months AS (
        SELECT object, person, date_trunc('month', DATE '{first}' + day) AS month,
            CAST(sum(cost_usd) AS DOUBLE) AS usd
        FROM used WHERE person IS NOT NULL GROUP BY ALL
    ), targets AS (
        SELECT unnest([10, 20, 25, 50, 100, 150, 200, 250, 500, 750, 1000, 1500, 2000, 5000])
            AS target
    ), counted AS (
        SELECT object, target, count(*) FILTER (usd >= target) AS above,
            count(*) FILTER (usd < target) AS below
        FROM months JOIN targets ON usd >= 0.95 * target AND usd < 1.05 * target GROUP BY ALL
    )
    SELECT object, above, below FROM counted
    QUALIFY row_number() OVER (PARTITION BY object ORDER BY above - below DESC, target) = 1
    ORDER BY object
"""

_WORKFLOWS: Final = """
    WITH weekly AS (
        SELECT object, workflow, week, CAST(sum(cost_usd) AS DOUBLE) AS usd FROM used
        WHERE workflow IS NOT NULL GROUP BY ALL
    )
    SELECT * FROM weekly
    QUALIFY count(*) OVER (PARTITION BY object, workflow) >= 4
    ORDER BY object, workflow, week
"""

_PRICES: Final = """
    SELECT coalesce(provider, '') AS provider, model,
        CAST(effective_from - DATE '{first}' AS INTEGER) AS day,
        CAST(input_per_mtok AS DOUBLE) AS input_tokens,
        CAST(cached_input_per_mtok AS DOUBLE) AS cached_input_tokens,
        CAST(cache_write_per_mtok AS DOUBLE) AS cache_write_tokens,
        CAST(output_per_mtok AS DOUBLE) AS output_tokens
    FROM prices ORDER BY provider, model, day
"""

_EVENTS: Final = """
    SELECT CAST(start_date - DATE '{first}' AS INTEGER) AS first,
        CAST(end_date - DATE '{first}' AS INTEGER) AS last,
        kind, coalesce(scope, 'all') AS scope, coalesce(detail, '') AS detail
    FROM events ORDER BY ALL
"""
