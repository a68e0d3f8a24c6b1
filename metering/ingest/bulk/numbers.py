"""Quantities and prices of bulk formats, as SQL.

Bills spell a number as text, as a decimal or as a double, with a sign and sometimes an exponent.
It stays text until it was checked. What becomes tokens or money goes through decimals; a double is
only used to see whether a price and a quantity multiply to the cost, which is a comparison within
a tolerance, and to find a whole number that it is nearly equal to.
"""

from typing import Final

from metering.ingest.bulk.layout import UNTIED, nanos

# As text, CSV and doubles write a number; nothing in front, no separators, no units.
_NUMBER: Final = r"-?\d{1,18}(\.\d{1,40})?([eE][+-]?\d{1,3})?"
# As many digits as a quantity and an amount may have hold what is less than the largest, and no
# more; then all that go into 128 bits, so that a product of them fits.
_QUANTITY: Final = "DECIMAL(27, 12)"
_AMOUNT: Final = "DECIMAL(37, 28)"
_WIDEST: Final = "DECIMAL(38, 12)"
# A double holds a quantity in blocks of a million to this part of one token.
_WHOLE_WITHIN: Final = "0.001"
# Below this the double of a product is off by less than a tenth of what this leaves to that part.
_LARGEST_NEAR: Final = "1e11"
_NEAR: Final = "0.0005"
# With at most nine decimals it is whole in nanos.
_WHOLE_NANOS: Final = r"-?\d{1,9}(\.\d{1,9})?"
_FEW_DIGITS: Final = 9

# Costs are printed with five decimals or more, and prices to the last digit.
COST_TOLERANCE: Final = "0.000005"
COST_PART: Final = "0.000001"


def quantity(text: str) -> str:
    """Return an expression for an exact quantity of less than 10^15; null for anything else.

    Negative for what is taken back.
    """
    decimal = f"try_cast({text} AS {_QUANTITY})::{_WIDEST}"
    return f"CASE WHEN regexp_full_match({text}, '{_NUMBER}') THEN {decimal} END"


def whole(text: str, block: str, amount: str = "") -> str:
    """Return an expression for a quantity of blocks in whole units; null if they are not whole.

    Args:
        text: the quantity, as the source spells it; no quantity is no whole one.
        block: units in a block, a whole number of at most a million.
        amount: where `quantity` of the text is worked out already, its name.
    """
    amount = amount or quantity(text)
    units, near = f"({amount} * {block})", f"(try_cast({text} AS DOUBLE) * {block})"
    # Arithmetic with 38 digits is slow, and so is to make a double of them; that of the text shows
    # the whole number beyond doubt where it is nearly one and not large.
    return (
        f"CASE WHEN {amount} IS NULL THEN NULL"
        f" WHEN abs({near}) < {_LARGEST_NEAR} AND abs({near} - round({near})) <= {_NEAR}"
        f" THEN round({near})::BIGINT"
        f" WHEN abs({units} - round({units})) <= {_WHOLE_WITHIN}"
        f" AND abs({units}) < 1e18 THEN round({units})::BIGINT END"
    )


def signed_nanos(text: str) -> str:
    """Return an expression for an amount in nanos, which may be negative; otherwise as `nanos`."""
    return nanos(text, sign="-?")


def exact(text: str) -> str:
    """Return an expression for an exact amount of less than a billion; null for anything else."""
    decimal = f"try_cast({text} AS {_AMOUNT})"
    return f"CASE WHEN regexp_full_match({text}, '{_NUMBER}') THEN {decimal} END"


def nanos_of_each(texts: str) -> str:
    """Return an expression for the amounts of a list that are whole in nanos, null for others."""
    cast = "try_cast(one || 'e9' AS BIGINT)"
    each = f"CASE WHEN regexp_full_match(one, '{_WHOLE_NANOS}') THEN {cast} END"
    return f"list_transform({texts}, lambda one: {each})"


def are_amounts(texts: str, in_nanos: str) -> str:
    """Return a condition: every text of a list is an amount of less than a billion.

    Args:
        texts: the list.
        in_nanos: what `nanos_of_each` gives of it.
    """
    # Of OR both sides would be worked out, and the second takes long.
    return (
        f"CASE WHEN {_is_complete(in_nanos)} THEN true ELSE {_is_complete(_exact_each(texts))} END"
    )


def nanos_of_sum(text: str, others: str, in_nanos: str) -> str:
    """Return an expression for the sum of an amount and a list of them in nanos, rounded once.

    Half to even; null if one of them is no amount of less than a billion.

    Args:
        text: the amount.
        others: a list of texts, of which there is at least one.
        in_nanos: what `nanos_of_each` gives of the list.
    """
    exactly = _exact_each(others)
    # What is whole in nanos does not change how the rest is rounded, unless that is a tie.
    return (
        f"CASE WHEN regexp_full_match({text}, '-?{UNTIED}') AND {_is_complete(in_nanos)}"
        f" THEN try_cast({text} || 'e9' AS BIGINT) + list_sum({in_nanos})::BIGINT"
        f" WHEN {_is_complete(exactly)} THEN"
        f" (round_even({exact(text)} + list_sum({exactly}), 9) * 1000000000)::BIGINT END"
    )


def _exact_each(texts: str) -> str:
    return f"list_transform({texts}, lambda one: {exact('one')})"


def _is_complete(values: str) -> str:
    return f"list_count({values}) = len({values})"


def approximate(text: str) -> str:
    """Return an expression for a number as a double, to compare with; null for anything else."""
    return f"CASE WHEN regexp_full_match({text}, '{_NUMBER}') THEN try_cast({text} AS DOUBLE) END"


def differ(product: str, cost: str) -> str:
    """Return a condition: a product of quantity and price is not the cost.

    Apart by more than five millionths of the currency and a millionth of the cost: what printing a
    cost can lose, and far less than any wrong unit makes.
    """
    return f"abs({product} - {cost}) > {COST_TOLERANCE} + abs({cost}) * {COST_PART}"


def shown_product(cost: str, product: str) -> str:
    """Return an expression that says both figures: what is written, and what it should be."""
    return f"{cost} || ', and not ' || printf('%.{_FEW_DIGITS}g', {product})"
