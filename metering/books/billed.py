"""What the ledger owes each billing account for some charge days: what invoices tie to."""

from typing import Final, NamedTuple

from sqlalchemy import Connection, text

from metering.books.ledger import HOLDING

_BILLED: Final = """
    WITH summed AS (
        SELECT basis_id, debit_account_id, credit_account_id, currency,
            CAST(sum(quantity) AS BIGINT) AS quantity,
            CAST(sum(amount_nanos) AS BIGINT) AS amount_nanos
        FROM posting WHERE charge_day BETWEEN :first_day AND :last_day
        GROUP BY basis_id, debit_account_id, credit_account_id, currency
    ),
    owed AS (
        SELECT s.*, credit_account_id AS owed_to FROM summed s
        UNION ALL
        SELECT basis_id, debit_account_id, credit_account_id, currency, quantity, -amount_nanos,
            debit_account_id
        FROM summed
    )
    SELECT p.provider, p.billing_account, o.currency, d.name, b.status, b.meter,
        CAST(sum(o.quantity) AS BIGINT), CAST(sum(o.amount_nanos) AS BIGINT)
    FROM owed o
    JOIN account p ON p.id = o.owed_to AND p.kind = 'provider'
    JOIN account d ON d.id = o.debit_account_id
    JOIN charge_basis b ON b.id = o.basis_id
    GROUP BY p.provider, p.billing_account, o.currency, d.name, b.status, b.meter
    HAVING sum(o.quantity) <> 0 OR sum(o.amount_nanos) <> 0
"""


_BILLED_DAYS: Final = """
    SELECT p.provider, p.billing_account, n.currency, n.charge_day, b.platform, b.model_raw,
        b.model, b.meter, b.conditions, CAST(sum(n.amount_nanos) AS BIGINT)
    FROM (
        SELECT charge_day, basis_id, credit_account_id, currency,
            CAST(sum(amount_nanos) AS BIGINT) AS amount_nanos
        FROM posting WHERE charge_day BETWEEN :first_day AND :last_day
        GROUP BY charge_day, basis_id, credit_account_id, currency
    ) n
    JOIN account p ON p.id = n.credit_account_id AND p.kind = 'provider'
    JOIN charge_basis b ON b.id = n.basis_id
    WHERE b.status <> 'unpriced'
    GROUP BY p.provider, p.billing_account, n.currency, n.charge_day, b.platform, b.model_raw,
        b.model, b.meter, b.conditions
    HAVING sum(n.amount_nanos) <> 0
"""


_CHARGED_DAYS: Final = f"""
    SELECT b.provider, b.billing_account, n.currency, n.charge_day,
        CAST(sum(n.amount_nanos) AS BIGINT)
    FROM (
        SELECT charge_day, basis_id, debit_account_id, currency,
            CAST(sum(amount_nanos) AS BIGINT) AS amount_nanos
        FROM posting WHERE charge_day BETWEEN :first_day AND :last_day
        GROUP BY charge_day, basis_id, debit_account_id, currency
    ) n
    JOIN account d ON d.id = n.debit_account_id AND d.kind NOT IN ({HOLDING})
    JOIN charge_basis b ON b.id = n.basis_id
    GROUP BY b.provider, b.billing_account, n.currency, n.charge_day
    HAVING sum(n.amount_nanos) <> 0
"""  # noqa: S608 - our own words


class BilledDay(NamedTuple):
    """What one billing account is owed for one day, model, meter and set of conditions.

    Attributes:
        charge_day: ISO day of the usage.
        model_raw, model: as the source spells it, and after aliases; "" where it does not say.
        conditions: canonical JSON.
        amount_nanos: nanos of `currency`.
    """

    provider: str
    billing_account: str
    currency: str
    charge_day: str
    platform: str
    model_raw: str
    model: str
    meter: str
    conditions: str
    amount_nanos: int


class BilledLine(NamedTuple):
    """What one billing account is owed for one debit account, status and meter.

    Attributes:
        debit: name of the account that is charged; that of the provider itself where what is owed
            was paid beforehand.
        status: how they were priced, see `core.ledger.Basis`.
        quantity: whole units of `meter`.
        amount_nanos: nanos of `currency`; below 0 for what is owed no more.
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
    """Return what providers are owed for some charge days, whichever period it was booked in.

    Args:
        connection: of either kind of transaction.
        first_day: ISO charge day.
        last_day: inclusive.
    """
    rows = connection.execute(text(_BILLED), {"first_day": first_day, "last_day": last_day})
    return tuple(sorted(BilledLine._make(row) for row in rows))


def billed_days(connection: Connection, first_day: str, last_day: str) -> tuple[BilledDay, ...]:
    """Return the same by day and model: what the providers' cost reports are compared with.

    Args:
        connection: of either kind of transaction.
        first_day: ISO charge day.
        last_day: inclusive.
    """
    rows = connection.execute(text(_BILLED_DAYS), {"first_day": first_day, "last_day": last_day})
    return tuple(sorted(BilledDay._make(row) for row in rows))


class ChargedDay(NamedTuple):
    """What is charged for one day of a billing account, whoever bears it and however it is paid.

    Attributes:
        charge_day: ISO day of the usage.
        amount_nanos: nanos of `currency`; what was paid beforehand counts as it is used.
    """

    provider: str
    billing_account: str
    currency: str
    charge_day: str
    amount_nanos: int


def charged_days(connection: Connection, first_day: str, last_day: str) -> tuple[ChargedDay, ...]:
    """Return what is charged for some charge days, by billing account and day.

    Args:
        connection: of either kind of transaction.
        first_day: ISO charge day.
        last_day: inclusive.
    """
    rows = connection.execute(text(_CHARGED_DAYS), {"first_day": first_day, "last_day": last_day})
    return tuple(sorted(ChargedDay._make(row) for row in rows))
