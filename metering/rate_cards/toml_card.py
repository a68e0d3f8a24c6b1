"""Read a rate card kept by hand: TOML, one block per row of a provider's price table.

A `[[rates]]` block unfolds into one rate per model, per choice of its conditions and per entry of
its `prices`, so that it can be read beside the page it comes from.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from math import gcd
from typing import TYPE_CHECKING, Final

from metering.core.pricing.rates import (
    ALL_METERS,
    ALL_TOKENS,
    ANY_VALUE,
    EVERY_ACCOUNT,
    Alias,
    CardKind,
    MatchKind,
    Modifier,
    NoEffect,
    Rate,
    RateCard,
    alias_id_of,
    modifier_id_of,
    rate_id_of,
)
from metering.core.pricing.row_checks import Problem
from metering.errors import shown
from metering.rate_cards import fields
from metering.rate_cards.fields import FieldError, Row
from metering.rate_cards.toml_terms import TERM_BLOCKS, term_of

if TYPE_CHECKING:
    from metering.core.pricing.terms import Term

_PER: Final = 1_000_000
_SUBJECT: Final = ("provider", "platform", "models", "match", "from", "to", "conditions")
_SOURCE: Final = ("source", "read", "evidence", "note")
_RATE: Final = (
    *(*_SUBJECT, *_SOURCE, "guaranteed_until", "prompt", "window", "per", "prices"),
    *("min_qty_per_event", "qty_step", "allowance"),
)
_MODIFIER: Final = (*_SUBJECT, *_SOURCE, "factor", "meters", "stack", "list_as_of")
_NO_EFFECT: Final = (
    *("provider", "platform", "models", "match", "dimension", "values", "meters"),
    *_SOURCE,
)
_ALIAS: Final = (
    *("provider", "platform", "raw", "match", "model", "dimensions", "from", "to"),
    *_SOURCE,
)
_CARD: Final = (
    *("name", "kind", "currency", "scope", "version", "complete"),
    *("source_name", "source_version", "source_sha256", "licence", "note"),
)
_KINDS_OF_BLOCK: Final = ("rates", "modifiers", "no_effect", "aliases", *TERM_BLOCKS)
_HEADER: Final = re.compile(r"\s*\[\[\s*(\w+)\s*\]\]")


def card_from_toml(source: str, name: str) -> tuple[RateCard | None, list[Problem]]:
    """Return the card a text holds, and what is not as the format says.

    Args:
        source: the file's text.
        name: how messages call the file.

    Returns:
        The card of the rows that are as the format says, None when not even its head is; and the
        problems of the others. A card with problems is not put in force.
    """
    try:
        document = tomllib.loads(source)
    except (ValueError, RecursionError) as error:  # also a number of 5,000 digits
        return None, [
            Problem("bad-rate-card", (name,), f"it is not TOML: {error}", "a file in TOML")
        ]
    try:
        fields.refuse_unknown(document, ("card", *_KINDS_OF_BLOCK), "the file")
        card = _head(document)
    except FieldError as error:
        return None, [Problem("bad-rate-card", (name,), error.what, error.expected)]
    return _filled(card, document, _places(source, name, document))


def _head(document: Row) -> RateCard:
    head = document.get("card")
    if not isinstance(head, Mapping):
        raise FieldError("bad-rate-card", "there is no [card]", "a [card] with name and kind")
    return card_head(head)


def card_head(head: Row) -> RateCard:
    """Return the card without its rows that the head of a file describes.

    Raises:
        FieldError: a field is not as the format says.
    """
    fields.refuse_unknown(head, (*_CARD, "notice"), "[card]")
    name = fields.text(head, "kind")
    try:
        kind = CardKind(name)
    except ValueError:
        said = f"kind is {shown(name)}"
        raise FieldError("bad-rate-card", said, ", ".join(CardKind)) from None
    complete = head.get("complete", False)
    return RateCard(
        name=fields.text(head, "name"),
        kind=kind,
        currency=fields.text(head, "currency"),
        version=fields.whole(head, "version", 1),
        scope=fields.text(head, "scope", EVERY_ACCOUNT),
        complete=complete is True,
        source_name=fields.text(head, "source_name", ""),
        source_version=fields.text(head, "source_version", ""),
        source_sha256=fields.text(head, "source_sha256", ""),
        licence=fields.text(head, "licence", ""),
    )


def _filled(
    card: RateCard, document: Row, places: Mapping[str, list[str]]
) -> tuple[RateCard, list[Problem]]:
    problems: list[Problem] = []
    rates: list[Rate] = []
    modifiers: list[Modifier] = []
    aliases: list[Alias] = []
    no_effects: list[NoEffect] = []
    terms: list[Term] = []
    for kind in _KINDS_OF_BLOCK:
        for block, place in zip(_blocks(document, kind), places[kind], strict=True):
            try:
                if kind == "rates":
                    rates += _rates(block, place, card.currency)
                elif kind == "modifiers":
                    modifiers += _modifiers(block, place)
                elif kind == "no_effect":
                    no_effects += _no_effects(block, place)
                elif kind in TERM_BLOCKS:
                    terms.append(term_of(kind, block, place))
                else:
                    aliases.append(_alias(block, place))
            except FieldError as error:
                problems.append(Problem(error.code, (place,), error.what, error.expected))
    filled = replace(
        card,
        rates=tuple(rates),
        modifiers=tuple(modifiers),
        aliases=tuple(aliases),
        no_effects=tuple(no_effects),
        terms=tuple(terms),
    )
    return filled, problems


def _blocks(document: Row, kind: str) -> list[Row]:
    blocks = document.get(kind, [])
    return blocks if isinstance(blocks, list) else []


def _places(source: str, name: str, document: Row) -> dict[str, list[str]]:
    """Return FILE:LINE of every block's header, by kind and in order."""
    lines: dict[str, list[int]] = {kind: [] for kind in _KINDS_OF_BLOCK}
    for number, line in enumerate(source.splitlines(), start=1):
        header = _HEADER.match(line)
        if header is not None and header[1] in lines:
            lines[header[1]].append(number)
    found: dict[str, list[str]] = {}
    for kind, numbers in lines.items():
        count = len(_blocks(document, kind))
        # Tables may also be written inline; then blocks are numbered instead.
        known = len(numbers) == count
        found[kind] = [
            f"{name}:{numbers[n]}" if known else f"{name} [[{kind}]] {n + 1}" for n in range(count)
        ]
    return found


def _rates(block: Row, place: str, currency: str) -> Iterator[Rate]:
    fields.refuse_unknown(block, _RATE, "[[rates]]")
    prices = block.get("prices")
    if not isinstance(prices, Mapping) or not prices:
        raise FieldError("bad-rate", "there are no prices", 'prices = { output = "15" }')
    tier_lo, tier_hi = fields.tier(block, "prompt")
    allowance = block.get("allowance", {})
    if not isinstance(allowance, Mapping):
        raise FieldError("bad-rate", "the allowance is no table", "units, period and scope")
    fields.refuse_unknown(allowance, ("units", "period", "scope"), "allowance")
    whole_row = Rate(
        rate_id="",
        provider=fields.text(block, "provider"),
        platform=fields.text(block, "platform"),
        model_match="",
        match_kind=fields.match_kind(block, "match"),
        meter="",
        price_nanos=0,
        per=fields.whole(block, "per", _PER),
        effective_from=fields.instant(block, "from"),
        effective_to=fields.instant(block, "to"),
        guaranteed_until=fields.instant(block, "guaranteed_until"),
        tier_lo=tier_lo,
        tier_hi=tier_hi,
        window=fields.window(block, "window"),
        min_qty_per_event=fields.whole(block, "min_qty_per_event", 0),
        qty_step=fields.whole(block, "qty_step", 1),
        allowance_units=fields.whole(allowance, "units", 0),
        allowance_period=fields.text(allowance, "period", ""),
        allowance_scope=fields.text(allowance, "scope", ""),
        source_url=fields.text(block, "source", ""),
        retrieved_at=fields.day(block, "read"),
        evidence=fields.text(block, "evidence", "page"),
        note=fields.text(block, "note", ""),
        place=place,
    )
    for model in _models(block, whole_row.match_kind):
        for conditions in _unfolded(block):
            for meter in prices:
                rate = replace(
                    whole_row,
                    model_match=model,
                    conditions=conditions,
                    meter=meter,
                    price_nanos=fields.price_nanos(prices, meter),
                )
                yield replace(rate, rate_id=rate_id_of(rate, currency))


def _modifiers(block: Row, place: str) -> Iterator[Modifier]:
    fields.refuse_unknown(block, _MODIFIER, "[[modifiers]]")
    numerator, denominator = fields.factor(block, "factor")
    common = gcd(numerator, denominator) or 1
    whole_row = Modifier(
        modifier_id="",
        provider=fields.text(block, "provider"),
        platform=fields.text(block, "platform"),
        model_match="",
        match_kind=fields.match_kind(block, "match"),
        meters=fields.texts(block, "meters", (ALL_TOKENS,)),
        factor_num=numerator // common,
        factor_den=denominator // common,
        effective_from=fields.instant(block, "from"),
        effective_to=fields.instant(block, "to"),
        stack_group=fields.text(block, "stack", ""),
        list_as_of=fields.instant(block, "list_as_of"),
        source_url=fields.text(block, "source", ""),
        retrieved_at=fields.day(block, "read"),
        evidence=fields.text(block, "evidence", "page"),
        note=fields.text(block, "note", ""),
        place=place,
    )
    for model in _models(block, whole_row.match_kind):
        for conditions in _unfolded(block):
            modifier = replace(whole_row, model_match=model, conditions=conditions)
            yield replace(modifier, modifier_id=modifier_id_of(modifier))


def _no_effects(block: Row, place: str) -> Iterator[NoEffect]:
    fields.refuse_unknown(block, _NO_EFFECT, "[[no_effect]]")
    named = "models" in block
    kind = fields.match_kind(block, "match") if named else MatchKind.ANY
    for model in _models(block, kind):
        yield NoEffect(
            provider=fields.text(block, "provider"),
            platform=fields.text(block, "platform"),
            dimension=fields.text(block, "dimension"),
            values=fields.texts(block, "values", (ANY_VALUE,)),
            model_match=model,
            match_kind=kind,
            meters=fields.texts(block, "meters", (ALL_METERS,)),
            source_url=fields.text(block, "source", ""),
            note=fields.text(block, "note", ""),
            place=place,
        )


def _alias(block: Row, place: str) -> Alias:
    fields.refuse_unknown(block, _ALIAS, "[[aliases]]")
    dimensions = block.get("dimensions")
    if dimensions is not None and not isinstance(dimensions, Mapping):
        raise FieldError("bad-rate", "dimensions is no table", '{ endpoint_scope = "geo" }')
    alias = Alias(
        alias_id="",
        provider=fields.text(block, "provider"),
        platform=fields.text(block, "platform"),
        raw=fields.text(block, "raw"),
        match_kind=fields.match_kind(block, "match"),
        canonical_model=fields.text(block, "model"),
        dimensions={name: fields.text(dimensions, name) for name in dimensions or ()} or None
        if dimensions is not None
        else None,
        effective_from=fields.instant(block, "from"),
        effective_to=fields.instant(block, "to"),
        source_url=fields.text(block, "source", ""),
        note=fields.text(block, "note", ""),
        place=place,
    )
    return replace(alias, alias_id=alias_id_of(alias))


def _models(block: Row, kind: MatchKind) -> tuple[str, ...]:
    return ("",) if kind is MatchKind.ANY else fields.model_names(block, "models")


def _unfolded(block: Row) -> Iterator[dict[str, str] | None]:
    """Yield every combination of the values that the conditions allow."""
    choices = fields.choices(block, "conditions")
    for values in product(*choices.values()):
        yield dict(zip(choices, values, strict=True)) or None
