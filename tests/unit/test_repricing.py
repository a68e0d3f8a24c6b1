"""Money moved says why, and every nano that is lacking is in one movement."""

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.core.ledger import UNATTRIBUTED, UNPRICED, Account, AccountKind, Basis
from metering.core.planning.repricing import LackingLine, MoveReason, movements
from tests.support import books_rows

PRICED: Final = books_rows.basis(model_raw="gpt-5", model="gpt-5", unit_price_nanos=10_000_000_000)
UNKNOWN: Final = replace(
    PRICED,
    status="unpriced",
    reason="no_model",
    card="",
    rate_ids=(),
    unit_price_nanos=None,
    per=None,
)
CHEAPER: Final = replace(PRICED, unit_price_nanos=9_000_000_000, card="contract v1")


def owner(cost_centre: str) -> Account:
    return Account(f"owner:{cost_centre}/t/p", AccountKind.OWNER, cost_centre=cost_centre, team="t")


def line(account: Account, basis: Basis, quantity: int, amount: int) -> LackingLine:
    return LackingLine("2026-10", account, basis, "USD", quantity, amount)


ONE: Final = owner("CC-1")
OTHER: Final = owner("CC-2")


@pytest.mark.parametrize(
    ("before", "after", "reasons"),
    [
        ((ONE, PRICED), (ONE, CHEAPER), {"CC-1": "rate_changed"}),
        ((ONE, PRICED), (ONE, replace(PRICED, card="list v2")), {"CC-1": "same_price"}),
        (
            (ONE, PRICED),
            (ONE, replace(PRICED, status="provisional", reason="tier_unknown")),
            {"CC-1": "certainty_changed"},
        ),
        ((ONE, PRICED), (ONE, replace(CHEAPER, model="gpt-5.1")), {"CC-1": "model_changed"}),
        ((ONE, PRICED), (ONE, replace(PRICED, currency="EUR")), {"CC-1": "rate_changed"}),
        (
            (ONE, PRICED),
            (OTHER, PRICED),
            {"CC-1": "owner_changed", "CC-2": "owner_changed"},
        ),
        (
            (UNATTRIBUTED, PRICED),
            (OTHER, PRICED),
            {"suspense:unattributed": "owner_changed", "CC-2": "owner_changed"},
        ),
        (
            (UNPRICED, UNKNOWN),
            (ONE, PRICED),
            {"suspense:unpriced": "became_priced", "CC-1": "became_priced"},
        ),
        (
            (ONE, PRICED),
            (UNPRICED, UNKNOWN),
            {"suspense:unpriced": "became_unpriced", "CC-1": "became_unpriced"},
        ),
        (
            (UNPRICED, UNKNOWN),
            (UNPRICED, replace(UNKNOWN, reason="no_rate")),
            {"suspense:unpriced": "certainty_changed"},
        ),
        (None, (ONE, PRICED), {"CC-1": "usage_changed"}),
        ((ONE, PRICED), None, {"CC-1": "usage_changed"}),
    ],
)
def test_a_difference_has_its_reason(
    before: tuple[Account, Basis] | None,
    after: tuple[Account, Basis] | None,
    reasons: dict[str, str],
) -> None:
    lines = [line(*before, -5, -50)] if before else []
    lines += [line(*after, 5, 45)] if after else []

    found = movements(lines)

    assert {one.bearer: one.reason.value for one in found} == reasons


def test_both_sides_of_a_price_are_told() -> None:
    (moved,) = movements([line(ONE, PRICED, -5, -50), line(ONE, CHEAPER, 5, 45)])

    assert moved.moved_nanos == -5
    assert [(one.meter, one.before, one.after) for one in moved.changes] == [
        (
            "output",
            "10.00 USD per 1,000,000 (list v1)",
            "9.00 USD per 1,000,000 (contract v1)",
        )
    ]


def test_meters_of_a_model_are_one_movement_and_models_are_two() -> None:
    read = replace(PRICED, meter="cache_read")
    mini = replace(PRICED, model_raw="gpt-5-mini", model="gpt-5-mini")

    found = movements([line(ONE, basis, 1, 10) for basis in (PRICED, read, mini)])

    assert [(one.model, one.moved_nanos, one.postings) for one in found] == [
        ("gpt-5", 20, 2),
        ("gpt-5-mini", 10, 1),
    ]
    assert {one.reason for one in found} == {MoveReason.USAGE_CHANGED}


_LINES = st.builds(
    line,
    st.sampled_from([ONE, OTHER, UNPRICED, UNATTRIBUTED]),
    st.sampled_from([PRICED, CHEAPER, UNKNOWN, replace(PRICED, meter="cache_read")]),
    st.integers(-5, 5).filter(bool),
    st.integers(-100, 100),
)


@given(st.lists(_LINES))
def test_nothing_is_lost_whatever_the_order(lines: list[LackingLine]) -> None:
    found = movements(lines)

    assert sum(one.moved_nanos for one in found) == sum(one.amount_nanos for one in lines)
    assert sum(one.postings for one in found) == len(lines)
    assert movements(reversed(lines)) == found
