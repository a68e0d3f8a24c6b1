"""What the ledger says of how usage was rated, added up by the database."""

from typing import Final

from sqlalchemy import Connection, text

from metering.core.pricing.price_coverage import RatedUsage

# A line that was taken back wholly is no usage; lines of money alone (adjustments) are none either.
_RATED: Final = text("""
    SELECT n.charge_day, b.provider, b.meter, b.status, b.reason, count(*) AS found,
        CAST(sum(n.quantity) AS BIGINT) AS quantity
    FROM (
        SELECT charge_day, debit_account_id, basis_id, CAST(sum(quantity) AS BIGINT) AS quantity
        FROM posting WHERE charge_day BETWEEN :first_day AND :last_day
        GROUP BY charge_day, debit_account_id, basis_id HAVING sum(quantity) <> 0
    ) n
    JOIN charge_basis b ON b.id = n.basis_id
    GROUP BY n.charge_day, b.provider, b.meter, b.status, b.reason
""")


def rated_usage(connection: Connection, first_day: str, last_day: str) -> tuple[RatedUsage, ...]:
    """Return the usage posted for some charge days by outcome of rating, sorted.

    Args:
        connection: of either kind of transaction.
        first_day: ISO charge day.
        last_day: inclusive.
    """
    days = {"first_day": first_day, "last_day": last_day}
    return tuple(sorted(RatedUsage(*row) for row in connection.execute(_RATED, days)))
