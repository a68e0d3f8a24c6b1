"""Read a rate card that a program wrote: JSON Lines, one row to a line.

The first line describes the card, each other line holds one rate, modifier, alias or statement of
no effect, with the field names of `core.pricing.rates`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from metering.core.pricing.rates import (
    ALL_METERS,
    ALL_TOKENS,
    ANY_VALUE,
    Alias,
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
from metering.rate_cards import fields
from metering.rate_cards.fields import FieldError, Row
from metering.rate_cards.toml_card import card_head

_Take = Callable[[Row, str], Any]


def _conditions(row: Row, key: str) -> dict[str, str] | None:
    value = row.get(key)
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise FieldError("bad-rate", f"{key} is no object", 'such as {"processing": "batch"}')
    return {name: fields.text(value, name) for name in value}


def _optional_text(row: Row, key: str) -> str:
    return fields.text(row, key, "")


def _meters(row: Row, key: str) -> tuple[str, ...]:
    return fields.texts(row, key, (ALL_TOKENS,))


_WHEN: Final[Mapping[str, _Take]] = {
    "effective_from": fields.instant,
    "effective_to": fields.instant,
}
_PROVENANCE: Final[Mapping[str, _Take]] = {
    "source_url": _optional_text,
    "retrieved_at": fields.day,
    "evidence": _optional_text,
    "note": _optional_text,
}
_SUBJECT: Final[Mapping[str, _Take]] = {
    "provider": fields.text,
    "platform": fields.text,
    "model_match": _optional_text,
    "match_kind": fields.match_kind,
}
_RATE: Final[Mapping[str, _Take]] = {
    **_SUBJECT,
    "meter": fields.text,
    "price_nanos": fields.whole,
    "per": fields.whole,
    **_WHEN,
    "guaranteed_until": fields.instant,
    "tier_lo": fields.whole_or_none,
    "tier_hi": fields.whole_or_none,
    "conditions": _conditions,
    "window": fields.window,
    "min_qty_per_event": fields.whole,
    "qty_step": fields.whole,
    "allowance_units": fields.whole,
    "allowance_period": _optional_text,
    "allowance_scope": _optional_text,
    **_PROVENANCE,
}
_RATE_NEEDS: Final = ("provider", "platform", "meter", "price_nanos", "per")
_MODIFIER: Final[Mapping[str, _Take]] = {
    **_SUBJECT,
    "meters": _meters,
    "factor_num": fields.whole,
    "factor_den": fields.whole,
    "conditions": _conditions,
    **_WHEN,
    "stack_group": _optional_text,
    "list_as_of": fields.instant,
    **_PROVENANCE,
}
_MODIFIER_NEEDS: Final = ("provider", "platform", "meters", "factor_num", "factor_den")
_ALIAS: Final[Mapping[str, _Take]] = {
    "provider": fields.text,
    "platform": fields.text,
    "raw": fields.text,
    "match_kind": fields.match_kind,
    "canonical_model": fields.text,
    "dimensions": _conditions,
    **_WHEN,
    "source_url": _optional_text,
    "note": _optional_text,
}
_ALIAS_NEEDS: Final = ("provider", "platform", "raw", "canonical_model")
_NO_EFFECT_NEEDS: Final = ("provider", "platform", "dimension")


def card_from_jsonl(source: str, name: str) -> tuple[RateCard | None, list[Problem]]:
    """Return the card a text holds, and what is not as the format says.

    Args and result are those of `toml_card.card_from_toml`.
    """
    lines = source.splitlines()
    try:
        card = card_head(json.loads(lines[0])["card"])
    except (IndexError, KeyError, TypeError, AttributeError, ValueError, RecursionError):
        expected = 'a first line {"card": {"name": ..., "kind": ..., "currency": ...}}'
        return None, [Problem("bad-rate-card", (f"{name}:1",), "there is no card", expected)]
    rows = _Rows(card.currency)
    problems: list[Problem] = []
    for number, line in enumerate(lines[1:], start=2):
        place = f"{name}:{number}"
        try:
            rows.take(json.loads(line), place)
        except FieldError as error:
            problems.append(Problem(error.code, (place,), error.what, error.expected))
        except (ValueError, RecursionError):
            problems.append(Problem("bad-rate", (place,), "it is not JSON", "one JSON object"))
    filled = replace(
        card,
        rates=tuple(rows.rates),
        modifiers=tuple(rows.modifiers),
        aliases=tuple(rows.aliases),
        no_effects=tuple(rows.no_effects),
    )
    return filled, problems


class _Rows:
    """The rows read so far."""

    def __init__(self, currency: str) -> None:
        self._currency = currency
        self.rates: list[Rate] = []
        self.modifiers: list[Modifier] = []
        self.aliases: list[Alias] = []
        self.no_effects: list[NoEffect] = []

    def take(self, record: object, place: str) -> None:
        """Add the row of one line.

        Raises:
            FieldError: it is not as the format says.
        """
        if not isinstance(record, dict) or len(record) != 1:
            raise FieldError("bad-rate", "it is no single row", '{"rate": {...}}')
        ((kind, row),) = record.items()
        if not isinstance(row, dict):
            raise FieldError("bad-rate", f"the {kind} is no object", '{"rate": {...}}')
        if kind == "rate":
            self.rates.append(_rate(row, place, self._currency))
        elif kind == "alias":
            self.aliases.append(_alias(row, place))
        elif kind == "modifier":
            self.modifiers.append(_modifier(row, place))
        elif kind == "no_effect":
            self.no_effects.append(_no_effect(row, place))
        else:
            raise FieldError("bad-rate", f"there is no row '{kind}'", "rate, alias, modifier")


def _rate(row: Row, place: str, currency: str) -> Rate:
    values = _taken(row, _RATE, _RATE_NEEDS)
    values.setdefault("match_kind", MatchKind.EXACT)
    values.setdefault("model_match", "")
    rate = Rate(rate_id="", place=place, **values)
    # The row is not yet seen by anyone: setting its id here halves the time of loading a card.
    object.__setattr__(rate, "rate_id", rate_id_of(rate, currency))
    return rate


def _modifier(row: Row, place: str) -> Modifier:
    values = _taken(row, _MODIFIER, _MODIFIER_NEEDS)
    values.setdefault("match_kind", MatchKind.EXACT)
    values.setdefault("model_match", "")
    modifier = Modifier(modifier_id="", place=place, **values)
    return replace(modifier, modifier_id=modifier_id_of(modifier))


def _alias(row: Row, place: str) -> Alias:
    values = _taken(row, _ALIAS, _ALIAS_NEEDS)
    values.setdefault("match_kind", MatchKind.EXACT)
    alias = Alias(alias_id="", place=place, **values)
    object.__setattr__(alias, "alias_id", alias_id_of(alias))  # as for a rate
    return alias


def _no_effect(row: Row, place: str) -> NoEffect:
    for key in _NO_EFFECT_NEEDS:
        fields.text(row, key)
    model = fields.text(row, "model_match", "")
    return NoEffect(
        provider=fields.text(row, "provider"),
        platform=fields.text(row, "platform"),
        dimension=fields.text(row, "dimension"),
        values=fields.texts(row, "values", (ANY_VALUE,)),
        model_match=model,
        match_kind=fields.match_kind(row, "match_kind") if model else MatchKind.ANY,
        meters=fields.texts(row, "meters", (ALL_METERS,)),
        source_url=fields.text(row, "source_url", ""),
        note=fields.text(row, "note", ""),
        place=place,
    )


def _taken(row: Row, known: Mapping[str, _Take], needed: tuple[str, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key in row:
        take = known.get(key)
        if take is None:
            raise FieldError("bad-rate", f"there is no field '{key}'", ", ".join(sorted(known)))
        values[key] = take(row, key)
    for key in needed:
        if key not in values:
            raise FieldError("bad-rate", f"there is no {key}", "every row has one")
    return values
