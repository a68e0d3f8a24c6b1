"""Figures of the economics as a reader sees them, each with what it says exactly.

What is not known is an en dash; a section says what it lacks.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from metering.analysis.economics.bootstrap import Interval
from metering.reporting.figures import NIL, amount_text, number_text, quantity_text
from metering.reporting.review.contents import Value
from metering.reporting.words import shown_name

Cell = tuple[str, Value]
"""A figure as shown, and what it says."""

_LARGE: Final = 10_000
_PARTS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Wording:
    """Sets figures of one currency."""

    currency: str

    def money(self, nanos: Fraction | float | None) -> Cell:
        """Return an amount to the minor unit; fractions of a nano are rounded half to even."""
        if nanos is None:
            return NIL, None
        whole = round(nanos)
        return amount_text(whole, self.currency), whole

    def span(self, of: Interval | tuple[int, int] | None) -> Cell:
        """Return the bounds of an amount."""
        if of is None:
            return NIL, None
        low, high = (of.low, of.high) if isinstance(of, Interval) else of
        return f"{self.money(low)[0]} to {self.money(high)[0]}", None

    def price(self, nanos_per_token: Fraction | None) -> Cell:
        """Return the price of a million tokens."""
        return self.money(None if nanos_per_token is None else nanos_per_token * 1_000_000)


def number(value: Fraction | float | None, decimals: int = 2) -> Cell:
    """Return a plain figure, thousands apart."""
    if value is None:
        return NIL, None
    exact = Fraction(value).limit_denominator(_PARTS)
    return number_text(exact, 0 if abs(exact) >= _LARGE else decimals), exact


def count(value: int | None) -> Cell:
    """Return a whole number, thousands apart."""
    return (NIL, None) if value is None else (quantity_text(value), Fraction(value))


def percent(value: Fraction | float | None) -> Cell:
    """Return a share."""
    if value is None:
        return NIL, None
    exact = Fraction(value).limit_denominator(_PARTS)
    return f"{number_text(exact * 100, 1)} %", exact


def said(text: str) -> Cell:
    """Return words."""
    return text, None


def project_name(name: str) -> str:
    """Return how a reader says a project: "team / project"; what is nobody's is so called."""
    team, _, project = name.partition("/")
    return " / ".join(map(shown_name, filter(None, (team, project)))) or "nobody's"


def listed(names: Iterable[str]) -> str:
    """Return names, one after another."""
    return ", ".join(map(shown_name, names))
