"""What holds for any rate card and any usage."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from metering.core.pricing.decisions import Decision, Status, amount_nanos
from metering.core.pricing.price_changes import boundaries, prompt_bounds
from metering.core.pricing.rate_book import RateBook
from metering.core.pricing.rates import Rate, Window
from metering.core.pricing.rating import PromptRange, RatingKey, rate_for, timeline
from tests.support.rate_books import book, modifier, rate

START = datetime(2026, 1, 1, tzinfo=UTC)
CONDITIONS: tuple[dict[str, str] | None, ...] = (
    None,
    {"processing": "batch"},
    {"service_tier": "flex"},
    {"processing": "batch", "service_tier": "flex"},
)

quantities = st.integers(0, 10**13)
prices = st.integers(0, 10**12)
decisions = st.builds(
    Decision,
    status=st.just(Status.PRICED),
    reason=st.just(""),
    model=st.just("m"),
    price_nanos=prices,
    per=st.sampled_from([1, 3, 1_000, 1_000_000]),
    factor_num=st.integers(1, 100),
    factor_den=st.integers(1, 100),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Rate]:
    """Draw the rates of one model: several prices in turn, some with tiers, batch and hours."""
    days = sorted(draw(st.sets(st.integers(0, 30), min_size=1, max_size=4)))
    edges = [str(START + timedelta(days=day, hours=draw(st.integers(0, 23))))[:16] for day in days]
    rows: list[Rate] = []
    for conditions in draw(st.sets(st.sampled_from(range(len(CONDITIONS))), min_size=1)):
        for since, until in pairwise([*sorted(edges), None]):
            bound = draw(st.sampled_from([None, 100, 200]))
            tiers = [(None, None)] if bound is None else [(None, bound), (bound + 1, None)]
            rows += [
                rate(
                    draw(prices),
                    since=since,
                    until=until,
                    prompt=tier,
                    conditions=CONDITIONS[conditions],
                )
                for tier in tiers
                if since != until
            ]
    if draw(st.booleans()):
        hours = Window(frozenset({1, 3, 6}), "22:30", "04:00", "UTC")
        rows.append(rate(draw(prices), window=hours))
    return rows


@st.composite
def kinds(draw: st.DrawFn) -> RatingKey:
    """Draw usage of that model."""
    sizes = draw(st.one_of(st.none(), st.tuples(st.integers(0, 300), st.integers(0, 300))))
    conditions = draw(st.sampled_from(CONDITIONS)) or {}
    prompt = PromptRange(min(sizes), max(sizes)) if sizes else None
    return RatingKey("acme", "acme-api", "m", tuple(conditions.items()), prompt)


instants = st.integers(0, 35 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))


@given(quantities, decisions)
def test_an_amount_is_the_exact_product_rounded_half_to_even(
    quantity: int, decision: Decision
) -> None:
    assert decision.unit_price is not None

    assert amount_nanos(quantity, decision) == round(quantity * decision.unit_price)


@given(st.lists(quantities, min_size=1, max_size=20), decisions)
def test_splitting_usage_moves_its_total_by_less_than_a_nano_a_part(
    parts: list[int], decision: Decision
) -> None:
    whole = amount_nanos(sum(parts), decision)
    split = sum(amount_nanos(part, decision) for part in parts)

    assert abs(whole - split) < len(parts) or whole == split


@settings(max_examples=100, deadline=None)
@given(histories(), kinds(), st.tuples(instants, instants))
def test_a_timeline_covers_its_stretch_without_gaps_and_agrees_with_every_instant(
    rates: list[Rate], usage: RatingKey, ends: tuple[datetime, datetime]
) -> None:
    first, last = min(ends), max(ends) + timedelta(minutes=1)
    cards = book(*rates)

    found = timeline(usage, "output", cards, first, last)

    assert (found[0].starts, found[-1].ends) == (first, last)
    for one, following in pairwise(found):
        assert one.ends == following.starts
        assert one.decision != following.decision
    for segment in found:
        for at in (segment.starts, segment.ends - timedelta(microseconds=1)):
            assert rate_for(usage, "output", cards, at) == segment.decision


@settings(max_examples=100, deadline=None)
@given(histories(), kinds(), st.tuples(instants, instants))
def test_prices_change_at_boundaries_alone(
    rates: list[Rate], usage: RatingKey, ends: tuple[datetime, datetime]
) -> None:
    first, last = min(ends), max(ends) + timedelta(minutes=1)
    cards = book(*rates)

    changes = {segment.starts for segment in timeline(usage, "output", cards, first, last)[1:]}

    assert changes <= set(boundaries(cards, "acme", "acme-api", first, last))


@settings(max_examples=100, deadline=None)
@given(histories(), kinds(), instants, st.integers(0, 300))
def test_prompts_of_one_band_cost_the_same(
    rates: list[Rate], usage: RatingKey, at: datetime, size: int
) -> None:
    cards = book(*rates)
    bounds = (0, *prompt_bounds(cards, "acme", "acme-api", "m"), None)
    band = next(
        (lo, hi) for lo, hi in pairwise(bounds) if (lo or 0) <= size and (hi is None or size < hi)
    )

    def price(lo: int, hi: int | None) -> Decision:
        prompt = PromptRange(lo, hi)
        asked = RatingKey("acme", "acme-api", "m", usage.conditions, prompt)
        return rate_for(asked, "output", cards, at)

    whole_band = price(band[0] or 0, None if band[1] is None else band[1] - 1)

    assert price(size, size) == whole_band
    assert whole_band.reason != "tier_unknown"


@settings(max_examples=100, deadline=None)
@given(histories(), kinds(), instants, st.randoms(use_true_random=False))
def test_the_order_of_rows_is_irrelevant(
    rates: list[Rate], usage: RatingKey, at: datetime, chance: Random
) -> None:
    shuffled = list(rates)
    chance.shuffle(shuffled)

    one = rate_for(usage, "output", book(*rates), at)
    other = rate_for(usage, "output", book(*shuffled), at)

    assert one == other


@settings(max_examples=100, deadline=None)
@given(histories(), kinds(), st.tuples(instants, instants))
def test_a_bucket_costs_what_its_parts_cost_weighted_by_time(
    rates: list[Rate], usage: RatingKey, ends: tuple[datetime, datetime]
) -> None:
    first, last = min(ends), max(ends) + timedelta(minutes=1)
    cards = book(*rates)
    segments = timeline(usage, "output", cards, first, last)

    found = rate_for(usage, "output", cards, first, last)

    if any(segment.decision.unit_price is None for segment in segments):
        assert found.status is Status.UNPRICED
        return
    seconds = [int((s.ends - s.starts).total_seconds()) for s in segments]
    total = sum(
        (s.decision.unit_price or Fraction(0)) * length
        for s, length in zip(segments, seconds, strict=True)
    )
    assert found.unit_price == total / sum(seconds)


@settings(max_examples=100, deadline=None)
@given(histories(), kinds(), instants)
def test_no_condition_is_ever_ignored(rates: list[Rate], usage: RatingKey, at: datetime) -> None:
    cards: RateBook = book(*rates, modifier((11, 10), {"service_tier": "flex"}))

    found = rate_for(usage, "output", cards, at)

    if found.status is not Status.UNPRICED:
        consumed = {
            dimension
            for row_id in found.rate_ids
            for dimension in (_row_conditions(cards, row_id) or {})
        }
        assert consumed == {dimension for dimension, _ in usage.conditions}


def _row_conditions(cards: RateBook, row_id: str) -> dict[str, str] | None:
    found = cards.row(row_id)
    assert found is not None
    return dict(found[1].conditions or {})
