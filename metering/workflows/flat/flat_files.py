"""Files of flat money: take them into force, and say what is in force.

A file is TOML of agreements or CSV of seats, told apart by content. Files are taken together or not
at all, since seats name the plans of another file; what is in force afterwards, all files together,
must hold: no seat without its plan, none beyond those that were paid for, no name twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from metering.books import flat_files as flat_book
from metering.books.invoices import last_invoiced_period
from metering.books.lake import last_usage_day
from metering.books.migrations import open_books
from metering.books.runs import record_run
from metering.core.flat.flat_file import Agreements, contradictions, parse_flat
from metering.core.flat.flat_money import Written
from metering.core.flat.seats import SeatAssignment
from metering.core.flat.seats_file import (
    doubled_seats,
    parse_seats,
    seats_beyond_paid,
    unplanned_seats,
)
from metering.core.periods import BillingPeriod
from metering.errors import BookError, RefusedFileError, Rejection
from metering.workflows.posting.flat_charges import FlatMoney
from metering.workflows.pricing.fx import require_fx
from metering.workflows.text_files import TextFile, read_text
from metering.workflows.transactions import transaction

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings
    from metering.workflows.runs import Run


@dataclass(frozen=True, slots=True)
class FlatImport:
    """What became of one file.

    Attributes:
        name: of the file.
        version: now in force.
        is_new: False when this very content was in force already; nothing is changed then.
        agreements, seats: how many it holds.
    """

    name: str
    version: int
    is_new: bool
    agreements: int
    seats: int


@dataclass(frozen=True, slots=True)
class _Read:
    """A file, read: agreements or seats."""

    agreements: Agreements
    assignments: tuple[SeatAssignment, ...]


def import_flat(
    settings: "Settings", run: "Run", paths: Sequence[Path], *, dry_run: bool = False
) -> tuple[FlatImport, ...]:
    """Take files of flat money into force, all of them or none, each as a version of its name.

    Args:
        settings: of the ledger.
        run: who does this, when.
        paths: TOML of agreements, or CSV of seats.
        dry_run: check and tell, change nothing.

    Raises:
        RefusedFileError: a file, or all that would be in force together, cannot be taken; the
            books are unchanged.
        BookError: `no-fx`: nothing says what a currency is worth in that of the books;
            `file-twice`: two of the files have one name.
    """
    files = {path.name: read_text(path) for path in paths}
    if len(files) < len(paths):
        names = [path.name for path in paths]
        twice = next(name for name in names if names.count(name) > 1)
        raise BookError(
            "file-twice",
            f"two of the files are called {twice}, and a file replaces the one of its name",
            do="give each file a name of its own",
        )
    books = open_books(settings.books_url)
    with transaction(books, dry_run=dry_run) as connection:
        before = {file.name: file for file in flat_book.flat_files_in_force(connection)}
        read = {name: _read(file.content, name, name) for name, file in before.items()}
        read |= {name: _read(file.text, name, str(file.path)) for name, file in files.items()}
        _require_sound(read.values(), {name: str(file.path) for name, file in files.items()})
        for name, file in files.items():
            for currency in sorted({one.currency for one in read[name].agreements}):
                require_fx(connection, currency, settings.currency, str(file.path))
        versions = {name: file.version for name, file in before.items()}
        new = [name for name in files if _is_new(files[name], before.get(name))]
        if new:
            run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
            for name in new:
                file = files[name]
                versions[name] = flat_book.store_flat_file(
                    connection, run_id, name, file.sha256, file.text
                )
        return tuple(
            FlatImport(
                name,
                versions[name],
                name in new,
                len(read[name].agreements),
                len(read[name].assignments),
            )
            for name in files
        )


def flat_in_force(connection: "Connection") -> FlatMoney:
    """Return the flat money in force, charged through the last day the books know of."""
    files = flat_book.flat_files_in_force(connection)
    if not files:
        return FlatMoney()
    read = [_read(file.content, file.name, file.name) for file in files]
    return FlatMoney(
        agreements=sum((one.agreements for one in read), Agreements()),
        assignments=tuple(seat for one in read for seat in one.assignments),
        through=_last_known_day(connection),
        files={file.name: (file.version, file.taken) for file in files},
    )


def _last_known_day(connection: "Connection") -> date | None:
    used, invoiced = last_usage_day(connection), last_invoiced_period(connection)
    known = [] if used is None else [date.fromisoformat(used)]
    if invoiced is not None:
        known.append(BillingPeriod.parse(invoiced).end_day - timedelta(days=1))
    return max(known, default=None)


def _read(text: str, name: str, path: str) -> _Read:
    if _is_toml(text):
        return _Read(parse_flat(text, path, name=name), ())
    return _Read(Agreements(), parse_seats(text, path, name=name))


def _is_toml(text: str) -> bool:
    """Say whether a file is TOML: its first words are a table, a comment or none at all."""
    return text.removeprefix("\ufeff").lstrip()[:1] in ("[", "#", "")


def _is_new(file: TextFile, before: flat_book.FlatFile | None) -> bool:
    return before is None or before.sha256 != file.sha256


def _require_sound(read: Iterable[_Read], paths: Mapping[str, str]) -> None:
    """Refuse what several files say together and cannot.

    Raises:
        RefusedFileError: it names the file that is given, or else the one that is in force.
    """
    everything = list(read)
    agreed = sum((one.agreements for one in everything), Agreements())
    seats = [seat for one in everything for seat in one.assignments]
    refused: dict[str, list[Rejection]] = defaultdict(list)
    for written, rejection in _refusals(agreed, seats):
        refused[written.file].append(rejection)
    if refused:
        name = min(refused, key=lambda name: (name not in paths, name))
        raise RefusedFileError(paths.get(name, name), refused[name])


def _refusals(
    agreed: Agreements, seats: Sequence[SeatAssignment]
) -> Iterator[tuple[Written, Rejection]]:
    yield from contradictions(agreed)
    yield from unplanned_seats(seats, agreed.seats)
    yield from doubled_seats(seats)
    yield from seats_beyond_paid(seats, agreed.seats)
