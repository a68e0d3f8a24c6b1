"""How good the list was: of its first k findings that somebody decided, how many were confirmed.

A list that is often wrong is read no more. Where fewer than three in five were confirmed, money has
to be larger to be material, by as much as that falls short.

Source: token-maxing, section 5, number 8.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

LEAST_PRECISION: Final = Fraction(3, 5)
"""Below it the threshold of materiality is raised."""

LEAST_DECIDED: Final = 10
"""So many have to be decided before that says anything of the list."""

MOST_RAISED: Final = Fraction(4)
"""By no larger factor: a list that shows nothing is never confirmed again."""


@dataclass(frozen=True, slots=True)
class Decided:
    """One finding that somebody decided.

    Attributes:
        place: in the list when it was first answered, from 1; 0 where it was not in it.
        is_confirmed: whether it was worth a reviewer's time; not so when explained or dismissed.
    """

    place: int
    is_confirmed: bool


@dataclass(frozen=True, slots=True)
class Precision:
    """Precision at k.

    Attributes:
        k: places of the list that count: as many as a reviewer reads.
        decided: findings of these places that were confirmed, explained, dismissed or fixed, ever.
        confirmed: of them, those that were confirmed or fixed.
    """

    k: int
    decided: int
    confirmed: int

    @property
    def share(self) -> Fraction | None:
        """Confirmed of decided; None before the first decision."""
        return Fraction(self.confirmed, self.decided) if self.decided else None

    @property
    def factor(self) -> Fraction:
        """By how much the threshold of materiality is raised; 1 while the list is good enough."""
        if self.share is None or self.decided < LEAST_DECIDED or self.share >= LEAST_PRECISION:
            return Fraction(1)
        return min(MOST_RAISED, LEAST_PRECISION / self.share) if self.share else MOST_RAISED


def precision_at(k: int, decided: Iterable[Decided]) -> Precision:
    """Return how many of the first `k` places were decided, and how many of these confirmed."""
    counted = [one.is_confirmed for one in decided if 1 <= one.place <= k]
    return Precision(k, len(counted), sum(counted))
