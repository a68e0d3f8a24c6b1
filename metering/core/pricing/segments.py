"""Segments of a timeline: which decision holds from when to when; cut, joined, and blended."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from metering.core.instants import microseconds_between
from metering.core.pricing.decisions import (
    Decision,
    Reason,
    Status,
    unpriced,
)

Span = tuple[datetime, datetime]
"""Half-open."""


@dataclass(frozen=True, slots=True)
class RateSegment:
    """A decision, from one instant (inclusive) to another (exclusive)."""

    starts: datetime
    ends: datetime
    decision: Decision


def clipped(segments: tuple[RateSegment, ...], span: Span) -> tuple[RateSegment, ...]:
    """Return what of gapless segments lies in a span; a lone segment holds always."""
    first, last = span
    if len(segments) == 1:
        return (RateSegment(first, last, segments[0].decision),)
    return tuple(
        RateSegment(max(first, s.starts), min(last, s.ends), s.decision)
        for s in segments
        if s.starts < last and first < s.ends
    )


def joined(segments: Iterable[RateSegment]) -> tuple[RateSegment, ...]:
    """Return the segments with equal neighbours made one."""
    found: list[RateSegment] = []
    for segment in segments:
        if found and found[-1].decision == segment.decision:
            found[-1] = replace(found[-1], ends=segment.ends)
        else:
            found.append(segment)
    return tuple(found)


def blended(segments: Sequence[RateSegment]) -> Decision:
    """Return the average of several prices, weighted by the time that each was in force."""
    first = segments[0].decision
    decisions = [segment.decision for segment in segments]
    if any(decision.currency != first.currency for decision in decisions):
        return unpriced(Reason.AMBIGUOUS, first.model)
    rate_ids = tuple(dict.fromkeys(name for one in decisions for name in one.rate_ids))
    price = _weighted(segments, [decision.unit_price for decision in decisions])
    by_list = _weighted(segments, [decision.list_unit_price for decision in decisions])
    constant = all(decision.unit_price == first.unit_price for decision in decisions)
    doubt = next((decision for decision in decisions if decision.reason), first)
    return replace(
        first,
        status=doubt.status if constant else Status.PROVISIONAL,
        reason=doubt.reason if constant else Reason.STRADDLES_PRICE_CHANGE,
        rate_ids=rate_ids,
        price_nanos=price.numerator if price is not None else None,
        per=price.denominator if price is not None else None,
        factor_num=1,
        factor_den=1,
        list_price_nanos=by_list.numerator if by_list is not None else None,
        list_per=by_list.denominator if by_list is not None else None,
        list_factor_num=1,
        list_factor_den=1,
    )


def _weighted(
    segments: Sequence[RateSegment], prices: Sequence[Fraction | None]
) -> Fraction | None:
    total = Fraction(0)
    for segment, price in zip(segments, prices, strict=True):
        if price is None:
            return None
        total += price * microseconds_between(segment.starts, segment.ends)
    return total / microseconds_between(segments[0].starts, segments[-1].ends)
