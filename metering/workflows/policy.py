"""What is in force: rate cards, rules, directory, and how each is known by its version."""

from typing import TYPE_CHECKING

from metering.books import owners as owner_book
from metering.books import rate_cards as card_book
from metering.core.rate_book import RateBook
from metering.workflows.desired import Policy

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings


def policy_in_force(connection: "Connection", settings: "Settings") -> Policy:
    """Return what decides prices and owners now."""
    return Policy(
        rates=RateBook(card_book.cards_in_force(connection)),
        rules=owner_book.rule_set_in_force(connection),
        directory=owner_book.directory_in_force(connection),
        currency=settings.currency,
        promoted=settings.promoted,
    )
