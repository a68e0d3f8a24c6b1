"""Settle allowances and contract terms: from the rated charges to their adjusting charges."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from metering.core.ledger import Account, Basis
from metering.core.meters import TOKEN_METERS
from metering.core.periods import BillingPeriod
from metering.core.pricing.settlement import (
    DAY,
    MONTH,
    Adjustment,
    Allowance,
    SettledUsage,
    allowances_of,
    settle,
)
from metering.engine.charging import charge_totals
from metering.engine.charging.charges import NO_RATE

if TYPE_CHECKING:
    import duckdb

    from metering.core.pricing.rate_book import RateBook


def adjustments(
    connection: "duckdb.DuckDBPyConnection",
    book: "RateBook",
    debits: Mapping[int, Account],
    bases: Sequence[Basis],
) -> tuple[Adjustment, ...]:
    """Return the adjusting charges of what stands in the engine's table `charges`.

    Args:
        connection: the engine.
        book: the rate cards in force.
        debits: debit number to account.
        bases: by their number.
    """
    pools = allowances_of(book)
    concerned = [
        (number, _by_day(basis, pools))
        for number, basis in enumerate(bases)
        if basis.unit_price_nanos is not None and _is_settled(basis, book, pools)
    ]
    if not concerned:
        return ()
    usage = [
        SettledUsage(day, debits[debit].name, bases[number], quantity, nanos, list_nanos)
        for day, debit, number, quantity, nanos, list_nanos in charge_totals.totals_to_settle(
            connection, concerned
        )
        if debit != NO_RATE
    ]
    return settle(usage, book, pools)


def settled_days(
    book: "RateBook", first: date, last: date, other_meters: Iterable[str]
) -> tuple[date, date]:
    """Return the days to look at so that what is settled by the month is settled whole.

    Args:
        book: the rate cards in force.
        first: first charge day asked for.
        last: last charge day asked for, inclusive.
        other_meters: meters of the usage of those months, beyond the token meters.
    """
    used = {*other_meters, *TOKEN_METERS}
    monthly = any(card.terms for card in book.cards) or any(
        pool.period == MONTH and pool.meter in used for pool in allowances_of(book)
    )
    return whole_months(first, last) if monthly else (first, last)


def whole_months(first: date, last: date) -> tuple[date, date]:
    """Return the first and last day of the months that two days lie in."""
    # The calendar ends with the month of its last day, which has no day after it.
    of_last = BillingPeriod.of(last)
    ends = last if last == date.max else of_last.end_day - timedelta(days=1)
    return first.replace(day=1), ends


def _is_settled(basis: Basis, book: "RateBook", pools: Sequence[Allowance]) -> bool:
    return any(not pool.rate_ids.isdisjoint(basis.rate_ids) for pool in pools) or any(
        term.provider == basis.provider
        for card in book.for_account(basis.billing_account).cards
        for term in card.terms
    )


def _by_day(basis: Basis, pools: Sequence[Allowance]) -> bool:
    return any(
        pool.period == DAY and not pool.rate_ids.isdisjoint(basis.rate_ids) for pool in pools
    )
