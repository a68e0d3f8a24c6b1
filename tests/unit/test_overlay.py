"""The rate cards that ship are sound together, say where they come from, and give known amounts."""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from metering.core.meters import PROMPT_METERS
from metering.core.pricing.decisions import Decision, Status, amount_nanos, billable_quantity
from metering.core.pricing.rate_book import RateBook
from metering.core.pricing.rates import (
    Alias,
    CardKind,
    MatchKind,
    Modifier,
    NoEffect,
    Rate,
    RateCard,
)
from metering.core.pricing.rating import PromptRange, RatingKey, rate_for
from metering.rate_cards.loading import bundled_paths, load_cards

_GOLDEN = Path(__file__).parents[1] / "golden" / "prices"
_ROWS = [
    row
    for path in sorted(_GOLDEN.glob("*.csv"))
    for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())
]
_CARDS = load_cards(bundled_paths())  # raises, naming the rows, when they are not sound
_OVERLAYS = [card for card in _CARDS if card.kind is CardKind.OVERLAY]
_WORST_FIRST = (Status.UNPRICED, Status.PROVISIONAL, Status.PRICED, Status.ZERO_RATED)
# Where the catalogue begins what it calls batch, and the other tiers.
_CATALOGUE_BEGINS = (
    datetime(2026, 10, 12, tzinfo=UTC),
    datetime(2026, 10, 14, tzinfo=UTC),
)


@pytest.fixture(scope="module")
def book() -> RateBook:
    return RateBook(_CARDS)


@pytest.mark.parametrize("case", _ROWS, ids=lambda row: row["case_id"])
def test_a_known_amount_is_exact_to_the_nano(book: RateBook, case: dict[str, str]) -> None:
    decisions = list(_decided(book, case))
    priced = [(q, d) for q, d in decisions if d.status is not Status.UNPRICED]
    requests = 1 if case["grain"] == "request" else None

    total = sum(amount_nanos(billable_quantity(q, d, requests), d) for q, d in priced)

    assert total == int(case["expected_nano_usd"])
    worst = min((d.status for _, d in decisions), key=_WORST_FIRST.index)
    assert worst == (case.get("expected_status") or Status.PRICED)
    reasons = {d.reason for _, d in decisions if d.reason}
    assert reasons == ({case["expected_reason"]} if case.get("expected_reason") else set())


def _decided(book: RateBook, case: dict[str, str]) -> Iterator[tuple[int, Decision]]:
    meters: dict[str, int] = json.loads(case["meters_json"])
    conditions = {name: str(said) for name, said in json.loads(case["conditions_json"]).items()}
    single = case["grain"] == "request"
    size = sum(quantity for meter, quantity in meters.items() if meter in PROMPT_METERS)
    key = RatingKey(
        case["provider"],
        case["platform"],
        case["model"],
        tuple(sorted(conditions.items())),
        PromptRange(size, size) if single else None,
        single,
    )
    at = datetime.fromisoformat(case["event_time_utc"])
    for meter, quantity in meters.items():
        yield quantity, rate_for(key, meter, book, at)


def test_there_are_cases_of_every_status() -> None:
    told = {row.get("expected_status") for row in _ROWS}

    assert told >= {"priced", "provisional", "unpriced", "zero_rated"}


@pytest.mark.parametrize("card", _OVERLAYS, ids=lambda card: card.name)
def test_every_row_says_where_and_when_it_was_read(card: RateCard) -> None:
    rows: tuple[Rate | Modifier, ...] = (*card.rates, *card.modifiers)
    for row in rows:
        assert row.source_url.startswith("https://"), row.place
        assert row.retrieved_at, row.place
        assert row.evidence in {"page", "catalog", "derived"}, row.place
    statements: tuple[NoEffect | Alias, ...] = (*card.no_effects, *card.aliases)
    for statement in statements:
        assert statement.source_url.startswith("https://"), statement.place


def test_every_model_of_an_overlay_is_one_that_is_sold() -> None:
    listed = {
        (rate.provider, rate.platform, rate.model_match)
        for card in _CARDS
        for rate in card.rates
        if card.kind is CardKind.LIST or rate.provider == "deepseek"
    }
    # Names that only the overlay can tell: moving or fine-tuned models, and what is free.
    own = ("ft:", "omni-moderation", "text-moderation", "mistral-ocr-latest")

    rows: list[Rate | Modifier | NoEffect] = [
        row
        for card in _OVERLAYS
        for rows in (card.rates, card.modifiers, card.no_effects)
        for row in rows
    ]

    unknown = {
        (row.model_match, row.place)
        for row in rows
        if row.match_kind is MatchKind.EXACT
        and (row.provider, row.platform, row.model_match) not in listed
        and not row.model_match.startswith(own)
    }

    assert not unknown


def _handed_over() -> list[Rate]:
    return [
        rate
        for card in _OVERLAYS
        for rate in card.rates
        if rate.conditions and rate.effective_to in _CATALOGUE_BEGINS
    ]


def test_where_the_list_begins_it_goes_on_with_the_price_of_the_overlay(book: RateBook) -> None:
    handed = _handed_over()
    assert len(handed) > 100
    for rate in handed:
        assert rate.effective_to is not None
        before, after = (
            rate_for(_key_of(rate), rate.meter, book, at)
            for at in (rate.effective_to - timedelta(microseconds=1), rate.effective_to)
        )
        assert before.unit_price is not None, rate.place
        assert before.unit_price == after.unit_price, (rate.place, rate.model_match, rate.meter)


def _key_of(rate: Rate) -> RatingKey:
    size = rate.tier_lo or 1
    conditions = tuple((rate.conditions or {}).items())
    prompt = PromptRange(size, size)
    return RatingKey(rate.provider, rate.platform, rate.model_match, conditions, prompt, True)
