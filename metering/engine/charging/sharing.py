"""Pools in the table `charges`: what they collect, what stands in them, and the shares of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from metering.engine.given import give_table

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Collection:
    """Charges that one pool collects.

    Attributes:
        pool_no: debit number of the pool.
        debits, bases: numbers of both; a charge must have one of each.
        stretches: half-open days on which it does; None is unbounded.
    """

    pool_no: int
    debits: Sequence[int]
    bases: Sequence[int]
    stretches: Sequence[tuple[date | None, date | None]]


def collect(connection: "duckdb.DuckDBPyConnection", collections: Sequence[Collection]) -> None:
    """Debit charges to pools instead of to whom they were debited; the first collection wins."""
    give_table(
        connection,
        "collections",
        {"place": "BIGINT", "pool_no": "BIGINT", "first_day": "DATE", "end_day": "DATE"},
        [
            (place, one.pool_no, first or date.min, end or date.max)
            for place, one in enumerate(collections)
            for first, end in one.stretches
        ],
    )
    for name in ("debit", "basis"):
        give_table(
            connection,
            f"collected_{name}",
            {"place": "BIGINT", f"{name}_no": "BIGINT"},
            [
                (place, number)
                for place, one in enumerate(collections)
                for number in (one.debits if name == "debit" else one.bases)
            ],
        )
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE collected AS
        SELECT c.rowid AS charge, arg_min(o.pool_no, o.place) AS pool_no
        FROM charges c
        JOIN collected_debit d ON d.debit_no = c.debit_no
        JOIN collected_basis b ON b.basis_no = c.basis_no AND b.place = d.place
        JOIN collections o
            ON o.place = d.place AND c.day >= o.first_day AND c.day < o.end_day
        GROUP BY c.rowid
        """
    )
    connection.execute(
        "UPDATE charges SET debit_no = collected.pool_no FROM collected"
        " WHERE charges.rowid = collected.charge"
    )


def pooled(
    connection: "duckdb.DuckDBPyConnection", pools: Sequence[int]
) -> list[tuple[date, int, int, str, int]]:
    """Return what stands in pools: (last day of the month, debit, basis, currency, nanos)."""
    give_table(connection, "wanted_debits", {"debit_no": "BIGINT"}, [(one,) for one in pools])
    return connection.execute(
        """
        SELECT last_day(day) AS month, debit_no, basis_no, currency,
            CAST(sum(amount_nanos) AS BIGINT)
        FROM charges SEMI JOIN wanted_debits USING (debit_no) GROUP BY ALL ORDER BY ALL
        """
    ).fetchall()


def uses(
    connection: "duckdb.DuckDBPyConnection", owners: Sequence[int], token_bases: Sequence[int]
) -> list[tuple[date, int, str, int, int]]:
    """Return what owners were charged: (last day of the month, debit, currency, nanos, tokens).

    Args:
        connection: with the table `charges`.
        owners: debit numbers.
        token_bases: numbers of the bases whose quantity is tokens.
    """
    give_table(connection, "wanted_debits", {"debit_no": "BIGINT"}, [(one,) for one in owners])
    give_table(connection, "token_bases", {"token_no": "BIGINT"}, [(one,) for one in token_bases])
    return connection.execute(
        """
        SELECT last_day(day) AS month, debit_no, currency, CAST(sum(amount_nanos) AS BIGINT),
            CAST(coalesce(sum(quantity) FILTER (token_no IS NOT NULL), 0) AS BIGINT)
        FROM charges SEMI JOIN wanted_debits USING (debit_no)
        LEFT JOIN token_bases ON token_no = basis_no
        GROUP BY month, debit_no, currency ORDER BY ALL
        """
    ).fetchall()
