"""Splits by example: who takes what share of which pool, step by step."""

from dataclasses import replace
from datetime import date
from typing import Any

from metering.core.ledger import (
    UNATTRIBUTED,
    Basis,
    owner_account,
    prepaid_account,
    provider_account,
)
from metering.core.ownership.attribution import Match, Owner
from metering.core.patterns import Pattern
from metering.core.periods import BillingPeriod
from metering.core.sharing.allocation import Facts, Holding, Share, Use, allocate, share_basis
from metering.core.sharing.headcount import Presence, person_days
from metering.core.sharing.splits import By, Pool, Sharing, Split, Target, pool_of

OCTOBER = BillingPeriod(2026, 10)
USD = Holding("openai", "default", "USD", provider_account("openai", "default"))
PAY, DATA = Owner("CC-1", "pay", "refunds"), Owner("CC-2", "data", "lake")
EVEN = Split(1, "s", "a", By.EVEN, ((Target("CC-1"), 1), (Target("CC-2"), 1)))
FACTS = Facts(
    OCTOBER,
    "USD",
    (Use(owner_account(PAY), "USD", 30, 1), Use(owner_account(DATA), "USD", 10, 3)),
)


def _taken(*splits: Split, facts: Facts = FACTS, **pools: int) -> dict[str, int]:
    sharing = Sharing("f", tuple(Pool(0, name, ()) for name in pools), splits)
    held = {(name, USD): nanos for name, nanos in pools.items()}
    return _by_account(allocate(sharing, facts, held))


def _by_account(shares: tuple[Share, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for share in shares:
        found[share.bearer.name] = found.get(share.bearer.name, 0) + share.amount_nanos
    return found


def _split(**said: Any) -> Split:
    return replace(EVEN, **said)


def test_an_odd_nano_goes_to_the_first_name() -> None:
    assert _taken(EVEN, a=11) == {"owner:CC-1/-/-": 6, "owner:CC-2/-/-": 5, "pool:a": -11}


def test_spend_and_tokens_divide_in_proportion() -> None:
    everybody = ((Target(is_each=True), 1),)

    by_spend = _taken(_split(by=By.SPEND, targets=everybody), a=40)
    by_tokens = _taken(_split(by=By.TOKENS, targets=everybody), a=40)

    pay, data = "owner:CC-1/pay/refunds", "owner:CC-2/data/lake"
    assert by_spend == {pay: 30, data: 10, "pool:a": -40}
    assert by_tokens == {pay: 10, data: 30, "pool:a": -40}


def test_what_a_team_measures_is_charged_to_the_team() -> None:
    split = _split(by=By.SPEND, targets=((Target("CC-1", "pay"), 1), (Target("CC-2"), 1)))

    assert _taken(split, a=4) == {"owner:CC-1/pay/-": 3, "owner:CC-2/-/-": 1, "pool:a": -4}


def test_fixed_shares_below_the_whole_leave_the_rest_in_the_pool() -> None:
    split = _split(by=By.FIXED, targets=((Target("CC-1"), 600_000), (Target("CC-2"), 300_000)))

    assert _taken(split, a=10) == {"owner:CC-1/-/-": 6, "owner:CC-2/-/-": 3, "pool:a": -9}


def test_a_markup_and_a_subsidy_have_an_account_of_their_own() -> None:
    assert _taken(_split(markup=100_000), a=100) == {
        "owner:CC-1/-/-": 55,
        "owner:CC-2/-/-": 55,
        "markup:a": -10,
        "pool:a": -100,
    }
    assert _taken(_split(markup=-100_000), a=100)["markup:a"] == 10


def test_a_pool_gives_to_one_whose_split_comes_later() -> None:
    first = _split(name="1", targets=((Target(pool="b"), 1), (Target("CC-1"), 1)))
    second = _split(name="2", pool="b", targets=((Target("CC-2"), 1),))

    assert _taken(first, second, a=10, b=3) == {
        "pool:a": -10,
        "pool:b": 5 - 8,
        "owner:CC-1/-/-": 5,
        "owner:CC-2/-/-": 8,
    }


def test_without_a_weight_or_out_of_its_months_a_split_gives_nothing() -> None:
    nobody = _split(by=By.SPEND, targets=((Target("CC-9"), 1),))

    assert _taken(nobody, a=10) == {}
    assert _taken(_split(valid_from=date(2026, 11, 1)), a=10) == {}
    assert _taken(_split(valid_to=date(2026, 10, 1)), a=10) == {}
    assert _taken(_split(by=By.DRIVER, targets=(), driver="requests"), a=10) == {}


def test_a_split_out_of_its_months_stops_no_other() -> None:
    over = _split(name="over", valid_to=date(2026, 10, 1))

    assert _taken(over, _split(name="now"), a=10)["pool:a"] == -10


def test_spend_in_the_currency_of_the_pool_weighs_and_else_that_of_the_books() -> None:
    everybody = _split(by=By.SPEND, targets=((Target(is_each=True), 1),))
    pay, data = owner_account(PAY), owner_account(DATA)
    euros = replace(FACTS, currency="EUR")
    mixed = (Use(pay, "EUR", 100, 1), Use(data, "USD", 10, 1), Use(data, "EUR", 300, 1))
    refunded = (Use(pay, "USD", -10, 1), Use(pay, "EUR", 100, 1), Use(data, "EUR", 300, 1))

    own = _taken(everybody, facts=replace(euros, uses=mixed), a=40)
    of_the_books = _taken(everybody, facts=replace(euros, uses=refunded), a=40)

    assert own == {data.name: 40, "pool:a": -40}
    assert of_the_books == {pay.name: 10, data.name: 30, "pool:a": -40}


def test_usage_weighs_for_the_first_target_that_it_meets() -> None:
    targets = ((Target("CC-1", "pay"), 1), (Target(is_each=True), 1))

    assert _taken(_split(by=By.SPEND, targets=targets), a=40) == {
        "owner:CC-1/pay/-": 30,
        "owner:CC-2/data/lake": 10,
        "pool:a": -40,
    }


def test_even_shares_go_to_everybody_who_used_anything() -> None:
    ops = owner_account(Owner("CC-3", "ops"))
    legal = owner_account(Owner("CC-4", "legal"))
    uses = (*FACTS.uses, Use(ops, "USD", 0, 5), Use(legal, "USD", 0, 0))
    split = _split(targets=((Target(is_each=True), 1),))

    assert _taken(split, facts=replace(FACTS, uses=uses), a=30) == {
        "owner:CC-1/pay/refunds": 10,
        "owner:CC-2/data/lake": 10,
        ops.name: 10,
        "pool:a": -30,
    }


def test_the_people_of_a_target_that_is_named_count_for_it() -> None:
    present = (Presence("ana", PAY), Presence("bo", DATA), Presence("cy", DATA))
    split = _split(by=By.HEADCOUNT, targets=((Target("CC-1"), 1), (Target("CC-2"), 1)))

    assert _taken(split, facts=replace(FACTS, presences=present), a=30) == {
        "owner:CC-1/-/-": 10,
        "owner:CC-2/-/-": 20,
        "pool:a": -30,
    }


def test_a_share_says_which_split_of_which_pool_it_is_of() -> None:
    credited = replace(USD, credit=prepaid_account("block"))

    own, other = (share_basis(EVEN, holding) for holding in (USD, credited))

    assert own == Basis(
        provider="openai",
        platform="",
        billing_account="default",
        product="shared: a",
        model_raw="",
        model="",
        meter="shared_even",
        conditions='{"pool":"a","split":"s"}',
        status="priced",
        reason="",
        currency="USD",
        card="",
        rate_ids=("split:s",),
    )
    assert other == replace(own, conditions='{"credited":"prepaid:block","pool":"a","split":"s"}')


def test_a_driver_is_what_its_file_says() -> None:
    split = _split(by=By.DRIVER, targets=(), driver="requests")
    facts = replace(FACTS, drivers={"requests": {Target("CC-1"): 1, Target("CC-2"): 4}})

    assert _taken(split, facts=facts, a=10) == {
        "owner:CC-1/-/-": 2,
        "owner:CC-2/-/-": 8,
        "pool:a": -10,
    }


def test_people_count_for_the_days_they_were_there() -> None:
    present = (
        Presence("ana", PAY, None, date(2026, 10, 16)),
        Presence("ana", DATA, date(2026, 10, 16), None),
        Presence("bo", DATA),
        Presence("bo", replace(DATA, project="other"), date(2026, 10, 3), date(2026, 10, 9)),
    )

    assert person_days(present, OCTOBER) == 62
    split = _split(by=By.HEADCOUNT, targets=((Target(is_each=True), 1),))
    assert _taken(split, facts=replace(FACTS, presences=present), a=62) == {
        "owner:CC-1/pay/-": 15,
        "owner:CC-2/data/-": 47,
        "pool:a": -62,
    }


def test_the_first_pool_that_a_charge_meets_has_it() -> None:
    said = dict.fromkeys(
        ("provider", "platform", "billing_account", "product", "model", "meter"), ""
    )
    shared = (Match("team", Pattern.parse("pay")),)
    embedded = (Match("model", Pattern.parse("glob:*embed*")),)
    nobody = (Match("account", Pattern.parse(UNATTRIBUTED.name)),)
    sharing = Sharing(
        "f",
        (
            Pool(1, "old", (shared,), valid_to=date(2026, 10, 1)),
            Pool(2, "a", (shared, embedded)),
            Pool(3, "b", (embedded, nobody)),
        ),
    )

    def found(account: Any, model: str, day: date = OCTOBER.first_day) -> str:
        pool = pool_of(sharing, account, {**said, "model": model}, day)
        return pool.name if pool else ""

    assert found(owner_account(PAY), "gpt") == "a"
    assert found(owner_account(PAY), "gpt", date(2026, 9, 30)) == "old"
    assert found(owner_account(DATA), "text-embed-3") == "a"
    assert found(owner_account(DATA), "gpt") == ""
    assert found(UNATTRIBUTED, "gpt") == "b"
