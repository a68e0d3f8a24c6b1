"""The ledger of a stretch of charge days, added up per billing account: what invoices tie to."""

from typing import Final, NamedTuple

from sqlalchemy import Connection, text

_BILLED: Final = """
    SELECT b.provider, b.billing_account, n.currency, d.name, b.status, b.meter,
        CAST(sum(n.quantity) AS BIGINT), CAST(sum(n.amount_nanos) AS BIGINT)
    FROM (
        SELECT basis_id, debit_account_id, currency, CAST(sum(quantity) AS BIGINT) AS quantity,
            CAST(sum(amount_nanos) AS BIGINT) AS amount_nanos
        FROM posting WHERE charge_day BETWEEN :first_day AND :last_day
        GROUP BY basis_id, debit_account_id, currency
    ) n
    JOIN account d ON d.id = n.debit_account_id
    JOIN charge_basis b ON b.id = n.basis_id
    GROUP BY b.provider, b.billing_account, n.currency, d.name, b.status, b.meter
    HAVING sum(n.quantity) <> 0 OR sum(n.amount_nanos) <> 0
"""


class BilledLine(NamedTuple):
    """Net charges of one billing account, debit account, status and meter.

    Attributes:
        debit: name of the account that bears them.
        status: how they were priced, see `core.ledger.Basis`.
        quantity: whole units of `meter`.
        amount_nanos: nanos of `currency`.
    """

    provider: str
    billing_account: str
    currency: str
    debit: str
    status: str
    meter: str
    quantity: int
    amount_nanos: int


def billed_lines(connection: Connection, first_day: str, last_day: str) -> tuple[BilledLine, ...]:
    """Return what usage of some charge days is charged, whichever period it was booked in.

    Args:
        connection: of either kind of transaction.
        first_day: ISO charge day.
        last_day: inclusive.
    """
    rows = connection.execute(text(_BILLED), {"first_day": first_day, "last_day": last_day})
    return tuple(sorted(BilledLine._make(row) for row in rows))
