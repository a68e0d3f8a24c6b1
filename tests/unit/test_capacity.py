"""What own and leased capacity costs on a day, which usage runs on it, and what came of it."""

from datetime import date
from fractions import Fraction
from typing import Any, Final

import pytest

from metering.core.flat.capacity import (
    Capacity,
    Costs,
    Served,
    capacity_day,
    charges_of_capacity,
    use_of,
    zero_rated,
)
from metering.core.ledger import capacity_account, owner_account, provider_account
from metering.core.ownership.attribution import Owner
from metering.core.pricing.decisions import Decision, Status

DAY: Final = date(2026, 10, 7)
USD: Final = 10**9
PAY: Final = owner_account(Owner("CC-1", "pay"))
IDLE: Final = Owner("CC-9", "platform")
A_DAY: Final = 86_400


def cluster(costs: Costs, **said: Any) -> Capacity:
    served = Served("own", "own-capacity")
    return Capacity("cluster", "USD", date(2026, 10, 1), None, costs, served, IDLE, **said)


def test_a_day_costs_its_share_of_a_month_its_power_and_its_units() -> None:
    costs = Costs(
        lease_nanos=31 * USD,
        people_nanos=62 * USD,
        watts=500,
        pue=Fraction(5, 4),
        kwh_nanos=USD // 5,
        units=3,
        unit_hour_nanos=USD,
    )

    # 500 W for 24 hours are 12 kWh, 15 with what the building draws, at 0.20 each.
    assert cluster(costs).costs_of(DAY) == {
        "lease": USD,
        "people": 2 * USD,
        "power": 3 * USD,
        "units": 72 * USD,
    }


def test_what_was_bought_costs_nothing_once_it_is_written_off() -> None:
    bought = cluster(Costs(bought_nanos=31 * USD, life_months=1))

    assert bought.costs_of(date(2026, 10, 31)) == {"write-off": USD}
    assert bought.costs_of(date(2026, 11, 1)) == {}


@pytest.mark.parametrize(
    ("served", "holds"),
    [
        (Served("own", "gpu"), True),
        (Served("own", "gpu", "lab"), True),
        (Served("own", "gpu", "lab", ("llama", "qwen")), True),
        (Served("own", "other"), False),
        (Served("own", "gpu", "else"), False),
        (Served("own", "gpu", "lab", ("qwen",)), False),
    ],
)
def test_usage_runs_on_what_serves_its_platform_account_and_model(
    served: Served, holds: bool
) -> None:
    assert served.holds("own", "gpu", "lab", "llama") is holds


@pytest.mark.parametrize(
    ("one", "other", "meets"),
    [
        (Served("own", "gpu"), Served("own", "gpu"), True),
        (Served("own", "gpu", "lab"), Served("own", "gpu"), True),
        (Served("own", "gpu", "lab"), Served("own", "gpu", "lab"), True),
        (Served("own", "gpu", "", ("a",)), Served("own", "gpu"), True),
        (Served("own", "gpu", "", ("a", "b")), Served("own", "gpu", "", ("b",)), True),
        (Served("own", "gpu"), Served("own", "cpu"), False),
        (Served("own", "gpu", "lab"), Served("own", "gpu", "else"), False),
        (Served("own", "gpu", "", ("a",)), Served("own", "gpu", "", ("b",)), False),
    ],
)
def test_two_capacities_meet_where_some_usage_may_run_on_both(
    one: Served, other: Served, meets: bool
) -> None:
    assert (one.meets(other), other.meets(one)) == (meets, meets)


def test_who_used_it_bears_the_used_part_and_the_idle_owner_the_rest() -> None:
    rated = cluster(Costs(units=1, unit_hour_nanos=USD), tokens_per_second=10)

    charges = list(charges_of_capacity([capacity_day(rated, DAY, {PAY: A_DAY})]))

    assert [(one.debit, one.quantity, one.amount_nanos) for one in charges] == [
        (PAY, A_DAY, 24 * USD // 10),
        (owner_account(IDLE), 9 * A_DAY, 24 * USD * 9 // 10),
    ]
    assert {one.credit for one in charges} == {capacity_account("cluster")}
    assert {(one.basis.provider, one.basis.billing_account) for one in charges} == {
        ("own", "cluster")
    }


def test_capacity_that_a_provider_bills_is_owed_to_it() -> None:
    leased = cluster(Costs(lease_nanos=31), provider="azure", billing_account="ptu")

    (charge,) = charges_of_capacity([capacity_day(leased, DAY, {})])

    assert charge.credit == provider_account("azure", "ptu")
    assert (charge.basis.provider, charge.basis.billing_account) == ("azure", "ptu")


def test_what_came_of_it_is_told_of_all_days_together() -> None:
    rated = cluster(
        Costs(watts=100, kwh_nanos=USD, units=1, unit_hour_nanos=USD),
        tokens_per_second=100,
        api_nanos=20 * USD,
    )
    full = 100 * A_DAY

    found = use_of([capacity_day(rated, DAY, {PAY: used}) for used in (full, full // 2)])

    cost = 2 * (24 * USD + 24 * USD // 10)
    assert (found.days, found.tokens, found.rated_tokens) == (2, 3 * full // 2, 2 * full)
    assert (found.cost_nanos, found.idle_nanos) == (cost, cost // 4)
    assert found.utilisation == Fraction(3, 4)
    assert found.nanos_per_million == round(Fraction(cost * 10**6, 3 * full // 2))
    assert found.nanos_per_million_when_full == round(Fraction(cost * 10**6, 2 * full))
    assert found.break_even == Fraction(cost * 10**6, 2 * full * 20 * USD)
    # 1.5 days of full load in 2 days, for each watt of 100, as long as a year of 365 days.
    assert found.tokens_per_watt_year == 3 * full // 2 * 8_760 // (100 * 48)


def test_what_nobody_rated_or_used_has_no_share() -> None:
    found = use_of([capacity_day(cluster(Costs(lease_nanos=31)), DAY, {})])

    assert (found.utilisation, found.break_even, found.tokens_per_watt_year) == (None, None, None)
    assert (found.nanos_per_million, found.nanos_per_million_when_full) == (None, None)
    assert found.idle_nanos == 1


def test_usage_that_capacity_serves_is_zero_rated_by_it() -> None:
    own = cluster(Costs())

    assert zero_rated(own, "llama") == Decision(
        status=Status.ZERO_RATED,
        reason="",
        model="llama",
        price_nanos=0,
        per=1,
        rate_ids=(own.entry_id,),
        card="",
        currency="USD",
    )
