"""What a charge comes to for a part of its usage: an amount is rounded once, and then divided.

A charge is of one day, bearer and basis; who asks by a key, a column or a person asks for parts of
it. They are in proportion to the quantities, by largest remainder, so that they add up to it.
"""

from collections.abc import Sequence


def amounts_by_usage(wholes: str, shares: str, keys: Sequence[str]) -> str:
    """Return a query that divides amounts among the usage that they are for.

    Args:
        wholes: relation with line_no, quantity and amount_nanos: a charge each.
        shares: query for line_no, share (a quantity of that charge) and the keys.
        keys: columns of `shares`; their order decides ties.

    Returns:
        Of line_no, the keys and nanos; a charge whose usage cancels out has no row.
    """
    order = "".join(f", {key} NULLS FIRST" for key in keys)
    return f"""
        WITH shares AS ({shares}), compared AS (
            SELECT *, sum(share) OVER line AS whole, min(share) OVER line AS least,
            FROM shares WHERE share <> 0 WINDOW line AS (PARTITION BY line_no)
        ), split AS (
            SELECT w.* EXCLUDE (least), c.amount_nanos,
                -- A bill's own amounts are their quantities, credits among them.
                CASE WHEN whole = c.amount_nanos AND c.quantity = whole THEN share
                    ELSE abs(c.amount_nanos::HUGEINT) * share // whole END AS part,
                abs(c.amount_nanos::HUGEINT) * share % whole AS rest
            FROM compared w JOIN {wholes} c USING (line_no)
            WHERE least > 0 OR (whole = c.amount_nanos AND c.quantity = whole)
        ), ranked AS (
            SELECT *, CASE WHEN whole = amount_nanos THEN 0
                    ELSE abs(amount_nanos) - sum(part) OVER (PARTITION BY line_no) END AS left_over,
                row_number() OVER (PARTITION BY line_no ORDER BY rest DESC{order}) AS place
            FROM split
        )
        SELECT * EXCLUDE (part, rest, left_over, place, share, whole, amount_nanos),
            CASE WHEN whole = amount_nanos THEN part
                ELSE sign(amount_nanos) * (part + (place <= left_over)::INTEGER) END AS nanos
        FROM ranked
    """
