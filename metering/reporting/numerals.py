"""How numbers are written in a report: decimal sign, thousands and their groups, by locale.

A locale is set for a whole rendering, as `decimal.localcontext` sets a precision, so that no view
can be written in another one. Files for machines (CSV, JSON, FOCUS) never depend on it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

DEFAULT_LOCALE: Final = "en-US"


@dataclass(frozen=True, slots=True)
class Numerals:
    """How a locale writes a number.

    Attributes:
        locale: BCP 47 tag.
        decimal, group: the signs between whole and fraction, and between groups of digits.
        first_group, other_groups: digits in the group before the decimal sign, and in the others;
            Indian numbers have 3 and 2.
    """

    locale: str = DEFAULT_LOCALE
    decimal: str = "."
    group: str = ","
    first_group: int = 3
    other_groups: int = 3

    def grouped(self, whole: int) -> str:
        """Return a whole number, 0 or more, with its groups of digits apart."""
        digits = str(whole)
        head, tail = digits[: -self.first_group], digits[-self.first_group :]
        groups = [tail]
        while head:
            head, tail = head[: -self.other_groups], head[-self.other_groups :]
            groups.insert(0, tail)
        return self.group.join(groups)


_CURRENT: ContextVar[Numerals] = ContextVar("numerals", default=Numerals())  # noqa: B039 - frozen


def current_numerals() -> Numerals:
    """Return how numbers are written in the rendering under way."""
    return _CURRENT.get()


@contextmanager
def written_in(numerals: Numerals) -> Iterator[None]:
    """Write the numbers of a rendering in one way."""
    token = _CURRENT.set(numerals)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def numerals_of(locale: str) -> Numerals:
    """Return how a locale writes numbers.

    Args:
        locale: BCP 47 tag such as "de-CH".

    Raises:
        ValueError: no such locale is known.

    Source: Unicode CLDR, through Babel; Latin digits whatever the script of the locale, because a
    statement is compared with invoices.
    """
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415 - only where a locale is set

    try:
        known = Locale.parse(locale, sep="-")
    except (UnknownLocaleError, ValueError) as error:
        raise ValueError(f"no locale is called {locale!r}") from error
    symbols = known.number_symbols["latn"]
    first, other = known.decimal_formats[None].grouping
    return Numerals(locale, symbols["decimal"], symbols["group"], first, other)
