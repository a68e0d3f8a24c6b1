"""Money as a whole number of nanos, whose currency stands beside it.

`divide_half_even` is the only place where an amount is rounded, once, in integers. Splitting an
amount uses `apportion`, whose parts always sum to the whole.
"""

from collections.abc import Mapping
from typing import Final

NANO_DIGITS: Final = 9
NANOS_PER_UNIT: Final = 10**NANO_DIGITS

# Digits after the decimal point of a currency's minor unit, where they are not two (ISO 4217).
_MINOR_DIGITS: Final = {
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"), 0),
    **dict.fromkeys(("PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
}


def minor_digits(currency: str) -> int:
    """Return how many decimals the minor unit of a currency has."""
    return _MINOR_DIGITS.get(currency, 2)


def minor_unit(currency: str) -> int:
    """Return the minor unit of a currency, a cent for most, in nanos."""
    nanos: int = 10 ** (NANO_DIGITS - minor_digits(currency))
    return nanos


def ratio(numerator: int, denominator: int) -> int:
    """Return numerator/denominator whole units as the nearest nano, half to even."""
    return divide_half_even(numerator * NANOS_PER_UNIT, denominator)


def divide_half_even(numerator: int, denominator: int) -> int:
    """Return the integer nearest to numerator/denominator, a tie going to the even one.

    Raises:
        ZeroDivisionError: the denominator is zero.
    """
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    quotient, rest = divmod(numerator, denominator)
    if 2 * rest > denominator or (2 * rest == denominator and quotient % 2 == 1):
        return quotient + 1
    return quotient


def apportion(whole: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Split a whole number in proportion to weights by largest remainder.

    Args:
        whole: what is split, in any whole unit; may be negative.
        weights: 0 or more each, by name; a weight of zero gets nothing.

    Returns:
        One part per name, in the order of `weights`; they sum to `whole`, each within one unit of
        its exact share. Ties of the remainder go to the name that sorts first, so the order of
        `weights` does not matter.

    Raises:
        ValueError: a weight is negative, or all of them are zero.
    """
    total = sum(weights.values())
    if total <= 0 or min(weights.values()) < 0:
        raise ValueError("weights must be 0 or more and not all zero")
    floors = {name: divmod(whole * weight, total) for name, weight in weights.items()}
    missing = whole - sum(quotient for quotient, _ in floors.values())
    by_remainder = sorted(floors, key=lambda name: (-floors[name][1], name))
    raised = frozenset(by_remainder[:missing])
    return {name: quotient + (name in raised) for name, (quotient, _) in floors.items()}


def rounded_parts(parts: Mapping[str, int], step: int) -> dict[str, int]:
    """Round amounts to a larger unit so that they still add up, by largest remainder.

    Args:
        parts: amounts by name; may be negative.
        step: how many of their unit make one of the larger, e.g. nanos in a cent.

    Returns:
        Whole larger units by name, in the order of `parts`; they sum to the sum of `parts` rounded
        half to even, each within one unit of its exact value. Ties go to the name that sorts first.
    """
    floors = {name: divmod(amount, step) for name, amount in parts.items()}
    whole = divide_half_even(sum(parts.values()), step)
    missing = whole - sum(quotient for quotient, _ in floors.values())
    by_remainder = sorted(floors, key=lambda name: (-floors[name][1], name))
    raised = frozenset(by_remainder[:missing])
    return {name: quotient + (name in raised) for name, (quotient, _) in floors.items()}


def nanos_from_decimal_text(text: str) -> int:
    """Return an exact decimal like "12.34" as nanos.

    Raises:
        ValueError: it is not a plain ASCII decimal, or has more than nine decimals that matter.
    """
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    whole, _, fraction = digits.partition(".")
    fraction = fraction.rstrip("0")
    plain = (
        (whole + fraction).isascii() and whole.isdigit() and (not fraction or fraction.isdigit())
    )
    if not plain or len(fraction) > 9 or len(whole) > 18:  # noqa: PLR2004 - nano digits
        raise ValueError(f"{text!r} is not a decimal with at most nine decimals")
    return sign * (int(whole) * NANOS_PER_UNIT + int(fraction.ljust(NANO_DIGITS, "0")))


def decimal_text(nanos: int) -> str:
    """Return nanos as exact decimal text with two decimals or more: "12.34", "-0.005"."""
    whole, fraction = divmod(abs(nanos), NANOS_PER_UNIT)
    digits = f"{fraction:09d}".rstrip("0").ljust(2, "0")
    return f"{'-' if nanos < 0 else ''}{whole}.{digits}"


def plain_decimal(nanos: int) -> str:
    """Return nanos as exact decimal text without zeros at its end: "12.34", "-0.005", "3"."""
    whole, fraction = divmod(abs(nanos), NANOS_PER_UNIT)
    decimals = f".{fraction:09d}".rstrip("0").rstrip(".")
    return f"{'-' if nanos < 0 else ''}{whole}{decimals}"
