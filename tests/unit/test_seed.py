"""The seeded list prices are the catalogue's, unfolded; no name matches that nobody wrote down."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from fractions import Fraction

import pytest
from genai_prices import data as catalogue
from genai_prices.types import (
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    Provider,
    StartDateConstraint,
    Tier,
    TieredPrices,
    TimeOfDateConstraint,
)

from metering.core.meters import Meter
from metering.core.patterns import Pattern, PatternKind
from metering.core.pricing.conditions import DIMENSIONS
from metering.core.pricing.rate_book import RateBook
from metering.core.pricing.rating import PromptRange, RatingKey, rate_for
from metering.rate_cards.loading import load_cards
from metering.rate_cards.seed import build
from metering.rate_cards.seed_names import canonical_name, names_of
from metering.rate_cards.seed_prices import Row, left_out, rows_of
from metering.resources import rate_cards_dir

_LIST = rate_cards_dir() / "list.jsonl"
_SOME = Provider(id="some", name="Some", api_pattern="")
_OPENAI = Provider(id="openai", name="OpenAI", api_pattern="")


@pytest.fixture(scope="module")
def records() -> list[dict[str, Row]]:
    return [json.loads(line) for line in _LIST.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def book() -> RateBook:
    return RateBook(load_cards([_LIST]))


def _model(
    prices: ModelPrice | list[ConditionalPrice], variants: list[PriceVariant] | None = None
) -> ModelInfo:
    return ModelInfo(
        id="some-model", match=ClauseEquals("some-model"), prices=prices, price_variants=variants
    )


def _rows(model: ModelInfo, provider: Provider = _SOME) -> list[Row]:
    return sorted(
        rows_of(provider, model), key=lambda row: (row["meter"], row.get("effective_from", ""))
    )


def _dollars(text: str) -> int:
    return int(Decimal(text) * 10**9)


# --- the committed file -----------------------------------------------------------------------


def test_the_file_is_what_the_installed_catalogue_gives() -> None:
    text, _ = build()

    assert text == _LIST.read_text(encoding="utf-8"), "run python -m metering.rate_cards.seed"


def test_the_first_line_names_the_source_and_its_licence(records: list[dict[str, Row]]) -> None:
    card = records[0]["card"]

    assert (card["kind"], card["currency"], card["licence"]) == ("list", "USD", "MIT")
    assert card["notice"] == "Copyright (c) Pydantic Services Inc. 2025 to present"
    assert "Pydantic Services" in (_LIST.parent / "LICENSE.genai-prices").read_text("utf-8")


def test_every_row_is_written_once_and_in_order(records: list[dict[str, Row]]) -> None:
    lines = _LIST.read_text(encoding="utf-8").splitlines()[1:]

    assert lines == sorted(set(lines))
    assert {next(iter(record)) for record in records[1:]} == {"alias", "rate"}


def test_every_rate_names_a_meter_of_ours_and_known_conditions(
    records: list[dict[str, Row]],
) -> None:
    meters = {meter.value for meter in Meter}
    for record in records:
        rate = record.get("rate")
        if rate is None:
            continue
        assert rate["meter"] in meters
        conditions = rate.get("conditions", {})
        assert isinstance(conditions, dict)
        assert conditions.keys() <= DIMENSIONS.keys()


def test_no_row_matches_by_prefix_or_for_any_model(records: list[dict[str, Row]]) -> None:
    rates = {record["rate"]["match_kind"] for record in records if "rate" in record}
    aliases = {record["alias"]["match_kind"] for record in records if "alias" in record}

    assert rates == {"exact"}
    assert aliases == {"exact", "pattern"}


def test_patterns_end_in_digits_or_take_a_prefix_off(records: list[dict[str, Row]]) -> None:
    for record in records:
        alias = record.get("alias", {})
        if alias.get("match_kind") != "pattern":
            continue
        raw = str(alias["raw"])
        assert str(Pattern.parse(f"re2:{raw}")) == f"{PatternKind.RE2}:{raw}"
        if alias["canonical_model"] == r"\1":
            assert raw.endswith("/(.+)")
        else:
            assert ".+" not in raw
            assert ".*" not in raw


# --- names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "platform", "raw"),
    [
        ("openai", "openai-api", "gpt-99"),
        ("openai", "openai-api", "gpt-5-ultra-new"),
        ("openai", "openai-api", "gpt-5-mini-next"),
        ("openai", "openai-api", "gpt-5-2029-01-01"),
        ("openai", "openai-api", "my-gpt-4o"),
        ("anthropic", "anthropic-api", "claude-opus-9"),
        ("anthropic", "anthropic-api", "claude-opus-4-8-turbo"),
        ("anthropic", "anthropic-api", "claude-3-opus-20240229-extra"),
        ("google", "gemini-api", "gemini-2.5-pro-max"),
        ("google", "gemini-api", "claude-opus-5"),
        ("aws", "bedrock", "us-gov.anthropic.claude-sonnet-4-6"),
        ("aws", "bedrock", "us.anthropic.claude-sonnet-4-7"),
        ("xai", "xai-api", "grok-4.20-ultra"),
        ("azure", "azure-openai", "my-deployment"),
    ],
)
def test_a_name_that_nobody_wrote_down_has_no_price(
    book: RateBook, provider: str, platform: str, raw: str
) -> None:
    decision = rate_for(_key(provider, platform, raw), "input_uncached", book, _NOW)

    assert (decision.status, decision.reason) == ("unpriced", "no_model")


@pytest.mark.parametrize(
    ("provider", "platform", "raw", "canonical"),
    [
        ("openai", "openai-api", "gpt-5-2025-08-07", "gpt-5"),
        ("openai", "openai-api", "gpt-5-20250807", "gpt-5"),
        ("openai", "openai-api", "openai/gpt-5-mini", "gpt-5-mini"),
        ("openai", "openai-api", "gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("anthropic", "anthropic-api", "claude-3-7-sonnet-20250219", "claude-3-7-sonnet"),
        ("anthropic", "anthropic-api", "claude-3-5-haiku-latest", "claude-3-5-haiku"),
        ("anthropic", "anthropic-api", "anthropic/claude-opus-4.1", "claude-opus-4-1"),
        ("google", "vertex-ai", "claude-sonnet-4@20250514", "claude-4-sonnet"),
        ("google", "vertex-ai", "publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("google", "gemini-api", "models/gemini-2.5-pro-preview-05-06", "gemini-2.5-pro"),
        ("google", "gemini-api", "gemini-2.0-flash-001", "gemini-2.0-flash"),
        ("aws", "bedrock", "us.anthropic.claude-sonnet-4-6", "anthropic.claude-sonnet-4-6"),
        ("azure", "azure-openai", "azure/gpt-5.4-mini", "gpt-5.4-mini"),
    ],
)
def test_a_name_leads_to_its_model(
    book: RateBook, provider: str, platform: str, raw: str, canonical: str
) -> None:
    decision = rate_for(_key(provider, platform, raw), "input_uncached", book, _NOW)

    assert decision.status == "priced"
    assert decision.model == canonical


@pytest.mark.parametrize(
    ("raw", "price"),
    [
        ("global.anthropic.claude-sonnet-4-6-v1:0", "3"),
        ("eu.anthropic.claude-sonnet-4-6", "3.30"),
        ("anthropic.claude-sonnet-4-6-v1:0", "3.30"),
        ("bedrock/us.anthropic.claude-sonnet-4-6", "3.30"),
        (
            "arn:aws:bedrock:us-east-1:1:inference-profile/global.anthropic.claude-sonnet-4-6",
            "3",
        ),
    ],
)
def test_a_bedrock_id_says_where_it_ran(book: RateBook, raw: str, price: str) -> None:
    decision = rate_for(_key("aws", "bedrock", raw), "input_uncached", book, _NOW)

    assert decision.price_nanos == _dollars(price)


def test_two_bedrock_models_that_differ_in_their_version_stay_apart() -> None:
    aws = next(provider for provider in catalogue.providers if provider.id == "aws")
    titans = {canonical_name(aws, m) for m in aws.models if "titan-embed-text" in m.id}

    assert len(titans) == 2


def test_fine_tuned_ids_get_no_pattern_of_dates() -> None:
    openai = next(provider for provider in catalogue.providers if provider.id == "openai")
    tuned = [m for m in openai.models if m.id.startswith("ft:") or ".ft-" in m.id]

    assert tuned
    assert not [n for m in tuned for n in names_of(openai, m) if n.match_kind == "pattern"]


# --- prices, unfolded -------------------------------------------------------------------------


def test_dated_prices_become_stretches_without_overlap() -> None:
    model = _model(
        [
            ConditionalPrice(prices=ModelPrice(input_mtok=Decimal(10), output_mtok=Decimal(40))),
            ConditionalPrice(
                StartDateConstraint(date(2025, 6, 10)),
                prices=ModelPrice(input_mtok=Decimal(2), output_mtok=Decimal(40)),
            ),
        ]
    )

    assert _rows(model) == [
        {
            "meter": "input_uncached",
            "price_nanos": _dollars("10"),
            "per": 1_000_000,
            "effective_to": "2025-06-10T00:00:00Z",
        },
        {
            "meter": "input_uncached",
            "price_nanos": _dollars("2"),
            "per": 1_000_000,
            "effective_from": "2025-06-10T00:00:00Z",
        },
        {"meter": "output", "price_nanos": _dollars("40"), "per": 1_000_000},
    ]


def test_a_tier_begins_one_token_above_its_start() -> None:
    tiered = TieredPrices(base=Decimal(1), tiers=[Tier(100, Decimal(2)), Tier(200, Decimal(3))])

    rows = _rows(_model(ModelPrice(input_mtok=tiered)))

    assert {(r.get("tier_lo"), r.get("tier_hi"), r["price_nanos"]) for r in rows} == {
        (None, 100, _dollars("1")),
        (101, 200, _dollars("2")),
        (201, None, _dollars("3")),
    }


def test_hours_become_a_window_of_every_weekday() -> None:
    hours = TimeOfDateConstraint(time(0, 30, tzinfo=UTC), time(16, 30, tzinfo=UTC))
    model = _model(
        [
            ConditionalPrice(prices=ModelPrice(output_mtok=Decimal(1))),
            ConditionalPrice(hours, prices=ModelPrice(output_mtok=Decimal(2))),
        ]
    )

    windowed = [row for row in _rows(model) if "window" in row]

    assert [(row["price_nanos"], row["window"]) for row in windowed] == [
        (
            _dollars("2"),
            {"weekdays": [1, 2, 3, 4, 5, 6, 7], "start": "00:30", "end": "16:30", "zone": "UTC"},
        )
    ]


def test_a_variant_replaces_only_what_it_names() -> None:
    model = _model(
        ModelPrice(input_mtok=Decimal(2), cache_read_mtok=Decimal(1), output_mtok=Decimal(8)),
        [
            PriceVariant(
                {"processing": "batch"},
                ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(4)),
                StartDateConstraint(date(2026, 10, 14)),
            )
        ],
    )

    batch = [row for row in _rows(model) if row.get("conditions") == {"processing": "batch"}]

    assert {row["meter"] for row in batch} == {"input_uncached", "output"}
    assert {row["effective_from"] for row in batch} == {"2026-10-14T00:00:00Z"}


def test_the_first_variant_that_has_begun_wins() -> None:
    when = {"processing": "batch"}
    model = _model(
        ModelPrice(output_mtok=Decimal(8)),
        [
            PriceVariant(
                when, ModelPrice(output_mtok=Decimal(6)), StartDateConstraint(date(2027, 1, 1))
            ),
            PriceVariant(
                when, ModelPrice(output_mtok=Decimal(4)), StartDateConstraint(date(2026, 1, 1))
            ),
        ],
    )

    batch = [row for row in _rows(model) if "conditions" in row]

    assert {(r["price_nanos"], r["effective_from"], r.get("effective_to")) for r in batch} == {
        (_dollars("4"), "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        (_dollars("6"), "2027-01-01T00:00:00Z", None),
    }


def test_a_flat_variant_of_a_tiered_price_says_nothing_of_longer_prompts() -> None:
    tiered = TieredPrices(base=Decimal(5), tiers=[Tier(272_000, Decimal(10))])
    model = _model(
        ModelPrice(input_mtok=tiered),
        [PriceVariant({"service_tier": "fast"}, ModelPrice(input_mtok=Decimal("12.5")))],
    )

    fast = [row for row in _rows(model) if "conditions" in row]

    assert [(row["price_nanos"], row["tier_hi"]) for row in fast] == [(_dollars("12.5"), 272_000)]


def test_a_variant_without_prices_is_the_standard_price() -> None:
    model = _model(
        ModelPrice(output_mtok=Decimal(2)), [PriceVariant({"processing": "batch"}, ModelPrice())]
    )

    batch = [row for row in _rows(model) if "conditions" in row]

    assert [row["price_nanos"] for row in batch] == [_dollars("2")]


def test_a_variant_for_the_default_tier_is_no_row() -> None:
    model = _model(
        ModelPrice(output_mtok=Decimal(2)),
        [PriceVariant({"service_tier": "default"}, ModelPrice(output_mtok=Decimal(3)))],
    )

    assert [row["price_nanos"] for row in _rows(model)] == [_dollars("2")]


def test_two_names_of_one_tier_are_one_row() -> None:
    prices = ModelPrice(output_mtok=Decimal(4))
    model = _model(
        ModelPrice(output_mtok=Decimal(2)),
        [
            PriceVariant({"service_tier": "priority"}, prices),
            PriceVariant({"service_tier": "fast"}, prices),
        ],
    )

    conditioned = [row["conditions"] for row in _rows(model, _OPENAI) if "conditions" in row]

    assert conditioned == [{"service_tier": "fast"}]


def test_a_price_finer_than_a_nano_is_rounded_half_to_even_and_says_so() -> None:
    model = _model(ModelPrice(output_mtok=Decimal("0.0000000025")))

    assert _rows(model) == [
        {
            "meter": "output",
            "note": "rounded from 2.5E-9",
            "per": 1_000_000,
            "price_nanos": 2,
        }
    ]


def test_output_is_left_out_where_reasoning_has_a_price_of_its_own() -> None:
    model = _model(
        ModelPrice(input_mtok=Decimal(2), output_mtok=Decimal(8), output_reasoning_mtok=Decimal(3))
    )

    assert [row["meter"] for row in _rows(model)] == ["input_uncached"]
    assert left_out(_SOME, model) == ["some output_mtok", "some output_reasoning_mtok"]


def test_openai_text_models_price_images_as_text() -> None:
    prices = ModelPrice(input_mtok=Decimal(2), cache_read_mtok=Decimal(1), output_mtok=Decimal(8))
    text = _model(prices)
    audio = _model(prices)
    audio.id = "some-audio-model"

    assert [row["meter"] for row in _rows(text, _OPENAI)] == [
        "cache_read",
        "cache_read_image",
        "input_image_uncached",
        "input_uncached",
        "output",
    ]
    assert [row["meter"] for row in _rows(audio, _OPENAI)] == [
        "cache_read",
        "input_uncached",
        "output",
    ]
    assert "input_image_uncached" not in {row["meter"] for row in _rows(text, _SOME)}


@pytest.mark.parametrize(
    ("provider", "model", "meter"),
    [
        ("openai", "gpt-5.6-sol", "cache_write_30m"),
        ("anthropic", "claude-opus-5", "cache_write_5m"),
        ("aws", "anthropic.claude-sonnet-4-6", "cache_write_5m"),
        ("aws", "openai.gpt-6-sol", "cache_write_30m"),
        ("openrouter", "openai/gpt-6-sol", "cache_write_30m"),
        ("openrouter", "qwen/qwen4", "cache_write_unknown"),
    ],
)
def test_a_bare_cache_write_has_the_life_that_its_provider_gives_it(
    provider: str, model: str, meter: str
) -> None:
    written = _model(ModelPrice(cache_write_mtok=Decimal(1)))
    written.id = model
    seller = Provider(id=provider, name=provider, api_pattern="")

    assert [row["meter"] for row in rows_of(seller, written)] == [meter]


def test_a_free_model_is_not_priced_at_zero_by_its_silence() -> None:
    model = _model(ModelPrice())

    assert _rows(model) == []
    assert left_out(_SOME, model) == ["some model without a price"]


# --- the catalogue's own arithmetic, as a second opinion ----------------------------------------

_NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
_MOMENTS = (
    datetime(2025, 6, 9, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2026, 3, 13, tzinfo=UTC),
    datetime(2026, 10, 14, tzinfo=UTC),
    datetime(2027, 1, 1, tzinfo=UTC),
)
_SIZES = (1, 100_000, 100_001, 128_001, 199_999, 200_000, 200_001, 272_000, 272_001)
_COMPARED = {
    "input_mtok": "input_uncached",
    "cache_read_mtok": "cache_read",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_mtok": "output",
}


def _key(
    provider: str,
    platform: str,
    model: str,
    size: int = 1,
    conditions: tuple[tuple[str, str], ...] = (),
) -> RatingKey:
    return RatingKey(provider, platform, model, conditions, PromptRange(size, size), True)


def _expected(
    provider_id: str,
) -> Iterator[tuple[str, datetime, tuple[tuple[str, str], ...], str, int, Fraction | None]]:
    provider = next(found for found in catalogue.providers if found.id == provider_id)
    for model in provider.models:
        contexts = [{}, *(variant.when for variant in model.price_variants or [])]
        for at in _MOMENTS:
            for context in contexts:
                prices = model.get_prices(at, context)
                for key, meter in _COMPARED.items():
                    price = getattr(prices, key)
                    for size in _SIZES:
                        yield (
                            canonical_name(provider, model),
                            at,
                            tuple(context.items()),
                            meter,
                            size,
                            _at_size(price, size),
                        )


def _at_size(price: Decimal | TieredPrices | None, size: int) -> Fraction | None:
    if isinstance(price, TieredPrices):
        above = [tier.price for tier in price.tiers if size > tier.start]
        price = above[-1] if above else price.base
    return None if price is None else Fraction(price)


@pytest.mark.parametrize(
    ("provider_id", "provider", "platform"),
    [
        ("anthropic", "anthropic", "anthropic-api"),
        ("google", "google", "vertex-ai"),
        ("openai", "openai", "openai-api"),
        ("x-ai", "xai", "xai-api"),
    ],
)
def test_a_seeded_price_is_the_price_of_the_catalogue(
    book: RateBook, provider_id: str, provider: str, platform: str
) -> None:
    priced = 0
    for model, at, conditions, meter, size, expected in _expected(provider_id):
        decision = rate_for(_key(provider, platform, model, size, conditions), meter, book, at)
        if decision.unit_price is None:
            continue  # left out on purpose, and counted by the builder
        priced += 1
        assert expected is not None, (model, at, conditions, meter, size)
        assert decision.unit_price == expected * 1000, (model, at, conditions, meter, size)
    assert priced > 1_000
