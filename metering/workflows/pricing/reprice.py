"""Reprice: tell what money the next `post` would move, before anything is posted.

It is `post` itself in a transaction that is given up, so the two cannot disagree. A card that is
not imported yet is taken into force in that transaction first.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from metering.books.accounts import accounts_by_id, bases_by_id, used_models
from metering.books.migrations import open_books
from metering.books.rate_cards import cards_in_force
from metering.core.ledger import HOLDING_KINDS
from metering.core.planning.repricing import LackingLine, Movement, movements
from metering.core.pricing.unheard import unheard
from metering.engine.charging.charge_totals import lacking_by_basis
from metering.usage.lake import Lake
from metering.workflows.posting.post import FIRST_DAY, LAST_DAY, lacking
from metering.workflows.pricing.card_imports import take_into_force
from metering.workflows.transactions import transaction

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings
    from metering.workflows.runs import Run


@dataclass(frozen=True, slots=True)
class Repriced:
    """What the next `post` would do to the book.

    Attributes:
        card: name and version of the card that was tried out; "" for none.
        days: charge days that were looked at.
        moved: by period, bearer, model, reason and currency.
        unheard: what of the card that was tried out can have no effect, a sentence each.
    """

    card: str
    days: int
    moved: tuple[Movement, ...]
    unheard: tuple[str, ...] = ()


def reprice(
    settings: "Settings",
    run: "Run",
    *,
    card: Path | None = None,
    first: date = FIRST_DAY,
    last: date = LAST_DAY,
) -> Repriced:
    """Compute what money would move; the books stay as they are.

    Args:
        settings: where the books and the lake are.
        run: who does this, when.
        card: a rate card to try out as if it had been imported.
        first: first charge day, inclusive.
        last: last charge day, inclusive.

    Raises:
        RateCardError: the card is not sound, or contradicts another one in force.
    """
    books = open_books(settings.books_url)
    with (
        Lake(settings.lake).staging() as staging,
        transaction(books, dry_run=True) as connection,
    ):
        tried = card and take_into_force(connection, run, card, settings.currency)
        with lacking(connection, settings, staging, first, last) as found:
            return Repriced(
                card=f"{tried.name} v{tried.version}" if tried else "",
                days=len(found.cells.files),
                moved=movements(_lines(connection, lacking_by_basis(found.duck))),
                unheard=_unheard_of(connection, tried.name) if tried else (),
            )


def _unheard_of(connection: "Connection", card: str) -> tuple[str, ...]:
    # Bases of usage that is not posted yet are named in this transaction, too.
    cards = cards_in_force(connection)
    (tried,) = (one for one in cards if one.name == card)
    return unheard(tried, cards, used_models(connection))


def _lines(
    connection: "Connection", rows: list[tuple[str, int, int, str, int, int]]
) -> list[LackingLine]:
    accounts = accounts_by_id(connection)
    bases = bases_by_id(connection, sorted({row[2] for row in rows}))
    return [
        LackingLine(period, accounts[account], bases[basis], currency, quantity, nanos)
        for period, account, basis, currency, quantity, nanos in rows
        if accounts[account].kind not in HOLDING_KINDS
    ]
