"""Choose among the rates that may hold for one meter of one kind of usage, at one instant.

Source: pricing specification, "Choosing the rate": rows that are in force and whose tier, window
and every condition match, ordered by card precedence, exactness of the match, its length, number
of conditions, window, latest start.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from math import gcd, prod
from typing import Final

from metering.core.pricing.conditions import (
    CONTEXT_WINDOW,
    Conditions,
    context_window_range,
    spelled,
)
from metering.core.pricing.decisions import Decision, Reason, Status, unpriced
from metering.core.pricing.rate_book import PRECEDENCE, Candidate, Multiple, RateBook
from metering.core.pricing.rates import ANY_VALUE, CardKind, NoEffect, names_meter
from metering.core.pricing.windows import is_open, known_until

_NEGOTIATED: Final = frozenset({CardKind.CONTRACT, CardKind.INTERNAL})


@dataclass(frozen=True, slots=True)
class Wanted:
    """One kind of usage, after names and spellings are settled.

    Attributes:
        model: canonical.
        named_later: an alias of the name as spelled begins only later.
        conditions: in our spelling, without defaults, sorted.
        lo, hi: the prompt sizes it may have had, both inclusive, at least 1; `hi` is None when
            there is no upper bound.
        single: it is one request, so that quantity rules can be applied.
    """

    provider: str
    platform: str
    model: str
    named_later: bool
    conditions: Conditions
    lo: int
    hi: int | None
    single: bool


@dataclass(frozen=True, slots=True)
class RowsInQuestion:
    """The rows that a kind of usage meets the conditions of.

    Attributes:
        carried: the conditions of the usage.
        dimensions: the dimensions of those.
        by_meter: rates of the model, whatever their conditions, best first.
        multiples: modifiers whose conditions the usage meets, best first.
        demanding: dimensions that somebody must consume, with the statements that their value has
            no effect; a statement may hold for some meters alone.
        absence: what it means that there is no rate for a meter.
    """

    wanted: Wanted
    carried: frozenset[tuple[str, str]]
    dimensions: frozenset[str]
    by_meter: Mapping[str, tuple[Candidate, ...]]
    multiples: tuple[Multiple, ...]
    demanding: Mapping[str, Sequence[NoEffect]]
    absence: Reason


@dataclass(frozen=True, slots=True)
class Plan:
    """The rows that may hold for one meter of a kind of usage, before time is looked at.

    Attributes:
        candidates: rates whose conditions the usage meets, best first.
        multiples: modifiers whose conditions the usage meets, best first.
        demanding: dimensions that a rate or a modifier must consume.
    """

    wanted: Wanted
    candidates: tuple[Candidate, ...]
    multiples: tuple[Multiple, ...]
    demanding: frozenset[str]

    @property
    def by_list_prices(self) -> "Plan":
        """The same without what was negotiated."""
        return replace(
            self,
            candidates=tuple(c for c in self.candidates if c.card.kind not in _NEGOTIATED),
            multiples=tuple(m for m in self.multiples if m.card.kind not in _NEGOTIATED),
        )

    def instants(self) -> Iterator[datetime]:
        """Yield every instant at which the answer may change, the hours of windows apart."""
        for candidate in self.candidates:
            yield candidate.starts
            yield candidate.ends
            if candidate.rate.guaranteed_until is not None:
                yield candidate.rate.guaranteed_until
            if candidate.rate.window is not None:
                known = known_until(candidate.rate.window)
                if known is not None:
                    yield known
        for multiple in self.multiples:
            yield multiple.starts
            yield multiple.ends


def rows_for(wanted: Wanted, book: RateBook) -> RowsInQuestion:
    """Return the rows that a kind of usage meets the conditions of, whatever the meter."""
    place = (wanted.provider, wanted.platform, wanted.model)
    carried = frozenset(wanted.conditions)
    dimensions = frozenset(name for name, _ in carried)
    silent: dict[str, list[NoEffect]] = {
        name: [] for name, value in carried if not _is_prompt_size(name, value)
    }
    for row in book.no_effects(*place) if silent else ():
        if row.dimension in silent and _is_without_effect(row, wanted.conditions):
            silent[row.dimension].append(row)
    known = book.is_known(*place)
    return RowsInQuestion(
        wanted=wanted,
        carried=carried,
        dimensions=dimensions,
        by_meter=book.candidates(*place),
        multiples=tuple(
            multiple
            for multiple in book.multiples(*place)
            if multiple.conditions.hold_for(carried, dimensions)
        ),
        demanding=silent,
        absence=Reason.NO_RATE if known else _unknown(wanted),
    )


def plan_for(rows: RowsInQuestion, meter: str) -> Plan | Reason:
    """Return the rows that may hold for one meter, or why there are none at all."""
    candidates = tuple(
        candidate
        for candidate in rows.by_meter.get(meter, ())
        if candidate.conditions.hold_for(rows.carried, rows.dimensions)
    )
    if not candidates:
        return rows.absence
    return Plan(
        wanted=rows.wanted,
        candidates=candidates,
        multiples=tuple(m for m in rows.multiples if names_meter(m.modifier.meters, meter)),
        demanding=frozenset(
            dimension
            for dimension, silent in rows.demanding.items()
            if not any(names_meter(row.meters, meter) for row in silent)
        ),
    )


def decide(plan: Plan, at: datetime) -> Decision:
    """Return the price at an instant, and the list price beside it."""
    decision, negotiated = _decide(plan, at)
    if not negotiated:
        return decision
    by_list, _ = _decide(plan.by_list_prices, at)
    return replace(
        decision,
        list_price_nanos=by_list.price_nanos,
        list_per=by_list.per,
        list_factor_num=by_list.factor_num,
        list_factor_den=by_list.factor_den,
        list_currency=by_list.currency,
    )


def _decide(plan: Plan, at: datetime) -> tuple[Decision, bool]:
    """Return the price at an instant, and whether anything negotiated had a part in it."""
    model = plan.wanted.model
    choice = _choose(plan, at)
    if isinstance(choice, Reason):
        return unpriced(choice, model), False
    multiples = _applied(plan, choice.chosen, at)
    left = _unconsumed(plan, choice.chosen, multiples)
    if left:
        return unpriced(f"{Reason.UNHANDLED_CONDITION}:{min(left)}", model), False
    frozen = [m.modifier.list_as_of for m in multiples if m.modifier.list_as_of is not None]
    if frozen:
        choice = _choose(plan.by_list_prices, frozen[0])
        if isinstance(choice, Reason):
            return unpriced(choice, model), False
    negotiated = choice.chosen.card.kind in _NEGOTIATED or any(
        multiple.card.kind in _NEGOTIATED for multiple in multiples
    )
    return _priced(plan, choice, multiples, at), negotiated


@dataclass(frozen=True, slots=True)
class _Choice:
    """The best rate, and whether another tier of it may have been the right one."""

    chosen: Candidate
    tier_unknown: bool = False


def _choose(plan: Plan, at: datetime) -> _Choice | Reason:
    lo, hi = plan.wanted.lo, plan.wanted.hi
    live = [c for c in plan.candidates if _is_live(c, at) and _touches(c, lo, hi)]
    if not live:
        return _why_none(plan, at)
    siblings = [c for c in live if c.level == live[0].level]
    if all(_contains(c, lo, hi) for c in siblings):
        return _only_one(plan, siblings, at)
    # The usage may lie in several tiers: the one of the smallest prompt it may have had is a floor
    # that is said to be one, unless the tiers do not differ.
    base = [c for c in live if _contains(c, lo, lo)]
    if not base:
        return Reason.NO_RATE
    choice = _only_one(plan, [c for c in base if c.level == base[0].level], at)
    if isinstance(choice, Reason):
        return choice
    differs = any(_unit_price(c) != _unit_price(choice.chosen) for c in siblings)
    return _Choice(choice.chosen, tier_unknown=differs)


def _only_one(plan: Plan, siblings: list[Candidate], at: datetime) -> _Choice | Reason:
    """Return the latest of equal rates; a tie goes to the only one that consumes everything."""
    first = siblings[0]
    tied = [c for c in siblings if c.starts == first.starts]
    if len(tied) == 1:
        return _Choice(first)
    whole = [c for c in tied if not _unconsumed(plan, c, _applied(plan, c, at))]
    if len(whole) > 1:
        return Reason.AMBIGUOUS
    return _Choice(whole[0] if whole else first)


def _why_none(plan: Plan, at: datetime) -> Reason:
    if plan.candidates and all(at < candidate.starts for candidate in plan.candidates):
        return Reason.BEFORE_FIRST_RATE
    return Reason.NO_RATE


def _applied(plan: Plan, candidate: Candidate, at: datetime) -> tuple[Multiple, ...]:
    """Return the modifiers that apply to a rate: the best of each group."""
    found: dict[str, Multiple] = {}
    for multiple in plan.multiples:
        if multiple.starts <= at < multiple.ends and _applies_to(multiple, candidate):
            modifier = multiple.modifier
            found.setdefault(modifier.stack_group or modifier.modifier_id, multiple)
    return tuple(found.values())


def _applies_to(multiple: Multiple, candidate: Candidate) -> bool:
    # A rate that names the condition itself already holds what the modifier would add.
    if multiple.conditions.dimensions & candidate.conditions.dimensions:
        return False
    # What was negotiated is a multiple of what was not, and never of itself.
    return (
        multiple.card.kind not in _NEGOTIATED
        or PRECEDENCE[candidate.card.kind] > PRECEDENCE[multiple.card.kind]
    )


def _unconsumed(
    plan: Plan, candidate: Candidate, multiples: tuple[Multiple, ...]
) -> frozenset[str]:
    left = plan.demanding - candidate.conditions.dimensions
    for multiple in multiples:
        left -= multiple.conditions.dimensions
    return left


def _priced(plan: Plan, choice: _Choice, multiples: tuple[Multiple, ...], at: datetime) -> Decision:
    rate, card = choice.chosen.rate, choice.chosen.card
    numerator = prod(m.modifier.factor_num for m in multiples)
    denominator = prod(m.modifier.factor_den for m in multiples)
    common = gcd(numerator, denominator)
    numerator, denominator = numerator // common, denominator // common
    doubt = _doubt(plan, choice, at)
    settled = Status.PRICED if rate.price_nanos * numerator else Status.ZERO_RATED
    return Decision(
        status=Status.PROVISIONAL if doubt else settled,
        reason=doubt,
        model=plan.wanted.model,
        price_nanos=rate.price_nanos,
        per=rate.per,
        factor_num=numerator,
        factor_den=denominator,
        rate_ids=(rate.rate_id, *(m.modifier.modifier_id for m in multiples)),
        card=card.name,
        card_version=card.version,
        currency=card.currency,
        list_price_nanos=rate.price_nanos,
        list_per=rate.per,
        list_factor_num=numerator,
        list_factor_den=denominator,
        list_currency=card.currency,
        min_qty_per_event=rate.min_qty_per_event,
        qty_step=rate.qty_step,
    )


def _doubt(plan: Plan, choice: _Choice, at: datetime) -> str:
    rate = choice.chosen.rate
    if choice.tier_unknown:
        return Reason.TIER_UNKNOWN
    if rate.guaranteed_until is not None and at >= rate.guaranteed_until:
        return Reason.PAST_GUARANTEE
    if rate.window is not None:
        known = known_until(rate.window)
        if known is not None and at >= known:
            return Reason.PAST_GUARANTEE
    if not plan.wanted.single and (rate.min_qty_per_event > 0 or rate.qty_step > 1):
        return Reason.MINIMUM_UNKNOWN
    return ""


def _unknown(wanted: Wanted) -> Reason:
    return Reason.BEFORE_FIRST_RATE if wanted.named_later else Reason.NO_MODEL


def _is_prompt_size(dimension: str, value: str) -> bool:
    # It has been taken into account already: as the sizes that prompts may have had.
    return dimension == CONTEXT_WINDOW and context_window_range(value) is not None


def _is_without_effect(row: NoEffect, conditions: Conditions) -> bool:
    return ANY_VALUE in row.values or any(
        spelled(row.provider, row.dimension, value) in conditions for value in row.values
    )


def _is_live(candidate: Candidate, at: datetime) -> bool:
    if not candidate.starts <= at < candidate.ends:
        return False
    window = candidate.rate.window
    return window is None or is_open(window, at)


def _touches(candidate: Candidate, lo: int, hi: int | None) -> bool:
    return (hi is None or candidate.lo <= hi) and (candidate.hi is None or lo <= candidate.hi)


def _contains(candidate: Candidate, lo: int, hi: int | None) -> bool:
    if candidate.lo > lo:
        return False
    return candidate.hi is None or (hi is not None and hi <= candidate.hi)


def _unit_price(candidate: Candidate) -> Fraction:
    return Fraction(candidate.rate.price_nanos, candidate.rate.per)
