"""E3, E6, E7, E9, E11 by hand, and what people and empty feeds are owed."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.analysis.economics.bootstrap import Interval, block_bootstrap
from metering.analysis.economics.concentration import herfindahl, largest_share
from metering.analysis.economics.exploration import (
    Criticality,
    ExplorationOption,
    ObjectFacts,
    OptionState,
    classified,
    migration,
    option_state,
    spend_by_class,
)
from metering.analysis.economics.own_capacity import (
    Capacity,
    capacity_economics,
    commitment_use,
)
from metering.analysis.economics.seats_or_usage import SeatPlan, seat_years, seats_or_usage
from metering.analysis.economics.signalling import DaySpend, Growth, signalling
from metering.analysis.economics.unit_economics import Week, unit_economics
from metering.analysis.economics.vanity import (
    ProjectShape,
    luxury_premium,
    vanity_index,
)

USD = 10**9


# --- seats ----------------------------------------------------------------------------------


def test_seats_and_usage_of_twenty_people() -> None:
    usage = [5 * USD] * 10 + [30 * USD] * 5 + [100 * USD] * 5

    found = seats_or_usage(usage, SeatPlan(20 * USD, 50 * USD), tokens=700_000_000)

    assert found.seats_bill == 400 * USD
    assert found.metered_bill == 750 * USD
    assert found.metered_range == (470 * USD, 750 * USD)
    assert (found.subsidy_nanos, found.breakage_nanos) == (450 * USD, 150 * USD)
    assert [group.people for group in found.groups] == [5, 5, 5, 5]
    assert found.top_share_of_subsidy == Fraction(400, 450)
    assert found.above_break_even == Fraction(1, 2)
    # One USD buys a million tokens here, so a seat of 20 USD is worth 20 million.
    assert found.break_even_tokens == 20_000_000


def test_four_people_make_no_group() -> None:
    found = seats_or_usage([1, 2, 3, 4], SeatPlan(2))

    assert (found.groups, found.above_break_even, found.top_share_of_subsidy) == ((), None, None)
    assert found.metered_bill == 10


def test_a_share_that_rests_on_one_person_is_not_told() -> None:
    found = seats_or_usage([1] * 9 + [100], SeatPlan(50))

    assert found.above_break_even is None


@given(st.lists(st.integers(0, 10**12), max_size=80), st.integers(0, 10**11), st.integers(1, 12))
def test_groups_are_the_whole_and_never_few(usage: list[int], fee: int, k: int) -> None:
    found = seats_or_usage(usage, SeatPlan(fee), k=k)

    assert all(group.people >= k for group in found.groups)
    assert len(found.groups) <= 10
    # What is used and not paid for, less what is paid for and not used, is what differs.
    assert found.subsidy_nanos - found.breakage_nanos == found.metered_bill - found.seats_bill
    if found.groups:
        assert sum(group.people for group in found.groups) == len(usage)
        assert sum(group.subsidy_nanos for group in found.groups) == found.subsidy_nanos
        assert sum(group.breakage_nanos for group in found.groups) == found.breakage_nanos
        assert sum(group.usage_nanos for group in found.groups) == sum(usage)


def test_the_money_of_a_project_in_seats_and_years() -> None:
    assert seat_years(12_000 * USD, 20 * USD) == 50


# --- unit economics -------------------------------------------------------------------------


def test_average_and_marginal_cost_of_an_outcome() -> None:
    weeks = [Week(80 * USD, 4, review_nanos=20 * USD)] * 4 + [Week(200 * USD, 6)] * 4

    found = unit_economics(weeks, value_nanos_per_outcome=60 * USD)

    assert found.cost_nanos == 1_200 * USD
    assert found.outcomes == 40
    assert found.average == 30 * USD
    assert found.marginal == 50 * USD
    assert found.contribution == 10 * USD
    assert found.self_funding == 2
    assert found.self_funding_interval is not None
    assert found.self_funding_interval.low < 2 < found.self_funding_interval.high


def test_without_outcomes_the_cost_of_one_is_unknown_and_not_zero() -> None:
    found = unit_economics([Week(USD, 0)] * 8, value_nanos_per_outcome=USD)

    assert (found.average, found.marginal, found.self_funding) == (None, None, None)
    assert (found.average_interval, found.self_funding_interval) == (None, None)
    assert found.cost_nanos == 8 * USD


def test_more_cost_for_fewer_outcomes_has_no_marginal_cost() -> None:
    found = unit_economics([Week(USD, 5)] * 3 + [Week(2 * USD, 4)] * 3)

    assert found.marginal is None
    assert found.average == Fraction(9 * USD, 27)


def test_an_interval_needs_six_weeks() -> None:
    assert block_bootstrap([1.0] * 5, sum) is None
    assert block_bootstrap([1.0] * 6, sum) == Interval(6.0, 6.0)


def test_an_interval_is_the_same_on_every_run_and_holds_the_figure() -> None:
    weeks = [float(at * at % 17) for at in range(26)]

    first, second = (block_bootstrap(weeks, sum) for _ in range(2))

    assert first is not None
    assert first == second
    assert first.low < sum(weeks) < first.high


def test_an_interval_is_refused_when_drawings_have_no_figure() -> None:
    assert block_bootstrap([1.0] * 20, lambda _: None) is None


# --- capacity -------------------------------------------------------------------------------


def test_own_capacity_used_by_a_quarter() -> None:
    # 1,000 h at 2,000 tokens a second: 7,200 Mtok rated, 1,800 served. 10 kW x 1.2 x 0.10.
    found = capacity_economics(
        Capacity(
            hours=1_000,
            tokens_served=1_800_000_000,
            rated_tokens_per_second=2_000,
            amortisation_nanos=5_000 * USD,
            people_nanos=1_000 * USD,
            average_watts=10_000,
            pue=Fraction(6, 5),
            nanos_per_kwh=USD // 10,
        ),
        api_nanos_per_mtok=2 * USD,
    )

    assert found.cost_nanos == 7_200 * USD
    assert found.utilisation == Fraction(1, 4)
    assert found.per_mtok == 4 * USD
    assert found.per_mtok_full == USD
    assert found.break_even == Fraction(1, 2)
    assert found.idle_nanos == 5_400 * USD
    assert found.tokens_per_watt_year == 180_000 * Fraction(8_760, 1_000)


def test_nothing_served_has_no_price_per_token() -> None:
    found = capacity_economics(Capacity(10, 0, 100, USD))

    assert (found.per_mtok, found.break_even, found.tokens_per_watt_year) == (None, None, None)
    assert found.idle_nanos == USD


@given(st.integers(0, 10**12), st.integers(1, 10**4), st.integers(0, 10**13))
def test_used_and_idle_cost_are_the_cost(served: int, rated: int, cost: int) -> None:
    found = capacity_economics(Capacity(720, served, rated, cost))

    if found.utilisation <= 1 and found.per_mtok is not None:
        assert found.utilisation * found.cost_nanos + found.idle_nanos == found.cost_nanos
        assert found.per_mtok * found.utilisation == found.per_mtok_full


def test_a_commitment_half_used_doubles_the_price() -> None:
    found = commitment_use(committed=1_000, used=500, paid_nanos=2_000)

    assert found.utilisation == Fraction(1, 2)
    assert found.shortfall == 500
    assert found.effective_price == 4
    assert commitment_use(0, 0, 5).effective_price is None


# --- classes --------------------------------------------------------------------------------

_OPTION = ExplorationOption(1_000, date(2026, 11, 1))
_STEADY = ObjectFacts(10, 9, 8, has_feed=True, runs_as_service=True, users=2)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (_STEADY, Criticality.PRODUCTION),
        (ObjectFacts(10, 9, 7, has_feed=True, runs_as_service=True), Criticality.UNKNOWN),
        (
            ObjectFacts(10, 9, 7, has_feed=True, earlier_outcomes=1, later_outcomes=2),
            Criticality.GROWING,
        ),
        (ObjectFacts(10, 3, 0, has_feed=True, age_days=20, option=_OPTION), Criticality.EXPLORING),
        (ObjectFacts(10, 3, 0, has_feed=True, age_days=90, option=_OPTION), Criticality.UNKNOWN),
        (
            ObjectFacts(10, 9, 0, has_feed=True, users=2, premium_share=Fraction(9, 10)),
            Criticality.SHOWCASE,
        ),
        (
            ObjectFacts(10, 9, 0, has_feed=False, users=2, premium_share=Fraction(9, 10)),
            Criticality.UNKNOWN,
        ),
        (
            ObjectFacts(10, 9, 0, has_feed=False, declared_class=Criticality.PRODUCTION),
            Criticality.PRODUCTION,
        ),
    ],
)
def test_the_first_rule_that_holds_decides_the_class(
    facts: ObjectFacts, expected: Criticality
) -> None:
    assert classified(facts) is expected


@given(st.lists(st.tuples(st.sampled_from(Criticality), st.integers(-100, 10**12))))
def test_classes_sum_to_the_spend(spend: list[tuple[Criticality, int]]) -> None:
    found = spend_by_class(spend)

    assert list(found) == list(Criticality)
    assert sum(found.values()) == sum(nanos for _, nanos in spend)


def test_what_moved_between_classes_sums_to_the_spend() -> None:
    growing, production = Criticality.GROWING, Criticality.PRODUCTION

    found = migration(
        {"a": growing, "b": growing, "gone": production},
        {"a": production, "b": growing, "new": growing},
        {"a": 5, "b": 7, "new": 11},
    )

    assert found == {
        (None, growing): 11,
        (production, None): 0,
        (growing, production): 5,
        (growing, growing): 7,
    }


@pytest.mark.parametrize(
    ("spent", "settled", "day", "expected"),
    [
        (799, 0, date(2026, 10, 31), OptionState.OPEN),
        (800, 0, date(2026, 10, 31), OptionState.NEARLY_SPENT),
        (1_000, 0, date(2026, 10, 31), OptionState.SPENT),
        (800, 0, date(2026, 11, 1), OptionState.EXPIRED),
        (2_000, 1, date(2026, 12, 1), OptionState.EXERCISED),
    ],
)
def test_an_exploration_is_an_option_with_a_cap_and_a_day(
    spent: int, settled: int, day: date, expected: OptionState
) -> None:
    assert option_state(_OPTION, spent, settled, day) is expected


def test_the_vanity_index_names_its_components() -> None:
    projects = {
        "show": ProjectShape(900, 0, Fraction(1), age_days=91, users=2),
        "work": ProjectShape(500, 40, Fraction(1, 2), age_days=91, users=3),
        "small": ProjectShape(100, 5, Fraction(0), age_days=400, users=3),
        "crowd": ProjectShape(800, 0, Fraction(1), age_days=10, users=60),
        "blind": ProjectShape(999, None, Fraction(1), age_days=10, users=1),
    }

    found = vanity_index(projects)

    assert list(found) == ["show", "small", "work"]
    assert found["show"].spend_rank == 1
    assert found["show"].outcome_rank == 0
    assert found["show"].age_factor == Fraction(1, 2)
    assert found["show"].index == Fraction(1, 2)
    assert found["work"].index == 0


def test_a_premium_is_not_shown_to_buy_anything_while_the_interval_holds_one() -> None:
    assert luxury_premium(100, 30, Interval(0.8, 1.3)).shown is False
    assert luxury_premium(100, 30, Interval(1.1, 1.3)).shown is True
    assert luxury_premium(100, 30, None) == luxury_premium(100, 30, Interval(0.5, 2.0))
    assert luxury_premium(100, 30, None).nanos == 70


def test_concentration_of_equal_and_single_parts() -> None:
    assert herfindahl([5, 5, 5, 5]) == Fraction(1, 4)
    assert herfindahl([9]) == 1
    assert herfindahl([0, -3]) is None
    assert largest_share([6, 3, 1], of_the_largest=2) == Fraction(9, 10)


# --- signalling -----------------------------------------------------------------------------


def test_what_a_leaderboard_set_off() -> None:
    start = date(2026, 9, 1)
    days = [start + timedelta(days=at) for at in range(28)]
    spend = [
        row
        for day in days
        for row in (
            DaySpend(day, "a", "production", 10, 10),
            DaySpend(day, "b", "unknown", 10 if day < days[14] else 40, 5),
        )
    ]

    found = signalling(spend, days[14], 14)

    assert found.growth == Growth(420, 420)
    assert found.growth.share_without_outcome == 1
    assert found.by_class == {"production": Growth(0, 0), "unknown": Growth(420, 420)}
    assert found.hhi_before == Fraction(1, 2)
    assert found.hhi_after == Fraction(17, 25)
    assert found.month_end_before is None
    assert found.month_end_after == 1


@given(
    st.lists(
        st.builds(
            DaySpend,
            st.dates(date(2026, 1, 1), date(2026, 3, 31)),
            st.sampled_from("ab"),
            st.sampled_from(["production", "unknown"]),
            st.integers(0, 100),
            st.integers(0, 100),
        ),
        max_size=30,
    )
)
def test_growth_by_class_sums_to_the_growth(spend: list[DaySpend]) -> None:
    found = signalling(spend, date(2026, 2, 15), 28)

    parts = found.by_class.values()
    assert sum(part.nanos for part in parts) == found.growth.nanos
    assert sum(part.without_outcome_nanos for part in parts) == found.growth.without_outcome_nanos
