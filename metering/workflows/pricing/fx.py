"""Exchange rates: take them in, and pin what foreign postings are worth at them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from metering.books import fx as fx_book
from metering.books.migrations import open_books
from metering.books.runs import record_run
from metering.core.closing.fx import FxRate, conflicts, fx_for, parse_fx
from metering.errors import BookError, RefusedFileError
from metering.workflows.reading import reading
from metering.workflows.text_files import read_text
from metering.workflows.transactions import transaction

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings
    from metering.workflows.runs import Run

NoFx = Mapping[str, tuple[str, ...]]
"""Currency to the ISO days that have charges in it and no rate to the reporting currency."""


@dataclass(frozen=True, slots=True)
class FxImport:
    """What an import of exchange rates did, or would do.

    Attributes:
        new, known: rates.
        converted: postings that could be converted now.
        no_fx: what still has no rate.
    """

    new: int
    known: int
    converted: int
    no_fx: NoFx


@dataclass(frozen=True, slots=True)
class FxStanding:
    """The exchange rates of the books, and what they are for.

    Attributes:
        rates: all, sorted.
        converted: per period and currency.
        no_fx: what has no rate.
    """

    rates: tuple[FxRate, ...]
    converted: tuple[fx_book.Converted, ...]
    no_fx: NoFx


def import_fx(settings: "Settings", run: "Run", path: Path, *, dry_run: bool) -> FxImport:
    """Take exchange rates in, and convert the foreign postings that waited for them.

    Raises:
        RefusedFileError: a line is not as the format says, or contradicts a rate in force; the
            books are unchanged.
    """
    found = parse_fx(read_text(path).text, str(path))
    books = open_books(settings.books_url)
    with transaction(books, dry_run=dry_run) as connection:
        known = frozenset(fx_book.fx_rates(connection))
        refused = tuple(conflicts(known, found))
        if refused:
            raise RefusedFileError(str(path), refused)
        new = [rate for rate in found if rate not in known]
        if new:
            run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
            fx_book.add_fx_rates(connection, run_id, new)
        converted, no_fx = convert_postings(connection, settings.currency)
        return FxImport(len(new), len(found) - len(new), converted, no_fx)


def fx_standing(settings: "Settings") -> FxStanding:
    """Return the exchange rates of the books, and the days that lack one."""
    with reading(settings) as connection:
        return FxStanding(
            rates=fx_book.fx_rates(connection),
            converted=fx_book.converted_totals(connection, settings.currency),
            no_fx=_days(fx_book.foreign_postings(connection, settings.currency)),
        )


def convert_postings(
    connection: "Connection", currency: str, *, after: int = 0
) -> tuple[int, NoFx]:
    """Pin what foreign postings are worth; return how many, and what has no rate.

    Args:
        connection: of a write transaction.
        currency: the reporting currency.
        after: only postings with a greater id.
    """
    foreign = tuple(fx_book.foreign_postings(connection, currency, after=after))
    if not foreign:
        return 0, {}
    rates = fx_for(rate for rate in fx_book.fx_rates(connection) if rate.quote == currency)
    found: list[tuple[int, FxRate, int]] = []
    lacking: list[fx_book.Foreign] = []
    for posting in foreign:
        rate = rates.get((posting.currency, date.fromisoformat(posting.charge_day)))
        if rate is None:
            lacking.append(posting)
        else:
            found.append((posting.posting_id, rate, rate.convert(posting.amount_nanos)))
    fx_book.add_conversions(connection, found)
    return len(found), _days(lacking)


def require_fx(connection: "Connection", base: str, quote: str, where: str) -> None:
    """Refuse a file of prices in a currency that nothing says the worth of.

    Raises:
        BookError: `no-fx`.
    """
    known = (rate for rate in fx_book.fx_rates(connection) if rate.quote == quote)
    if base != quote and all(rate.base != base for rate in known):
        raise BookError(
            "no-fx",
            f"{where}: it is in {base}, and there is no exchange rate from {base} to {quote}",
            do="take rates in with `metering prices fx import`, and import it again",
        )


def _days(postings: Iterable[fx_book.Foreign]) -> NoFx:
    found: dict[str, set[str]] = defaultdict(set)
    for posting in postings:
        found[posting.currency].add(posting.charge_day)
    return {currency: tuple(sorted(found[currency])) for currency in sorted(found)}
