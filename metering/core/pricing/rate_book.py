"""All rate cards in force, arranged so that the rows for one model are found at once.

The book decides no price: it says which rows may hold for a canonical model, best first, and what
a model's name means. `core.pricing.rating` decides.

Source: pricing specification, "Choosing the rate".
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final, TypeVar

from metering.core.instants import ALWAYS, NEVER, microseconds_since_always
from metering.core.pricing.conditions import is_default, spelled
from metering.core.pricing.model_names import ModelNames, Resolution
from metering.core.pricing.rates import (
    EVERY_ACCOUNT,
    Alias,
    CardKind,
    MatchKind,
    Modifier,
    NoEffect,
    Rate,
    RateCard,
    matches_model,
)

PRECEDENCE: Final[Mapping[CardKind, int]] = {kind: n for n, kind in enumerate(CardKind)}
_MATCH_ORDER: Final[Mapping[MatchKind, int]] = {kind: n for n, kind in enumerate(MatchKind)}

Value = TypeVar("Value")
_Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ConditionsOfRow:
    """What a row asks of usage, in our spelling.

    Attributes:
        required: dimension and value that the usage must carry.
        absent: dimensions of which the usage must carry nothing but defaults.
        dimensions: the dimensions of `required`: what a match of this row consumes.
    """

    required: frozenset[tuple[str, str]] = frozenset()
    absent: frozenset[str] = frozenset()
    dimensions: frozenset[str] = frozenset()

    @classmethod
    def of(cls, provider: str, conditions: Mapping[str, str] | None) -> "ConditionsOfRow":
        """Return a row's conditions in our spelling."""
        if not conditions:
            return _UNCONDITIONAL
        ours = [spelled(provider, dimension, value) for dimension, value in conditions.items()]
        required = frozenset(pair for pair in ours if not is_default(*pair))
        return cls(
            required,
            frozenset(name for name, value in ours if is_default(name, value)),
            frozenset(name for name, _ in required),
        )

    def hold_for(self, carried: frozenset[tuple[str, str]], dimensions: frozenset[str]) -> bool:
        """Say whether usage that carries these conditions is what the row asks for."""
        return self.required <= carried and not (self.absent & dimensions)

    def __len__(self) -> int:
        return len(self.required) + len(self.absent)


_UNCONDITIONAL: Final = ConditionsOfRow()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rate that may hold for some model, with what decides between it and others.

    Attributes:
        level: orders the rates of one meter, least first: card precedence, exactness of the
            match, its length, number of conditions, window present. Equal levels are siblings:
            other tiers, other times, other hours of one price.
        starts, ends: the rate's time in force, with `ALWAYS` and `NEVER` for open ends.
        lo, hi: the tier's bounds, both inclusive; `hi` is None without an upper bound.
    """

    rate: Rate
    card: RateCard
    level: tuple[int, ...]
    conditions: ConditionsOfRow
    starts: datetime
    ends: datetime
    lo: int
    hi: int | None


@dataclass(frozen=True, slots=True)
class Multiple:
    """A modifier that may hold, with what decides between it and others of its group."""

    modifier: Modifier
    card: RateCard
    level: tuple[int, ...]
    conditions: ConditionsOfRow
    starts: datetime
    ends: datetime


class RateBook:
    """The rate cards in force; it never changes.

    Args:
        cards: in any order; precedence follows from their kinds. They have been checked
            together (`rate_checks.book_problems`).
    """

    def __init__(self, cards: Iterable[RateCard]) -> None:
        self.cards: Final = tuple(
            sorted(cards, key=lambda card: (PRECEDENCE[card.kind], card.name, card.version))
        )
        self._names: Final = ModelNames(self.cards)
        # Answers already found; since the book never changes, neither do they.
        self._known: Final[dict[Hashable, Any]] = {}

    def remembered(self, question: Hashable, find: Callable[[], Value]) -> Value:
        """Return the answer to a question about this book, finding it the first time only."""
        answer: Value
        try:
            answer = self._known[question]
        except KeyError:
            answer = self._known[question] = find()
        return answer

    def for_account(self, billing_account: str) -> "RateBook":
        """Return the book of the cards that hold for one billing account."""
        scopes = (EVERY_ACCOUNT, billing_account)
        if all(card.scope in scopes for card in self.cards):
            return self
        return self.remembered(
            ("for_account", billing_account),
            lambda: RateBook(card for card in self.cards if card.scope in scopes),
        )

    def resolutions(self, provider: str, platform: str, raw: str) -> tuple[Resolution, ...]:
        """Return what a model's name means over all time, in order, without gaps."""
        return self.remembered(
            ("resolutions", provider, platform, raw),
            lambda: self._names.resolutions(provider, platform, raw),
        )

    def resolution_at(self, provider: str, platform: str, raw: str, at: datetime) -> Resolution:
        """Return what a model's name means at an instant."""
        found = self.resolutions(provider, platform, raw)
        return next(one for one in found if one.starts <= at < one.ends)

    def candidates(
        self, provider: str, platform: str, model: str
    ) -> Mapping[str, tuple[Candidate, ...]]:
        """Return, per meter, every rate that names the canonical model, best first."""
        return self.remembered(
            ("candidates", provider, platform, model),
            lambda: self._candidates(provider, platform, model),
        )

    def multiples(self, provider: str, platform: str, model: str) -> tuple[Multiple, ...]:
        """Return every modifier that names the canonical model, best first."""
        return self.remembered(
            ("multiples", provider, platform, model),
            lambda: tuple(
                sorted(
                    (
                        _multiple(card, modifier)
                        for card, modifier in self._modifiers.get((provider, platform), ())
                        if matches_model(modifier.match_kind, modifier.model_match, model)
                    ),
                    key=lambda found: (found.level, found.modifier.modifier_id),
                )
            ),
        )

    def no_effects(self, provider: str, platform: str, model: str) -> tuple[NoEffect, ...]:
        """Return the statements of no effect that name the canonical model."""
        return self.remembered(
            ("no_effects", provider, platform, model),
            lambda: tuple(
                row
                for row in self._no_effects.get((provider, platform), ())
                if matches_model(row.match_kind, row.model_match, model)
            ),
        )

    def is_known(self, provider: str, platform: str, model: str) -> bool:
        """Say whether any rate names the canonical model, exactly or by its beginning."""
        rates = self._rates.get((provider, platform), {})
        return model in rates or any(
            model.startswith(rate.model_match)
            for _, rate in self._broad(provider, platform)
            if rate.match_kind is MatchKind.PREFIX
        )

    def row(self, row_id: str) -> tuple[RateCard, Rate | Modifier] | None:
        """Return the rate or modifier that a decision names, with the card it stands on."""
        return self._by_id.get(row_id)

    def dated_rows(self, provider: str, platform: str) -> tuple[Rate | Modifier | Alias, ...]:
        """Return every dated row of one platform, in no particular order."""
        place = (provider, platform)
        return (
            *(rate for rows in self._rates.get(place, {}).values() for _, rate in rows),
            *(modifier for _, modifier in self._modifiers.get(place, ())),
            *(
                alias
                for card in self.cards
                for alias in card.aliases
                if (alias.provider, alias.platform) == place
            ),
        )

    def _candidates(
        self, provider: str, platform: str, model: str
    ) -> dict[str, tuple[Candidate, ...]]:
        rows = [
            *self._rates.get((provider, platform), {}).get(model, ()),
            *(
                (card, rate)
                for card, rate in self._broad(provider, platform)
                if matches_model(rate.match_kind, rate.model_match, model)
            ),
        ]
        by_meter: dict[str, list[Candidate]] = defaultdict(list)
        for card, rate in rows:
            by_meter[rate.meter].append(_candidate(card, rate))
        return {meter: tuple(sorted(found, key=_best_first)) for meter, found in by_meter.items()}

    def _broad(self, provider: str, platform: str) -> list[tuple[RateCard, Rate]]:
        return self._rates.get((provider, platform), {}).get(None, [])

    @cached_property
    def _rates(self) -> dict[_Place, dict[str | None, list[tuple[RateCard, Rate]]]]:
        """Rates by platform and exact model; those for several models stand under None."""
        found: dict[_Place, dict[str | None, list[tuple[RateCard, Rate]]]] = {}
        for card in self.cards:
            for rate in card.rates:
                model = rate.model_match if rate.match_kind is MatchKind.EXACT else None
                models = found.setdefault((rate.provider, rate.platform), {})
                models.setdefault(model, []).append((card, rate))
        return found

    @cached_property
    def _by_id(self) -> dict[str, tuple[RateCard, Rate | Modifier]]:
        found: dict[str, tuple[RateCard, Rate | Modifier]] = {}
        for card in reversed(self.cards):  # where two cards hold one row, the higher is meant
            found.update((rate.rate_id, (card, rate)) for rate in card.rates)
            found.update((row.modifier_id, (card, row)) for row in card.modifiers)
        return found

    @cached_property
    def _modifiers(self) -> dict[_Place, list[tuple[RateCard, Modifier]]]:
        found: dict[_Place, list[tuple[RateCard, Modifier]]] = defaultdict(list)
        for card in self.cards:
            for modifier in card.modifiers:
                found[modifier.provider, modifier.platform].append((card, modifier))
        return dict(found)

    @cached_property
    def _no_effects(self) -> dict[_Place, list[NoEffect]]:
        found: dict[_Place, list[NoEffect]] = defaultdict(list)
        for card in self.cards:
            for row in card.no_effects:
                found[row.provider, row.platform].append(row)
        return dict(found)


def _level(card: RateCard, row: Rate | Modifier, conditions: ConditionsOfRow) -> tuple[int, ...]:
    windowed = isinstance(row, Rate) and row.window is not None
    return (
        PRECEDENCE[card.kind],
        _MATCH_ORDER[row.match_kind],
        -len(row.model_match),
        -len(conditions),
        0 if windowed else 1,
    )


def _candidate(card: RateCard, rate: Rate) -> Candidate:
    conditions = ConditionsOfRow.of(rate.provider, rate.conditions)
    return Candidate(
        rate=rate,
        card=card,
        level=_level(card, rate, conditions),
        conditions=conditions,
        starts=rate.effective_from or ALWAYS,
        ends=rate.effective_to or NEVER,
        lo=rate.tier_lo or 0,
        hi=rate.tier_hi,
    )


def _multiple(card: RateCard, modifier: Modifier) -> Multiple:
    conditions = ConditionsOfRow.of(modifier.provider, modifier.conditions)
    return Multiple(
        modifier=modifier,
        card=card,
        level=_level(card, modifier, conditions),
        conditions=conditions,
        starts=modifier.effective_from or ALWAYS,
        ends=modifier.effective_to or NEVER,
    )


def _best_first(candidate: Candidate) -> tuple[tuple[int, ...], int, str]:
    since = microseconds_since_always(candidate.starts)
    return candidate.level, -since, candidate.rate.rate_id
