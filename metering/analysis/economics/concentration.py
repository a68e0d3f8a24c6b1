"""How unevenly an amount is spread: the Herfindahl-Hirschman index and the largest share.

Source: HHI, the sum of squared shares: 1/n when n parts are equal, 1 when one part has all.
"""

from collections.abc import Iterable
from fractions import Fraction


def herfindahl(amounts: Iterable[int]) -> Fraction | None:
    """Return the sum of squared shares, over 0 up to 1; None when there is nothing to share.

    Parts at or below zero (credits) are left out: they are no share of anything.
    """
    parts = [amount for amount in amounts if amount > 0]
    total = sum(parts)
    return Fraction(sum(part * part for part in parts), total * total) if total else None


def largest_share(amounts: Iterable[int], *, of_the_largest: int = 1) -> Fraction | None:
    """Return the share of the largest parts; None when there is nothing to share."""
    parts = sorted((amount for amount in amounts if amount > 0), reverse=True)
    total = sum(parts)
    return Fraction(sum(parts[:of_the_largest]), total) if total else None
