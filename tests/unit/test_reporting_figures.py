"""Figures are rounded for display alone, and what that leaves over is never lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.reporting.figures import (
    NIL,
    amount_text,
    change_text,
    minor_units,
    quantity_text,
    rounding_left,
    share_text,
)

amounts = st.integers(-(10**17), 10**17)


@pytest.mark.parametrize(
    ("nanos", "currency", "shown"),
    [
        (0, "USD", NIL),
        (4_999_999, "USD", "0.00"),
        (5_000_001, "USD", "0.01"),
        (-4_999_999, "USD", "0.00"),
        (-1_234_567_890_000_000, "USD", "\N{MINUS SIGN}1,234,567.89"),
        (1_500_000_000, "JPY", "2"),
        (1_234_500_000, "KWD", "1.234"),
    ],
)
def test_an_amount_has_the_decimals_of_its_currency(nanos: int, currency: str, shown: str) -> None:
    assert amount_text(nanos, currency) == shown


@given(st.lists(amounts), st.sampled_from(["USD", "JPY", "KWD"]))
def test_shown_parts_and_rounding_add_up_to_the_shown_whole(
    parts: list[int], currency: str
) -> None:
    whole = sum(parts)

    shown = sum(minor_units(part, currency) for part in parts)

    assert shown + rounding_left(parts, whole, currency) == minor_units(whole, currency)


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(1, 3, "33.3 %"), (-1, 8, "\N{MINUS SIGN}12.5 %"), (5, 0, ""), (0, 9, "0.0 %")],
)
def test_a_share_is_in_per_cent_of_the_whole(part: int, whole: int, shown: str) -> None:
    assert share_text(part, whole) == shown


@pytest.mark.parametrize(
    ("now", "before", "shown"),
    [
        (11, 10, "+10.0 %"),
        (9, 10, "\N{MINUS SIGN}10.0 %"),
        (10, 10, "±0.0 %"),
        (5, 0, ""),
        (0, 0, ""),
    ],
)
def test_a_change_carries_its_sign(now: int, before: int, shown: str) -> None:
    assert change_text(now, before) == shown


def test_a_quantity_has_its_thousands_apart() -> None:
    assert [quantity_text(n) for n in (0, 1_234_567, -1_234)] == [
        NIL,
        "1,234,567",
        "\N{MINUS SIGN}1,234",
    ]
