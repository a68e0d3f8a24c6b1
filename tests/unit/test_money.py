"""Amounts are rounded once, half to even, and nothing is created or lost when one is split."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.core.money import (
    NANOS_PER_UNIT,
    apportion,
    decimal_text,
    divide_half_even,
    nanos_from_decimal_text,
    plain_decimal,
    ratio,
    rounded_parts,
)

amounts = st.integers(-(10**18), 10**18)
weights = st.dictionaries(st.text(max_size=3), st.integers(0, 10**12), min_size=1).filter(
    lambda found: any(found.values())
)


@given(amounts, st.integers(-(10**15), 10**15).filter(bool))
def test_a_division_rounds_as_exact_arithmetic_does(numerator: int, denominator: int) -> None:
    assert divide_half_even(numerator, denominator) == round(Fraction(numerator, denominator))
    assert ratio(numerator, denominator) == round(Fraction(numerator, denominator) * NANOS_PER_UNIT)


@pytest.mark.parametrize(
    ("numerator", "denominator", "quotient"),
    [(1, 2, 0), (3, 2, 2), (5, 2, 2), (-1, 2, 0), (-3, 2, -2), (3, -2, -2), (1, 3, 0), (2, 3, 1)],
)
def test_a_tie_goes_to_the_even_one(numerator: int, denominator: int, quotient: int) -> None:
    assert divide_half_even(numerator, denominator) == quotient


@given(amounts, weights)
def test_shares_sum_to_the_amount_each_within_one_of_exact(
    whole: int, weights: dict[str, int]
) -> None:
    parts = apportion(whole, weights)

    assert sum(parts.values()) == whole
    for name, weight in weights.items():
        assert abs(parts[name] - Fraction(whole * weight, sum(weights.values()))) < 1
        assert weight or not parts[name]


@given(amounts, weights)
def test_the_order_of_the_weights_decides_the_order_of_the_shares_alone(
    whole: int, weights: dict[str, int]
) -> None:
    backwards = dict(reversed(weights.items()))

    assert list(apportion(whole, weights)) == list(weights)
    assert apportion(whole, backwards) == apportion(whole, weights)


@pytest.mark.parametrize(
    ("whole", "weights", "parts"),
    [
        (10, {"c": 1, "b": 1, "a": 1}, {"a": 4, "b": 3, "c": 3}),
        (-10, {"c": 1, "b": 1, "a": 1}, {"a": -3, "b": -3, "c": -4}),
        (10, {"a": 10, "b": 16}, {"a": 4, "b": 6}),
        (7, {"a": 0, "b": 1}, {"a": 0, "b": 7}),
    ],
)
def test_what_is_left_over_goes_to_the_largest_remainder_then_by_name(
    whole: int, weights: dict[str, int], parts: dict[str, int]
) -> None:
    assert apportion(whole, weights) == parts


@pytest.mark.parametrize("weights", [{}, {"a": 0}, {"a": 3, "b": -1}, {"a": 1, "b": -1}])
def test_weights_that_share_nothing_out_are_refused(weights: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="weights must be 0 or more and not all zero"):
        apportion(10, weights)


@given(st.dictionaries(st.text(max_size=3), st.integers(-(10**15), 10**15)), st.integers(1, 10**9))
def test_rounded_parts_sum_to_the_rounded_sum(parts: dict[str, int], step: int) -> None:
    rounded = rounded_parts(parts, step)

    assert list(rounded) == list(parts)
    assert sum(rounded.values()) == divide_half_even(sum(parts.values()), step)
    assert all(abs(rounded[name] * step - parts[name]) < step for name in parts)


def test_the_part_that_lost_most_is_rounded_up_then_by_name() -> None:
    assert rounded_parts({"b": 14, "a": 14, "c": 12}, 10) == {"b": 1, "a": 2, "c": 1}
    assert rounded_parts({"a": 13, "b": 17}, 10) == {"a": 1, "b": 2}


@given(amounts)
def test_exact_text_gives_the_same_nanos_back(amount: int) -> None:
    assert nanos_from_decimal_text(decimal_text(amount)) == amount
    assert nanos_from_decimal_text(plain_decimal(amount)) == amount


@pytest.mark.parametrize(
    ("nanos", "exact", "plain"),
    [
        (0, "0.00", "0"),
        (1, "0.000000001", "0.000000001"),
        (-5_000_000, "-0.005", "-0.005"),
        (-1, "-0.000000001", "-0.000000001"),
        (10 * NANOS_PER_UNIT, "10.00", "10"),
        (2_500_000_000, "2.50", "2.5"),
    ],
)
def test_nanos_are_written_as_exact_decimals(nanos: int, exact: str, plain: str) -> None:
    assert (decimal_text(nanos), plain_decimal(nanos)) == (exact, plain)


@pytest.mark.parametrize(
    ("text", "nanos"),
    [
        ("12", 12_000_000_000),
        ("12.", 12_000_000_000),
        ("-0.000000001", -1),
        ("0.1234567890000", 123_456_789),
        ("9" * 18, int("9" * 18) * NANOS_PER_UNIT),
    ],
)
def test_a_plain_decimal_is_read_exactly(text: str, nanos: int) -> None:
    assert nanos_from_decimal_text(text) == nanos


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        ".5",
        "--1",
        "1.2.3",
        "1e3",
        "1,5",
        " 1",
        "1.-5",
        "\N{ARABIC-INDIC DIGIT ONE}",
        "1.\N{SUPERSCRIPT TWO}",
        "0.0000000001",
        "1" * 19,
    ],
)
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a decimal with at most nine decimals"):
        nanos_from_decimal_text(text)
