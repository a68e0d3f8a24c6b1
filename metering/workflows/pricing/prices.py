"""Look at the rate cards: what they price, how a price has moved, whether they are sound."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Final

from metering.core.instants import ALWAYS, NEVER
from metering.core.money import NANOS_PER_UNIT, plain_decimal
from metering.core.pricing.card_changes import Row
from metering.core.pricing.model_names import Resolution
from metering.core.pricing.rate_book import Candidate, Multiple, RateBook
from metering.core.pricing.rate_checks import book_problems
from metering.core.pricing.rates import Alias, MatchKind, Modifier, Rate, RateCard, Window
from metering.core.pricing.row_checks import Problem
from metering.core.pricing.terms import Measure, Term, TermKind
from metering.rate_cards.loading import bundled_cards, bundled_paths, read_card
from metering.resources import rate_cards_dir

_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class PricedPlatform:
    """What the cards hold of one platform."""

    provider: str
    platform: str
    models: int
    rates: int
    aliases: int
    cards: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a name means on one platform, from when to when, and why.

    Attributes:
        starts, ends: half-open; None where it is unbounded.
        why: which row of the catalogue matches the name, in words.
    """

    provider: str
    platform: str
    starts: datetime | None
    ends: datetime | None
    model: str
    why: str


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One price in the history of a model.

    Attributes:
        price: decimal text in `currency` per `per` units; a factor such as "x 11/10" for a
            modifier, whose `per` is 0.
        conditions, prompt, hours: what it holds for, in words; "" for no restriction.
        starts, ends: half-open; None where it is unbounded.
        match: how the row names the model: exact, a beginning, or every model.
        row_id: what postings pin.
    """

    provider: str
    platform: str
    model: str
    meter: str
    price: str
    per: int
    currency: str
    conditions: str
    prompt: str
    hours: str
    starts: datetime | None
    ends: datetime | None
    guaranteed_until: datetime | None
    card: str
    match: str
    evidence: str
    source_url: str
    retrieved_at: str
    note: str
    row_id: str


def bundled_book() -> RateBook:
    """Return the rate cards that ship with the package: the prices outside any ledger.

    Raises:
        RateCardError: a file of the package is damaged.
    """
    return RateBook(bundled_cards())


def bundled_problems() -> tuple[tuple[RateCard, ...], tuple[Problem, ...]]:
    """Return the cards that ship with the package, and everything that is wrong with them."""
    cards: list[RateCard] = []
    problems: list[Problem] = []
    for path in bundled_paths():
        card, found = read_card(path, name=str(path.relative_to(rate_cards_dir())))
        problems += found
        if card is not None:
            cards.append(card)
    return tuple(cards), (*problems, *book_problems(cards))


def priced_platforms(book: RateBook) -> tuple[PricedPlatform, ...]:
    """Return what the book holds, per platform, sorted."""
    models: dict[tuple[str, str], set[str]] = {}
    cards: dict[tuple[str, str], set[str]] = {}
    rates: Counter[tuple[str, str]] = Counter()
    aliases: Counter[tuple[str, str]] = Counter()
    for card in book.cards:
        for rate in card.rates:
            place = (rate.provider, rate.platform)
            models.setdefault(place, set()).add(rate.model_match)
            cards.setdefault(place, set()).add(card.name)
            rates[place] += 1
        aliases.update((alias.provider, alias.platform) for alias in card.aliases)
    return tuple(
        PricedPlatform(
            *place, len(models[place]), rates[place], aliases[place], tuple(sorted(cards[place]))
        )
        for place in sorted(models)
    )


def meanings(
    book: RateBook, name: str, *, provider: str = "", platform: str = ""
) -> tuple[Meaning, ...]:
    """Return what a model's name means, on every platform that knows it.

    Args:
        book: the rate cards in force.
        name: as a source spells it.
        provider: only this one; "" for all.
        platform: only this one; "" for all.
    """
    return tuple(
        Meaning(
            provider=found.provider,
            platform=found.platform,
            starts=_bound(resolution.starts),
            ends=_bound(resolution.ends),
            model=resolution.model,
            why=_why(book, found, resolution),
        )
        for found in priced_platforms(book)
        if provider in ("", found.provider) and platform in ("", found.platform)
        for resolution in book.resolutions(found.provider, found.platform, name)
        if book.is_known(found.provider, found.platform, resolution.model)
    )


def price_history(book: RateBook, found: tuple[Meaning, ...]) -> tuple[PriceRow, ...]:
    """Return every price of the models that a name means, meter by meter, in time order."""
    subjects = dict.fromkeys((one.provider, one.platform, one.model) for one in found)
    rows: list[PriceRow] = []
    for provider, platform, model in subjects:
        by_meter = book.candidates(provider, platform, model)
        for meter in sorted(by_meter):
            ordered = sorted(by_meter[meter], key=_in_time)
            rows += (_price_row(model, candidate) for candidate in ordered)
        multiples = book.multiples(provider, platform, model)
        rows += (_factor_row(model, multiple) for multiple in multiples)
    return tuple(rows)


def subject_text(row: Row) -> str:
    """Return in words what a row is about."""
    if isinstance(row, Term):
        return f"{row.kind.replace('_', ' ')} '{row.name}' {', '.join(row.meters)}"
    if isinstance(row, Alias):
        return f"alias {_match_text(row.match_kind, row.raw)}"
    conditions = _words(row.conditions)
    what = row.meter if isinstance(row, Rate) else ", ".join(row.meters)
    named = "" if row.match_kind is MatchKind.EXACT else f"{row.match_kind.value} "
    tier = _tier_text(row.tier_lo, row.tier_hi) if isinstance(row, Rate) else ""
    parts = (f"{named}{row.model_match}".strip(), what, conditions, tier and f"prompt {tier}")
    return " ".join(part for part in parts if part)


def row_text(row: Row | None) -> str:
    """Return in words what a row says of its subject; "" for no row."""
    if row is None:
        return ""
    if isinstance(row, Term):
        return _term_text(row)
    if isinstance(row, Alias):
        return row.canonical_model
    if isinstance(row, Modifier):
        return f"x {row.factor_num}/{row.factor_den}"
    return f"{plain_decimal(row.price_nanos)} per {row.per:,}"


def _term_text(term: Term) -> str:
    paid = Fraction(term.factor_num, term.factor_den)
    if term.kind is TermKind.VOLUME_TIER:
        scale = NANOS_PER_UNIT if term.measure is Measure.SPEND else 1
        upto = "" if term.hi is None else f"{term.hi // scale:,}"
        return f"{term.lo // scale:,}..{upto} {term.measure} x {paid}"
    amount = f"{plain_decimal(term.amount_nanos)} a month"
    return f"{amount} x {paid}" if term.kind is TermKind.COMMITMENT else amount


def _in_time(candidate: Candidate) -> tuple[list[tuple[str, str]], int, int, datetime, str]:
    return (
        sorted(candidate.conditions.required),
        candidate.lo,
        0 if candidate.rate.window is None else 1,
        candidate.starts,
        hours_text(candidate.rate.window),
    )


def _price_row(model: str, candidate: Candidate) -> PriceRow:
    rate, card = candidate.rate, candidate.card
    return PriceRow(
        provider=rate.provider,
        platform=rate.platform,
        model=model,
        meter=rate.meter,
        price=plain_decimal(rate.price_nanos),
        per=rate.per,
        currency=card.currency,
        conditions=_words(rate.conditions),
        prompt=_tier_text(rate.tier_lo, rate.tier_hi),
        hours=hours_text(rate.window),
        starts=rate.effective_from,
        ends=rate.effective_to,
        guaranteed_until=rate.guaranteed_until,
        card=f"{card.name} v{card.version}",
        match=_match_text(rate.match_kind, rate.model_match),
        evidence=rate.evidence,
        source_url=rate.source_url,
        retrieved_at=rate.retrieved_at,
        note=rate.note,
        row_id=rate.rate_id,
    )


def _factor_row(model: str, multiple: Multiple) -> PriceRow:
    modifier, card = multiple.modifier, multiple.card
    return PriceRow(
        provider=modifier.provider,
        platform=modifier.platform,
        model=model,
        meter=", ".join(modifier.meters),
        price=f"x {modifier.factor_num}/{modifier.factor_den}",
        per=0,
        currency=card.currency,
        conditions=_words(modifier.conditions),
        prompt="",
        hours="",
        starts=modifier.effective_from,
        ends=modifier.effective_to,
        guaranteed_until=None,
        card=f"{card.name} v{card.version}",
        match=_match_text(modifier.match_kind, modifier.model_match),
        evidence=modifier.evidence,
        source_url=modifier.source_url,
        retrieved_at=modifier.retrieved_at,
        note=modifier.note,
        row_id=modifier.modifier_id,
    )


def _why(book: RateBook, found: PricedPlatform, resolution: Resolution) -> str:
    steps = [
        f"alias {_match_text(alias.match_kind, alias.raw)} -> {alias.canonical_model}"
        for alias in resolution.aliases
    ]
    if resolution.dimensions:
        steps.append("which implies " + _words(dict(resolution.dimensions)))
    if resolution.assumed:
        steps.append(f"{_words(dict(resolution.assumed))} unless the usage says otherwise")
    return ", ".join((*steps, *_named_by(book, found, resolution.model)))


def _named_by(book: RateBook, found: PricedPlatform, model: str) -> Iterator[str]:
    """Yield how rates name a canonical model, each way once."""
    ways = {
        _match_text(candidate.rate.match_kind, candidate.rate.model_match)
        for candidates in book.candidates(found.provider, found.platform, model).values()
        for candidate in candidates
        if candidate.rate.match_kind is not MatchKind.ANY
    }
    yield from (f"rates for {way}" for way in sorted(ways))


def _match_text(kind: MatchKind, text: str) -> str:
    return "every model" if kind is MatchKind.ANY else f"{kind.value} '{text}'"


def _tier_text(lo: int | None, hi: int | None) -> str:
    if lo is None and hi is None:
        return ""
    return f"{'' if lo is None else lo}..{'' if hi is None else hi}"


def hours_text(window: Window | None) -> str:
    """Return a window in words; "" for none."""
    if window is None:
        return ""
    every_day = len(window.weekdays) == len(_WEEKDAYS)
    days = "" if every_day else ",".join(_WEEKDAYS[n - 1] for n in sorted(window.weekdays)) + " "
    but = f" but holidays of {window.holidays}" if window.holidays else ""
    return f"{days}{window.start}-{window.end} {window.zone}{but}"


def _words(conditions: object) -> str:
    pairs = sorted(conditions.items()) if isinstance(conditions, dict) else []
    return ", ".join(f"{name}={value}" for name, value in pairs)


def _bound(instant: datetime) -> datetime | None:
    return None if instant in (ALWAYS, NEVER) else instant
