"""Rating: which rate holds for usage of some kind over some time, or why there is none.

Everything here is decided on distinct keys, never per usage record, and remembered in the book.
Three rules keep a wrong number out. A meter never borrows the rate of another. A condition that
nobody consumes leaves the usage unpriced. A model nobody wrote down has no price.

Source: pricing specification, "The rule that removes silent fallbacks", "Unknown models and other
gaps".
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Final

from metering.core.instants import ALWAYS, NEVER
from metering.core.meters import Meter
from metering.core.pricing.candidates import (
    Plan,
    RowsInQuestion,
    Wanted,
    decide,
    plan_for,
    rows_for,
)
from metering.core.pricing.conditions import (
    CONTEXT_WINDOW,
    Conditions,
    canonical_conditions,
    context_window_range,
    is_default,
    spelled,
)
from metering.core.pricing.decisions import (
    Decision,
    Reason,
    Status,
    unpriced,
)
from metering.core.pricing.model_names import Resolution
from metering.core.pricing.price_changes import tier_bounds
from metering.core.pricing.rate_book import RateBook
from metering.core.pricing.rates import Window
from metering.core.pricing.segments import RateSegment, Span, blended, clipped, joined
from metering.core.pricing.windows import stretches

# A cache write of unknown lifetime costs at least what the shortest lifetime costs.
_SHORTEST_WRITES: Final = (Meter.CACHE_WRITE_5M.value, Meter.CACHE_WRITE_30M.value)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class PromptRange:
    """The prompt sizes that usage may have had.

    Attributes:
        lo, hi: tokens of one request, both inclusive; `hi` is None without an upper bound.
    """

    lo: int
    hi: int | None


_ANY_PROMPT: Final = PromptRange(0, None)


@dataclass(frozen=True, slots=True)
class RatingKey:
    """All of a kind of usage that may decide its price, time and meter apart.

    Attributes:
        model: as the source spells it; "" when it does not say.
        conditions: dimension and value as the source spells them, defaults included or not.
        prompt: the size of a request's prompt, or the band that a sum of requests lies in; None
            when nobody knows, as for a provider's bucket.
        per_request: the quantity is that of one request, so that a rate's minimum and step can be
            applied to it; False for any sum.
    """

    provider: str
    platform: str
    model: str
    conditions: Conditions = ()
    prompt: PromptRange | None = None
    per_request: bool = False


def timeline(
    key: RatingKey, meter: str, book: RateBook, first: datetime, last: datetime
) -> tuple[RateSegment, ...]:
    """Return the decisions for one meter over time, for usage that looks like `key`.

    Args:
        key: the kind of usage.
        meter: one of the disjoint meters; a cached token is not also an input token.
        book: the rate cards in force.
        first: aware; where the answer begins.
        last: aware, exclusive, after `first`; daily windows are unfolded between them.

    Returns:
        Segments in time order that cover `[first, last)` without gaps. Neighbours differ. Each
        holds a price, or the coded reason there is none: the caller posts such usage to suspense.
    """
    kinds = book.remembered(key, lambda: _kinds(key, book))
    if len(kinds) == 1:
        return _segments(kinds[0], meter, book, (first, last))
    segments: list[RateSegment] = []
    for kind in kinds:
        starts, ends = max(first, kind.resolution.starts), min(last, kind.resolution.ends)
        if starts < ends:
            segments += _segments(kind, meter, book, (starts, ends))
    return joined(segments)


def rate_for(
    key: RatingKey, meter: str, book: RateBook, start: datetime, end: datetime | None = None
) -> Decision:
    """Return the one decision for usage of a stretch of time.

    Args:
        key: the kind of usage.
        meter: one of the disjoint meters.
        book: the rate cards in force.
        start: when it began; aware.
        end: when it ended, exclusive; None, or not after `start`, for an instant.

    Returns:
        The decision that holds throughout. When the price changes inside, the average of the
        prices weighted by time: an exact ratio, provisional, `straddles_price_change`. When there
        is no price for a part of it, there is none for the whole.
    """
    last = end if end is not None and end > start else _just_after(start)
    segments = timeline(key, meter, book, start, last)
    if len(segments) == 1:
        return segments[0].decision
    missing = [s.decision for s in segments if s.decision.status is Status.UNPRICED]
    if missing:
        return missing[0]
    return blended(segments)


@dataclass(frozen=True, slots=True)
class _Foresight:
    """What is known about a kind of usage before a stretch of time is asked for.

    Attributes:
        plan: the rows that may hold, while there is something left to decide; else None.
        windows: hours that matter; with any, days are unfolded only where they are asked for.
        ttl_unknown: the rows are those of another lifetime of cache writes.
        segments: the answer for all time; empty when there are windows.
    """

    plan: Plan | None
    windows: tuple[Window, ...]
    ttl_unknown: bool
    segments: tuple[RateSegment, ...] = ()


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a rating key means while its model's name means one thing.

    Attributes:
        resolution: what the name means, and for how long.
        conflict: a dimension that the key and the name contradict each other about; "" for none.
        rows: what the book holds about it; None with a conflict.
        by_meter: what is already known of it.
    """

    resolution: Resolution
    conflict: str = ""
    rows: RowsInQuestion | None = None
    by_meter: dict[str, _Foresight] = field(default_factory=dict)


def _kinds(key: RatingKey, book: RateBook) -> tuple[_Kind, ...]:
    resolutions = book.resolutions(key.provider, key.platform, key.model)
    return tuple(_kind(key, resolution, book) for resolution in resolutions)


def _kind(key: RatingKey, resolution: Resolution, book: RateBook) -> _Kind:
    conditions, conflict = book.remembered(
        ("conditions", key.provider, key.conditions, resolution.dimensions, resolution.assumed),
        lambda: _conditions(key, resolution),
    )
    if conflict:
        return _Kind(resolution, conflict=conflict)
    lo, hi = _prompt_class(key, conditions, _all_bounds(book, key, resolution.model))
    wanted = Wanted(
        provider=key.provider,
        platform=key.platform,
        model=resolution.model,
        named_later=resolution.named_later,
        conditions=conditions,
        lo=lo,
        hi=hi,
        single=key.per_request,
    )
    # Many keys want the same: they share what is known of it.
    known = book.remembered(wanted, lambda: _Kind(resolution, rows=rows_for(wanted, book)))
    return _Kind(resolution, "", known.rows, known.by_meter)


def _segments(kind: _Kind, meter: str, book: RateBook, span: Span) -> tuple[RateSegment, ...]:
    rows = kind.rows
    if rows is None:
        reason = f"{Reason.UNHANDLED_CONDITION}:{kind.conflict}"
        return (RateSegment(*span, unpriced(reason, kind.resolution.model)),)
    foresight = kind.by_meter.get(meter)
    if foresight is None:
        foresight = kind.by_meter[meter] = _foresee(rows, meter)
    plan = foresight.plan
    if plan is None or not foresight.windows:
        return clipped(foresight.segments, span)
    return book.remembered((rows.wanted, meter, span), lambda: _unfolded(foresight, plan, span))


def _conditions(key: RatingKey, resolution: Resolution) -> tuple[Conditions, str]:
    """Return the usage's conditions with those its model's name implies, and what contradicts."""
    stated = {name: said for name, said in _spelled(key) if said}
    for name, implied in resolution.dimensions:
        said = stated.get(name, implied)
        if said != implied and not (is_default(name, said) and is_default(name, implied)):
            return (), name
    assumed = (pair for pair in resolution.assumed if pair[0] not in stated)
    said_in_all = (*key.conditions, *resolution.dimensions, *assumed)
    return canonical_conditions(key.provider, said_in_all), ""


def _spelled(key: RatingKey) -> Iterator[tuple[str, str]]:
    return (spelled(key.provider, name, value) for name, value in key.conditions)


def _prompt_class(
    key: RatingKey, conditions: Conditions, bounds: tuple[int, ...]
) -> tuple[int, int | None]:
    """Return the prompt sizes no rate tells apart from those of the usage.

    A request that had no prompt at all lies in the base tier, like one of a single token.
    """
    prompt = key.prompt or _prompt_of_window(conditions)
    after_lo = bisect_right(bounds, max(prompt.lo, 1))
    lo = bounds[after_lo - 1] if after_lo else 1
    if prompt.hi is None:
        return lo, None
    after_hi = bisect_right(bounds, max(prompt.hi, 1))
    return lo, bounds[after_hi] - 1 if after_hi < len(bounds) else None


def _prompt_of_window(conditions: Conditions) -> PromptRange:
    for name, value in conditions:
        sizes = context_window_range(value) if name == CONTEXT_WINDOW else None
        if sizes is not None:
            return PromptRange(*sizes)
    return _ANY_PROMPT


def _foresee(rows: RowsInQuestion, meter: str) -> _Foresight:
    plan = plan_for(rows, meter)
    ttl_unknown = False
    if isinstance(plan, Reason) and meter == Meter.CACHE_WRITE_UNKNOWN:
        instead = _shortest_writes(rows)
        plan, ttl_unknown = instead or plan, instead is not None
    if isinstance(plan, Reason):
        return _nothing(plan, rows.wanted.model)
    windows = {c.rate.window for c in plan.candidates if c.rate.window is not None}
    foresight = _Foresight(plan, tuple(windows), ttl_unknown)
    if windows:
        return foresight
    # The answer for all time is all that anybody will ask for: the rows are let go.
    return _Foresight(None, (), ttl_unknown, _unfolded(foresight, plan, (ALWAYS, NEVER)))


def _shortest_writes(rows: RowsInQuestion) -> Plan | None:
    plans = (plan_for(rows, meter) for meter in _SHORTEST_WRITES)
    return next((plan for plan in plans if isinstance(plan, Plan)), None)


@cache
def _nothing(reason: Reason, model: str) -> _Foresight:
    return _Foresight(None, (), False, (RateSegment(ALWAYS, NEVER, unpriced(reason, model)),))


def _unfolded(foresight: _Foresight, plan: Plan, span: Span) -> tuple[RateSegment, ...]:
    """Return the decisions of a stretch of time, deciding once between any two changes."""
    first, last = span
    cuts = {instant for instant in plan.instants() if first < instant < last}
    for window in foresight.windows:
        for stretch in stretches(window, first, last):
            cuts.update(instant for instant in stretch if first < instant < last)
    if not cuts:
        return (RateSegment(first, last, _decided(foresight, plan, first)),)
    edges = (first, *sorted(cuts), last)
    return joined(
        RateSegment(starts, ends, _decided(foresight, plan, starts))
        for starts, ends in pairwise(edges)
    )


def _decided(foresight: _Foresight, plan: Plan, at: datetime) -> Decision:
    decision = decide(plan, at)
    certain = decision.status in (Status.PRICED, Status.ZERO_RATED)
    if foresight.ttl_unknown and certain:
        return replace(decision, status=Status.PROVISIONAL, reason=Reason.TTL_UNKNOWN)
    return decision


def _all_bounds(book: RateBook, key: RatingKey, model: str) -> tuple[int, ...]:
    return book.remembered(
        ("bounds", key.provider, key.platform, model),
        lambda: tuple(sorted(tier_bounds(book, key.provider, key.platform, model, None))),
    )


def _just_after(instant: datetime) -> datetime:
    return instant + _MICROSECOND
