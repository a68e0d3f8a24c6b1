"""Allowances and terms: what they are worth, on either side of each bound, and who bears it."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.core.ledger import Basis
from metering.core.pricing.rate_book import RateBook
from metering.core.pricing.rates import CardKind, RateCard, rate_id_of
from metering.core.pricing.settlement import SettledUsage, allowances_of, settle
from metering.core.pricing.terms import Measure, Term, TermKind, term_id_of
from tests.support import books_rows
from tests.support.rate_books import rate

USD: Final = 1_000_000_000
DAY: Final = date(2026, 10, 7)
LAST: Final = date(2026, 10, 31)

BASIS: Final = books_rows.basis(
    provider="acme", platform="acme-api", model_raw="m", model="m", unit_price_nanos=1, per=1
)


def term(kind: TermKind, **said: Any) -> Term:
    plain = Term(term_id="", kind=kind, name="deal", provider="acme", **said)
    return replace(plain, term_id=term_id_of(plain))


def tier(lo: int, hi: int | None, paid: int, **said: Any) -> Term:
    said = {"factor_num": paid, "factor_den": 100, "lo": lo, "hi": hi, **said}
    return term(TermKind.VOLUME_TIER, **said)


def book(*terms: Term, **said: Any) -> RateBook:
    return RateBook([RateCard("contract", CardKind.CONTRACT, "USD", terms=terms, **said)])


def used(amount: int, bearer: str = "owner:a", basis: Basis = BASIS, **said: Any) -> SettledUsage:
    plain = SettledUsage(
        DAY, bearer, basis, quantity=amount, amount_nanos=amount, list_nanos=amount
    )
    return replace(plain, **said)


def worth(rates: RateBook, *usage: SettledUsage) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for one in settle(usage, rates, allowances_of(rates)):
        found[one.bearer] += one.amount_nanos
    return dict(found)


TIERS: Final = (tier(0, 1_000, 100), tier(1_000, 5_000, 95), tier(5_000, None, 90))


@pytest.mark.parametrize(
    ("spend", "taken_off"),
    [(999, 0), (1_000, 0), (1_020, -1), (5_000, -200), (5_010, -201), (15_000, -1_200)],
)
def test_a_tier_holds_for_what_lies_inside_it(spend: int, taken_off: int) -> None:
    assert worth(book(*TIERS), used(spend)).get("owner:a", 0) == taken_off


@pytest.mark.parametrize(("spend", "taken_off"), [(999, 0), (1_000, -50), (5_000, -500)])
def test_or_for_all_of_the_month_once_it_is_reached(spend: int, taken_off: int) -> None:
    whole = [replace(one, whole_period=True) for one in TIERS]

    assert worth(book(*whole), used(spend)).get("owner:a", 0) == taken_off


def test_a_tier_may_count_units() -> None:
    counted = [replace(one, measure=Measure.UNITS) for one in TIERS]

    # 2,000 units at 3 nanos: the second thousand gets five per cent.
    assert worth(book(*counted), used(6_000, quantity=2_000)) == {"owner:a": -150}


def test_a_tier_that_is_not_reached_takes_nothing_off() -> None:
    assert worth(book(tier(0, 1_000, 100), tier(1_000, None, 0)), used(900)) == {}


@pytest.mark.parametrize(("spend", "units"), [(100, 0), (-100, 5_000), (0, 5_000)])
def test_usage_that_comes_to_nothing_gets_no_volume_discount(spend: int, units: int) -> None:
    counted = [replace(one, measure=Measure.UNITS) for one in TIERS]

    assert worth(book(*counted), used(spend, quantity=units)) == {}


def test_tiers_say_the_same_in_any_order() -> None:
    found, backwards = (settle([used(6_000)], book(*tiers), ()) for tiers in (TIERS, TIERS[::-1]))

    assert found == backwards
    assert found[0].basis.rate_ids == tuple(one.term_id for one in TIERS)


@pytest.mark.parametrize(
    ("spend", "paid"),
    [(0, 900), (999, 900), (1_000, 900), (1_001, 901), (2_000, 1_850)],
)
def test_a_commitment_is_paid_whether_it_is_used_or_not(spend: int, paid: int) -> None:
    commitment = term(
        TermKind.COMMITMENT,
        amount_nanos=1_000,
        factor_num=90,
        factor_den=100,
        beyond_num=95,
        beyond_den=100,
    )

    assert spend + worth(book(commitment), used(spend)).get("owner:a", 0) == paid


@pytest.mark.parametrize(("spend", "added"), [(0, 1_000), (999, 1), (1_000, 0), (1_001, 0)])
def test_a_minimum_is_filled_up(spend: int, added: int) -> None:
    minimum = term(TermKind.MINIMUM, amount_nanos=1_000)

    assert worth(book(minimum), used(spend)).get("owner:a", 0) == added


@pytest.mark.parametrize(("spend", "given"), [(0, 0), (999, -999), (1_001, -1_000)])
def test_a_credit_never_takes_off_more_than_there_is(spend: int, given: int) -> None:
    credit = term(TermKind.CREDIT, amount_nanos=1_000)

    assert worth(book(credit), used(spend)).get("owner:a", 0) == given


def test_terms_look_at_what_is_left_after_those_before_them() -> None:
    tiers = tier(0, None, 50)
    minimum = term(TermKind.MINIMUM, amount_nanos=800)
    credit = term(TermKind.CREDIT, amount_nanos=100)

    found = settle([used(1_000)], book(credit, minimum, tiers), ())

    assert [(one.basis.meter, one.amount_nanos) for one in found] == [
        ("volume_discount", -500),
        ("minimum", 300),
        ("contract_credit", -100),
    ]
    assert {one.day for one in found} == {LAST}


def test_owners_bear_it_by_list_cost() -> None:
    credit = term(TermKind.CREDIT, amount_nanos=100)
    usage = [used(500, "owner:a", list_nanos=200), used(500, "owner:b", list_nanos=100)]

    assert worth(book(credit), *usage) == {"owner:a": -67, "owner:b": -33}


@pytest.mark.parametrize(
    ("listed", "charged", "borne"),
    [
        ((300, 0), (500, 500), {"owner:a": -100}),
        ((300, -100), (500, 500), {"owner:a": -100}),
        ((0, 0), (300, 100), {"owner:a": -75, "owner:b": -25}),
        ((0, 0), (300, -100), {"owner:a": -100}),
    ],
)
def test_where_nothing_has_a_list_cost_owners_bear_it_by_what_they_were_charged(
    listed: tuple[int, int], charged: tuple[int, int], borne: dict[str, int]
) -> None:
    usage = [
        used(amount, bearer, list_nanos=nanos)
        for bearer, nanos, amount in zip(("owner:a", "owner:b"), listed, charged, strict=True)
    ]

    assert worth(book(term(TermKind.CREDIT, amount_nanos=100)), *usage) == borne


def test_what_nothing_weighs_is_borne_by_all_alike() -> None:
    minimum = term(TermKind.MINIMUM, amount_nanos=100)

    assert worth(book(minimum), used(0, "owner:a"), used(0, "owner:b")) == {
        "owner:a": 50,
        "owner:b": 50,
    }


def test_a_term_of_every_meter_leaves_a_provider_s_own_bill_alone() -> None:
    credit = term(TermKind.CREDIT, amount_nanos=100, meters=("*",))

    assert worth(book(credit), used(500, basis=replace(BASIS, meter="billed_nanos"))) == {}


@pytest.mark.parametrize(
    "other",
    [
        replace(BASIS, provider="other"),
        replace(BASIS, meter="web_search"),
        replace(BASIS, model="n"),
        replace(BASIS, currency="EUR"),
        replace(BASIS, meter="billed_nanos"),
        replace(BASIS, platform="bedrock"),
    ],
)
def test_a_term_concerns_what_it_names(other: Basis) -> None:
    credit = term(
        TermKind.CREDIT,
        amount_nanos=100,
        models=("m",),
        meters=("*tokens",),
        platform="acme-api",
    )

    assert worth(book(credit), used(500, basis=other)) == {}
    assert worth(book(credit), used(500, basis=other), used(50)) == {"owner:a": -50}


def test_a_term_of_one_account_is_for_that_account() -> None:
    minimum = term(TermKind.MINIMUM, amount_nanos=100)
    elsewhere = replace(BASIS, billing_account="other")

    assert worth(book(minimum, scope="other"), used(1)) == {}
    assert worth(book(minimum, scope="other"), used(1, basis=elsewhere)) == {"owner:a": 99}
    assert worth(book(minimum), used(1), used(1, basis=elsewhere)) == {"owner:a": 198}


def test_months_are_settled_apart() -> None:
    credit = term(TermKind.CREDIT, amount_nanos=100, effective_to=datetime(2026, 11, 1, tzinfo=UTC))
    usage = [used(500, day=date(2026, month, 30)) for month in (9, 10, 11)]

    found = settle(usage, book(credit), ())

    assert [(one.day, one.amount_nanos) for one in found] == [
        (date(2026, 9, 30), -100),
        (LAST, -100),
    ]


def allowing(units: int, period: str, scope: str = "organization") -> RateBook:
    free = replace(
        rate(5, "web_search"),
        allowance_units=units,
        allowance_period=period,
        allowance_scope=scope,
    )
    free = replace(free, rate_id=rate_id_of(free, "USD"))
    return RateBook([RateCard("list", CardKind.LIST, "USD", rates=(free,))])


def searches(rates: RateBook, quantity: int, bearer: str, day: date) -> SettledUsage:
    (pool,) = allowances_of(rates)
    basis = replace(BASIS, meter="web_search", rate_ids=tuple(pool.rate_ids))
    return used(quantity * 7, bearer, basis, quantity=quantity, day=day)


@pytest.mark.parametrize(("used_units", "taken_off"), [(9, -63), (10, -70), (11, -70)])
def test_an_allowance_is_free_up_to_its_units(used_units: int, taken_off: int) -> None:
    rates = allowing(10, "month")

    assert worth(rates, searches(rates, used_units, "owner:a", LAST)) == {"owner:a": taken_off}


def test_a_daily_allowance_does_not_last_until_tomorrow() -> None:
    rates = allowing(10, "day")
    usage = [searches(rates, n, "owner:a", date(2026, 10, day)) for day, n in ((1, 2), (2, 20))]

    assert worth(rates, *usage) == {"owner:a": -14 - 70}


def test_a_monthly_allowance_lasts_all_month_and_no_longer() -> None:
    rates = allowing(10, "month")
    days = (date(2026, 10, 1), LAST, date(2026, 11, 1))

    found = settle(
        [searches(rates, 8, "owner:a", day) for day in days], rates, allowances_of(rates)
    )

    assert [(one.day, one.amount_nanos) for one in found] == [
        (LAST, -70),
        (date(2026, 11, 30), -56),
    ]


def test_an_allowance_takes_nothing_off_usage_that_comes_to_nothing() -> None:
    rates = allowing(10, "day")
    usage = [searches(rates, quantity, "owner:a", LAST) for quantity in (3, -3)]

    assert worth(rates, *usage) == {}
    assert worth(rates, *usage, searches(rates, 2, "owner:a", DAY)) == {"owner:a": -14}


def test_an_allowance_is_shared_by_who_uses_it() -> None:
    rates = allowing(10, "month")

    assert worth(
        rates, searches(rates, 30, "owner:a", LAST), searches(rates, 10, "owner:b", LAST)
    ) == {"owner:a": -52, "owner:b": -18}


def test_a_pool_whose_scope_the_ledger_cannot_tell_is_not_settled() -> None:
    assert allowances_of(allowing(10, "day", scope="project")) == ()


_TERMS: Final = st.lists(
    st.sampled_from(
        [
            *TIERS,
            term(TermKind.COMMITMENT, amount_nanos=700, factor_num=9, factor_den=10),
            term(TermKind.MINIMUM, amount_nanos=5_000),
            term(TermKind.CREDIT, amount_nanos=333),
        ]
    ),
    unique=True,
)
_USAGE: Final = st.lists(
    st.builds(
        used,
        st.integers(0, 10_000),
        st.sampled_from(["owner:a", "owner:b", "suspense:unattributed"]),
        st.sampled_from([BASIS, replace(BASIS, model="n"), replace(BASIS, meter="cache_read")]),
        list_nanos=st.integers(0, 9_000),
    ),
    min_size=1,
)


@given(_TERMS, _USAGE)
def test_order_and_splitting_of_usage_are_irrelevant(
    terms: list[Term], usage: list[SettledUsage]
) -> None:
    whole: dict[tuple[str, Basis], SettledUsage] = {}
    for line in usage:
        known = whole.get((line.bearer, line.basis))
        whole[line.bearer, line.basis] = _together(known, line) if known else line

    found = sorted(map(repr, settle(usage, book(*terms), ())))

    assert found == sorted(map(repr, settle(reversed(usage), book(*terms), ())))
    assert found == sorted(map(repr, settle(whole.values(), book(*terms), ())))


def _together(one: SettledUsage, other: SettledUsage) -> SettledUsage:
    return replace(
        one,
        quantity=one.quantity + other.quantity,
        amount_nanos=one.amount_nanos + other.amount_nanos,
        list_nanos=one.list_nanos + other.list_nanos,
    )


@given(_USAGE, st.integers(0, 10**6))
def test_the_parts_sum_to_the_minimum_to_the_nano(usage: list[SettledUsage], least: int) -> None:
    minimum = term(TermKind.MINIMUM, amount_nanos=least)
    spend = sum(line.amount_nanos for line in usage)

    added = sum(worth(book(minimum), *usage).values())

    assert spend + added == max(spend, least)
