"""Amounts of money and credits as sources spell them, exact: a decimal becomes nanos once.

A provider says dollars in one report and cents in the next. The format says which by `per_unit`,
and nothing is read as a binary float on the way.
"""

import re
from typing import Final

from metering.core.money import NANOS_PER_UNIT, divide_half_even
from metering.ingest.values.fields import Fields
from metering.ingest.values.strict_json import Oddity

CENTS: Final = 100

_TEXT: Final = re.compile(r"(?P<sign>-?)(?P<whole>\d{1,15})(\.(?P<part>\d{1,60}))?", re.ASCII)
_NUMBER: Final = re.compile(_TEXT.pattern + r"([eE](?P<power>[+-]?\d{1,2}))?", re.ASCII)
_LARGEST_NANOS: Final = 2**63 - 1
_CURRENCY: Final = re.compile(r"[A-Za-z]{3}", re.ASCII)


def text_amount(fields: Fields, name: str, *, per_unit: int = 1) -> int:
    """Return an amount that the source writes as text, in nanos, rounded once, half to even.

    Args:
        fields: of the record.
        name: the field.
        per_unit: how many of what is written make one unit of the currency, e.g. `CENTS`.

    Raises:
        FieldRefused: `missing-field`; `bad-amount` for anything but a plain decimal, null included.
    """
    value = fields.required(name)
    match = _TEXT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise fields.refused("bad-amount", name, "a decimal number as text, such as 12.34")
    return _nanos(fields, name, match, per_unit)


def number_amount(fields: Fields, name: str, *, per_unit: int = 1) -> int:
    """Return an amount that the source writes as a JSON number; otherwise as `text_amount`."""
    match fields.required(name):
        case Oddity(spelled):
            match = _NUMBER.fullmatch(spelled)
        case int(value) if not isinstance(value, bool):
            match = _NUMBER.fullmatch(str(value))
        case _:
            match = None
    if match is None:
        raise fields.refused("bad-amount", name, "a decimal number without quotes, such as 12.34")
    return _nanos(fields, name, match, per_unit)


def currency(fields: Fields, name: str) -> str:
    """Return the code of a currency in capitals.

    Raises:
        FieldRefused: `missing-field`, or `bad-currency` for anything but three letters.
    """
    value = fields.required(name)
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise fields.refused("bad-currency", name, "a currency code of three letters, such as USD")
    return value.upper()


def dollars(fields: Fields, name: str) -> str:
    """Return "USD"; for reports whose amounts are in cents of the dollar and of nothing else.

    Raises:
        FieldRefused: as `currency`, or `bad-currency` for another currency.
    """
    if currency(fields, name) != "USD":
        raise fields.refused("bad-currency", name, "USD: the report is documented in its cents")
    return "USD"


def _nanos(fields: Fields, name: str, match: re.Match[str], per_unit: int) -> int:
    said = match.groupdict()
    part = said["part"] or ""
    power = int(said.get("power") or 0) - len(part)
    written = int(said["sign"] + said["whole"] + part)
    nanos = divide_half_even(
        written * NANOS_PER_UNIT * 10 ** max(power, 0), per_unit * 10 ** max(-power, 0)
    )
    if abs(nanos) > _LARGEST_NANOS:
        raise fields.refused("bad-amount", name, "an amount of less than nine billion")
    return nanos
