"""Figures as a reader sees them: minor units, thousands apart, a line for what rounding leaves.

Rounding for display is the last step and feeds nothing. Printed accounts are the model: an en dash
is nil, `0.00` is something that rounds to nothing, a true minus sign stands before what is given
back. Every figure of a currency has the same number of decimals, so right-aligned columns align on
the decimal.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import Final

from metering.core.money import divide_half_even, minor_digits, minor_unit
from metering.reporting.numerals import current_numerals

NIL: Final = "\N{EN DASH}"
MINUS: Final = "\N{MINUS SIGN}"


def minor_units(nanos: int, currency: str) -> int:
    """Return nanos as whole minor units, half to even: the figure that will be shown."""
    return divide_half_even(nanos, minor_unit(currency))


def rounding_left(parts: Iterable[int], whole: int, currency: str) -> int:
    """Return the minor units by which the shown parts miss the shown whole.

    Args:
        parts: nanos of each row that is shown.
        whole: nanos of their total.
        currency: ISO 4217 code.
    """
    return minor_units(whole, currency) - sum(minor_units(part, currency) for part in parts)


def amount_text(nanos: int, currency: str) -> str:
    """Return an amount as shown: `1,234.50`, a true minus before what is negative, `NIL`."""
    if nanos == 0:
        return NIL
    return minor_text(minor_units(nanos, currency), currency)


def minor_text(minor: int, currency: str) -> str:
    """Return whole minor units as shown, zero included."""
    digits = minor_digits(currency)
    numerals = current_numerals()
    whole, fraction = divmod(abs(minor), 10**digits)
    decimals = f"{numerals.decimal}{fraction:0{digits}d}" if digits else ""
    return f"{MINUS if minor < 0 else ''}{numerals.grouped(whole)}{decimals}"


def quantity_text(quantity: int) -> str:
    """Return a whole quantity with its thousands apart."""
    if quantity == 0:
        return NIL
    return f"{MINUS if quantity < 0 else ''}{current_numerals().grouped(abs(quantity))}"


def number_text(number: Fraction, decimals: int = 2) -> str:
    """Return a number that is neither money nor a whole quantity, rounded half to even."""
    numerals = current_numerals()
    scaled = round(number * 10**decimals)
    whole, rest = divmod(abs(scaled), 10**decimals)
    tail = f"{numerals.decimal}{rest:0{decimals}d}" if decimals else ""
    return f"{MINUS if scaled < 0 else ''}{numerals.grouped(whole)}{tail}"


def share_text(part: int, whole: int) -> str:
    """Return a part of a whole in per cent with one decimal; nothing where the whole is nil."""
    if whole == 0:
        return ""
    tenths = divide_half_even(part * 1000, whole)
    return f"{MINUS if tenths < 0 else ''}{_percent(tenths)}"


def change_text(now: int, before: int) -> str:
    """Return the change from `before` to `now` in per cent with its sign; nothing after nil."""
    if before == 0:
        return ""
    tenths = divide_half_even((now - before) * 1000, abs(before))
    sign = "+" if tenths > 0 else MINUS if tenths < 0 else "±"
    return f"{sign}{_percent(tenths)}"


def _percent(tenths: int) -> str:
    numerals = current_numerals()
    points, tenth = divmod(abs(tenths), 10)
    return f"{numerals.grouped(points)}{numerals.decimal}{tenth} %"
