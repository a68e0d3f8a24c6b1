"""Checks that bulk formats have in common: what refuses a record, and what the user is told.

Order matters to the user: a field that is missing is said before one that is wrong, and a wrong
one before what follows from it.
"""

from collections.abc import Iterable
from typing import Final

from metering.ingest.bulk.layout import Check, name
from metering.ingest.bulk.numbers import differ, shown_product

INSTANT: Final = "an instant as YYYY-MM-DDTHH:MM:SSZ, from 2000 to 2099"
WHOLE: Final = "a whole number, 0 or more, of at most 18 digits, without quotes or separators"
AMOUNT: Final = "a decimal number of less than a billion, without separators or currency"
QUANTITY: Final = "a decimal number, 0 or more, without separators or unit"
SIGNED_QUANTITY: Final = "a decimal number, without separators or unit"
TAGS: Final = "a JSON object, each name in it once, without NUL"


def missing(field: str, expected: str, value: str | None = None) -> Check:
    """Return the check that a field says something; `value` is where it stands, if elsewhere."""
    return Check(
        fails=f"nullif({value or name(field)}::VARCHAR, '') IS NULL",
        code="missing-field",
        field=field,
        found="'nothing'",
        expected=expected,
        quotes=False,
        empty_is_null=True,
    )


def texts_without_nul(fields: Iterable[tuple[str, str]]) -> tuple[Check, ...]:
    """Return checks that texts can be stored anywhere; each a field and the expression of it."""
    return tuple(
        Check(
            fails=f"contains({value}, chr(0))",
            code="bad-text",
            field=field,
            found=value,
            expected="text without NUL",
            empty_is_null=True,
        )
        for field, value in fields
    )


def readable(field: str, value: str, read: str, code: str, expected: str) -> Check:
    """Return the check that what stands in a field could be read.

    Args:
        field: as the source spells it.
        value: the text.
        read: what became of it; null if nothing did.
        code: e.g. bad-instant, bad-quantity, bad-amount.
        expected: in words.
    """
    return Check(
        fails=f"nullif({value}, '') IS NOT NULL AND {read} IS NULL",
        code=code,
        field=field,
        found=value,
        expected=expected,
    )


def currency(field: str, value: str) -> Check:
    """Return the check that a currency is a code of three capitals."""
    return Check(
        fails=f"NOT regexp_full_match({value}, '[A-Z]{{3}}')",
        code="bad-currency",
        field=field,
        found=value,
        expected="a currency code of three capitals, such as USD",
    )


def tags(field: str, broken: str) -> Check:
    """Return the check that tags are a JSON object; `broken` as `bulk_tags.is_broken`."""
    return Check(
        fails=broken,
        code="bad-json",
        field=field,
        found="'text that is not a JSON object of tags'",
        expected=TAGS,
        quotes=False,
    )


def taken_back(field: str, quantity: str, takes_back: str, billed: str) -> Check:
    """Return the check that a quantity below 0 takes money back; of it the money alone is kept.

    Args:
        field: the quantity, as the source spells it.
        quantity: its text.
        takes_back: the condition that it is below 0.
        billed: what the row comes to, in nanos.
    """
    return Check(
        fails=f"{takes_back} AND {billed} > 0",
        code="bad-quantity",
        field=field,
        found=quantity,
        expected="0 or more, or a cost below 0: what is taken back is not billed",
    )


def price(field: str, cost: str, product: str, multiplied: str, *, unless: str = "false") -> Check:
    """Return the check that quantity times price is the cost.

    Args:
        field: the cost, as the source spells it.
        cost: its text, already known to be a number.
        product: the product as a double; null where the source gives no price.
        multiplied: what is multiplied, in the words of the source.
        unless: a condition under which the row is right all the same.
    """
    return Check(
        fails=f"({differ(product, f'{cost}::DOUBLE')}) AND NOT ({unless})",
        code="price-does-not-multiply",
        field=field,
        found=shown_product(cost, product),
        expected=f"{multiplied}, to a millionth",
        remedy="find out which of them is wrong with the provider; the row is not charged",
        quotes=False,
    )
