"""Rows of a card that nothing answers to: a contract for a platform or model that nobody knows.

Such a card is sound and moves no money, which is what a slip in a name looks like as well. Known is
what usage says and what another card prices.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from metering.core.pricing.rates import CardKind, MatchKind, Modifier, Rate, RateCard

Used = tuple[str, str, str]
"""Provider, platform and a model's name of some usage."""

_Place = tuple[str, str]
_AGREED: Final = frozenset({CardKind.CONTRACT, CardKind.INTERNAL})


class _Name(NamedTuple):
    """A model's name, or with `is_prefix` how names begin."""

    text: str
    is_prefix: bool = False

    def meets(self, other: "_Name") -> bool:
        return (
            self.text == other.text
            or (self.is_prefix and other.text.startswith(self.text))
            or (other.is_prefix and self.text.startswith(other.text))
        )


def unheard(card: RateCard, cards: Sequence[RateCard], used: Collection[Used]) -> tuple[str, ...]:
    """Return what of a contract or internal card can have no effect, a sentence each.

    Args:
        card: in force.
        cards: all in force.
        used: what usage is of.
    """
    if card.kind not in _AGREED:
        return ()
    others = [one for one in cards if one.name != card.name]
    told = (*_of_card(card, _known(others, used)), *_in_another_currency(card, cards))
    return tuple(f"{card.name}: {what}" for what in told)


def _known(cards: Sequence[RateCard], used: Collection[Used]) -> Mapping[_Place, set[_Name]]:
    known: defaultdict[_Place, set[_Name]] = defaultdict(set)
    for provider, platform, name in used:
        if platform:
            known[provider, platform].add(_Name(name))
    for card in cards:
        for rate in card.rates:
            named = _Name(rate.model_match, rate.match_kind is MatchKind.PREFIX)
            known[rate.provider, rate.platform].add(named)
    return known


def _of_card(card: RateCard, known: Mapping[_Place, set[_Name]]) -> Iterator[str]:
    own = {_Name(alias.canonical_model) for alias in card.aliases}
    for (provider, platform), names in _said(card).items():
        places = [place for place in known if place[0] == provider and platform in ("", place[1])]
        if not places:
            others = ", ".join(sorted(at for of, at in known if of == provider))
            like = f"; of {provider} there is {others}" if others else ""
            where = f"platform {platform} of {provider}" if platform else provider
            yield f"no usage and no other card is of {where}{like}"
            continue
        heard = own.union(*(known[place] for place in places))
        for name in sorted(names):
            if not any(name.meets(one) for one in heard):
                yield f"no usage and no other card names the model {name.text} of {provider}"


def _in_another_currency(card: RateCard, cards: Sequence[RateCard]) -> Iterator[str]:
    """Yield the providers whose usage terms leave alone, since all of it is priced in others."""
    for provider in sorted({term.provider for term in card.terms}):
        priced = {one.currency for one in cards for rate in one.rates if rate.provider == provider}
        if priced and card.currency not in priced:
            yield (
                f"its terms are in {card.currency} and settle nothing of {provider}, whose prices "
                f"are in {', '.join(sorted(priced))}"
            )


def _said(card: RateCard) -> Mapping[_Place, set[_Name]]:
    """Return each place that a card is about, with the models it names there."""
    said: defaultdict[_Place, set[_Name]] = defaultdict(set)
    rows: tuple[Rate | Modifier, ...] = (*card.rates, *card.modifiers)
    for row in rows:
        names = said[row.provider, row.platform]
        if row.match_kind is not MatchKind.ANY:
            names.add(_Name(row.model_match, row.match_kind is MatchKind.PREFIX))
    for term in card.terms:
        said[term.provider, term.platform].update(map(_Name, term.models))
    return said
