"""Decimals are exact until they become nanos, and a price that does not multiply is refused."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.ingest.values.exact_decimals import (
    amount,
    exact,
    nanos,
    plain,
    quantity,
    require_product,
)
from metering.ingest.values.fields import FieldRefused, Fields
from metering.ingest.values.strict_json import Oddity


@pytest.mark.parametrize(
    ("spelled", "value"),
    [
        ("0.00000002", Fraction(2, 10**8)),
        ("8.50E-8", Fraction(85, 10**9)),
        ("1e2", Fraction(100)),
        ("-0.5", Fraction(-1, 2)),
        (7, Fraction(7)),
        (Oddity("12.5"), Fraction(25, 2)),
    ],
)
def test_a_decimal_is_read_exactly(spelled: object, value: Fraction) -> None:
    assert exact(spelled) == value


@pytest.mark.parametrize(
    "spelled",
    [
        *("", "NaN", "Infinity", "1,5", "1_000", "٣", "0x1", "1e999", "1/2", " 1", "+1", ".", "1."),
        *(True, None, [], Oddity("NaN"), Oddity("1e400"), "9" * 19),
    ],
)
def test_what_is_no_decimal_is_none(spelled: object) -> None:
    assert exact(spelled) is None


@pytest.mark.parametrize(
    ("units", "found"),
    [("0.0000000005", 0), ("0.0000000015", 2), ("0.0000000025", 2), ("-0.0000000015", -2)],
)
def test_half_a_nano_goes_to_the_even_one(units: str, found: int) -> None:
    assert nanos(Fraction(units)) == found


@given(st.decimals(-(10**8), 10**8, places=9).map(str))
def test_an_amount_of_nine_decimals_is_kept_whole(spelled: str) -> None:
    assert nanos(Fraction(spelled)) == Fraction(spelled) * 10**9
    assert Fraction(plain(Fraction(spelled))) == Fraction(spelled)


@pytest.mark.parametrize("cost", ["-1", "1e9", "x"])
def test_a_quantity_is_0_or_more_and_an_amount_below_a_billion(cost: str) -> None:
    fields = Fields({"cost": cost})

    with pytest.raises(FieldRefused):
        _ = quantity(fields, "cost") + amount(fields, "cost")


def refused(used: str, price: str, cost: object) -> str | None:
    """Return the code with which a priced row is refused; None if it is not."""
    fields = Fields({"used": used, "price": price, "cost": cost})
    try:
        require_product(fields, quantity_name="used", price_name="price", cost_name="cost")
    except FieldRefused as refusal:
        return refusal.code
    return None


@pytest.mark.parametrize(
    ("used", "price", "cost"),
    [
        ("45.195", "0.01", "0.45195"),
        ("0.033333333", "39", "1.3"),  # the quantity is rounded
        ("0.033333333", "19", "0.63"),  # the cost is rounded to cents
        ("7.2", "0.01", "0.07"),
        ("0.000001", "0.01", "0"),  # below a millionth
        ("0.3", "0.01", "0.00"),
        ("7", "0.000000003625", Oddity("2.5375e-8")),
        ("0", "0.04", "0"),
    ],
)
def test_a_cost_that_is_rounded_passes(used: str, price: str, cost: object) -> None:
    assert refused(used, price, cost) is None


@pytest.mark.parametrize(
    ("used", "price", "cost"),
    [
        ("7.2", "0.01", "0.72"),
        ("7.2", "0.01", "0.08"),
        ("7.2", "0.01", "0"),  # a cost without decimals says zero, and not that it was rounded
        ("30", "0.01", "0"),
        ("1000", "0.01", "10.02"),  # beyond a thousandth, and beyond half a cent
        ("1", "0.04", "-0.04"),
    ],
)
def test_a_cost_of_something_else_is_refused(used: str, price: str, cost: object) -> None:
    assert refused(used, price, cost) == "price-does-not-multiply"
