"""What a billing period holds: its charges, their digest, what has no rate, what corrects it."""

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, select, text

from metering.books.ledger import HOLDING, NET_KEY, SOMETHING, SUMS, PostingRow, fetched
from metering.books.schema import table_of
from metering.core.digests import lines_digest
from metering.core.ledger import UNPRICED


class Unpriced(NamedTuple):
    """Usage that has no rate, added up."""

    provider: str
    model: str
    meter: str
    reason: str
    quantity: int


class Corrected(NamedTuple):
    """What corrections of a closed period come to.

    Attributes:
        period: the open period they were booked in.
        reason: a `core.ledger.CorrectionReason`.
    """

    period: str
    reason: str
    currency: str
    postings: int
    amount_nanos: int


class LineCorrection(NamedTuple):
    """What corrections of one account and basis come to.

    Attributes:
        corrects_period: the closed period whose postings of that account and basis they add to.
        reason: a `core.ledger.CorrectionReason`.
    """

    corrects_period: str
    reason: str
    postings: int
    amount_nanos: int


_POSTING: Final = table_of(PostingRow)

_CONTENT: Final = f"""
    SELECT charge_day, corrects_period, debit_account_id, credit_account_id, basis_id, currency,
        {SUMS}
    FROM posting WHERE period = {{mark}}
    GROUP BY {NET_KEY} HAVING {SOMETHING}
"""  # noqa: S608 - our own column names
_CHARGED_KEY: Final = (
    "charge_day",
    "debit_account_id",
    "basis_id",
    "currency",
    "corrects_period",
)
_CHARGED_COLUMNS: Final = (*_CHARGED_KEY, "quantity", "amount_nanos", "list_nanos")
_CHARGED: Final = f"""
    SELECT {", ".join(_CHARGED_KEY)}, {SUMS} FROM posting
    WHERE period = {{mark}}
    GROUP BY {", ".join(_CHARGED_KEY)} HAVING {SOMETHING}
"""  # noqa: S608 - our own column names
_UNPRICED: Final = """
    SELECT b.provider, b.model, b.meter, b.reason, CAST(sum(p.quantity) AS BIGINT)
    FROM posting p
    JOIN account d ON d.id = p.debit_account_id AND d.name = :debit
    JOIN charge_basis b ON b.id = p.basis_id
    WHERE p.period = :period
    GROUP BY b.provider, b.model, b.meter, b.reason
    HAVING sum(p.quantity) <> 0 OR sum(p.amount_nanos) <> 0
"""
_LINE_CORRECTED: Final = """
    SELECT p.corrects_period, p.reason, count(*), CAST(sum(p.amount_nanos) AS BIGINT)
    FROM posting p
    WHERE p.period = :period AND p.corrects_period IS NOT NULL
        AND p.debit_account_id = (SELECT id FROM account WHERE name = :debit)
        AND p.basis_id = (SELECT id FROM charge_basis WHERE digest = :basis)
    GROUP BY p.corrects_period, p.reason
"""
_CORRECTED: Final = f"""
    SELECT p.period, p.reason, p.currency, count(*), CAST(sum(p.amount_nanos) AS BIGINT)
    FROM posting p JOIN account d ON d.id = p.debit_account_id AND d.kind NOT IN ({HOLDING})
    WHERE p.corrects_period = :period
    GROUP BY p.period, p.reason, p.currency
"""  # noqa: S608 - our own words


def charged(connection: Connection, period: str) -> dict[str, Sequence[Any]]:
    """Return what a billing period charges, whoever is credited, as columns.

    Returns:
        charge_day, debit_account_id, basis_id, currency, corrects_period (None for a charge of the
        period itself), quantity, amount_nanos, list_nanos: equally long columns, without lines
        that cancelled out.
    """
    rows = fetched(connection, _CHARGED, (period,)).fetchall()
    columns = tuple(zip(*rows, strict=True)) or ((),) * len(_CHARGED_COLUMNS)
    return dict(zip(_CHARGED_COLUMNS, columns, strict=True))


def period_digest(connection: Connection, period: str) -> str:
    """Return the digest of the net lines of a billing period, the same on every database.

    A line is a JSON array, without spaces and in ASCII: charge day, corrected period or null,
    debit, credit, digest of the basis, currency, quantity, amount, list amount.
    """
    # Names are few and lines many: each name is encoded once, and no line by an encoder.
    accounts = _encoded(connection, "SELECT id, name FROM account")
    bases = _encoded(connection, "SELECT id, digest FROM charge_basis")
    texts = _Encoded()
    return lines_digest(
        f"[{texts[day]},{texts[corrects]},{accounts[debit]},{accounts[credit]},{bases[basis]},"
        f"{texts[currency]},{quantity},{amount},{listed}]"
        for day, corrects, debit, credit, basis, currency, quantity, amount, listed in fetched(
            connection, _CONTENT, (period,)
        )
    )


class _Encoded(dict[str | None, str]):
    """A text or None as JSON, encoded when it is met first."""

    def __missing__(self, text: str | None) -> str:
        self[text] = encoded = json.dumps(text)
        return encoded


def _encoded(connection: Connection, statement: str) -> dict[int, str]:
    return {number: json.dumps(name) for number, name in fetched(connection, statement, ())}


def booked_periods(connection: Connection) -> tuple[str, ...]:
    """Return the billing periods with postings, in order."""
    return tuple(
        connection.execute(text("SELECT DISTINCT period FROM posting ORDER BY period")).scalars()
    )


def last_posting_run(connection: Connection) -> int:
    """Return the last run that wrote postings; 0 before the first."""
    statement = select(_POSTING.c.run_id).order_by(_POSTING.c.id.desc()).limit(1)
    return connection.execute(statement).scalar_one_or_none() or 0


def unpriced_usage(connection: Connection, period: str) -> tuple[Unpriced, ...]:
    """Return the usage of a billing period that has no rate, by quantity, the most first."""
    rows = connection.execute(text(_UNPRICED), {"period": period, "debit": UNPRICED.name})
    return tuple(
        Unpriced(*row) for row in sorted(map(tuple, rows), key=lambda row: (-row[-1], row))
    )


def corrections_in(
    connection: Connection, period: str, debit: str, basis: str
) -> tuple[LineCorrection, ...]:
    """Return what the corrections of one line that were booked in a period put right.

    Args:
        connection: of either kind of transaction.
        period: the open period they were booked in.
        debit: name of the account that is charged.
        basis: its digest.
    """
    given = {"period": period, "debit": debit, "basis": basis}
    rows = connection.execute(text(_LINE_CORRECTED), given)
    return tuple(sorted(LineCorrection(*row) for row in rows))


def corrections_of(connection: Connection, period: str) -> tuple[Corrected, ...]:
    """Return what corrections of a closed period come to, by period, reason and currency."""
    rows = connection.execute(text(_CORRECTED), {"period": period})
    return tuple(sorted(Corrected(*row) for row in rows))
