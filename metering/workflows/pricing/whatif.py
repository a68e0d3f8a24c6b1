"""What if: a period's usage priced again in a scenario; nothing of it reaches the book."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.analysis.economics.portions import UsageLine
from metering.analysis.economics.repricing import Repriced, Volumes, booked_volumes, repriced
from metering.analysis.economics.scenario import Scenario
from metering.books.accounts import accounts_by_id, bases_by_id
from metering.books.engine import begin_read
from metering.books.ledger import booked
from metering.books.migrations import open_books
from metering.books.rate_cards import cards_in_force
from metering.core.ledger import HOLDING_KINDS
from metering.core.meters import Meter
from metering.core.pricing.rate_book import RateBook
from metering.core.pricing.rates import CardKind
from metering.core.pricing.settlement import allowances_of, settle
from metering.core.pricing.terms import SETTLED_METERS
from metering.errors import BookError
from metering.workflows.pricing.card_imports import take_into_force
from metering.workflows.transactions import transaction

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.core.periods import BillingPeriod
    from metering.settings import Settings
    from metering.workflows.runs import Run

_USAGE: Final = frozenset(meter.value for meter in Meter if meter is not Meter.SEAT_MONTH)
_LISTS: Final = frozenset({CardKind.LIST, CardKind.OVERLAY})


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A period in a scenario.

    Attributes:
        usage: what becomes of the metered usage.
        settled: what terms of contracts come to, by currency, as booked.
        settled_then: likewise on the usage of low, middle and high; None where terms are kept as
            booked, because what is booked is not what the usage booked today would settle at.
        unmetered: everything else that is charged (seats, shares, capacity), kept as booked.
        cards: cards that were tried out, name and version.
    """

    period: "BillingPeriod"
    usage: Repriced
    settled: Mapping[str, int]
    settled_then: tuple[Mapping[str, int], Mapping[str, int], Mapping[str, int]] | None
    unmetered: Mapping[str, int]
    cards: tuple[str, ...]

    def terms(self, currency: str) -> tuple[int, int, int, int]:
        """Return what terms come to in a currency: booked, and in low, middle and high."""
        booked = self.settled.get(currency, 0)
        if self.settled_then is None:
            return (booked,) * 4
        low, middle, high = (one.get(currency, 0) for one in self.settled_then)
        return booked, low, middle, high


def what_if(
    settings: "Settings",
    run: "Run",
    period: "BillingPeriod",
    scenario: Scenario,
    *,
    cards: Sequence[Path] = (),
    list_prices: bool = False,
) -> WhatIf:
    """Price the usage of a period again; the books stay as they are.

    Args:
        settings: where the books are.
        run: who does this, when.
        period: the month, by charge day.
        scenario: what is different.
        cards: rate cards to try out as if they had been imported.
        list_prices: leave contracts and internal cards out.

    Raises:
        RateCardError: a card is not sound, or contradicts another one in force.
        BookError: `no-charges`: the book holds no usage of that period; `bad-scenario`: a part of
            the scenario matches nothing.
    """
    books = open_books(settings.books_url)
    with begin_read(books) as connection:
        lines, settled, unmetered = _charges(connection, period)
        in_force = cards_in_force(connection)
    if not lines:
        raise BookError(
            "no-charges",
            f"the book holds no usage of {period}",
            do="run `metering post`, or see `metering period list` for the periods it has",
        )
    tried: list[str] = []
    then = in_force
    if cards:
        with transaction(books, dry_run=True) as connection:
            for path in cards:
                taken = take_into_force(connection, run, path, settings.currency)
                tried.append(f"{taken.name} v{taken.version}")
            then = cards_in_force(connection)
    if list_prices:
        then = tuple(card for card in then if card.kind in _LISTS)
    now, book = RateBook(in_force), RateBook(then)
    try:
        usage = repriced(lines, scenario, now, book if cards or list_prices else None)
    except ValueError as error:
        raise BookError(
            "bad-scenario",
            str(error),
            do="name a provider, a model or provider/model; `metering prices list` and `metering "
            "prices show MODEL` tell what is known",
        ) from error
    return WhatIf(
        period,
        usage,
        settled=settled,
        settled_then=_settled_then(usage, book) if _is_settled(lines, now, settled) else None,
        unmetered=unmetered,
        cards=tuple(tried),
    )


def _is_settled(lines: Sequence[UsageLine], book: RateBook, settled: Mapping[str, int]) -> bool:
    """Say whether the terms of a book come to what is booked: not so where a part was corrected."""
    found = _settled(booked_volumes(lines), book)
    return found == {currency: nanos for currency, nanos in settled.items() if nanos}


def _settled_then(
    usage: Repriced, book: RateBook
) -> tuple[Mapping[str, int], Mapping[str, int], Mapping[str, int]]:
    low, middle, high = (_settled(volumes, book) for volumes in usage.volumes)
    return low, middle, high


def _settled(volumes: Volumes, book: RateBook) -> dict[str, int]:
    """Return what allowances and terms add to some usage, by currency; what comes to 0 apart."""
    pools = allowances_of(book)
    if not pools and not any(card.terms for card in book.cards):
        return {}
    found: dict[str, int] = defaultdict(int)
    priced = [one for one in volumes if one.basis.unit_price_nanos is not None]
    for adjustment in settle(priced, book, pools):
        found[adjustment.basis.currency] += adjustment.amount_nanos
    return {currency: nanos for currency, nanos in found.items() if nanos}


def _charges(
    connection: "Connection", period: "BillingPeriod"
) -> tuple[list[UsageLine], dict[str, int], dict[str, int]]:
    """Return the usage of a period line by line, and what is charged beside it by currency."""
    last = period.end_day - timedelta(days=1)
    columns = booked(connection, period.first_day.isoformat(), last.isoformat())
    bases = bases_by_id(connection, sorted(set(columns["basis_id"])))
    holding = {
        number
        for number, account in accounts_by_id(connection).items()
        if account.kind in HOLDING_KINDS
    }
    lines: list[UsageLine] = []
    settled: dict[str, int] = defaultdict(int)
    unmetered: dict[str, int] = defaultdict(int)
    for day, debit, basis_id, currency, quantity, nanos, list_nanos in zip(
        *(
            columns[name]
            for name in (
                "charge_day",
                "debit_account_id",
                "basis_id",
                "currency",
                "quantity",
                "amount_nanos",
                "list_nanos",
            )
        ),
        strict=True,
    ):
        if debit in holding:
            continue
        basis = bases[basis_id]
        if basis.meter in _USAGE:
            lines.append(UsageLine(date.fromisoformat(day), basis, quantity, nanos, list_nanos))
        elif basis.meter in SETTLED_METERS:
            settled[currency] += nanos
        else:
            unmetered[currency] += nanos
    return lines, dict(settled), dict(unmetered)
