"""Corrections: what each difference of a closed period puts right.

A correction says what it corrects by its own columns: the closed period, the day, the accounts and
the basis are those of the postings it adds to or takes back. Why it was needed follows from what
changed for the same usage (day, account, model, meter, conditions):

* the quantity: late usage where the book held none of it, or where a log told of more; else a
  restatement of the source;
* not the quantity, but who bears it: another owner;
* neither: another price.

What is settled for a month as a whole or was decided has no quantity: its own kind is the reason.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from metering.core.ledger import CorrectionReason
from metering.engine.given import give_table

if TYPE_CHECKING:
    import duckdb


def corrected_bases(connection: "duckdb.DuckDBPyConnection") -> list[int]:
    """Return the ids of the bases of days with corrections in `lacking`; none without any."""
    rows = connection.execute(
        """
        WITH wrong AS (SELECT charge_day, basis_id FROM lacking WHERE kind = 'correction')
        SELECT basis_id FROM wrong
        UNION
        SELECT basis_id FROM booked WHERE charge_day IN (SELECT charge_day FROM wrong)
        ORDER BY ALL
        """
    ).fetchall()
    return [row[0] for row in rows]


def give_reasons(
    connection: "duckdb.DuckDBPyConnection", usage_of: Sequence[tuple[int, int, str, bool]]
) -> None:
    """Say in `lacking` why each correction is made.

    Args:
        connection: with the tables `lacking` and `booked`.
        usage_of: for each basis: its id; a number that bases of the same usage share, whatever
            its rate; the reason of whatever is not metered, and else ""; whether logs tell of it,
            whose records come one by one.
    """
    give_table(
        connection,
        "usage_of",
        {"basis_id": "BIGINT", "usage_no": "BIGINT", "decided": "VARCHAR", "logged": "BOOLEAN"},
        usage_of,
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE lacking AS
        WITH wrong AS (
            SELECT charge_day, usage_no, max(decided) AS decided,
                bool_and(logged) AS logged, sum(l.quantity) AS added
            FROM lacking l JOIN usage_of USING (basis_id)
            WHERE kind = 'correction'
            GROUP BY charge_day, usage_no
        ), moved AS (
            SELECT charge_day, usage_no, bool_or(added <> 0) AS moves
            FROM (
                SELECT charge_day, usage_no, debit_account_id, sum(quantity) AS added
                FROM lacking JOIN usage_of USING (basis_id)
                WHERE kind = 'correction'
                GROUP BY charge_day, usage_no, debit_account_id
            ) GROUP BY charge_day, usage_no
        ), held AS (
            SELECT charge_day, usage_no FROM booked JOIN usage_of USING (basis_id)
            GROUP BY charge_day, usage_no HAVING sum(quantity) <> 0
        )
        SELECT l.* REPLACE (CASE
            WHEN l.kind <> 'correction' THEN ''
            WHEN w.decided <> '' THEN w.decided
            WHEN w.added <> 0 AND h.usage_no IS NULL THEN '{CorrectionReason.LATE_USAGE}'
            WHEN w.added > 0 AND w.logged THEN '{CorrectionReason.LATE_USAGE}'
            WHEN w.added <> 0 THEN '{CorrectionReason.RESTATED_USAGE}'
            WHEN m.moves THEN '{CorrectionReason.OWNER_CHANGE}'
            ELSE '{CorrectionReason.CORRECTED_PRICE}'
        END AS reason)
        FROM lacking l
        LEFT JOIN usage_of u ON u.basis_id = l.basis_id
        LEFT JOIN wrong w ON w.charge_day = l.charge_day AND w.usage_no = u.usage_no
        LEFT JOIN moved m ON m.charge_day = l.charge_day AND m.usage_no = u.usage_no
        LEFT JOIN held h ON h.charge_day = l.charge_day AND h.usage_no = u.usage_no
        """
    )
