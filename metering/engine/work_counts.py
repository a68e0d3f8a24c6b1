"""What was asked for, how often, and by how many: counts beside the money.

People are counted and never named: out come how many there were, and amounts without whose they
are, in the order of their size.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from metering.core.ownership.stand_ins import PREFIX as STAND_IN
from metering.engine.given import give_table
from metering.engine.owners import OwnerAnswers, owner_joins

if TYPE_CHECKING:
    import duckdb

KEPT: Final = ("principal",)
"""Columns of the cells that the engine's table `lines` has to keep for `usage_of_people`."""

_PICOS_IN_NANO: Final = 1_000


class WorkCount(NamedTuple):
    """What one owner asked of one model by one product in a month.

    Attributes:
        month: YYYY-MM of the charge days.
        owner_no: number of the owner, as the answers have it.
        requests, failed: None where the source does not count them.
        reasoning: tokens inside `output`; None where the provider does not tell them apart.
        output: tokens.
    """

    month: str
    owner_no: int
    provider: str
    model: str
    product: str
    requests: int | None
    failed: int | None
    reasoning: int | None
    output: int


class PersonUse(NamedTuple):
    """What one person used in a month.

    Attributes:
        nanos: at list price, or at the price charged where no list has one.
    """

    nanos: int
    tokens: int


def count_work(connection: "duckdb.DuckDBPyConnection", owners: Sequence[OwnerAnswers]) -> None:
    """Make the table `work`: the open cells with their owners, summed by what is counted."""
    joins, owner = owner_joins(connection, owners)
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE work AS
        SELECT strftime(c.day, '%Y-%m') AS month, CAST({owner} AS BIGINT) AS owner_no, c.provider,
            coalesce(c.model_raw, '') AS model, coalesce(c.product, '') AS product,
            CASE WHEN NOT starts_with(c.principal, '{STAND_IN}') THEN c.principal END AS principal,
            CAST(sum(c.requests) AS BIGINT) AS requests,
            CAST(sum(c.failed_requests) AS BIGINT) AS failed,
            CAST(sum(c.reasoning) AS BIGINT) AS reasoning,
            CAST(sum(coalesce(c.output, 0)) AS BIGINT) AS output
        FROM cells c {joins} GROUP BY ALL
        """
    )


def work_counts(connection: "duckdb.DuckDBPyConnection") -> list[WorkCount]:
    """Return the counts by month, owner, provider, model and product, sorted."""
    rows = connection.execute(
        "SELECT month, owner_no, provider, model, product, CAST(sum(requests) AS BIGINT),"
        " CAST(sum(failed) AS BIGINT), CAST(sum(reasoning) AS BIGINT), CAST(sum(output) AS BIGINT)"
        " FROM work GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return [WorkCount._make(row) for row in rows]


def people_of_owners(
    connection: "duckdb.DuckDBPyConnection", owners: Sequence[tuple[int, str]]
) -> dict[tuple[str, str], int]:
    """Return by month and name how many people used something.

    Args:
        connection: with `work`.
        owners: (owner number, name); several numbers may have one name.
    """
    give_table(connection, "named_owners", {"owner_no": "BIGINT", "name": "VARCHAR"}, owners)
    rows = connection.execute(
        "SELECT month, name, count(DISTINCT principal) FROM work JOIN named_owners USING (owner_no)"
        " WHERE principal IS NOT NULL GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return {(month, name): count for month, name, count in rows}


def usage_of_people(
    connection: "duckdb.DuckDBPyConnection", month: str, currency: str, provider: str | None = None
) -> list[PersonUse]:
    """Return what each person used in a month, least first, without whose it is.

    Args:
        connection: with `lines` that keep `KEPT`, `keys`, `basis_of` and `bases`.
        month: YYYY-MM of the charge days.
        currency: of the amounts.
        provider: whose usage; None for all.
    """
    _sum_people(connection, month, currency)
    rows = connection.execute(
        f"SELECT CAST(sum(picos) // {_PICOS_IN_NANO} AS BIGINT) AS nanos,"
        " CAST(sum(tokens) AS BIGINT) AS tokens FROM person_use WHERE provider = $1 OR $1 IS NULL"
        " GROUP BY principal ORDER BY nanos, tokens",
        [provider],
    ).fetchall()
    return [PersonUse._make(row) for row in rows]


def usage_of_seats(
    connection: "duckdb.DuckDBPyConnection",
    month: str,
    currency: str,
    provider: str,
    keys: Sequence[str],
) -> list[PersonUse]:
    """Return what each holder of a seat used of its provider, least first, without whose it is.

    Args:
        connection: as for `usage_of_people`.
        month: YYYY-MM of the charge days.
        currency: of the amounts.
        provider: of the seats.
        keys: the seats, as usage spells its principal; who used nothing is there with 0.
    """
    _sum_people(connection, month, currency)
    give_table(connection, "seat_keys", {"key": "VARCHAR"}, [(key,) for key in keys] or [("",)])
    rows = connection.execute(
        f"SELECT CAST(coalesce(sum(picos), 0) // {_PICOS_IN_NANO} AS BIGINT) AS nanos,"
        " CAST(coalesce(sum(tokens), 0) AS BIGINT) AS tokens"
        " FROM (SELECT DISTINCT key FROM seat_keys WHERE key <> '') s"
        " LEFT JOIN person_use p ON p.principal = s.key AND p.provider = $1"
        " GROUP BY s.key ORDER BY nanos, tokens",
        [provider],
    ).fetchall()
    return [PersonUse._make(row) for row in rows]


def _sum_people(connection: "duckdb.DuckDBPyConnection", month: str, currency: str) -> None:
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE person_use AS
        SELECT l.principal, k.provider,
            sum(CAST(l.quantity AS HUGEINT) * {_PICOS_IN_NANO}
                * CASE WHEN b.list_price = '0' THEN CAST(b.price AS HUGEINT)
                    ELSE CAST(b.list_price AS HUGEINT) END
                // CASE WHEN b.list_price = '0' THEN CAST(b.per AS HUGEINT)
                    ELSE CAST(b.list_per AS HUGEINT) END) AS picos,
            sum(CASE WHEN l.meter LIKE 'input%' OR l.meter LIKE 'cache_read%'
                OR l.meter LIKE 'cache_write%' OR l.meter LIKE 'output%'
                THEN l.quantity ELSE 0 END) AS tokens
        FROM lines l
        JOIN keys k USING (key_no)
        JOIN basis_of o USING (key_no, product, ingestor, meter, decision_no)
        JOIN bases b USING (basis_no)
        WHERE NOT starts_with(l.principal, '{STAND_IN}') AND b.has_rate AND b.currency = $2
            AND strftime(l.day, '%Y-%m') = $1
        GROUP BY ALL
        """,
        [month, currency],
    )
