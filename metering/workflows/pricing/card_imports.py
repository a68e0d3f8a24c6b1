"""Take a rate card into force: the same card in a newer version, with what it changes."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from metering.books.accounts import used_models
from metering.books.migrations import open_books
from metering.books.rate_cards import cards_in_force, store_card
from metering.books.runs import record_run
from metering.core.pricing.card_changes import Change, card_changes, carried_forward
from metering.core.pricing.rate_book import RateBook
from metering.core.pricing.rate_checks import book_problems
from metering.core.pricing.rates import CardKind, RateCard
from metering.core.pricing.unheard import unheard
from metering.errors import BookError
from metering.rate_cards.loading import RateCardError, read_card
from metering.workflows.pricing.fx import require_fx
from metering.workflows.reading import reading
from metering.workflows.transactions import transaction

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings
    from metering.workflows.runs import Run


@dataclass(frozen=True, slots=True)
class CardImport:
    """What an import did, or would do.

    Attributes:
        name, version: the card in force afterwards.
        is_new: False when the books say exactly this already; nothing is changed then.
        changes: rows that differ from the version in force before.
    """

    name: str
    version: int
    is_new: bool
    changes: tuple[Change, ...]


def book_in_force(settings: "Settings") -> RateBook:
    """Return the rate cards in force in a ledger.

    Raises:
        BookError: the ledger's books cannot be read.
    """
    with reading(settings) as connection:
        return RateBook(cards_in_force(connection))


def unheard_in_force(settings: "Settings") -> tuple[str, ...]:
    """Return what of the contracts and internal cards in force can have no effect, a sentence each.

    Raises:
        BookError: the ledger's books cannot be read.
    """
    with reading(settings) as connection:
        cards, used = cards_in_force(connection), used_models(connection)
        return tuple(what for card in cards for what in unheard(card, cards, used))


def import_card(settings: "Settings", run: "Run", path: Path, *, dry_run: bool) -> CardImport:
    """Take the card of a file into force as the newest version of its name.

    Args:
        settings: of the ledger.
        run: who does this, when; what a list price lost upstream is closed at that instant.
        path: a `.toml` or `.jsonl` card.
        dry_run: tell what would change, and change nothing.

    Raises:
        RateCardError: the card is not sound, or contradicts another one in force; the books are
            unchanged.
        BookError: `no-fx`, see `take_into_force`.
    """
    books = open_books(settings.books_url)
    with transaction(books, dry_run=dry_run) as connection:
        return take_into_force(connection, run, path, settings.currency)


def update_list(settings: "Settings", run: "Run", *, dry_run: bool) -> CardImport:
    """Take the list prices of the installed catalogue into force, offline.

    Rows that vanished from the catalogue are closed at the instant of the run, never deleted.

    Args:
        settings: of the ledger.
        run: who does this, when.
        dry_run: tell what would change, and change nothing.

    Raises:
        BookError: `no-catalogue`: genai-prices is not installed.
        RateCardError: what it says contradicts itself or another card in force; the books are
            unchanged.
    """
    try:
        from metering.rate_cards.seed import build  # noqa: PLC0415 - a catalogue few have installed
    except ImportError as error:
        raise BookError(
            "no-catalogue",
            "the catalogue genai-prices is not installed here",
            do="install it beside metering (`pip install genai-prices`), or import a list.jsonl "
            "that was written elsewhere with `metering prices import`",
        ) from error
    text, _ = build()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "list.jsonl"
        path.write_text(text, encoding="utf-8", newline="\n")
        return import_card(settings, run, path, dry_run=dry_run)


def take_into_force(connection: "Connection", run: "Run", path: Path, currency: str) -> CardImport:
    """Take the card of a file into force in a transaction, which the caller ends.

    Raises:
        RateCardError: as `import_card` does.
        BookError: `no-fx`: no rate says what the currency of the card is worth in `currency`.
    """
    card, problems = read_card(path)
    if card is None or problems:
        raise RateCardError(problems)
    require_fx(connection, card.currency, currency, str(path))
    in_force = cards_in_force(connection)
    before = next((one for one in in_force if one.name == card.name), None)
    after = _settled(before, card, run)
    others = [one for one in in_force if one.name != card.name]
    problems += book_problems((*others, after))
    if problems:
        raise RateCardError(problems)
    run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
    stored = store_card(connection, run_id, after)
    return CardImport(
        name=stored.name,
        version=stored.version,
        is_new=before is None or before.version != stored.version,
        changes=card_changes(before, after),
    )


def _settled(before: RateCard | None, card: RateCard, run: "Run") -> RateCard:
    """Return the card as it will stand: a generated one keeps what its source has forgotten."""
    generated = card.kind is CardKind.LIST and before is not None and before.kind is CardKind.LIST
    return carried_forward(before, card, run.started_at) if generated and before else card
