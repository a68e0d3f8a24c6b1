"""Ingest: source files into the lake and the book, each wholly or not at all.

Reading and checking happen without a lock, into a staging folder. Then one transaction of the
book looks for duplicates and overlaps, names the new lake files, and makes the import visible.
Killed at any moment, the state is the one before or the one after.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.books.migrations import open_books
from metering.errors import MeteringError, SourceError
from metering.ingest.detection import identify
from metering.ingest.fingerprints import Fingerprints
from metering.workflows.intake.importing import importing
from metering.workflows.intake.one_by_one import recognised, size_of, whole
from metering.workflows.intake.order import Order
from metering.workflows.intake.receipts import Receipt
from metering.workflows.intake.together import PACK_BYTES
from metering.workflows.runs import Run
from metering.workflows.transactions import transaction

if TYPE_CHECKING:
    from metering.settings import Settings

# Beside the recognition of many small files nothing is hashed in less time than it costs that.
_HASHED_AHEAD: Final = 16 << 20


class RejectedRecordsError(MeteringError):
    """Some records were refused and --all-or-nothing was given; nothing is recorded."""

    code = "rejected-records"


def ingest_files(
    settings: "Settings", run: Run, paths: Sequence[Path], order: Order
) -> Iterator[Receipt]:
    """Record the usage of files and yield a receipt for each, in the order given.

    Every file is recognised before the first is recorded, so that a file of an unknown format
    stops the command with nothing done.

    Args:
        settings: where the books and the lake are.
        run: who does this, when.
        paths: the files.
        order: how.

    Yields:
        A receipt per file. With `all_or_nothing`, all of them at the end.

    Raises:
        SourceError: a file cannot be read at all; files before it stay recorded, unless
            `all_or_nothing`.
        RejectedRecordsError: with `all_or_nothing`; nothing was recorded.
    """
    with _hashing(paths) as hashed:
        chosen = [(path, identify(path, order.ingestors, forced=order.forced)) for path in paths]
        engine = open_books(settings.books_url)
        with importing(settings, run, order, engine, hashed) as intake:
            if not order.all_or_nothing:
                begin = partial(transaction, engine, dry_run=order.dry_run)
                yield from whole(intake.each(chosen, begin))
                return
            with transaction(engine, dry_run=order.dry_run) as connection:
                receipts = list(whole(intake.each(chosen, lambda: nullcontext(connection))))
                _refuse_rejections(receipts)
            yield from receipts


def ingest_each(
    settings: "Settings", run: Run, paths: Sequence[Path], order: Order
) -> Iterator[Receipt | MeteringError]:
    """Record what can be recorded of files; a file that fails keeps no other from being recorded.

    Args:
        settings: where the books and the lake are.
        run: who does this, when.
        paths: the files.
        order: how; `all_or_nothing` is not looked at.

    Yields:
        For each file, in the order given, its receipt, or why nothing of it is recorded.

    Raises:
        BookError: there are no books, or they are of another schema; nothing is recorded.
    """
    with _hashing(paths) as hashed:
        chosen = [(path, recognised(path, order.ingestors, order.forced)) for path in paths]
        known = [(path, found) for path, found in chosen if not isinstance(found, MeteringError)]
        engine = open_books(settings.books_url)
        with importing(settings, run, order, engine, hashed) as intake:
            done = intake.each(known, partial(transaction, engine, dry_run=order.dry_run))
            for _, found in chosen:
                yield found if isinstance(found, MeteringError) else next(done)


@contextmanager
def _hashing(paths: Sequence[Path]) -> Iterator[Fingerprints]:
    """Yield hashes of files, of which the large are made while it is found out what they are."""
    held = 0
    with closing(Fingerprints()) as hashed:
        for path in paths:
            size = size_of(path)
            held += size
            if held > PACK_BYTES:
                break
            if size >= _HASHED_AHEAD:
                with suppress(SourceError):  # it is no file, which whoever reads it tells
                    hashed.start(path)
        yield hashed


def _refuse_rejections(receipts: Sequence[Receipt]) -> None:
    messages = [
        rejection.message(receipt.path) for receipt in receipts for rejection in receipt.rejections
    ]
    if messages:
        raise RejectedRecordsError(
            "\n".join(messages)
            + f"\nerror[{RejectedRecordsError.code}]: records refused: {len(messages)}; "
            "nothing is recorded\n"
            "    do:       correct them, or leave out --all-or-nothing"
        )
