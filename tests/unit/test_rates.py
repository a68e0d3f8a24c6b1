"""What rows of a rate card mean by themselves, and which of them contradict each other."""

import pytest

from metering.core.pricing.conditions import canonical_conditions, context_window_range
from metering.core.pricing.rate_checks import book_problems, card_problems
from metering.core.pricing.rates import (
    CardKind,
    MatchKind,
    Rate,
    RateCard,
    Window,
    matches_model,
    names_meter,
)
from tests.support.rate_books import alias, card, modifier, rate

MORNING = Window(frozenset({1, 2, 3}), "01:00", "04:00", "UTC")


def codes(*rows: Rate, kind: CardKind = CardKind.LIST) -> list[str]:
    return [problem.code for problem in card_problems(card(*rows, kind=kind))]


@pytest.mark.parametrize(
    ("kind", "named", "model", "holds"),
    [
        (MatchKind.EXACT, "gpt-5", "gpt-5", True),
        (MatchKind.EXACT, "gpt-5", "gpt-5-mini", False),
        (MatchKind.PREFIX, "gpt-5", "gpt-5-mini", True),
        (MatchKind.PREFIX, "gpt-5", "my-gpt-5", False),
        (MatchKind.ANY, "", "whatever", True),
    ],
)
def test_a_row_names_models_exactly_by_beginning_or_all(
    kind: MatchKind, named: str, model: str, *, holds: bool
) -> None:
    assert matches_model(kind, named, model) is holds


def test_all_tokens_are_those_that_go_in_or_come_out() -> None:
    meters = ("input_uncached", "cache_read_audio", "cache_write_1h", "output_image")

    assert all(names_meter(("*tokens",), meter) for meter in meters)
    assert not any(names_meter(("*tokens",), meter) for meter in ("web_search", "training_token"))
    assert names_meter(("*",), "web_search")


def test_conditions_are_spelled_our_way_sorted_and_without_defaults() -> None:
    said = (("speed", "Fast"), ("service_tier", "batch"), ("allowance_units", "1500"), ("x", ""))

    assert canonical_conditions("acme", said) == (("processing", "batch"), ("speed", "fast"))


def test_two_values_of_one_dimension_are_no_value_that_a_rate_has() -> None:
    said = (("service_tier", "batch"), ("processing", "deferred"))

    assert canonical_conditions("acme", said) == (("processing", "batch+deferred"),)


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("0-200k", (0, 200_000)),
        ("200k-1M", (200_001, 1_000_000)),
        ("0-128K", (0, 128_000)),
        ("200k", None),
        ("1M-200k", None),
        ("", None),
    ],
)
def test_a_context_window_stands_for_prompt_sizes(text: str, sizes: tuple[int, int] | None) -> None:
    assert context_window_range(text) == sizes


def test_rows_that_time_tier_conditions_or_hours_tell_apart_are_sound() -> None:
    found = codes(
        rate(1, until="2026-01-01", prompt=(None, 200_000)),
        rate(2, until="2026-01-01", prompt=(200_001, None)),
        rate(3, since="2026-01-01"),
        rate(4, conditions={"processing": "batch"}),
        rate(5, window=MORNING),
        rate(6, window=Window(frozenset({4}), "01:00", "04:00", "UTC")),
        rate(7, window=Window(frozenset({1, 2, 3}), "04:00", "05:00", "UTC")),
        rate(8, "cache_read"),
        rate(9, model="other"),
    )

    assert found == []


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ((rate(1), rate(2)), "rate-tie"),
        ((rate(1), rate(2, conditions={"service_tier": "default"}), rate(3)), "rate-tie"),
        ((rate(1, since="2026-01-01"), rate(2, since="2026-02-01")), "rate-overlap"),
        ((rate(1), rate(2, since="2026-02-01")), "rate-overlap"),
        ((rate(1), rate(2, prompt=(200_001, None))), "tier-overlap"),
        ((rate(1, prompt=(None, 9)), rate(2, prompt=(9, None))), "tier-overlap"),
        (
            (
                rate(1, window=MORNING),
                rate(2, window=Window(frozenset({3}), "03:59", "05:00", "UTC")),
            ),
            "rate-tie",
        ),
        (
            (
                rate(1, window=MORNING),
                rate(2, window=Window(frozenset({7}), "23:00", "01:01", "UTC")),
            ),
            "rate-tie",
        ),
        ((rate(1, window=Window(frozenset(), "01:00", "04:00", "UTC")),), "bad-window"),
        ((rate(1, window=Window(frozenset({1}), "01:00", "04:00", "Mars/Base")),), "bad-window"),
        ((rate(1, window=Window(frozenset({1}), "01:00", "04:00", "UTC", "mars")),), "bad-window"),
        ((rate(1, prompt=(5, 4)),), "bad-tier"),
        ((rate(1, minimum=-1),), "bad-rate"),
        ((rate(1, match=MatchKind.PATTERN),), "bad-match"),
    ],
)
def test_rows_that_contradict_are_found(rows: tuple[Rate, ...], code: str) -> None:
    assert codes(*rows) == [code]


def test_a_contract_has_no_gaps_and_a_list_may_have() -> None:
    in_time = (rate(1, until="2026-01-01"), rate(2, since="2026-01-02"))
    in_size = (rate(1, prompt=(None, 100)), rate(2, prompt=(102, None)))

    assert codes(*in_time) == codes(*in_size) == []
    assert codes(*in_time, kind=CardKind.CONTRACT) == ["rate-gap"]
    assert codes(*in_size, kind=CardKind.CONTRACT) == ["rate-gap"]


def test_one_name_means_one_model_and_one_group_one_modifier_at_a_time() -> None:
    names = card(alias("x", "m", until="2026-01-01"), alias("x", "n", since="2026-01-01"))
    group = card(modifier((9, 10), stack="discount"), modifier((8, 10), stack="other"))

    assert card_problems(names) == card_problems(group) == ()


def test_a_problem_of_a_row_without_a_file_says_what_the_row_is_about() -> None:
    (problem,) = card_problems(card(rate(1), rate(2)))

    assert all(place.startswith("acme/acme-api m output (rate ") for place in problem.places)


def test_cards_of_one_kind_meet_only_where_they_hold_for_one_account() -> None:
    def problems(*scopes: str) -> list[str]:
        cards: list[RateCard] = [
            card(rate(price), kind=CardKind.CONTRACT, scope=scope)
            for price, scope in enumerate(scopes)
        ]
        return [problem.code for problem in book_problems(cards)]

    assert problems("acct-1", "acct-2") == []
    assert problems("acct-1", "all") == ["rate-tie"]
    assert problems("all", "all") == ["rate-tie"]
