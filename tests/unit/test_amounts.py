"""An amount becomes nanos exactly, rounded once, half to even, whatever its unit and its digits."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.ingest.values.amounts import CENTS, currency, dollars, number_amount, text_amount
from metering.ingest.values.fields import FieldRefused, Fields
from metering.ingest.values.strict_json import Cursor

whole = st.integers(-(10**9), 10**9)
decimals = st.text("0123456789", max_size=40)


def fields(text: str) -> Fields:
    return Fields.of(Cursor(text, "input.json").value())


@given(whole=whole, decimals=decimals, per_unit=st.sampled_from([1, CENTS, 1000]))
def test_text_and_number_become_the_nearest_nano(whole: int, decimals: str, per_unit: int) -> None:
    spelled = f"{whole}.{decimals}" if decimals else str(whole)
    expected = round(Fraction(spelled) * 10**9 / per_unit)

    assert text_amount(fields(f'{{"a": "{spelled}"}}'), "a", per_unit=per_unit) == expected
    assert number_amount(fields(f'{{"a": {spelled}}}'), "a", per_unit=per_unit) == expected


@pytest.mark.parametrize(
    ("spelled", "nanos"),
    [
        ("1.25e-05", 12_500),
        ("1E2", 100_000_000_000),
        ("1e-10", 0),
        ("5e-10", 0),
        ("15e-10", 2),
        ("-0.0000000015", -2),
        ("0.003400000000000000000000000000000000", 3_400_000),
    ],
)
def test_a_json_number_may_have_an_exponent(spelled: str, nanos: int) -> None:
    assert number_amount(fields(f'{{"a": {spelled}}}'), "a") == nanos


@pytest.mark.parametrize(
    "value",
    ['"1e3"', '""', '"+1"', '" 1"', '"1,5"', '".5"', '"1."', '"٣"', "7", "null", "true", "[]"],
)
def test_what_is_no_decimal_text_is_refused(value: str) -> None:
    with pytest.raises(FieldRefused) as caught:
        text_amount(fields(f'{{"a": {value}}}'), "a")

    assert (caught.value.code, caught.value.field) == ("bad-amount", "a")


@pytest.mark.parametrize("value", ['"7"', "NaN", "1e400", "null", "true", "9" * 5000, "{}"])
def test_what_is_no_number_is_refused(value: str) -> None:
    with pytest.raises(FieldRefused) as caught:
        number_amount(fields(f'{{"a": {value}}}'), "a")

    assert (caught.value.code, caught.value.field) == ("bad-amount", "a")


def test_an_amount_ends_where_64_bits_of_nanos_end() -> None:
    largest = "9223372036.854775807"

    assert text_amount(fields(f'{{"a": "{largest}"}}'), "a") == 2**63 - 1
    with pytest.raises(FieldRefused):
        text_amount(fields('{"a": "9223372036.854775808"}'), "a")


def test_cents_are_cents_of_the_dollar_alone() -> None:
    assert dollars(fields('{"c": "usd"}'), "c") == "USD"
    assert currency(fields('{"c": "eur"}'), "c") == "EUR"
    for value in ('"EUR"', '"$"', '""', "null", "1"):
        with pytest.raises(FieldRefused) as caught:
            dollars(fields(f'{{"c": {value}}}'), "c")
        assert caught.value.code == "bad-currency"
