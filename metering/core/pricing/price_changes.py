"""Where prices change: the instants of a platform, and the prompt sizes of a model.

Usage that is summed may not be summed across either, or its price is no longer exact.
"""

from collections.abc import Iterator
from datetime import datetime

from metering.core.pricing.conditions import Conditions, canonical_conditions
from metering.core.pricing.rate_book import RateBook
from metering.core.pricing.rates import Rate, Window
from metering.core.pricing.windows import known_until, stretches


def boundaries(
    book: RateBook, provider: str, platform: str, first: datetime, last: datetime
) -> tuple[datetime, ...]:
    """Return the instants strictly inside `(first, last)` at which a price may change, sorted.

    Any row of the platform counts: starts, ends and guarantees of rates, modifiers and aliases,
    and the hours at which windows open and close.
    """
    fixed, windows = book.remembered(
        ("boundaries", provider, platform), lambda: _boundary_rows(book, provider, platform)
    )
    found = {instant for instant in fixed if first < instant < last}
    for window in windows:
        for stretch in stretches(window, first, last):
            found.update(instant for instant in stretch if first < instant < last)
    return tuple(sorted(found))


def prompt_bounds(
    book: RateBook, provider: str, platform: str, model: str, conditions: Conditions = ()
) -> tuple[int, ...]:
    """Return the smallest prompt of every tier above the base, for a model as a source spells it.

    Args:
        book: the rate cards in force.
        provider: who bills.
        platform: where it ran.
        model: as the source spells it.
        conditions: only tiers of rates that these allow; none given means those of every rate.

    Returns:
        Sorted bounds: a prompt of exactly that size, and up to the next bound, is in one tier.
    """
    carried = frozenset(canonical_conditions(provider, conditions)) if conditions else None
    found = {
        bound
        for resolution in book.resolutions(provider, platform, model)
        for bound in tier_bounds(book, provider, platform, resolution.model, carried)
    }
    return tuple(sorted(found))


def tier_bounds(
    book: RateBook,
    provider: str,
    platform: str,
    model: str,
    carried: frozenset[tuple[str, str]] | None,
) -> Iterator[int]:
    """Yield the smallest prompts of tiers; of rates that `carried` allows, where it is given."""
    for candidates in book.candidates(provider, platform, model).values():
        for candidate in candidates:
            if carried is None or candidate.conditions.required <= carried:
                if candidate.lo > 1:
                    yield candidate.lo
                if candidate.hi is not None:
                    yield candidate.hi + 1


def _boundary_rows(
    book: RateBook, provider: str, platform: str
) -> tuple[frozenset[datetime], frozenset[Window]]:
    instants: set[datetime | None] = set()
    windows: set[Window] = set()
    for row in book.dated_rows(provider, platform):
        instants.update((row.effective_from, row.effective_to))
        if isinstance(row, Rate):
            instants.add(row.guaranteed_until)
            if row.window is not None:
                windows.add(row.window)
                instants.add(known_until(row.window))
    return frozenset(instant for instant in instants if instant is not None), frozenset(windows)
