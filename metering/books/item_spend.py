"""What was used and charged by owner, model and meter in each month, added up by the database."""

from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from metering.books.engine import POSTGRESQL
from metering.core.ledger import HOLDING_KINDS

_HOLDING: Final = ", ".join(f"'{kind.value}'" for kind in sorted(HOLDING_KINDS))
_ITEMS: Final = f"""
    SELECT n.month, d.cost_centre, d.team, d.project, b.provider, b.model, b.meter, n.currency,
        CAST(sum(n.quantity) AS BIGINT) AS quantity, CAST(sum(n.nanos) AS BIGINT) AS nanos
    FROM (
        SELECT substr(charge_day, 1, 7) AS month, debit_account_id, basis_id, currency,
            CAST(sum(quantity) AS BIGINT) AS quantity,
            CAST(sum(amount_nanos) AS BIGINT) AS nanos
        FROM posting WHERE charge_day BETWEEN {{mark}} AND {{mark}}
        GROUP BY substr(charge_day, 1, 7), debit_account_id, basis_id, currency
    ) n
    JOIN account d ON d.id = n.debit_account_id AND d.kind NOT IN ({_HOLDING})
    JOIN charge_basis b ON b.id = n.basis_id AND b.status <> 'unpriced'
    GROUP BY n.month, d.cost_centre, d.team, d.project, b.provider, b.model, b.meter, n.currency
    ORDER BY n.month, d.cost_centre {{binary}}, d.team {{binary}}, d.project {{binary}},
        b.provider {{binary}}, b.model {{binary}}, b.meter {{binary}}, n.currency
"""  # noqa: S608 - our own words


class ItemSpend(NamedTuple):
    """One owner's use of one meter of one model in the charge days of a month.

    Attributes:
        month: YYYY-MM of the charge days, whatever period they are booked in.
        cost_centre, team, project: of the owner; "" where it is nobody's.
        quantity: whole units of the meter.
        nanos: of `currency`, charged.
    """

    month: str
    cost_centre: str
    team: str
    project: str
    provider: str
    model: str
    meter: str
    currency: str
    quantity: int
    nanos: int


def item_spend(connection: Connection, first_day: str, last_day: str) -> tuple[ItemSpend, ...]:
    """Return what was charged for some charge days, what has no price left out, sorted.

    Args:
        connection: of either kind of transaction.
        first_day: ISO charge day.
        last_day: inclusive.
    """
    postgresql = connection.dialect.name == POSTGRESQL
    cursor: Any = connection.connection.cursor()
    binary = 'COLLATE "C"' if postgresql else ""
    mark = "%s" if postgresql else "?"
    cursor.execute(_ITEMS.format(mark=mark, binary=binary), (first_day, last_day))
    return tuple(map(ItemSpend._make, cursor.fetchall()))
