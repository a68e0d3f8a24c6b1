"""Decide 20,000 distinct rating keys over thirty days with the bundled rate cards.

    python -m tests.benchmarks.rating

The keys are every model of the cards under conditions and prompt sizes that real exports carry;
each is asked for five meters. The bar is two seconds, with nothing remembered from before.
"""

import itertools
import random
import sys
import time
from datetime import UTC, datetime, timedelta

from metering.core.pricing.rate_book import RateBook
from metering.core.pricing.rates import MatchKind, RateCard
from metering.core.pricing.rating import PromptRange, RatingKey, timeline
from metering.rate_cards.loading import bundled_cards

KEYS = 20_000
FIRST = datetime(2026, 10, 1, tzinfo=UTC)
LAST = FIRST + timedelta(days=30)
METERS = ("input_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "output")
CONDITIONS: tuple[tuple[tuple[str, str], ...], ...] = (
    (),
    (("processing", "batch"),),
    (("service_tier", "flex"),),
    (("service_tier", "priority"),),
    (("service_tier", "default"), ("processing", "batch")),
    (("inference_geo", "us"),),
    (("endpoint_scope", "geo"),),
    (("speed", "fast"),),
)
PROMPTS = (None, PromptRange(0, 100_000), PromptRange(100_001, 200_000), PromptRange(300_000, None))


def main() -> None:
    began = time.perf_counter()
    cards = bundled_cards()
    loaded = time.perf_counter()
    keys = distinct_keys(cards)
    book = RateBook(cards)
    started = time.perf_counter()
    segments = sum(len(timeline(key, meter, book, FIRST, LAST)) for key in keys for meter in METERS)
    decided = time.perf_counter()
    rates = sum(len(card.rates) for card in cards)
    sys.stdout.write(f"load    {loaded - began:7.3f} s  {rates:,} rates\n")
    sys.stdout.write(
        f"decide  {decided - started:7.3f} s  {len(keys):,} keys, {segments:,} segments\n"
    )


def distinct_keys(cards: tuple[RateCard, ...]) -> list[RatingKey]:
    """Return 20,000 distinct keys, the same ones in every run."""
    models = sorted(
        {
            (rate.provider, rate.platform, rate.model_match)
            for card in cards
            for rate in card.rates
            if rate.match_kind is MatchKind.EXACT
        }
    )
    keys = [
        RatingKey(*model, conditions, prompt)
        for model, conditions, prompt in itertools.product(models, CONDITIONS, PROMPTS)
    ]
    random.Random(1).shuffle(keys)  # noqa: S311 - a sample, not a secret
    return keys[:KEYS]


if __name__ == "__main__":
    main()
