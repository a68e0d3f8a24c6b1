"""E1, E2, E4 and E8 by hand, and what must hold for any numbers: the parts are the whole."""

from fractions import Fraction
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.analysis.economics.jevons import jevons_index
from metering.analysis.economics.multipliers import (
    ChainInputs,
    multiplier_chain,
    multipliers,
)
from metering.analysis.economics.price_volume_mix import (
    Effects,
    Item,
    Period,
    price_volume_mix_efficiency,
)
from metering.analysis.economics.shapley import shapley, whole_nanos
from metering.analysis.economics.value_per_token import (
    RecoveryInputs,
    ValueInputs,
    change_of_value,
    recovery_per_token,
    value_per_token,
)

USD = 10**9

# The worked example: 3,480 USD; price -75 %, outcomes x 1.9, tokens per outcome x 1.3.
_BEFORE = Period({"m": Item(1_000_000_000, 3_480 * USD)}, outcomes=100)
_AFTER = Period({"m": Item(2_470_000_000, 2_148_900_000_000)}, outcomes=190)


def test_the_worked_example_is_divided_as_the_specification_prints_it() -> None:
    effects = price_volume_mix_efficiency(_BEFORE, _AFTER)

    assert [round(part / USD) for part in (effects.price, effects.volume)] == [-4_411, 2_192]
    assert effects.efficiency is not None
    assert round(effects.efficiency / USD) == 887
    assert (effects.mix, effects.other) == (0, 0)
    assert effects.total == 2_148_900_000_000 - 3_480 * USD


def test_the_worked_example_has_the_indices_the_specification_prints() -> None:
    found = jevons_index(_BEFORE, _AFTER)

    assert found.price_index == pytest.approx(0.25)
    assert found.quantity_index == pytest.approx(2.47)
    assert found.tokens_ratio == Fraction(247, 100)
    assert found.jevons == pytest.approx(log(2.47) / log(4))
    assert round(found.jevons or 0, 2) == 0.65
    assert round(found.rebound or 0, 2) == 0.49
    assert round(found.outcome_elasticity or 0, 2) == 0.71
    assert found.saving_nanos == 2_610 * USD
    assert found.actual_saving_nanos == 1_331_100_000_000


def test_two_factors_are_divided_like_bennet() -> None:
    # 10 tokens at 2 nanos, then 30 at 5: 3 x 20 for price, 20 x 3.5 for volume.
    effects = price_volume_mix_efficiency(Period({"m": Item(10, 20)}), Period({"m": Item(30, 150)}))

    assert effects == Effects(price=60, volume=70, mix=0, efficiency=None, other=0)


def test_a_model_that_enters_or_leaves_is_mix_and_no_price() -> None:
    before = Period({"old": Item(100, 1_000)})
    after = Period({"new": Item(100, 400)})

    assert price_volume_mix_efficiency(before, after) == Effects(0, 0, -600, None, 0)


def test_a_list_price_of_the_base_date_makes_a_price_effect_of_a_new_model() -> None:
    before = Period({"old": Item(100, 1_000)}, prices={"new": Fraction(6)})
    after = Period({"new": Item(100, 400)})

    effects = price_volume_mix_efficiency(before, after)

    # Alone or last, the price of the new model counts: half of 200 each way round.
    assert (effects.price, effects.mix) == (-100, -500)
    assert effects.total == -600


def test_what_is_not_paid_by_the_token_is_an_effect_of_its_own() -> None:
    before = Period({"m": Item(10, 20), "search": Item(0, 7)}, other_nanos=5)
    after = Period({"m": Item(10, 20)}, other_nanos=50)

    assert price_volume_mix_efficiency(before, after) == Effects(0, 0, 0, None, 38)


def test_outcomes_that_are_not_known_are_not_none() -> None:
    with_feed = price_volume_mix_efficiency(
        Period({"m": Item(10, 10)}, outcomes=1), Period({"m": Item(20, 20)}, outcomes=2)
    )
    without = price_volume_mix_efficiency(
        Period({"m": Item(10, 10)}, outcomes=1), Period({"m": Item(20, 20)})
    )

    assert (with_feed.volume, with_feed.efficiency) == (10, 0)
    assert (without.volume, without.efficiency) == (10, None)


_ITEMS = st.dictionaries(
    st.sampled_from("abcde"),
    st.builds(Item, st.integers(0, 10**9), st.integers(0, 10**13)),
    max_size=5,
)
_PERIODS = st.builds(
    Period,
    _ITEMS,
    st.none() | st.integers(0, 500) | st.fractions(0, 100, max_denominator=10_000),
    st.integers(-(10**12), 10**12),
)


def _cost(period: Period) -> int:
    return period.other_nanos + sum(item.nanos for item in period.items.values())


@given(_PERIODS, _PERIODS)
def test_the_effects_sum_to_the_change_to_the_nano(before: Period, after: Period) -> None:
    effects = price_volume_mix_efficiency(before, after)

    assert effects.total == _cost(after) - _cost(before)


@given(_PERIODS, _PERIODS)
def test_swapping_the_periods_flips_every_sign(before: Period, after: Period) -> None:
    there = price_volume_mix_efficiency(before, after)
    back = price_volume_mix_efficiency(after, before)

    assert back == Effects(
        -there.price,
        -there.volume,
        -there.mix,
        None if there.efficiency is None else -there.efficiency,
        -there.other,
    )


@given(_ITEMS, st.integers(2, 9))
def test_the_same_work_twice_over_is_volume_alone(items: dict[str, Item], times: int) -> None:
    paid = {name: item for name, item in items.items() if item.tokens}
    more = {name: Item(i.tokens * times, i.nanos * times) for name, i in paid.items()}

    effects = price_volume_mix_efficiency(Period(paid, 7), Period(more, 7 * times))

    cost = sum(item.nanos for item in paid.values())
    assert effects == Effects(0, cost * (times - 1), 0, 0, 0)


@given(st.lists(st.fractions(-5, 5, max_denominator=50), min_size=8, max_size=8))
def test_contributions_sum_to_the_change_of_any_function(values: list[Fraction]) -> None:
    assert sum(shapley(values.__getitem__, 3)) == values[7] - values[0]


@given(st.dictionaries(st.text(max_size=3), st.fractions(max_denominator=9), max_size=6))
def test_rounding_turns_round_with_its_parts(parts: dict[str, Fraction]) -> None:
    whole = whole_nanos(parts)

    assert sum(whole.values()) == round(sum(parts.values(), Fraction(0)))
    assert whole_nanos({name: -part for name, part in parts.items()}) == {
        name: -nanos for name, nanos in whole.items()
    }


def test_without_a_price_change_there_is_no_jevons_index() -> None:
    found = jevons_index(Period({"m": Item(10, 20)}), Period({"m": Item(20, 40)}))

    assert (found.jevons, found.rebound, found.price_index) == (None, None, 1.0)


def test_a_period_without_tokens_has_no_index() -> None:
    found = jevons_index(Period({}), _AFTER)

    assert (found.price_index, found.jevons, found.rebound) == (None, None, None)


@given(_ITEMS, _ITEMS)
def test_price_index_times_quantity_index_is_the_ratio_of_the_spend(
    before: dict[str, Item], after: dict[str, Item]
) -> None:
    found = jevons_index(Period(before), Period(after))

    if found.price_index is not None and found.quantity_index is not None:
        spend = [sum(i.nanos for i in items.values() if i.tokens) for items in (before, after)]
        assert found.price_index * found.quantity_index == pytest.approx(spend[1] / spend[0])


def _chain(requests: int, base: Fraction = Fraction(2)) -> ChainInputs:
    return ChainInputs(
        outcomes=10,
        requests=requests,
        prompt_tokens=requests * 1_000,
        prompt_nanos=requests * 3_000,
        answer_nanos=requests * 1_500,
        reasoning_nanos=requests * 500,
        base_nanos_per_token=base,
    )


def test_the_multipliers_of_a_hand_computed_chain() -> None:
    assert multipliers(_chain(40)) == {
        "turns": 4,
        "context": 1_000,
        "output": Fraction(3, 2),
        "reasoning": Fraction(10, 9),
        "frontier": Fraction(3, 2),
        "base_price": 2,
    }


def test_one_multiplier_that_moves_takes_the_whole_change() -> None:
    moved = multiplier_chain(_chain(40), _chain(80))

    assert moved == {
        "turns": 20_000,
        "context": 0,
        "output": 0,
        "reasoning": 0,
        "frontier": 0,
        "base_price": 0,
    }


_CHAINS = st.builds(
    ChainInputs,
    st.integers(1, 500),
    st.integers(1, 10**5),
    st.integers(1, 10**9),
    st.integers(1, 10**12),
    st.integers(0, 10**12),
    st.integers(0, 10**12),
    st.fractions(Fraction(1, 100), 10**4, max_denominator=100),
)


@given(_CHAINS, _CHAINS)
def test_the_chain_sums_to_the_change_of_the_cost_of_an_outcome(
    before: ChainInputs, after: ChainInputs
) -> None:
    moved = multiplier_chain(before, after)

    assert sum(moved.values()) == round(after.cost_per_outcome - before.cost_per_outcome)
    assert multiplier_chain(after, before) == {name: -part for name, part in moved.items()}


def test_a_period_without_outcomes_has_no_chain() -> None:
    with pytest.raises(ValueError, match="outcomes"):
        multipliers(ChainInputs(0, 1, 1, 1, 0, 0, Fraction(1)))


def test_value_per_token_is_worth_times_yield_times_mix() -> None:
    before = value_per_token(ValueInputs(600 * USD, settled=30, attempts=60, tokens=6_000_000))
    after = value_per_token(ValueInputs(600 * USD, settled=30, attempts=120, tokens=6_000_000))

    assert before.factors == {
        "value_per_outcome": 20 * USD,
        "yield": Fraction(1, 2),
        "mix": Fraction(1, 100_000),
    }
    assert before.per_token == 100_000
    # Half the yield of twice the attempts: nothing is won, and the two say so.
    assert change_of_value(before, after) == {
        "value_per_outcome": 0,
        "yield": -75_000,
        "mix": 75_000,
    }


def test_recovery_per_token_is_rate_times_utilisation_times_mix() -> None:
    found = recovery_per_token(RecoveryInputs(800, 400, 500, 1_000))

    assert found.factors == {"rate": 2, "utilisation": Fraction(1, 2), "mix": Fraction(4, 5)}
    assert found.per_token == Fraction(800, 1_000)
