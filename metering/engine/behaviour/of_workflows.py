"""Behaviour of the workflows of each project: a workflow is compared with its own past, too.

A workflow is what usage names and goes on using: a pipeline, an agent, a feature. A key that is
used for one task and never again is none. One that all of its project's money goes to is the
project, and one whose money could never be material is left to it.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from metering.engine.behaviour.summed import LAGS, Behaviour, summed_tables

if TYPE_CHECKING:
    import duckdb

_WHOLE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Recurring:
    """Which workflows are compared with their own past.

    Attributes:
        least_weeks: they were used in so many weeks.
        least_usd: they cost so much in all of them.
        least_share: and this share of all spend.
    """

    least_weeks: int
    least_usd: int
    least_share: Fraction


def sum_workflows(
    connection: "duckdb.DuckDBPyConnection", whole: Behaviour, recurring: Recurring
) -> Behaviour | None:
    """Sum the same tables with workflows for objects; None where there is no such workflow.

    The outcomes of a workflow are those under its key. Where none has ever been accepted under it,
    those of its project stand for them, and `has_outcomes` is false.

    Args:
        connection: of which `whole` was summed; its tables are those of workflows afterwards.
        whole: the projects.
        recurring: which workflows.
    """
    share = recurring.least_share
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE workflow_objects AS
        WITH spent AS (
            SELECT object AS of_object, workflow, sum(cost_usd) AS usd FROM used
            WHERE workflow IS NOT NULL GROUP BY ALL
            HAVING count(DISTINCT week) >= {recurring.least_weeks}
        ), of_projects AS (
            SELECT object AS of_object, sum(cost_usd) AS usd FROM used GROUP BY ALL
        ), known AS (
            SELECT DISTINCT object AS of_object, workflow_key AS workflow FROM reached
            WHERE weight > 0
        )
        SELECT CAST(row_number() OVER (ORDER BY team, project, workflow) - 1 AS INTEGER) AS object,
            s.of_object, team, project, workflow, k.workflow IS NOT NULL AS has_outcomes,
            function, headcount, start_date, attribution_window_days
        FROM spent s
        JOIN of_projects p USING (of_object)
        JOIN objects o ON o.object = s.of_object
        LEFT JOIN known k USING (of_object, workflow)
        WHERE s.usd < {_WHOLE} * p.usd AND s.usd >= {recurring.least_usd}
            AND s.usd * {share.denominator}
                >= {share.numerator} * (SELECT sum(usd) FROM of_projects)
        """
    )
    (found,) = connection.execute("SELECT count(*) FROM workflow_objects").fetchall()[0]
    if not found:
        return None
    # How long work takes is told by the keys of tasks, which are other keys than a workflow's.
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE project_lags AS
        SELECT w.object, lag, events FROM ({LAGS}) l
        JOIN workflow_objects w ON w.of_object = l.object
        """
    )
    for table, joined in (
        ("used", "w.workflow = t.workflow"),
        ("reached", "(NOT w.has_outcomes OR t.workflow_key = w.workflow)"),
    ):
        connection.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE of_workflows AS
            SELECT w.object, t.* EXCLUDE (object) FROM {table} t
            JOIN workflow_objects w ON w.of_object = t.object AND {joined}
            """
        )
        connection.execute(f"DROP TABLE {table}")
        connection.execute(f"ALTER TABLE of_workflows RENAME TO {table}")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE objects AS SELECT * EXCLUDE (of_object) FROM workflow_objects"
    )
    tables = summed_tables(connection, whole.first_day, whole.last_day)
    tables["lags"] = connection.sql("FROM project_lags ORDER BY ALL").to_arrow_table()
    # A workflow has one key and no parts; months of people are counted for the project alone.
    for name in ("keys", "workflows", "targets"):
        tables[name] = tables[name].slice(0, 0)
    return Behaviour(
        first_day=whole.first_day, last_day=whole.last_day, **tables, split=(), unknown_outcomes=0
    )
