"""The price rows of one model of the genai-prices catalogue.

The catalogue's rules, unfolded: of several dated prices the last that is active wins; a price with
hours holds inside them; a tier holds *above* its start, for every token of the request; a variant
replaces single prices when the request carries its context, and the first variant that names a
price wins. Days are UTC days.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from typing import Final, TypeAlias

from genai_prices.types import (
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    Provider,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)

from metering.core.meters import Meter
from metering.core.money import NANOS_PER_UNIT
from metering.core.pricing.conditions import DIMENSIONS, is_default, spelled
from metering.rate_cards.seed_names import endpoint_scopes

Row: TypeAlias = dict[str, object]
Price: TypeAlias = Decimal | TieredPrices

_MILLION: Final = 1_000_000
_THOUSAND: Final = 1_000
_HOUR: Final = 3_600

# Price of the catalogue: our meter, and the units it is stated for.
_UNITS: Final[Mapping[str, tuple[Meter, int]]] = {
    "input_mtok": (Meter.INPUT_UNCACHED, _MILLION),
    "cache_read_mtok": (Meter.CACHE_READ, _MILLION),
    "cache_write_1h_mtok": (Meter.CACHE_WRITE_1H, _MILLION),
    "output_mtok": (Meter.OUTPUT, _MILLION),
    "input_audio_mtok": (Meter.INPUT_AUDIO_UNCACHED, _MILLION),
    "cache_audio_read_mtok": (Meter.CACHE_READ_AUDIO, _MILLION),
    "output_audio_mtok": (Meter.OUTPUT_AUDIO, _MILLION),
    "input_image_mtok": (Meter.INPUT_IMAGE_UNCACHED, _MILLION),
    "cache_image_read_mtok": (Meter.CACHE_READ_IMAGE, _MILLION),
    "output_image_mtok": (Meter.OUTPUT_IMAGE, _MILLION),
    "input_video_mtok": (Meter.INPUT_VIDEO_UNCACHED, _MILLION),
    "output_video_mtok": (Meter.OUTPUT_VIDEO, _MILLION),
    "input_mchars": (Meter.CHARACTER, _MILLION),
    "audio_hours": (Meter.AUDIO_SECOND, _HOUR),
    "storage_searches_kcount": (Meter.FILE_SEARCH, _THOUSAND),
    "requests_kcount": (Meter.REQUEST, _THOUSAND),
    "input_document_kpages": (Meter.DOCUMENT_PAGE, _THOUSAND),
}
# The price of one class alone, where the catalogue's fee depends on what a request says.
_IMPLIED_CONDITIONS: Final[Mapping[str, Mapping[str, str]]] = {
    # Perplexity charges by the size of the search context; the catalogue holds the dearest.
    "requests_kcount": {"search_context": "high"},
}
_AS_TEXT: Final[Mapping[Meter, Meter]] = {
    Meter.INPUT_UNCACHED: Meter.INPUT_IMAGE_UNCACHED,
    Meter.CACHE_READ: Meter.CACHE_READ_IMAGE,
    Meter.CACHE_WRITE_30M: Meter.CACHE_WRITE_IMAGE,
}
# Restates another price of the same model in the same unit.
_RESTATED: Final = {"input_audio_hours"}


@dataclass(frozen=True, slots=True)
class _Listed:
    """Prices that hold together, in a stretch of days and perhaps within hours of each."""

    begin: date | None
    end: date | None
    prices: Mapping[str, Price]
    hours: TimeOfDateConstraint | None = None
    conditions: tuple[tuple[str, str], ...] = ()


def rows_of(provider: Provider, model: ModelInfo) -> Iterator[Row]:
    """Yield the rate rows of a model, without who sells it: meter, price, dates, conditions.

    A stretch of days in which a meter's price does not change is one row, though other meters
    changed within it.
    """
    rows = [
        (row, listed.begin, listed.end)
        for listed in (*_standard(model), *_variants(provider, model))
        if _expressible(listed.conditions)
        for key, price in listed.prices.items()
        for unit in _units(provider, model, key)
        for row in _tiers(price, unit, listed, _IMPLIED_CONDITIONS.get(key, {}))
    ]
    for row, begin, end in _joined(rows):
        for conditions in _scoped(model, row):
            yield {**row, **conditions, **_dates(begin, end)}


def _scoped(model: ModelInfo, row: Row) -> list[Row]:
    """Return a row's conditions, once for each endpoint scope that the model's id states."""
    conditions = row.get("conditions", {})
    scopes = endpoint_scopes(model)
    if not scopes or not isinstance(conditions, dict):
        return [{}]
    return [{"conditions": {**conditions, "endpoint_scope": scope}} for scope in scopes]


def left_out(provider: Provider, model: ModelInfo) -> list[str]:
    """Return why prices of a model have no row, one reason each."""
    every = [listed.prices for listed in (*_standard(model), *_variants(provider, model))]
    if not any(every):
        return [f"{provider.id} model without a price"]
    keys = {key for prices in every for key in prices} - _RESTATED
    reasons = [
        f"{provider.id} {key}" for key in sorted(keys) if _unit(provider, model, key) is None
    ]
    return reasons + [
        f"{provider.id} variant {dict(listed.conditions)}"
        for listed in _variants(provider, model)
        if not _expressible(listed.conditions)
    ]


def tokens_only(row: Row) -> bool:
    """Say whether a row prices plain usage: tokens or audio, under no condition."""
    return row["per"] != _THOUSAND and "conditions" not in row


def _units(provider: Provider, model: ModelInfo, key: str) -> Iterator[tuple[Meter, int]]:
    """Yield what a price of the catalogue holds for: our meter, and perhaps images beside text."""
    unit = _unit(provider, model, key)
    if unit is not None:
        yield unit
        if unit[0] in _AS_TEXT and _images_cost_as_text(provider, model):
            yield _AS_TEXT[unit[0]], unit[1]


def _images_cost_as_text(provider: Provider, model: ModelInfo) -> bool:
    # "Text models price image tokens at standard text token rates": OpenAI's pricing page, FAQ.
    return (
        provider.id == "openai"
        and not re.search("image|audio|realtime|transcribe|tts|embedding|live", model.id)
        and any("output_mtok" in listed.prices for listed in _standard(model))
    )


def _unit(provider: Provider, model: ModelInfo, key: str) -> tuple[Meter, int] | None:
    if key == "cache_write_mtok":
        return _cache_write(provider.id, model.id), _MILLION
    if key == "web_searches_kcount":
        return _search(provider.id, model.id), _THOUSAND
    if key == "output_mtok" and _reasoning_apart(model):
        return None
    return _UNITS.get(key)


def _cache_write(provider: str, model: str) -> Meter:
    """Return the cache life that a bare cache write price stands for."""
    if "claude" in model:
        return Meter.CACHE_WRITE_5M
    if provider in {"openai", "aws"} or model.startswith("openai/"):
        return Meter.CACHE_WRITE_30M
    return Meter.CACHE_WRITE_5M if provider == "moonshotai" else Meter.CACHE_WRITE_UNKNOWN


def _search(provider: str, model: str) -> Meter:
    """Return what a search fee counts: Google grounds prompts up to Gemini 2, then queries."""
    if provider != "google" or not model.startswith("gemini"):
        return Meter.WEB_SEARCH
    old = model.startswith(("gemini-1", "gemini-2", "gemini-live-2"))
    return Meter.GROUNDED_PROMPT if old else Meter.GROUNDED_QUERY


def _reasoning_apart(model: ModelInfo) -> bool:
    # Our output includes reasoning, so an output price beside another for reasoning misprices it.
    return any(
        "output_reasoning_mtok" in listed.prices
        and listed.prices["output_reasoning_mtok"] != listed.prices.get("output_mtok")
        for listed in _standard(model)
    )


def _standard(model: ModelInfo) -> Iterator[_Listed]:
    entries = (
        [ConditionalPrice(prices=model.prices)]
        if isinstance(model.prices, ModelPrice)
        else model.prices
    )
    for begin, end in _stretches(entries):
        for entry in reversed(entries):
            rule = entry.constraint
            if isinstance(rule, TimeOfDateConstraint):
                yield _Listed(begin, end, _given(entry.prices), hours=rule)
            elif rule is None or (begin is not None and rule.start_date <= begin):
                yield _Listed(begin, end, _given(entry.prices))
                break


def _variants(provider: Provider, model: ModelInfo) -> Iterator[_Listed]:
    variants = model.price_variants or []
    contexts = [_spelled(provider, variant.when) for variant in variants]
    for when in sorted(set(contexts)):
        if any(is_default(*pair) for pair in when):
            continue
        group = [variant for variant, own in zip(variants, contexts, strict=True) if own == when]
        for begin, end in _stretches(group):
            active = [variant for variant in group if _started(variant, begin)]
            if active:
                prices = _overriding(active, _in_force(model, begin))
                yield _Listed(begin, end, prices, conditions=when)


def _spelled(provider: Provider, when: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(spelled(provider.id, name, value) for name, value in when.items()))


def _expressible(conditions: Iterable[tuple[str, str]]) -> bool:
    return all(dimension in DIMENSIONS for dimension, _ in conditions)


def _overriding(
    variants: Iterable[PriceVariant], standard: Mapping[str, Price]
) -> dict[str, Price]:
    prices: dict[str, Price] = {}
    for variant in variants:
        for key, price in _given(variant.prices).items():
            prices.setdefault(key, _base_tier_only(price, standard.get(key)))
    # A variant without a price says that its rates are the standard ones.
    return prices or dict(standard)


def _base_tier_only(price: Price, standard: Price | None) -> Price:
    """Bound a flat price that replaces a tiered one: nothing is said of longer prompts."""
    if isinstance(price, Decimal) and isinstance(standard, TieredPrices):
        return _Bounded(price, standard.tiers[0].start)
    return price


class _Bounded(TieredPrices):
    """A price up to a prompt size, and none above it."""

    def __init__(self, base: Decimal, last: int) -> None:
        super().__init__(base=base, tiers=[])
        self.last = last


def _in_force(model: ModelInfo, begin: date | None) -> Mapping[str, Price]:
    at = datetime.combine(begin or date(1970, 1, 1), time(), UTC)
    return _given(model.get_prices(at))


def _given(prices: ModelPrice) -> dict[str, Price]:
    return {
        key: price
        for key, price in vars(prices).items()
        if isinstance(price, Decimal | TieredPrices)
    }


def _started(entry: ConditionalPrice | PriceVariant, begin: date | None) -> bool:
    rule = entry.constraint
    if isinstance(rule, StartDateConstraint):
        return begin is not None and rule.start_date <= begin
    return True


def _stretches(
    entries: Iterable[ConditionalPrice] | Iterable[PriceVariant],
) -> Iterator[tuple[date | None, date | None]]:
    starts = {
        entry.constraint.start_date
        for entry in entries
        if isinstance(entry.constraint, StartDateConstraint)
    }
    yield from pairwise([None, *sorted(starts), None])


def _tiers(
    price: Price, unit: tuple[Meter, int], listed: _Listed, implied: Mapping[str, str]
) -> Iterator[Row]:
    meter, per = unit
    rest: Row = {}
    if conditions := {**dict(listed.conditions), **implied}:
        rest["conditions"] = dict(sorted(conditions.items()))
    if listed.hours is not None:
        rest["window"] = _window(listed.hours)
    for lo, hi, decimal in _bounds(price):
        row: Row = {"meter": meter.value, **_nanos(decimal), "per": per}
        if lo is not None:
            row["tier_lo"] = lo
        if hi is not None:
            row["tier_hi"] = hi
        yield {**row, **rest}


def _bounds(price: Price) -> Iterator[tuple[int | None, int | None, Decimal]]:
    """Yield bands of prompt sizes, both ends inclusive; a tier begins one above its start."""
    if isinstance(price, Decimal):
        yield None, None, price
    elif isinstance(price, _Bounded):
        yield None, price.last, price.base
    else:
        starts = [tier.start for tier in price.tiers]
        highs = [*starts, None]
        lows = [None, *(start + 1 for start in starts)]
        yield from zip(lows, highs, [price.base, *(t.price for t in price.tiers)], strict=True)


def _nanos(price: Decimal) -> Row:
    exact = price * NANOS_PER_UNIT
    whole = int(exact.to_integral_value(ROUND_HALF_EVEN))
    if whole == exact:
        return {"price_nanos": whole}
    return {"price_nanos": whole, "note": f"rounded from {price}"}


def _window(hours: TimeOfDateConstraint) -> Row:
    return {
        "weekdays": [1, 2, 3, 4, 5, 6, 7],
        "start": hours.start_time.strftime("%H:%M"),
        "end": hours.end_time.strftime("%H:%M"),
        "zone": "UTC",
    }


def _joined(
    rows: Iterable[tuple[Row, date | None, date | None]],
) -> Iterator[tuple[Row, date | None, date | None]]:
    """Join rows that differ in nothing but their days, where one ends as the next begins."""
    spans: list[tuple[Row, date | None, date | None]] = []
    for row, begin, end in rows:
        last = next((at for at, span in enumerate(spans) if span[0] == row), None)
        if last is not None and begin is not None and spans[last][2] == begin:
            spans[last] = (row, spans[last][1], end)
        else:
            spans.insert(0, (row, begin, end))
    yield from spans


def _dates(begin: date | None, end: date | None) -> Row:
    dates: Row = {}
    if begin is not None:
        dates["effective_from"] = f"{begin.isoformat()}T00:00:00Z"
    if end is not None:
        dates["effective_to"] = f"{end.isoformat()}T00:00:00Z"
    return dates
