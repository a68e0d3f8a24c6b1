"""Ingest: source files into the lake and the book, each wholly or not at all.

Reading and checking happen without a lock, into a staging folder. Then one transaction of the
book looks for duplicates and overlaps, names the new lake files, and makes the import visible.
Killed at any moment, the state is the one before or the one after.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from metering.books import sources as source_book
from metering.books.engine import begin_read, open_engine
from metering.books.migrations import require_current
from metering.core.ledger import DEFAULT_ACCOUNT
from metering.errors import MeteringError, Rejection
from metering.ingest.contract import Ingestor, Noise, Rejections, Slice, UsageBatch
from metering.ingest.contract import Reading as SourceReading
from metering.ingest.detection import identify
from metering.ingest.readers import Reader
from metering.usage.lake import Lake
from metering.usage.staging import Staging
from metering.workflows.recording import Reading, Receipt, record_reading
from metering.workflows.runs import Run
from metering.workflows.transactions import transaction

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings


class RejectedRecordsError(MeteringError):
    """Some records were refused and --all-or-nothing was given; nothing is recorded."""

    code = "rejected-records"


@dataclass(frozen=True, slots=True)
class Order:
    """How files are to be ingested.

    Attributes:
        ingestors: those that may recognise a file.
        forced: name of the one to use whatever the content says, or None.
        account: billing account of records whose source does not name one, or None.
        dry_run: read and check, record nothing.
        all_or_nothing: one refused record refuses every file.
    """

    ingestors: Sequence[Ingestor]
    forced: str | None = None
    account: str | None = None
    dry_run: bool = False
    all_or_nothing: bool = False


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
    chosen = [(path, identify(path, order.ingestors, forced=order.forced)) for path in paths]
    engine = open_engine(settings.books_url)
    require_current(engine)
    with begin_read(engine) as connection:
        known = source_book.known_contents(connection)
    with _reader(settings) as reader:
        readings = _Readings(settings, order, reader, known)
        if not order.all_or_nothing:
            for path, ingestor in chosen:
                with readings.of(path, ingestor) as reading:
                    with transaction(engine, dry_run=order.dry_run) as connection:
                        receipt = _recorded(connection, settings, run, reading, order)
                    yield receipt
            return
        with transaction(engine, dry_run=order.dry_run) as connection:
            receipts = []
            for path, ingestor in chosen:
                with readings.of(path, ingestor) as reading:
                    receipts.append(_recorded(connection, settings, run, reading, order))
            _refuse_rejections(receipts)
        yield from receipts


def _recorded(
    connection: "Connection", settings: "Settings", run: Run, reading: Reading, order: Order
) -> Receipt:
    return record_reading(connection, settings, run, reading, dry_run=order.dry_run)


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


@contextmanager
def _reader(settings: "Settings") -> Iterator[Reader]:
    """Yield one reader for all files: to open and close its engine costs as much as a small one."""
    with (
        Lake(settings.lake).staging() as folder,
        Reader(folder, settings.memory_limit, settings.threads) as reader,
    ):
        yield reader


@dataclass(frozen=True, slots=True)
class _Readings:
    """Reads one file after another.

    Attributes:
        known: SHA-256, ingestor and account of every source in the books, by size.
    """

    settings: "Settings"
    order: Order
    reader: Reader
    known: Mapping[int, frozenset[tuple[str, str, str]]]

    @contextmanager
    def of(self, path: Path, ingestor: Ingestor) -> Iterator[Reading]:
        """Yield what a file holds, in staging; one that may be known is hashed before it is read.

        The bytes of a known source say nothing new, so that it need not be parsed to be told.
        """
        name = ingestor.name
        account = self.order.account or self.settings.accounts.get(name, DEFAULT_ACCOUNT)
        with Lake(self.settings.lake).staging() as folder:
            # Hashing runs beside reading: the bytes are needed by both, and each takes a core.
            fingerprint = self.reader.start_fingerprint(path)
            staging = Staging(
                self.reader.connection, folder / "usage", ingestor=name, account=account
            )
            rejections: list[Rejection] = []
            noise: Counter[str] = Counter()
            slices: list[Slice] = []
            for reading in self._said(path, ingestor, account):
                match reading:
                    case UsageBatch():
                        staging.add(reading.rows)
                    case Rejections():
                        rejections.extend(reading.items)
                    case Noise():
                        noise.update(reading.counts)
                    case Slice():
                        slices.append(reading)
            staging.flush()
            print_ = fingerprint.result()
            yield Reading(
                path=path,
                ingestor=ingestor,
                forced=self.order.forced is not None,
                account=account,
                sha256=print_.sha256,
                size_bytes=print_.size_bytes,
                staging=staging,
                rejections=tuple(rejections),
                noise=dict(sorted(noise.items())),
                slices=tuple(slices),
            )
        self.reader.forget()

    def _said(self, path: Path, ingestor: Ingestor, account: str) -> Iterable[SourceReading]:
        contents = self.known.get(path.stat().st_size)
        if contents is not None:
            sha256 = self.reader.fingerprint(path).sha256
            if (sha256, ingestor.name, account) in contents:
                return ()
        return ingestor.read(path, self.reader)
