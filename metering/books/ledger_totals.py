"""What is booked, added up: by period, by owner, and over the whole ledger.

The database adds; nothing here fetches a posting.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, text

from metering.books.ledger import HOLDING, ROWS_FETCHED, SUMS, fetched
from metering.core.flat.flat_money import FLAT_PRODUCTS
from metering.core.ledger import AccountKind
from metering.core.sharing.splits import SHARE_METERS


@dataclass(frozen=True, slots=True)
class PeriodTotal:
    """What is booked in one period in one currency, added up.

    Attributes:
        postings: rows.
        billed_nanos: net of what is charged.
    """

    period: str
    currency: str
    postings: int
    billed_nanos: int


@dataclass(frozen=True, slots=True)
class ControlTotal:
    """The ledger of one currency, added up.

    Attributes:
        postings: rows.
        billed_nanos, list_nanos: net of what is charged, and the same at list price.
        suspense_nanos: suspense account to the net amount on it.
    """

    currency: str
    postings: int
    billed_nanos: int
    list_nanos: int
    suspense_nanos: dict[str, int]


# What is moved between accounts that bear nothing is not charged to anybody.
_CHARGED: Final = f"CASE WHEN a.kind IN ({HOLDING}) THEN 0 ELSE n.amount_nanos END"
_PERIODS: Final = f"""
    SELECT n.period, n.currency, CAST(sum(n.postings) AS BIGINT), CAST(sum({_CHARGED}) AS BIGINT)
    FROM (
        SELECT period, currency, debit_account_id, count(*) AS postings,
            CAST(sum(amount_nanos) AS BIGINT) AS amount_nanos
        FROM posting GROUP BY period, currency, debit_account_id
    ) n
    JOIN account a ON a.id = n.debit_account_id
    GROUP BY n.period, n.currency
"""  # noqa: S608 - our own words
_BY_OWNER: Final = f"""
    SELECT n.period, n.charge_day, d.cost_centre, d.team, d.project, n.currency,
        CAST(sum(n.amount_nanos) AS BIGINT)
    FROM (
        SELECT period, charge_day, debit_account_id, currency, {SUMS} FROM posting
        WHERE period BETWEEN {{mark}} AND {{mark}}
        GROUP BY period, charge_day, debit_account_id, currency
    ) n
    JOIN account d ON d.id = n.debit_account_id AND d.kind NOT IN ({HOLDING})
    GROUP BY n.period, n.charge_day, d.cost_centre, d.team, d.project, n.currency
    ORDER BY n.period, n.charge_day, d.cost_centre {{binary}}, d.team {{binary}},
        d.project {{binary}}, n.currency
"""  # noqa: S608 - our own column names
_FLAT: Final = ", ".join(f"'{product}'" for product in sorted(FLAT_PRODUCTS))
_SHARED: Final = ", ".join(f"'{meter}'" for meter in sorted(SHARE_METERS))
_LAST_USED: Final = f"""
    SELECT max(p.charge_day) FROM posting p JOIN charge_basis b ON b.id = p.basis_id
    WHERE p.quantity <> 0 AND b.product NOT IN ({_FLAT}) AND b.meter NOT IN ({_SHARED})
"""  # noqa: S608 - our own words
_SPENT: Final = f"""
    SELECT p.period, d.cost_centre, d.team, d.project, p.currency,
        CAST(sum(p.amount_nanos) AS BIGINT),
        CAST(sum(CASE WHEN b.product IN ({_FLAT}) AND p.charge_day > {{mark}} THEN 0
            ELSE p.amount_nanos END) AS BIGINT)
    FROM posting p
    JOIN account d ON d.id = p.debit_account_id AND d.kind = '{AccountKind.OWNER.value}'
    JOIN charge_basis b ON b.id = p.basis_id
    WHERE p.period BETWEEN {{mark}} AND {{mark}}
    GROUP BY p.period, d.cost_centre, d.team, d.project, p.currency
    ORDER BY p.period, d.cost_centre {{binary}}, d.team {{binary}}, d.project {{binary}}, p.currency
"""  # noqa: S608 - our own words
_CONTROL: Final = f"""
    SELECT n.currency, a.kind, a.name, n.postings, {_CHARGED} AS amount_nanos, n.list_nanos
    FROM (
        SELECT currency, debit_account_id, count(*) AS postings, {SUMS}
        FROM posting GROUP BY currency, debit_account_id
    ) n
    JOIN account a ON a.id = n.debit_account_id
    ORDER BY n.currency
"""  # noqa: S608 - our own column names


def billed_by_owner(connection: Connection, first: str, last: str) -> Iterator[tuple[Any, ...]]:
    """Yield what is billed by billing period, charge day and owner.

    Args:
        connection: of either kind of transaction.
        first: the first billing period, YYYY-MM.
        last: inclusive.

    Yields:
        Period, charge day, cost centre, team, project, currency, net nanos; in that order.
    """
    cursor = fetched(connection, _BY_OWNER, (first, last))
    while rows := cursor.fetchmany(ROWS_FETCHED):
        yield from rows


def last_usage_day(connection: Connection) -> str | None:
    """Return the last ISO charge day with usage: flat money and shares may be dated later."""
    row = fetched(connection, _LAST_USED, ()).fetchone()
    return None if row is None else row[0]


def spend_by_owner(
    connection: Connection, first: str, last: str, used_until: str
) -> Iterator[tuple[Any, ...]]:
    """Yield what owners were charged by billing period.

    Args:
        connection: of either kind of transaction.
        first: the first billing period, YYYY-MM.
        last: inclusive.
        used_until: ISO day after which flat money is still to come.

    Yields:
        Period, cost centre, team, project, currency, net nanos, and of them those that are not
        flat money still to come; in that order.
    """
    yield from fetched(connection, _SPENT, (used_until, first, last))


def period_totals(connection: Connection) -> tuple[PeriodTotal, ...]:
    """Return what is booked per period and currency, in that order."""
    return tuple(
        PeriodTotal(*row) for row in sorted(map(tuple, connection.execute(text(_PERIODS))))
    )


def control_totals(connection: Connection) -> tuple[ControlTotal, ...]:
    """Return the ledger added up per currency, by currency."""
    by_currency: dict[str, list[Any]] = {}
    for row in connection.execute(text(_CONTROL)):
        by_currency.setdefault(row.currency, []).append(row)
    return tuple(
        ControlTotal(
            currency=currency,
            postings=sum(row.postings for row in rows),
            billed_nanos=sum(row.amount_nanos for row in rows),
            list_nanos=sum(row.list_nanos for row in rows),
            suspense_nanos={
                row.name: row.amount_nanos
                for row in sorted(rows, key=lambda row: str(row.name))
                if row.kind == AccountKind.SUSPENSE
            },
        )
        for currency, rows in by_currency.items()
    )
