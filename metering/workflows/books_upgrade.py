"""Bring the books to the schema of this program, and say how they stand."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metering.books.engine import begin_read, begin_write, open_engine
from metering.books.ledger import posting_count
from metering.books.migrations import (
    bring_current,
    current_revision,
    head_revision,
    is_known,
)
from metering.books.rate_cards import CardVersion, card_versions, store_card
from metering.books.runs import record_run
from metering.books.shape import differences
from metering.rate_cards.loading import bundled_cards

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings
    from metering.workflows.runs import Run


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What an upgrade did; `before` is None for books that were empty."""

    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class BooksStatus:
    """How the books stand.

    Attributes:
        revision: of their schema; None while they are empty.
        head: the revision this program works with.
        state: current, outdated, newer, empty, or "of another build": they have this program's
            revision, but not its columns.
        cards: versions of the rate cards, newest in force; empty unless current.
        postings: rows of the ledger; 0 unless current.
        differences: for books of another build what is different, "label: text" each.
    """

    revision: str | None
    head: str
    state: str
    cards: tuple[CardVersion, ...]
    postings: int
    differences: tuple[str, ...] = ()


def upgrade_books(settings: "Settings", run: "Run") -> Upgraded:
    """Bring the books' schema up to date; books that were empty get the bundled rate cards.

    Raises:
        BookError: `books-newer`, `books-of-another-build`, `books-busy`, `books-unreachable`;
            nothing is changed.
    """
    before, _ = bring_up(settings, run, seed_always=False)
    return Upgraded(before, head_revision())


def books_status(settings: "Settings") -> BooksStatus:
    """Return how the books stand, changing nothing.

    Raises:
        BookError: `books-missing`, `books-unreachable`.
    """
    with begin_read(open_engine(settings.books_url)) as connection:
        revision = current_revision(connection)
        state = _state(revision)
        others = differences(connection) if state == "current" else ()
        current = state == "current" and not others
        return BooksStatus(
            revision=revision,
            head=head_revision(),
            state="of another build" if others else state,
            cards=card_versions(connection) if current else (),
            postings=posting_count(connection) if current else 0,
            differences=others,
        )


def _state(revision: str | None) -> str:
    if revision is None:
        return "empty"
    if revision == head_revision():
        return "current"
    return "outdated" if is_known(revision) else "newer"


def bring_up(
    settings: "Settings", run: "Run", *, seed_always: bool
) -> tuple[str | None, tuple[str, ...]]:
    """Bring the books to the schema of this program, and seed them with the bundled rate cards.

    Args:
        settings: where the books are; they are made if they are not there.
        run: who does this, when.
        seed_always: seed books that are not empty, too; a card they have already stays as it is.

    Returns:
        the revision before, None for empty books; and the cards in force, as "name vN", if seeded.

    Raises:
        BookError: as `upgrade_books`.
    """
    with begin_write(open_engine(settings.books_url, must_exist=False)) as connection:
        before = current_revision(connection)
        bring_current(connection)
        seeds = seed_always or before is None
        return before, _seed(connection, run) if seeds else ()


def _seed(connection: "Connection", run: "Run") -> tuple[str, ...]:
    run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
    stored = (store_card(connection, run_id, card) for card in bundled_cards())
    return tuple(f"{card.name} v{card.version}" for card in stored)
