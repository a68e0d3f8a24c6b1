"""Check rate cards when they are loaded, so that choosing a rate never meets an ambiguity.

Sound cards have no problems; what is wrong with single rows is found by `row_checks`.

Source: pricing specification, "Choosing the rate" (a tie is an error at load time).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, pairwise

from metering.core.instants import ALWAYS, NEVER
from metering.core.pricing.rate_book import ConditionsOfRow
from metering.core.pricing.rates import EVERY_ACCOUNT, Alias, CardKind, Modifier, Rate, RateCard
from metering.core.pricing.row_checks import (
    Problem,
    Row,
    described,
    row_problems,
    unknown_meter,
    unknown_meters,
)
from metering.core.pricing.terms import term_faults
from metering.core.pricing.windows import may_overlap


def card_problems(card: RateCard) -> tuple[Problem, ...]:
    """Return everything that is wrong with one card, in the order of its rows."""
    return (
        *(problem for row in _rows(card) for problem in row_problems(row)),
        *_of_rates_together(card.rates),
        *_of_modifiers_together(card.modifiers),
        *_of_aliases_together(card.aliases),
        *_of_terms(card),
        *(_gaps(card.rates) if card.complete or card.kind is CardKind.CONTRACT else ()),
    )


def book_problems(cards: Sequence[RateCard]) -> tuple[Problem, ...]:
    """Return everything that is wrong with cards that are in force together.

    Cards of different kinds may overlap: precedence decides. Cards of one kind may not, unless
    they hold for different accounts.
    """
    found = [problem for card in cards for problem in card_problems(card)]
    for one, other in combinations(cards, 2):
        if one.kind is other.kind and _share_an_account(one, other):
            found += _between(one, other)
    return tuple(found)


def _of_terms(card: RateCard) -> Iterator[Problem]:
    for fault in term_faults(card.terms):
        places = tuple(term.place or f"{term.kind} '{term.name}'" for term in fault.terms)
        yield Problem(fault.code, places, fault.what, fault.expected)
    for term in card.terms:
        if card.kind not in (CardKind.CONTRACT, CardKind.INTERNAL):
            yield Problem(
                "bad-term",
                (term.place or f"{term.kind} '{term.name}'",),
                f"a card of kind {card.kind} has contract terms",
                "terms on a contract or an internal card",
            )
        for meter in unknown_meters(term.meters):
            yield unknown_meter((term.place,), meter)


def _rows(card: RateCard) -> Iterator[Row]:
    yield from card.rates
    yield from card.modifiers
    yield from card.aliases
    yield from card.no_effects


def _of_rates_together(rates: Iterable[Rate]) -> Iterator[Problem]:
    for siblings in _siblings(rates):
        if len(siblings) > 1:
            for one, other in combinations(siblings, 2):
                yield from _of_two(one, other)


def _siblings(rates: Iterable[Rate]) -> Iterable[list[Rate]]:
    """Return the rates that nothing but time, tier and hours tells apart."""
    found: dict[object, list[Rate]] = defaultdict(list)
    for rate in rates:
        found[_sort(rate)].append(rate)
    return found.values()


def _sort(rate: Rate) -> object:
    conditions: object = None
    if rate.conditions:
        ours = ConditionsOfRow.of(rate.provider, rate.conditions)
        conditions = (ours.required, ours.absent)
    return (
        rate.provider,
        rate.platform,
        rate.match_kind,
        rate.model_match,
        rate.meter,
        conditions,
        rate.window is not None,
    )


def _of_two(one: Rate, other: Rate) -> Iterator[Problem]:
    if not (_times_meet(one, other) and _tiers_meet(one, other) and _windows_meet(one, other)):
        return
    places = (described(one), described(other))
    subject = f"{one.meter} of {one.model_match or 'any model'}"
    if (one.tier_lo or 0, one.tier_hi) != (other.tier_lo or 0, other.tier_hi):
        yield Problem(
            "tier-overlap",
            places,
            f"two tiers for {subject} hold the same prompt sizes",
            "tiers that end where the next begins; both bounds are inclusive",
        )
    elif (one.effective_from or ALWAYS) == (other.effective_from or ALWAYS):
        yield Problem(
            "rate-tie",
            places,
            f"two rows price {subject} alike from the same instant",
            "one row for one price; conditions, tiers or hours tell rows apart",
        )
    else:
        yield Problem(
            "rate-overlap",
            places,
            f"two rows price {subject} at the same time",
            "that the earlier row ends where the later one begins",
        )


def _of_modifiers_together(modifiers: Sequence[Modifier]) -> Iterator[Problem]:
    groups: dict[object, list[Modifier]] = defaultdict(list)
    for modifier in modifiers:
        if modifier.stack_group:
            groups[_modifier_sort(modifier)].append(modifier)
    for group in groups.values():
        for one, other in combinations(group, 2):
            if _times_meet(one, other) and set(one.meters) & set(other.meters):
                yield Problem(
                    "modifier-tie",
                    (described(one), described(other)),
                    f"two modifiers of the group '{one.stack_group}' hold at once",
                    "one modifier of a group at a time",
                )


def _modifier_sort(modifier: Modifier) -> object:
    conditions = ConditionsOfRow.of(modifier.provider, modifier.conditions)
    return (
        modifier.provider,
        modifier.platform,
        modifier.match_kind,
        modifier.model_match,
        modifier.stack_group,
        conditions.required,
        conditions.absent,
    )


def _of_aliases_together(aliases: Iterable[Alias]) -> Iterator[Problem]:
    found: dict[object, list[Alias]] = defaultdict(list)
    for alias in aliases:
        found[alias.provider, alias.platform, alias.match_kind, alias.raw].append(alias)
    for namesakes in found.values():
        for one, other in combinations(namesakes, 2):
            if _times_meet(one, other):
                yield Problem(
                    "alias-tie",
                    (described(one), described(other)),
                    f"'{one.raw}' means {one.canonical_model} and {other.canonical_model} at once",
                    "one meaning at a time",
                )


def _between(one: RateCard, other: RateCard) -> Iterator[Problem]:
    """Yield what is wrong between two cards of equal precedence."""
    known = {_sort(rate) for rate in one.rates}
    if known & {_sort(rate) for rate in other.rates}:
        mine = defaultdict(list)
        for rate in one.rates:
            mine[_sort(rate)].append(rate)
        for rate in other.rates:
            for sibling in mine.get(_sort(rate), ()):
                yield from _of_two(sibling, rate)


def _gaps(rates: Iterable[Rate]) -> Iterator[Problem]:
    """Yield the stretches of time, and the prompt sizes, that a complete card leaves out."""
    for siblings in _siblings(rates):
        by_tier: dict[object, list[Rate]] = defaultdict(list)
        for rate in siblings:
            by_tier[rate.tier_lo, rate.tier_hi, rate.window].append(rate)
        for rows in by_tier.values():
            rows.sort(key=lambda rate: rate.effective_from or ALWAYS)
            for earlier, later in pairwise(rows):
                ends, starts = earlier.effective_to, later.effective_from
                if ends is not None and starts is not None and ends < starts:
                    yield Problem(
                        "rate-gap",
                        (described(earlier), described(later)),
                        f"{earlier.meter} of {earlier.model_match or 'any model'} has no price "
                        f"from {ends.isoformat()} to {starts.isoformat()}",
                        "that a row begins where the one before it ends",
                    )
        yield from _tier_gaps(siblings)


def _tier_gaps(siblings: Sequence[Rate]) -> Iterator[Problem]:
    tiered = sorted(
        (rate for rate in siblings if (rate.tier_lo, rate.tier_hi) != (None, None)),
        key=lambda rate: rate.tier_lo or 0,
    )
    for lower in tiered:
        meeting = [rate for rate in siblings if rate is not lower and _times_meet(lower, rate)]
        if lower.tier_hi is None or not meeting:
            continue
        if not any(
            (rate.tier_lo or 0) <= lower.tier_hi + 1
            for rate in meeting
            if rate.tier_hi is None or rate.tier_hi > lower.tier_hi
        ):
            yield Problem(
                "rate-gap",
                (described(lower), *(described(rate) for rate in meeting[:1])),
                f"{lower.meter} of {lower.model_match or 'any model'} has no price above "
                f"{lower.tier_hi} prompt tokens",
                "that a tier begins one token above the end of the one below",
            )


def _share_an_account(one: RateCard, other: RateCard) -> bool:
    return one.scope == other.scope or EVERY_ACCOUNT in (one.scope, other.scope)


def _times_meet(one: Rate | Modifier | Alias, other: Rate | Modifier | Alias) -> bool:
    return (one.effective_from or ALWAYS) < (other.effective_to or NEVER) and (
        other.effective_from or ALWAYS
    ) < (one.effective_to or NEVER)


def _tiers_meet(one: Rate, other: Rate) -> bool:
    return (other.tier_hi is None or (one.tier_lo or 0) <= other.tier_hi) and (
        one.tier_hi is None or (other.tier_lo or 0) <= one.tier_hi
    )


def _windows_meet(one: Rate, other: Rate) -> bool:
    if one.window is None or other.window is None:
        return True  # both are None: rates with and without a window are no siblings
    return may_overlap(one.window, other.window)
