"""Which rate holds, example by example; first and last instants and tokens on either side."""

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest

from metering.core.pricing.decisions import Decision, Status, amount_nanos, billable_quantity
from metering.core.pricing.price_changes import boundaries, prompt_bounds
from metering.core.pricing.rate_book import RateBook
from metering.core.pricing.rates import CardKind, MatchKind, Window
from metering.core.pricing.rating import rate_for, timeline
from tests.support.rate_books import (
    PER,
    alias,
    book,
    card,
    instant,
    key,
    modifier,
    no_effect,
    rate,
)

NOON = instant("2026-10-01T12:00")
MICROSECOND = timedelta(microseconds=1)
PEAK = Window(frozenset({1, 2, 3, 4, 5}), "01:00", "04:00", "UTC", holidays="cn")


def answer(decision: Decision) -> tuple[str, str, int | None]:
    return decision.status.value, decision.reason, decision.price_nanos


# --- models and names ---------------------------------------------------------------------------


def test_a_model_nobody_wrote_down_has_no_price() -> None:
    rates = book(rate(15, model="gpt-5"))

    assert answer(rate_for(key("gpt-99"), "output", rates, NOON)) == ("unpriced", "no_model", None)
    assert answer(rate_for(key("gpt-5-x"), "output", rates, NOON)) == ("unpriced", "no_model", None)
    assert answer(rate_for(key(""), "output", rates, NOON)) == ("unpriced", "no_model", None)


def test_another_platform_has_its_own_prices() -> None:
    rates = book(rate(15))

    found = rate_for(key(provider="umbrella"), "output", rates, NOON)

    assert answer(found) == ("unpriced", "no_model", None)


def test_an_alias_comes_before_a_model_of_that_name() -> None:
    rates = book(rate(1, model="latest"), rate(2, model="m"), alias("latest", "m"))

    found = rate_for(key("latest"), "output", rates, NOON)

    assert (found.model, found.price_nanos) == ("m", 2)


def test_a_name_moves_at_the_instant_its_alias_does() -> None:
    moves = "2026-04-24"
    rates = book(
        rate(1, model="v3"),
        rate(2, model="v4"),
        alias("chat", "v3", until=moves),
        alias("chat", "v4", since=moves),
    )

    before = rate_for(key("chat"), "output", rates, instant(moves) - MICROSECOND)
    after = rate_for(key("chat"), "output", rates, instant(moves))

    assert [(one.model, one.price_nanos) for one in (before, after)] == [("v3", 1), ("v4", 2)]


def test_a_name_before_its_first_alias_is_before_the_first_rate() -> None:
    rates = book(rate(1, model="v4"), alias("chat", "v4", since="2026-04-24"))

    found = rate_for(key("chat"), "output", rates, instant("2026-04-23"))

    assert answer(found) == ("unpriced", "before_first_rate", None)


def test_a_pattern_matches_the_whole_name_and_leads_on() -> None:
    rates = book(
        rate(1, model="m"),
        alias(r"acme/(.+)", r"\1", match=MatchKind.PATTERN),
        alias(r"m-\d{8}", "m", match=MatchKind.PATTERN),
    )

    found = rate_for(key("acme/m-20251001"), "output", rates, NOON)
    longer = rate_for(key("acme/m-20251001-x"), "output", rates, NOON)

    assert answer(found) == ("priced", "", 1)
    assert answer(longer) == ("unpriced", "no_model", None)


def test_aliases_in_a_circle_end() -> None:
    rates = book(rate(1, model="m"), alias("a", "b"), alias("b", "a"))

    assert rate_for(key("a"), "output", rates, NOON).reason == "no_model"


def test_what_a_name_implies_completes_or_contradicts_the_usage() -> None:
    geo = {"endpoint_scope": "geo"}
    rates = book(
        rate(30), rate(33, conditions=geo), alias("us.m", "m", dimensions=geo), alias("eu.m", "m")
    )

    completed = rate_for(key("us.m"), "output", rates, NOON)
    agreed = rate_for(key("us.m", endpoint_scope="geo"), "output", rates, NOON)
    contradicted = rate_for(key("us.m", endpoint_scope="global"), "output", rates, NOON)

    assert (completed.price_nanos, agreed.price_nanos) == (33, 33)
    assert contradicted.reason == "unhandled_condition:endpoint_scope"


def test_what_a_name_says_of_itself_is_an_assumption_that_the_usage_overrules() -> None:
    here, geo = {"endpoint_scope": "in_region"}, {"endpoint_scope": "geo"}
    rates = book(
        rate(30),
        rate(33, conditions=geo),
        rate(36, conditions=here),
        alias("(us[.])?m", "m", match=MatchKind.PATTERN, dimensions=here),
    )

    found = [
        rate_for(key(said=said), "output", rates, NOON).price_nanos
        for said in ({}, here, geo, {"endpoint_scope": "global"})
    ]

    assert found == [36, 36, 33, 30]


# --- order of rates -----------------------------------------------------------------------------


def test_exact_beats_the_longer_prefix_beats_the_shorter_beats_any() -> None:
    rows = [
        rate(1, match=MatchKind.ANY),
        rate(2, model="gp", match=MatchKind.PREFIX),
        rate(3, model="gpt-5", match=MatchKind.PREFIX),
        rate(4, model="gpt-5.4"),
    ]

    found = [
        rate_for(key("gpt-5.4"), "output", book(*rows[: count + 1]), NOON).price_nanos
        for count in range(4)
    ]

    assert found == [1, 2, 3, 4]


def test_the_card_of_higher_precedence_wins_whatever_else_matches() -> None:
    kinds = list(CardKind)
    cards = [
        card(rate(n, match=MatchKind.ANY if n == 0 else MatchKind.EXACT), kind=kind)
        for n, kind in enumerate(kinds)
    ]

    found = [
        rate_for(key(), "output", RateBook(cards[n:]), NOON).price_nanos for n in range(len(kinds))
    ]

    assert found == [0, 1, 2, 3]


def test_a_contract_price_keeps_the_list_price_beside_it() -> None:
    rates = RateBook([card(rate(15)), card(rate(12), kind=CardKind.CONTRACT)])

    found = rate_for(key(), "output", rates, NOON)

    assert (found.price_nanos, found.list_price_nanos) == (12, 15)
    assert (found.card, found.card_version) == ("contract-all", 1)


def test_a_list_price_has_its_own_block_and_currency() -> None:
    listed = card(replace(rate(15), per=1_000))
    contract = replace(card(rate(12), kind=CardKind.CONTRACT), currency="EUR")

    found = rate_for(key(), "output", RateBook([listed, contract]), NOON)

    assert (found.price_nanos, found.per, found.currency) == (12, PER, "EUR")
    assert (found.list_price_nanos, found.list_per, found.list_currency) == (15, 1_000, "USD")


def test_a_list_price_is_its_own_list_price() -> None:
    rates = book(rate(15), modifier((11, 10)))
    rows = rates.cards[0]

    assert rate_for(key(), "output", rates, NOON) == Decision(
        status=Status.PRICED,
        reason="",
        model="m",
        price_nanos=15,
        per=PER,
        factor_num=11,
        factor_den=10,
        rate_ids=(rows.rates[0].rate_id, rows.modifiers[0].modifier_id),
        card="list-all",
        card_version=1,
        currency="USD",
        list_price_nanos=15,
        list_per=PER,
        list_factor_num=11,
        list_factor_den=10,
        list_currency="USD",
    )


def test_a_contract_holds_for_its_account_alone() -> None:
    rates = RateBook([card(rate(15)), card(rate(12), kind=CardKind.CONTRACT, scope="acct-1")])

    found = {
        account: rate_for(key(), "output", rates.for_account(account), NOON).price_nanos
        for account in ("acct-1", "acct-2")
    }

    assert found == {"acct-1": 12, "acct-2": 15}


def test_two_rates_that_cannot_be_told_apart_are_not_a_coin_toss() -> None:
    rates = RateBook([card(rate(15)), card(rate(14), scope="acct-1")])

    assert rate_for(key(), "output", rates, NOON).reason == "ambiguous"


def test_of_two_rates_the_one_that_began_later_holds() -> None:
    rates = RateBook([card(rate(15)), card(rate(14, since="2026-09-01"), scope="acct-1")])

    assert rate_for(key(), "output", rates, NOON).price_nanos == 14


def test_of_two_rates_that_tie_the_only_one_that_consumes_every_condition_holds() -> None:
    batch, fast = {"processing": "batch"}, {"speed": "fast"}
    rates = book(
        rate(7, conditions=batch),
        rate(30, conditions=fast),
        modifier((1, 2), fast, meters=("output",)),
    )

    found = rate_for(key(said={**batch, **fast}), "output", rates, NOON)

    # The fast rate leaves the batch over; the batch rate leaves what the modifier consumes.
    assert found.unit_price == Fraction(7, 2 * PER)


# --- time ---------------------------------------------------------------------------------------


def test_a_rate_begins_at_its_instant_and_not_a_microsecond_earlier() -> None:
    cut = "2025-06-10"
    rates = book(rate(40, until=cut), rate(8, since=cut))

    before = rate_for(key(), "output", rates, instant(cut) - MICROSECOND)
    at = rate_for(key(), "output", rates, instant(cut))

    assert (before.price_nanos, at.price_nanos) == (40, 8)


def test_before_the_first_rate_and_after_the_last_there_is_none() -> None:
    rates = book(rate(1, since="2026-01-01", until="2026-02-01"))

    found = [
        rate_for(key(), "output", rates, instant(day)).reason
        for day in ("2025-12-31", "2026-01-31", "2026-02-01")
    ]

    assert found == ["before_first_rate", "", "no_rate"]


def test_between_two_rates_there_is_none_and_it_is_not_before_the_first() -> None:
    rates = book(rate(1, until="2026-02-01"), rate(2, since="2026-03-01"))

    assert rate_for(key(), "output", rates, instant("2026-02-15")).reason == "no_rate"


def test_usage_that_ends_when_it_begins_or_earlier_is_an_instant() -> None:
    cut = instant("2025-06-10")
    rates = book(rate(40, until="2025-06-10"), rate(8, since="2025-06-10"))

    found = [
        rate_for(key(), "output", rates, cut, cut + timedelta(hours=hours)).price_nanos
        for hours in (0, -1)
    ]

    assert found == [8, 8]


def test_a_promised_rate_is_provisional_from_the_end_of_its_guarantee() -> None:
    rates = book(rate(4, guaranteed_until="2026-11-21"))

    found = [
        answer(rate_for(key(), "output", rates, at))
        for at in (instant("2026-11-21") - MICROSECOND, instant("2026-11-21"))
    ]

    assert found == [("priced", "", 4), ("provisional", "past_guarantee", 4)]


@pytest.mark.parametrize(
    ("at", "price"),
    [
        ("2026-09-21T00:59", 1),  # a Monday
        ("2026-09-21T01:00", 2),
        ("2026-09-21T03:59", 2),
        ("2026-09-21T04:00", 1),
        ("2026-09-26T02:00", 1),  # a Saturday
        ("2026-10-01T02:00", 1),  # National Day
        ("2026-10-08T02:00", 2),
    ],
)
def test_a_window_is_open_on_its_weekdays_but_on_holidays(at: str, price: int) -> None:
    rates = book(rate(1), rate(2, window=PEAK))

    assert rate_for(key(), "output", rates, instant(at)).price_nanos == price


def test_a_window_may_cross_midnight_and_belongs_to_the_day_it_opens() -> None:
    night = Window(frozenset({5}), "16:30", "00:30", "UTC")
    rates = book(rate(2), rate(1, window=night))

    found = [
        rate_for(key(), "output", rates, instant(at)).price_nanos
        for at in ("2026-10-02T16:29", "2026-10-02T16:30", "2026-10-03T00:29", "2026-10-03T00:30")
    ]

    assert found == [2, 1, 1, 2]


def test_a_window_follows_the_clocks_of_its_zone() -> None:
    morning = Window(frozenset(range(1, 8)), "08:00", "09:00", "Europe/Berlin")
    rates = book(rate(2), rate(1, window=morning))

    found = [
        rate_for(key(), "output", rates, instant(at)).price_nanos
        for at in ("2026-10-24T06:30", "2026-10-25T06:30", "2026-10-25T07:30")
    ]

    assert found == [1, 2, 1]


def test_holidays_that_are_not_yet_published_make_a_price_provisional() -> None:
    rates = book(rate(1), rate(2, window=PEAK))

    found = rate_for(key(), "output", rates, instant("2027-01-04T02:00"))

    assert answer(found) == ("provisional", "past_guarantee", 2)


def test_a_price_is_provisional_from_the_instant_to_which_holidays_are_published() -> None:
    # The end of what is published falls into a night: no edge of the window tells of it.
    nights = Window(frozenset(range(1, 8)), "22:00", "02:00", "UTC", holidays="cn")
    known = instant("2027-01-01")
    rates = book(rate(2, window=nights))

    found = timeline(key(), "output", rates, known - MICROSECOND, known + MICROSECOND)

    assert [(s.starts, *answer(s.decision)) for s in found] == [
        (known - MICROSECOND, "priced", "", 2),
        (known, "provisional", "past_guarantee", 2),
    ]


def test_a_bucket_that_straddles_a_change_is_weighted_by_time() -> None:
    cut = "2026-08-16T16:00"
    rates = book(rate(28, until=cut), rate(66, since=cut))

    found = rate_for(key(), "output", rates, instant("2026-08-16"), instant("2026-08-17"))
    earlier = rate_for(key(), "output", rates, instant("2026-08-15"), instant("2026-08-16"))
    up_to_it = rate_for(key(), "output", rates, instant("2026-08-16"), instant(cut))

    assert (found.status, found.reason) == (Status.PROVISIONAL, "straddles_price_change")
    assert found.unit_price == Fraction(28 * 16 + 66 * 8, 24 * 1_000_000)
    assert len(found.rate_ids) == 2
    assert (answer(earlier), answer(up_to_it)) == (("priced", "", 28), ("priced", "", 28))


def test_a_bucket_that_straddles_two_rows_of_one_price_is_priced() -> None:
    cut = "2026-08-16T16:00"
    rates = book(rate(28, until=cut), rate(28, since=cut))

    found = rate_for(key(), "output", rates, instant("2026-08-16"), instant("2026-08-17"))

    assert (found.status, found.unit_price) == (Status.PRICED, Fraction(28, 1_000_000))


def test_a_bucket_that_straddles_a_change_has_the_average_list_price_beside_its_own() -> None:
    cut = "2026-08-16T12:00"
    listed = card(rate(20, until=cut), rate(40, since=cut))
    contract = card(modifier((9, 10)), kind=CardKind.CONTRACT)

    found = rate_for(
        key(), "output", RateBook([listed, contract]), instant("2026-08-16"), instant("2026-08-17")
    )

    assert found.unit_price == Fraction(27, PER)
    assert found.list_unit_price == Fraction(30, PER)


def test_a_bucket_that_straddles_a_change_without_a_list_price_has_none_beside_its_own() -> None:
    cut = "2026-08-16T12:00"
    agreed = card(rate(20, until=cut), rate(40, since=cut), kind=CardKind.CONTRACT)

    found = rate_for(
        key(), "output", RateBook([agreed]), instant("2026-08-16"), instant("2026-08-17")
    )

    assert (found.unit_price, found.list_unit_price) == (Fraction(30, PER), None)


def test_a_bucket_of_one_price_keeps_the_doubt_of_a_part_of_it() -> None:
    rates = book(rate(4, guaranteed_until="2026-08-16T12:00"))

    found = rate_for(key(), "output", rates, instant("2026-08-16"), instant("2026-08-17"))

    assert (found.status, found.reason) == (Status.PROVISIONAL, "past_guarantee")
    assert found.unit_price == Fraction(4, PER)


def test_a_bucket_that_straddles_two_currencies_has_no_price() -> None:
    cut = "2026-08-16T12:00"
    euros = replace(card(rate(20, until=cut), kind=CardKind.CONTRACT), currency="EUR")
    rates = RateBook([card(rate(20)), euros])

    found = rate_for(key(), "output", rates, instant("2026-08-16"), instant("2026-08-17"))

    assert answer(found) == ("unpriced", "ambiguous", None)


def test_a_bucket_without_a_price_for_a_part_of_it_has_none() -> None:
    rates = book(rate(28, since="2026-08-16T16:00"))

    found = rate_for(key(), "output", rates, instant("2026-08-16"), instant("2026-08-17"))

    assert answer(found) == ("unpriced", "before_first_rate", None)


def test_a_bucket_within_the_life_of_a_windowed_rate_touches_nothing_outside_it() -> None:
    begins, ends = "2026-09-21", "2026-09-22"
    rates = book(rate(1, since=begins, until=ends), rate(2, window=PEAK, since=begins, until=ends))

    found = timeline(key(), "output", rates, instant(begins), instant(ends))

    assert [(f"{s.starts:%H}", f"{s.ends:%H}", s.decision.price_nanos) for s in found] == [
        ("00", "01", 1),
        ("01", "04", 2),
        ("04", "00", 1),
    ]


def test_a_timeline_unfolds_windows_only_where_it_is_asked() -> None:
    rates = book(rate(1), rate(2, window=PEAK))
    first, last = instant("2026-09-25T02:00"), instant("2026-09-29T02:00")

    found = timeline(key(), "output", rates, first, last)

    # Friday the 25th is a holiday; Monday and Tuesday are not.
    assert [(str(s.starts)[8:16], s.decision.price_nanos) for s in found] == [
        ("25 02:00", 1),
        ("28 01:00", 2),
        ("28 04:00", 1),
        ("29 01:00", 2),
    ]


# --- prompt tiers -------------------------------------------------------------------------------

TIERED = book(rate(15, prompt=(None, 200_000)), rate(22, prompt=(200_001, None)))


@pytest.mark.parametrize(
    ("prompt", "price"), [(0, 15), (1, 15), (200_000, 15), (200_001, 22), (5_000_000, 22)]
)
def test_the_whole_request_is_priced_in_the_tier_of_its_prompt(prompt: int, price: int) -> None:
    found = rate_for(key(prompt=prompt), "output", TIERED, NOON)

    assert answer(found) == ("priced", "", price)


@pytest.mark.parametrize("prompt", [None, (0, None), (150_000, 250_000), (200_000, 200_001)])
def test_an_unknown_tier_is_priced_at_the_base_and_said_to_be(
    prompt: tuple[int, int | None] | None,
) -> None:
    found = rate_for(key(prompt=prompt), "output", TIERED, NOON)

    assert answer(found) == ("provisional", "tier_unknown", 15)


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ("0-200k", ("priced", "", 15)),
        ("200k-1M", ("priced", "", 22)),
        ("0-1M", ("provisional", "tier_unknown", 15)),
        ("large", ("unpriced", "unhandled_condition:context_window", None)),
    ],
)
def test_a_bucket_s_context_window_stands_for_its_prompts(
    window: str, expected: tuple[str, str, int | None]
) -> None:
    assert answer(rate_for(key(context_window=window), "output", TIERED, NOON)) == expected


def test_tiers_that_cost_the_same_need_not_be_known() -> None:
    rates = book(rate(15, prompt=(None, 200_000)), rate(15, prompt=(200_001, None)))

    assert answer(rate_for(key(), "output", rates, NOON)) == ("priced", "", 15)


def test_the_tiers_of_a_contract_are_told_apart_from_those_of_the_list() -> None:
    listed, agreed = (
        (rate(price, prompt=(None, 200_000)), rate(2 * price, prompt=(200_001, None)))
        for price in (15, 12)
    )
    rates = RateBook([card(*listed), card(*agreed, kind=CardKind.CONTRACT)])

    found = rate_for(key(), "output", rates, NOON)

    assert answer(found) == ("provisional", "tier_unknown", 12)
    assert found.list_price_nanos == 15


def test_prompts_across_several_tiers_are_priced_at_the_lowest_they_may_lie_in() -> None:
    steps = (32_000, 128_000, 200_000, 256_000)
    tiers = zip((None, *(step + 1 for step in steps)), (*steps, None), strict=True)
    rates = book(*(rate(price, prompt=tier) for price, tier in enumerate(tiers, start=1)))

    found = {
        sizes: answer(rate_for(key(prompt=sizes), "output", rates, NOON))
        for sizes in ((1, 40_000), (32_001, 128_000), (130_000, 256_000), (256_001, None))
    }

    assert found == {
        (1, 40_000): ("provisional", "tier_unknown", 1),
        (32_001, 128_000): ("priced", "", 2),
        (130_000, 256_000): ("provisional", "tier_unknown", 3),
        (256_001, None): ("priced", "", 5),
    }


def test_a_tier_on_top_of_a_lower_card_counts_as_a_tier() -> None:
    rates = RateBook(
        [card(rate(15)), card(rate(22, prompt=(200_001, None)), kind=CardKind.OVERLAY)]
    )

    found = {
        prompt: answer(rate_for(key(prompt=prompt), "output", rates, NOON))
        for prompt in (200_000, 200_001, None)
    }

    assert found == {
        200_000: ("priced", "", 15),
        200_001: ("priced", "", 22),
        None: ("provisional", "tier_unknown", 15),
    }


def test_a_tier_that_is_over_is_no_tier() -> None:
    ends = "2026-03-13"
    rates = book(
        rate(15, prompt=(None, 200_000), until=ends),
        rate(22, prompt=(200_001, None), until=ends),
        rate(15, since=ends),
    )

    found = [
        answer(rate_for(key(), "output", rates, at))
        for at in (instant(ends) - MICROSECOND, instant(ends))
    ]

    assert found == [("provisional", "tier_unknown", 15), ("priced", "", 15)]


# --- conditions ---------------------------------------------------------------------------------


def test_a_default_says_nothing() -> None:
    rates = book(rate(15))
    said = {
        "service_tier": "default",
        "processing": "standard",
        "speed": "standard",
        "inference_geo": "not_available",
        "service_tier_requested": "priority",
    }

    assert answer(rate_for(key(said=said), "output", rates, NOON)) == ("priced", "", 15)


@pytest.mark.parametrize(
    "condition", [{"service_tier": "ultrafast"}, {"processing": "batch"}, {"moon_phase": "full"}]
)
def test_a_condition_that_nobody_consumes_leaves_usage_unpriced(condition: dict[str, str]) -> None:
    found = rate_for(key(said=condition), "output", book(rate(15)), NOON)

    assert answer(found) == ("unpriced", f"unhandled_condition:{next(iter(condition))}", None)


def test_a_rate_consumes_its_conditions_and_more_of_them_come_first() -> None:
    batch = {"processing": "batch"}
    both = {**batch, "service_tier": "flex"}
    rates = book(rate(15), rate(7, conditions=batch), rate(6, conditions=both))

    found = {
        name: answer(rate_for(key(said=conditions), "output", rates, NOON))
        for name, conditions in {
            "batch": batch,
            "both": both,
            "flex": {"service_tier": "flex"},
        }.items()
    }

    assert found == {
        "batch": ("priced", "", 7),
        "both": ("priced", "", 6),
        "flex": ("unpriced", "unhandled_condition:service_tier", None),
    }


def test_two_conditions_that_only_separate_rates_name_are_not_guessed_together() -> None:
    rates = book(
        rate(15),
        rate(7, conditions={"processing": "batch"}),
        rate(30, conditions={"speed": "fast"}),
    )

    found = rate_for(key("m", processing="batch", speed="fast"), "output", rates, NOON)

    assert found.status is Status.UNPRICED
    assert found.reason.startswith("unhandled_condition:")


def test_of_several_conditions_that_nobody_consumes_the_first_by_name_is_told() -> None:
    said = {"speed": "fast", "moon_phase": "full", "processing": "batch"}

    found = rate_for(key(said=said), "output", book(rate(15)), NOON)

    assert answer(found) == ("unpriced", "unhandled_condition:moon_phase", None)


def test_a_batch_that_a_source_calls_a_tier_is_a_batch() -> None:
    rates = book(rate(15), rate(7, conditions={"processing": "batch"}))

    found = [
        rate_for(key(said=said), "output", rates, NOON).price_nanos
        for said in ({"service_tier": "batch"}, {"batch": "true"}, {"batch": "false"})
    ]

    assert found == [7, 7, 15]


def test_priority_and_fast_are_one_tier_of_openai_and_of_nobody_else() -> None:
    fast = {"service_tier": "fast"}
    rates = book(
        rate(30, provider="openai", conditions={"service_tier": "priority"}),
        rate(30, conditions=fast),
    )

    openai = [
        rate_for(key(provider="openai", service_tier=name), "output", rates, NOON).price_nanos
        for name in ("priority", "fast")
    ]
    acme = rate_for(key(service_tier="priority"), "output", rates, NOON)

    assert openai == [30, 30]
    assert acme.status is Status.UNPRICED


def test_a_statement_of_no_effect_consumes_what_it_names_and_nothing_else() -> None:
    rates = book(rate(15), rate(9, "web_search"), no_effect("region", "us-east-1"))

    found = [
        rate_for(key(region=region), "output", rates, NOON).reason
        for region in ("us-east-1", "eu-west-1")
    ]

    assert found == ["", "unhandled_condition:region"]


def test_a_statement_of_no_effect_may_hold_for_some_meters() -> None:
    rates = book(rate(15), rate(9, "web_search"), no_effect("speed", meters=("web_search",)))

    found = [
        rate_for(key(speed="fast"), meter, rates, NOON).status for meter in ("web_search", "output")
    ]

    assert found == [Status.PRICED, Status.UNPRICED]


# --- modifiers ----------------------------------------------------------------------------------


def test_a_modifier_multiplies_the_meters_it_names_and_consumes_its_condition() -> None:
    rates = book(rate(10), rate(10, "web_search"), modifier((11, 10), {"inference_geo": "us"}))

    output = rate_for(key(inference_geo="us"), "output", rates, NOON)
    search = rate_for(key(inference_geo="us"), "web_search", rates, NOON)

    assert output.unit_price == Fraction(11, 1_000_000)
    assert len(output.rate_ids) == 2
    assert search.reason == "unhandled_condition:inference_geo"


def test_a_modifier_holds_from_its_instant_to_its_end() -> None:
    rates = book(rate(10), modifier((11, 10), since="2026-03-01", until="2026-04-01"))

    found = [
        rate_for(key(), "output", rates, at).unit_price
        for day in ("2026-03-01", "2026-04-01")
        for at in (instant(day) - MICROSECOND, instant(day))
    ]

    assert [price * PER for price in found if price] == [10, 11, 11, 10]


def test_a_factor_of_zero_is_zero_rated() -> None:
    found = rate_for(key(), "output", book(rate(10), modifier((0, 1))), NOON)

    assert (found.status, amount_nanos(10, found)) == (Status.ZERO_RATED, 0)


def test_modifiers_of_different_groups_multiply_and_of_one_group_do_not() -> None:
    geo, region = {"inference_geo": "us"}, {"region": "eu"}
    apart = book(rate(100), modifier((11, 10), geo), modifier((12, 10), region))
    together = book(
        rate(100),
        modifier((11, 10), geo, stack="where"),
        modifier((12, 10), {**geo, **region}, stack="where"),
    )
    usage = key(inference_geo="us", region="eu")

    assert rate_for(usage, "output", apart, NOON).unit_price == Fraction(132, 1_000_000)
    assert rate_for(usage, "output", together, NOON).unit_price == Fraction(120, 1_000_000)


def test_a_rate_that_names_the_condition_is_not_multiplied_again() -> None:
    geo = {"inference_geo": "us"}
    rates = book(rate(10), rate(12, conditions=geo), modifier((11, 10), geo))

    found = rate_for(key(inference_geo="us"), "output", rates, NOON)

    assert found.unit_price == Fraction(12, 1_000_000)


def test_a_discount_is_taken_off_list_prices_and_not_off_a_negotiated_one() -> None:
    listed = card(rate(100), rate(50, "cache_read"))
    contract = card(modifier((88, 100)), rate(40, "cache_read"), kind=CardKind.CONTRACT)
    rates = RateBook([listed, contract])

    output = rate_for(key(), "output", rates, NOON)
    cached = rate_for(key(), "cache_read", rates, NOON)

    assert output.unit_price == Fraction(88, 1_000_000)
    assert output.list_unit_price == Fraction(100, 1_000_000)
    assert cached.unit_price == Fraction(40, 1_000_000)
    assert cached.list_unit_price == Fraction(50, 1_000_000)


def test_a_list_price_keeps_the_modifiers_of_the_list_and_loses_the_discount() -> None:
    listed = card(rate(100), modifier((11, 10), {"inference_geo": "us"}))
    contract = card(modifier((9, 10)), kind=CardKind.CONTRACT)

    found = rate_for(key(inference_geo="us"), "output", RateBook([listed, contract]), NOON)

    assert found.unit_price == Fraction(99, PER)
    assert found.list_unit_price == Fraction(110, PER)


def test_a_discount_may_be_taken_off_the_list_of_a_day() -> None:
    listed = card(rate(100, until="2026-06-01"), rate(80, since="2026-06-01"))
    frozen = card(modifier((90, 100), list_as_of="2026-01-01"), kind=CardKind.CONTRACT)

    found = rate_for(key(), "output", RateBook([listed, frozen]), NOON)

    assert found.unit_price == Fraction(90, 1_000_000)
    assert found.list_unit_price == Fraction(80, 1_000_000)


def test_a_discount_off_the_list_of_a_day_without_one_has_no_price() -> None:
    listed = card(rate(80, since="2026-06-01"))
    frozen = card(modifier((90, 100), list_as_of="2026-01-01"), kind=CardKind.CONTRACT)
    agreed = card(rate(70), modifier((90, 100), list_as_of="2026-01-01"), kind=CardKind.INTERNAL)

    assert answer(rate_for(key(), "output", RateBook([listed, frozen]), NOON)) == (
        "unpriced",
        "before_first_rate",
        None,
    )
    assert answer(rate_for(key(), "output", RateBook([agreed]), NOON)) == ("priced", "", 70)


# --- meters and quantities ----------------------------------------------------------------------


def test_a_meter_never_borrows_the_rate_of_another() -> None:
    rates = book(rate(3, "input_uncached"), rate(15))

    found = {
        meter: rate_for(key(), meter, rates, NOON).reason
        for meter in ("web_search", "cache_read", "input_audio_uncached", "no_such_meter")
    }

    assert set(found.values()) == {"no_rate"}


def test_cache_writes_of_unknown_lifetime_are_a_floor_and_said_to_be() -> None:
    rates = book(rate(5, "cache_write_5m"), rate(8, "cache_write_1h"))
    only_long = book(rate(8, "cache_write_1h"))

    found = rate_for(key(), "cache_write_unknown", rates, NOON)

    assert answer(found) == ("provisional", "ttl_unknown", 5)
    assert rate_for(key(), "cache_write_unknown", only_long, NOON).reason == "no_rate"


def test_cache_writes_of_unknown_lifetime_before_the_first_rate_have_no_price() -> None:
    rates = book(rate(5, "cache_write_5m", since="2026-01-01"))

    found = rate_for(key(), "cache_write_unknown", rates, instant("2025-12-31"))

    assert answer(found) == ("unpriced", "before_first_rate", None)


def test_cache_writes_of_unknown_lifetime_cost_what_the_shortest_there_is_costs() -> None:
    rates = book(rate(6, "cache_write_30m"), rate(8, "cache_write_1h"))

    found = rate_for(key(), "cache_write_unknown", rates, NOON)

    assert answer(found) == ("provisional", "ttl_unknown", 6)


def test_cache_writes_of_unknown_lifetime_with_a_rate_of_their_own_have_it() -> None:
    rates = book(rate(5, "cache_write_5m"), rate(7, "cache_write_unknown"))

    found = rate_for(key(), "cache_write_unknown", rates, NOON)

    assert answer(found) == ("priced", "", 7)


def test_an_explicit_zero_is_zero_rated_and_never_a_missing_price() -> None:
    found = rate_for(key(), "output", book(rate(0)), NOON)

    assert (found.status, amount_nanos(10, found)) == (Status.ZERO_RATED, 0)


def test_usage_without_a_price_has_no_amount() -> None:
    missing = rate_for(key(), "output", book(), NOON)

    with pytest.raises(ValueError, match="no_model"):
        amount_nanos(10, missing)


def test_an_amount_is_rounded_once_half_to_even() -> None:
    half = rate_for(key(), "output", book(rate(500_000)), NOON)

    assert [amount_nanos(quantity, half) for quantity in (1, 3, 5)] == [0, 2, 2]
    assert amount_nanos(Fraction(3, 2), half) == 1
    assert amount_nanos(5 * 10**12, rate_for(key(), "output", book(rate(6 * 10**11)), NOON)) == (
        3 * 10**18
    )


def test_a_minimum_is_billed_per_request() -> None:
    rates = book(rate(1, "audio_second", minimum=10, step=2))
    one = rate_for(key(single=True), "audio_second", rates, NOON)
    several = rate_for(key(), "audio_second", rates, NOON)

    assert [billable_quantity(n, one, 1) for n in (0, 3, 10, 11)] == [0, 10, 10, 12]
    assert billable_quantity(300, several, 100) == 1_000
    assert billable_quantity(301, several, 2) == 301
    assert billable_quantity(1, several, 1) == 10
    assert billable_quantity(-3, one, 1) == -3
    assert billable_quantity(300, several, None) == 300
    assert (one.status, several.reason) == (Status.PRICED, "minimum_unknown")


@pytest.mark.parametrize(
    ("minimum", "step", "reason"),
    [(0, 1, ""), (1, 1, "minimum_unknown"), (0, 2, "minimum_unknown")],
)
def test_a_minimum_or_a_step_makes_the_sum_of_several_requests_a_floor(
    minimum: int, step: int, reason: str
) -> None:
    rates = book(rate(1, "audio_second", minimum=minimum, step=step))

    assert rate_for(key(), "audio_second", rates, NOON).reason == reason


# --- where prices change ------------------------------------------------------------------------


def test_boundaries_are_every_instant_strictly_inside() -> None:
    rates = book(
        rate(1, until="2026-09-21T02:00"),
        rate(3, since="2026-09-21T02:00", until="2026-09-22"),
        rate(2, window=PEAK),
        rate(9, model="other", guaranteed_until="2026-09-21T12:00"),
        alias("chat", "m", since="2026-09-21T05:00"),
        modifier((11, 10), {"inference_geo": "us"}, since="2026-09-21T06:00"),
    )

    found = boundaries(rates, "acme", "acme-api", instant("2026-09-21"), instant("2026-09-22"))

    assert [f"{one:%H}" for one in found] == ["01", "02", "04", "05", "06", "12"]
    assert boundaries(rates, "acme", "other", instant("2026-09-21"), instant("2026-09-22")) == ()


def test_prompt_bounds_are_the_smallest_prompts_of_the_tiers() -> None:
    rates = book(
        rate(1, prompt=(None, 200_000)),
        rate(2, prompt=(200_001, None)),
        rate(3, prompt=(100_001, None), conditions={"processing": "batch"}),
        alias("m-latest", "m"),
    )

    assert prompt_bounds(rates, "acme", "acme-api", "m-latest") == (100_001, 200_001)
    assert prompt_bounds(rates, "acme", "acme-api", "m", (("service_tier", "default"),)) == (
        200_001,
    )
    assert prompt_bounds(rates, "acme", "acme-api", "unknown") == ()
