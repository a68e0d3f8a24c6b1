"""Typed access to one table of the flat-money file; what cannot be read is refused, by its key."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Final, TypeVar

from metering.core.money import NANOS_PER_UNIT, nanos_from_decimal_text
from metering.core.ownership.attribution import Owner
from metering.core.toml_tables import Place, day_text_in, table_in, text_in, unknown_keys
from metering.core.validity import day_of, validity_of
from metering.errors import RejectedError, shown

Choice = TypeVar("Choice", bound=StrEnum)

_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_LARGEST_NANOS: Final = 9_000_000_000 * NANOS_PER_UNIT
_AMOUNT: Final = 'a decimal in quotes like "19.00", below 9 billion, with at most nine decimals'
_LARGEST_COUNT: Final = 10**9
_OWNER_KEYS: Final = ("cost_centre", "team", "project")


@dataclass(frozen=True, slots=True)
class FlatTable:
    """One table, `[[seats]]` or its like.

    Attributes:
        keys: what it says.
        place: where it stands.
    """

    keys: Mapping[str, object]
    place: Place

    def has(self, key: str) -> bool:
        """Say whether the table has a key."""
        return key in self.keys

    def below(self, key: str, known: Sequence[str]) -> "FlatTable":
        """Return the table under a key, which has none but some keys."""
        found = table_in(self.keys, key, self.place)
        for rejection in unknown_keys(found, known, self.place):
            raise RejectedError(rejection)
        return FlatTable(found, self.place)

    def text(self, key: str) -> str:
        """Return the text under a key, which must be there."""
        return text_in(self.keys, key, self.place)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the texts under a key; none where it is left out."""
        found = self.keys.get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
            raise self.refused("bad-value", key, 'texts in quotes, ["…", "…"]')
        return tuple(found)

    def choice(self, key: str, choices: type[Choice], default: Choice) -> Choice:
        """Return which of some words stands under a key."""
        if not self.has(key):
            return default
        try:
            return choices(self.text(key))
        except ValueError as error:
            raise self.refused("bad-value", key, f"one of {', '.join(choices)}") from error

    def currency(self, key: str) -> str:
        """Return the currency under a key."""
        found = self.text(key)
        if _CURRENCY.fullmatch(found) is None:
            raise self.refused("bad-currency", key, "three capital letters of ISO 4217, like USD")
        return found

    def amount(self, key: str) -> int:
        """Return the nanos under a key, 0 or more, which must be there."""
        if not self.has(key):
            raise self.place.refused("missing-field", key, "missing", _AMOUNT)
        found = self.keys[key]
        try:
            nanos = nanos_from_decimal_text(found) if isinstance(found, str) else None
        except ValueError:
            nanos = None
        if nanos is None or abs(nanos) > _LARGEST_NANOS:
            raise self.refused("bad-amount", key, _AMOUNT)
        if nanos < 0:
            raise self.refused("negative-price", key, "an amount of 0 or more")
        return nanos

    def amount_or(self, key: str, default: int) -> int:
        """Return the nanos under a key, or a default where it is left out."""
        return self.amount(key) if self.has(key) else default

    def ratio_or_one(self, key: str) -> Fraction:
        """Return the decimal under a key, 1 or more; 1 where it is left out."""
        nanos = self.amount_or(key, NANOS_PER_UNIT)
        if nanos < NANOS_PER_UNIT:
            raise self.refused("bad-amount", key, "a decimal of 1 or more in quotes")
        return Fraction(nanos, NANOS_PER_UNIT)

    def whole(self, key: str) -> int | None:
        """Return the whole number under a key, 1 or more; None where it is left out."""
        found = self.keys.get(key)
        if found is None:
            return None
        if type(found) is not int or not 0 < found <= _LARGEST_COUNT:
            raise self.refused("bad-value", key, "a whole number from 1 to 1,000,000,000")
        return found

    def day(self, key: str) -> date:
        """Return the day under a key, which must be there."""
        if not self.has(key):
            raise self.place.refused("missing-field", key, "missing", "a day as YYYY-MM-DD")
        try:
            found = day_of(day_text_in(self.keys, key, self.place))
        except ValueError as error:
            raise self.refused("bad-date", key, "a day as YYYY-MM-DD") from error
        if found is None:
            raise self.refused("bad-date", key, "a day as YYYY-MM-DD")
        return found

    def days(self, first: str, end: str) -> tuple[date, date | None]:
        """Return two days, half-open; the first must be there, no end is None."""
        begins = self.day(first)
        _, ends = validity_of(
            self.place.line_of(end),
            (first, begins.isoformat()),
            (end, day_text_in(self.keys, end, self.place)),
        )
        return begins, ends

    def owner(self, key: str) -> Owner:
        """Return the owner under a key, which must be there: money is never without one."""
        table = self.below(key, _OWNER_KEYS)
        if "cost_centre" not in table.keys:
            raise self.place.refused(
                "missing-cost-centre", key, "without a cost centre", "one that pays"
            )
        return Owner(**{name: table.text(name) for name in table.keys})

    def refused(self, code: str, key: str, expected: str) -> RejectedError:
        """Return the refusal of what stands under a key."""
        return self.place.refused(code, key, shown(self.keys.get(key, "")), expected)
