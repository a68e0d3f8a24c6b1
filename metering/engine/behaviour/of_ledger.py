"""A ledger's own usage and outcomes, as the tables that behaviour is summed from.

The cells have been opened, owned and rated (`charging.charges`), the outcomes netted and owned
(`outcomes.netting`); here both get the shape of `of_folder`. What cells do not count (sessions,
hours of the day) is null, and whatever would need it says that it is not measured.
Amounts are quantities times rates in whole picos, so that no order of rows changes them; the book
rounds once a posting, which no detector could see. A ledger has many prices for one model (batch,
tiers, regions), so that there is no table of them: beside what was paid stands what the same
quantity would have cost at the first rate of its own conditions and meter.
"""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Final

from metering.core.ownership.stand_ins import PREFIX as STAND_IN
from metering.engine.behaviour.of_folder import AT_FIRST_PRICES, COUNTS, EMPTY_TABLES
from metering.engine.given import give_table
from metering.engine.outcomes.netting import ACCEPTED
from metering.engine.owners import OwnerAnswers, owner_joins

if TYPE_CHECKING:
    import duckdb

_TOKENS: Final = {
    "input_tokens": "m.meter LIKE 'input%uncached'",
    "cached_input_tokens": "m.meter LIKE 'cache_read%'",
    "cache_write_tokens": "m.meter LIKE 'cache_write%'",
    "output_tokens": "m.meter LIKE 'output%'",
}
_COUNTED: Final = ("requests", "failed_requests", "distinct_prompts")
KEPT: Final = ("principal", "workflow_key")
"""Columns of the cells that the engine's table `lines` has to keep for this, beside workflows."""

_WEIGHT_UNIT: Final = 10_000
_PICOS_IN_NANO: Final = 1_000


def open_ledger(
    connection: "duckdb.DuckDBPyConnection",
    owners: Sequence[OwnerAnswers],
    objects: Sequence[tuple[int, str, str]],
    windows: Sequence[tuple[str, str, int]],
    events: Sequence[tuple[date, date | None, str, str, str]] = (),
    workflows: Sequence[str] = ("workflow_key",),
) -> tuple[date, date] | None:
    """Make `usage`, `outcomes`, `projects`, `prices` and `events` of what is open.

    Args:
        connection: with cells, `lines` that keep `KEPT` and `workflows`, `bases`, and `outcomes`
            with owners.
        owners: the answers of the attribution rules, for what lines do not have.
        objects: (owner number, team, project) of every owner.
        windows: (team, project, days in which an outcome answers for usage).
        events: (first day, last day, kind, scope, detail) of the company's calendar.
        workflows: columns of cells that name the workflow; the first that says something tells.

    Returns:
        The first and the last day with usage that somebody owns; None when there is none.
    """
    give_table(
        connection,
        "objects_of",
        {"owner_no": "BIGINT", "team": "VARCHAR", "project": "VARCHAR"},
        objects,
    )
    _make_usage(connection, owners, workflows)
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE reached_outcomes AS
        SELECT CAST(day AS TIMESTAMPTZ) AS "timestamp", kind, team, project, workflow_key,
            CAST(weight_e4 / {_WEIGHT_UNIT} AS DECIMAL(18, 4)) AS weight
        FROM outcomes WHERE problem IS NULL AND NOT is_doubled AND stage IN {ACCEPTED}
            AND team <> '' AND project <> ''
        """
    )
    connection.execute("CREATE OR REPLACE TEMP TABLE outcomes AS FROM reached_outcomes")
    give_table(
        connection,
        "windows",
        {"team": "VARCHAR", "project": "VARCHAR", "days": "BIGINT"},
        windows,
    )
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE projects AS
        SELECT team, project, NULL::VARCHAR AS function, NULL::BIGINT AS headcount,
            NULL::DATE AS start_date, days AS attribution_window_days FROM windows
        """
    )
    connection.execute(EMPTY_TABLES["prices"])
    give_table(
        connection,
        "events",
        {
            "start_date": "DATE",
            "end_date": "DATE",
            "kind": "VARCHAR",
            "scope": "VARCHAR",
            "detail": "VARCHAR",
        },
        events,
    )
    (first, last) = connection.execute("SELECT min(date), max(date) FROM usage").fetchall()[0]
    return None if first is None else (first, last)


def _make_usage(
    connection: "duckdb.DuckDBPyConnection",
    owners: Sequence[OwnerAnswers],
    workflows: Sequence[str],
) -> None:
    in_lines, in_cells = (_named(table, workflows) for table in ("m", "c"))
    tokens = ", ".join(
        f"CAST(coalesce(sum(m.quantity) FILTER ({condition}), 0) AS BIGINT) AS {name}"
        for name, condition in _TOKENS.items()
    )
    at_first = dict(zip(AT_FIRST_PRICES, ("true", *_TOKENS.values()), strict=True))
    first_amount = _picos("f.price", "f.per")
    constant = ", ".join(
        _exact(f"coalesce(sum({first_amount}) FILTER ({condition}), 0)") + f" AS {name}"
        for name, condition in at_first.items()
    )
    # A key is a model under its conditions; its rate of a meter changes with the cards alone.
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE first_rates AS
        SELECT m.key_no, m.meter, arg_min(b.price, (m.day, b.basis_no)) AS price,
            arg_min(b.per, (m.day, b.basis_no)) AS per
        FROM lines m
        JOIN basis_of o USING (key_no, product, ingestor, meter, decision_no)
        JOIN bases b USING (basis_no)
        WHERE b.has_rate GROUP BY ALL
        """
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE spent AS
        SELECT m.day, k.provider, k.model_raw AS model, m.owner_no, m.principal, m.workflow_key,
            {in_lines} AS workflow, {tokens},
            {_exact("sum(CASE WHEN b.has_rate THEN " + _picos("b.price", "b.per") + " ELSE 0 END)")}
                AS cost_usd,
            {constant}
        FROM lines m
        JOIN keys k USING (key_no)
        JOIN basis_of o USING (key_no, product, ingestor, meter, decision_no)
        JOIN bases b USING (basis_no)
        LEFT JOIN first_rates f ON f.key_no = m.key_no AND f.meter = m.meter AND b.has_rate
        GROUP BY ALL
        """
    )
    joins, owner = owner_joins(connection, owners)
    counted = ", ".join(f"CAST(sum(c.{name}) AS BIGINT) AS {name}" for name in _COUNTED)
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE counted AS
        SELECT c.day, c.provider, c.model_raw AS model, CAST({owner} AS BIGINT) AS owner_no,
            c.principal, c.workflow_key, {in_cells} AS workflow, {counted}
        FROM cells c {joins} GROUP BY ALL
        """
    )
    columns = ", ".join(
        name if name in (*_TOKENS, *_COUNTED) else f"NULL::BIGINT AS {name}" for name in COUNTS
    )
    # The roll-up of cells leaves a view of that name.
    connection.execute("DROP VIEW IF EXISTS usage")
    connection.execute(
        f"""
        CREATE TEMP TABLE usage AS
        SELECT s.day AS date, s.provider, coalesce(s.model, '') AS model, o.team, o.project,
            CASE WHEN NOT starts_with(s.principal, '{STAND_IN}') THEN s.principal END AS "user",
            s.workflow_key, s.workflow, {columns}, s.cost_usd,
            {", ".join(AT_FIRST_PRICES)}
        FROM spent s
        JOIN objects_of o USING (owner_no)
        LEFT JOIN counted c ON c.day = s.day AND c.provider = s.provider
            AND c.model IS NOT DISTINCT FROM s.model AND c.owner_no = s.owner_no
            AND c.principal IS NOT DISTINCT FROM s.principal
            AND c.workflow_key IS NOT DISTINCT FROM s.workflow_key
            AND c.workflow IS NOT DISTINCT FROM s.workflow
        """
    )


def _named(table: str, workflows: Sequence[str]) -> str:
    """Return what names the workflow, of some columns of a table."""
    columns = (name.replace('"', '""') for name in workflows)
    return "coalesce(" + ", ".join(f'{table}."{name}"' for name in columns) + ")"


def _picos(price: str, per: str) -> str:
    """Return the amount of a line in whole picos of USD."""
    return (
        f"CAST(m.quantity AS HUGEINT) * CAST({price} AS HUGEINT) * {_PICOS_IN_NANO}"
        f" // CAST({per} AS HUGEINT)"
    )


def _exact(picos: str) -> str:
    """Return a sum of picos as USD."""
    return (
        f"CAST(CAST({picos} AS DECIMAL(25, 0)) * 0.000000000001::DECIMAL(13, 12)"
        " AS DECIMAL(28, 12))"
    )
