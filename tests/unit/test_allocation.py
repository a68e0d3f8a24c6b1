"""Splits by example: who takes what share of which pool, step by step."""

from dataclasses import replace
from datetime import date
from typing import Any

from metering.core.ledger import UNATTRIBUTED, owner_account, provider_account
from metering.core.ownership.attribution import Match, Owner
from metering.core.patterns import Pattern
from metering.core.periods import BillingPeriod
from metering.core.sharing.allocation import Facts, Holding, Share, Use, allocate
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
