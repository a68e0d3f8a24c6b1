"""What is booked per day, added up by the database: the series that forecasts are made of."""

from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import Connection

from metering.books.engine import POSTGRESQL
from metering.core.ledger import HOLDING_KINDS, AccountKind
from metering.core.meters import Meter

Subject = Literal["cost_centre", "team", "project", "provider"]
"""What daily spend may be told apart by."""

_HOLDING: Final = ", ".join(f"'{kind.value}'" for kind in sorted(HOLDING_KINDS))
# Whatever is no meter of usage (terms of contracts, seats, capacity, shares) follows the calendar
# of its contract and not the days of work.
_USAGE: Final = ", ".join(f"'{meter.value}'" for meter in Meter if meter is not Meter.SEAT_MONTH)
_NAMES: Final = {
    "cost_centre": "CASE WHEN d.kind = 'owner' THEN d.cost_centre ELSE d.name END",
    "team": "CASE WHEN d.kind = 'owner' THEN d.team ELSE d.name END",
    "project": "CASE WHEN d.kind = 'owner' THEN d.team || '/' || d.project ELSE d.name END",
    "provider": "b.provider",
}
_DAILY: Final = f"""
    SELECT n.period, n.charge_day, {{name}} AS subject, n.currency,
        CASE WHEN b.meter IN ({_USAGE}) THEN 1 ELSE 0 END AS is_usage,
        CAST(sum(n.nanos) AS BIGINT) AS nanos
    FROM (
        SELECT period, charge_day, debit_account_id, basis_id, currency,
            CAST(sum(amount_nanos) AS BIGINT) AS nanos
        FROM posting WHERE period BETWEEN {{mark}} AND {{mark}}
        GROUP BY period, charge_day, debit_account_id, basis_id, currency
    ) n
    JOIN account d ON d.id = n.debit_account_id AND d.kind NOT IN ({_HOLDING})
    JOIN charge_basis b ON b.id = n.basis_id
    GROUP BY n.period, n.charge_day, subject, n.currency, is_usage
    ORDER BY n.currency, {{name}} {{binary}}, n.charge_day, n.period, is_usage
"""  # noqa: S608 - our own words
_BY_OWNER: Final = f"""
    SELECT n.period, n.charge_day, d.cost_centre, d.team, d.project, n.currency,
        CASE WHEN b.meter IN ({_USAGE}) THEN 1 ELSE 0 END AS is_usage,
        CAST(sum(n.nanos) AS BIGINT) AS nanos
    FROM (
        SELECT period, charge_day, debit_account_id, basis_id, currency,
            CAST(sum(amount_nanos) AS BIGINT) AS nanos
        FROM posting WHERE period BETWEEN {{mark}} AND {{mark}}
        GROUP BY period, charge_day, debit_account_id, basis_id, currency
    ) n
    JOIN account d ON d.id = n.debit_account_id AND d.kind = '{AccountKind.OWNER.value}'
    JOIN charge_basis b ON b.id = n.basis_id
    GROUP BY n.period, n.charge_day, d.cost_centre, d.team, d.project, n.currency, is_usage
    ORDER BY n.currency, d.cost_centre {{binary}}, d.team {{binary}}, d.project {{binary}},
        n.charge_day, n.period, is_usage
"""  # noqa: S608 - our own words
_LAST_USE: Final = f"""
    SELECT b.provider, max(p.charge_day)
    FROM posting p JOIN charge_basis b ON b.id = p.basis_id
    WHERE p.charge_day BETWEEN {{mark}} AND {{mark}} AND b.meter IN ({_USAGE})
        AND p.quantity > 0
    GROUP BY b.provider ORDER BY b.provider {{binary}}
"""  # noqa: S608 - our own words


class DaySum(NamedTuple):
    """What is booked of one subject on one charge day.

    Attributes:
        period: the billing period it is booked in, YYYY-MM.
        day: ISO charge day; of another month where a correction is booked.
        subject: name of the cost centre, team, project or provider; of the account where it is
            nobody's.
        is_usage: 1 for metered usage, 0 for what a contract charges otherwise.
        nanos: of `currency`.
    """

    period: str
    day: str
    subject: str
    currency: str
    is_usage: int
    nanos: int


class OwnerDaySum(NamedTuple):
    """What is booked of one owner on one charge day; as `DaySum`."""

    period: str
    day: str
    cost_centre: str
    team: str
    project: str
    currency: str
    is_usage: int
    nanos: int


def daily_spend(
    connection: Connection, first: str, last: str, subject: Subject
) -> tuple[DaySum, ...]:
    """Return what is booked per day and subject, by currency, subject and day.

    Args:
        connection: of either kind of transaction.
        first: the first billing period, YYYY-MM.
        last: inclusive.
        subject: what to tell apart.
    """
    rows = _fetched(connection, _DAILY, (first, last), _NAMES[subject])
    return tuple(map(DaySum._make, rows))


def daily_spend_by_owner(connection: Connection, first: str, last: str) -> tuple[OwnerDaySum, ...]:
    """Return what is booked per day and owner, by currency, owner and day.

    Args:
        connection: of either kind of transaction.
        first: the first billing period, YYYY-MM.
        last: inclusive.
    """
    return tuple(map(OwnerDaySum._make, _fetched(connection, _BY_OWNER, (first, last))))


def last_use_by_provider(connection: Connection, first_day: str, last_day: str) -> dict[str, str]:
    """Return the last ISO charge day with usage of each provider used in some days, by name."""
    return dict(_fetched(connection, _LAST_USE, (first_day, last_day)))


def _fetched(
    connection: Connection, statement: str, values: tuple[str, str], name: str = ""
) -> list[Any]:
    postgresql = connection.dialect.name == POSTGRESQL
    binary = 'COLLATE "C"' if postgresql else ""
    cursor: Any = connection.connection.cursor()
    mark = "%s" if postgresql else "?"
    cursor.execute(statement.format(mark=mark, binary=binary, name=name), values)
    rows: list[Any] = cursor.fetchall()
    return rows
