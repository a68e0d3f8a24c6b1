"""Which parts of booked usage a scenario sends where; no price is looked at here."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from functools import lru_cache, partial
from typing import Final

from metering.analysis.economics.scenario import CacheRate, Scenario
from metering.core.ledger import Basis
from metering.core.meters import TOKEN_METERS, Meter
from metering.core.pricing.rate_book import RateBook
from metering.core.pricing.rates import MatchKind

Conditions = tuple[tuple[str, str], ...]

_PROMPT: Final = frozenset(meter.value for meter in TOKEN_METERS if meter is not Meter.OUTPUT)
_BATCH: Final = ("processing", "batch")
# Dimensions that say how a request was processed: a batch replaces what they say.
_PROCESSING: Final = frozenset({"processing", "service_tier", "batch", "speed"})


@dataclass(frozen=True, slots=True)
class UsageLine:
    """What the ledger says of metered usage of one day, bearer and basis.

    Attributes:
        nanos: charged, of the basis' currency.
        list_nanos: at list price; 0 where that is not known.
    """

    day: date
    basis: Basis
    quantity: int
    nanos: int
    list_nanos: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where usage runs: what a rate is looked up by. `model` is any name the cards know."""

    provider: str
    platform: str
    model: str


@dataclass(frozen=True, slots=True)
class Portion:
    """Some of a line.

    Attributes:
        is_routed: whether it runs on another model than it did.
    """

    quantity: int
    meter: str
    place: Place
    conditions: Conditions
    is_routed: bool = False


def named(name: str, provider: str, *models: str) -> bool:
    """Say whether a name of a scenario means a provider, or one of some names of a model."""
    return name == provider or any(name in {model, f"{provider}/{model}"} for model in models)


def names_basis(name: str, basis: Basis) -> bool:
    """Say whether a name of a scenario means the usage of a basis."""
    return named(name, basis.provider, basis.model, basis.model_raw)


def whole(line: UsageLine) -> Portion:
    """Return all of a line, where it ran."""
    basis = line.basis
    # The source's name, not what it means today: another card may mean another model by it.
    place = Place(basis.provider, basis.platform, basis.model_raw)
    return Portion(line.quantity, basis.meter, place, _conditions(basis.conditions))


@lru_cache(maxsize=10_000)  # the same few, on very many lines
def _conditions(text: str) -> Conditions:
    return tuple(sorted(json.loads(text).items()))


class Portions:
    """Divides lines as a scenario says.

    Args:
        lines: all of the period: a cache rate is one of a model's whole month.
        scenario: what is different.
        place_of: finds the place that a route's target means, for a basis.
    """

    def __init__(
        self,
        lines: Sequence[UsageLine],
        scenario: Scenario,
        place_of: Callable[[str, Basis], Place],
    ) -> None:
        self._scenario = scenario
        self._place_of = place_of
        self._cached = _moved_by_cache(lines, scenario.cache_rates)

    def of(self, line: UsageLine) -> tuple[Portion, ...]:
        """Return the portions of a line; their quantities sum to the line's."""
        parts: list[Portion] = list(self._cached_parts(line))
        for route in self._scenario.routes:
            if names_basis(route.source, line.basis):
                place = self._place_of(route.target, line.basis)
                parts = _moved(parts, route.share, partial(_sent, place))
                break
        for batch in self._scenario.batches:
            if names_basis(batch.name, line.basis):
                parts = _moved(parts, batch.share, _as_batch)
                break
        return tuple(part for part in parts if part.quantity) or tuple(parts[:1])

    def _cached_parts(self, line: UsageLine) -> Iterator[Portion]:
        part = whole(line)
        meter, share = self._cached.get(_cache_key(line.basis), ("", Fraction(0)))
        goes = {
            Meter.CACHE_READ.value: Meter.INPUT_UNCACHED.value,
            Meter.INPUT_UNCACHED.value: Meter.CACHE_READ.value,
        }.get(line.basis.meter, "")
        if not share or goes != meter:
            yield part
            return
        moved = int(part.quantity * share)
        yield replace(part, quantity=part.quantity - moved)
        yield replace(part, quantity=moved, meter=meter)


def _moved(
    parts: Iterable[Portion], share: Fraction, changed: Callable[[Portion], Portion]
) -> list[Portion]:
    found = []
    for part in parts:
        quantity = int(part.quantity * share)
        found.append(replace(part, quantity=part.quantity - quantity))
        found.append(changed(replace(part, quantity=quantity)))
    return [part for part in found if part.quantity] or found[:1]


def _sent(place: Place, part: Portion) -> Portion:
    return replace(part, place=place, is_routed=True)


def _as_batch(part: Portion) -> Portion:
    others = [pair for pair in part.conditions if pair[0] not in _PROCESSING]
    return replace(part, conditions=tuple(sorted((*others, _BATCH))))


_Platform = tuple[str, str]
_CacheKey = tuple[str, str, str, str]


def _cache_key(basis: Basis) -> _CacheKey:
    return (basis.provider, basis.platform, basis.billing_account, basis.model)


def _moved_by_cache(
    lines: Iterable[UsageLine], rates: Sequence[CacheRate]
) -> dict[_CacheKey, tuple[str, Fraction]]:
    """Return the meter that a share of the other one's tokens moves to, by model.

    A rate is reached or, where writes to the cache leave too few tokens, come as near as can be.
    """
    if not rates:
        return {}
    tokens: dict[_CacheKey, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    wanted: dict[_CacheKey, CacheRate] = {}
    for line in lines:
        key = _cache_key(line.basis)
        if line.basis.meter in _PROMPT:
            tokens[key][line.basis.meter] += line.quantity
        # The last rate that names a model decides: "0.5" and then "openai=0.8".
        for rate in rates:
            if not rate.name or names_basis(rate.name, line.basis):
                wanted[key] = rate
    return {key: _share_to_move(tokens[key], rate) for key, rate in wanted.items()}


def _share_to_move(tokens: Mapping[str, int], rate: CacheRate) -> tuple[str, Fraction]:
    cached = tokens.get(Meter.CACHE_READ.value, 0)
    uncached = tokens.get(Meter.INPUT_UNCACHED.value, 0)
    more = rate.rate * sum(tokens.values()) - cached
    if more > 0 and uncached:
        return Meter.CACHE_READ.value, min(Fraction(1), more / uncached)
    if more < 0 and rate.name:
        return Meter.INPUT_UNCACHED.value, -more / cached
    return "", Fraction(0)


def place_of(target: str, basis: Basis, used: Collection[_Platform], book: RateBook) -> Place:
    """Return where a route leads.

    Args:
        target: model, "provider/model" or "provider/platform/model".
        basis: of the usage that is sent there: its own platform is asked first.
        used: provider and platform that the period's usage ran on: they are asked next.
        book: the rate cards of the scenario.

    Raises:
        ValueError: no card prices such a model, or several platforms sell it; the message is for
            the user.
    """
    sold = {(rate.provider, rate.platform) for card in book.cards for rate in card.rates}
    found = [
        Place(provider, platform, model)
        for provider, platform in sorted(sold)
        for model in _models(target, provider, platform)
        if _is_priced(Place(provider, platform, model), book)
    ]
    if not found:
        raise ValueError(f"no rate card prices {target}")
    own = [p for p in found if (p.provider, p.platform) == (basis.provider, basis.platform)]
    known = [place for place in found if (place.provider, place.platform) in used]
    meant = next((places for places in (own, known, found) if len(places) == 1), None)
    if meant is None:
        names = ", ".join(f"{p.provider}/{p.platform}/{p.model}" for p in found)
        raise ValueError(f"{target} is sold in several places: {names}")
    return meant[0]


def _models(target: str, provider: str, platform: str) -> Iterator[str]:
    yield target
    for prefix in (f"{provider}/{platform}/", f"{provider}/"):
        if target.startswith(prefix):
            yield target.removeprefix(prefix)


def _is_priced(place: Place, book: RateBook) -> bool:
    return any(
        rate.match_kind is MatchKind.EXACT and rate.model_match == place.model
        for card in book.cards
        for rate in card.rates
        if (rate.provider, rate.platform) == (place.provider, place.platform)
    )
