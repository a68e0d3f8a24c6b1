"""Decimal numbers of a source as exact fractions, and prices that must multiply to a cost.

Sources write 0.0129, 2E-8, "8.50E-8" or $0.05. What is multiplied or compared before it becomes
money is a fraction on the way, never a binary float, and becomes nanos once, half to even.
"""

import re
from fractions import Fraction
from typing import Final

from metering.core.money import ratio
from metering.errors import shown
from metering.ingest.values.fields import FieldRefused, Fields
from metering.ingest.values.strict_json import Oddity

_DECIMAL: Final = re.compile(r"-?\d{1,18}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_LARGEST_AMOUNT: Final = 10**9
_LARGEST_QUANTITY: Final = 10**18
_CENT_DECIMALS: Final = 2
# Exports round what they show; the price of something else is off by far more than this.
_TOLERATED_SHARE: Final = Fraction(1, 1000)
_TOLERATED_AMOUNT: Final = Fraction(1, 10**6)

_QUANTITY: Final = "a decimal number, 0 or more, such as 12.5"
_SIGNED_QUANTITY: Final = "a decimal number such as 12.5"
_AMOUNT: Final = "a decimal number such as 12.34, below a billion"


def quantity(fields: Fields, name: str) -> Fraction:
    """Return a quantity of 0 or more, spelled as a number or as text.

    Raises:
        FieldRefused: `missing-field`, or `bad-quantity`.
    """
    found = exact(fields.required(name))
    if found is None or not 0 <= found < _LARGEST_QUANTITY:
        raise fields.refused("bad-quantity", name, _QUANTITY)
    return found


def signed_quantity(fields: Fields, name: str) -> Fraction:
    """Return a quantity, spelled as a number or as text; negative for what is taken back.

    Raises:
        FieldRefused: `missing-field`, or `bad-quantity`.
    """
    found = exact(fields.required(name))
    if found is None or abs(found) >= _LARGEST_QUANTITY:
        raise fields.refused("bad-quantity", name, _SIGNED_QUANTITY)
    return found


def amount(fields: Fields, name: str) -> Fraction:
    """Return money in whole units, spelled as a number or as text; negative for what is given back.

    Raises:
        FieldRefused: `missing-field`, or `bad-amount`; a billion and more is one, since 64 bits of
            nanos end at nine.
    """
    found = exact(fields.required(name))
    if found is None or abs(found) >= _LARGEST_AMOUNT:
        raise fields.refused("bad-amount", name, _AMOUNT)
    return found


def exact(value: object) -> Fraction | None:
    """Return a decoded number, or text that spells one, as a fraction; None for anything else."""
    match value:
        case bool():
            return None
        case int() | str():
            spelled = str(value)
        case Oddity():
            spelled = value.spelled
        case _:
            return None
    return Fraction(spelled) if _DECIMAL.fullmatch(spelled) else None


def nanos(units: Fraction) -> int:
    """Return money in whole units as nanos, rounded once, half to even."""
    return ratio(units.numerator, units.denominator)


def plain(number: Fraction) -> str:
    """Return a number as decimal text, to twelve decimals, without zeros at its end."""
    scaled = round(number * 10**12)
    digits = f"{abs(scaled):013d}"
    return f"{'-' if scaled < 0 else ''}{digits[:-12]}.{digits[-12:]}".rstrip("0").rstrip(".")


def require_product(fields: Fields, *, quantity_name: str, price_name: str, cost_name: str) -> None:
    """Refuse a priced row whose quantity times unit price is not what it says it cost.

    Args:
        fields: of the row.
        quantity_name: what the source calls the quantity, in the unit the price is for.
        price_name: what it calls the price of one unit.
        cost_name: what it calls the cost.

    Raises:
        FieldRefused: `price-does-not-multiply`, unless the two agree to a thousandth, to a
            millionth of a unit of currency, or to the last digit of a cost with two or more
            decimals; or as `signed_quantity` and `amount`.
    """
    product = signed_quantity(fields, quantity_name) * amount(fields, price_name)
    stated = amount(fields, cost_name)
    difference = abs(product - stated)
    if difference <= max(abs(stated) * _TOLERATED_SHARE, _TOLERATED_AMOUNT):
        return
    spelled = _spelled(fields.values[cost_name])
    decimals = len(spelled.partition(".")[2])
    is_plain = "e" not in spelled.lower()
    if is_plain and decimals >= _CENT_DECIMALS and difference * 2 * 10**decimals <= 1:
        return
    raise FieldRefused(
        "price-does-not-multiply",
        fields.within + cost_name,
        shown(spelled),
        f"{quantity_name} times {price_name}, which is {plain(product)}",
        "the row contradicts itself: ask the provider, correct it, ingest the file again",
    )


def _spelled(value: object) -> str:
    return value.spelled if isinstance(value, Oddity) else str(value)
