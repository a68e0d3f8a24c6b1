"""Ingest outcomes: files of systems of record into the lake and the book, each wholly or not.

As for usage, reading happens without a lock; one transaction of the book then looks for what is
known already, names the new lake file and makes the import visible.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.books import outcomes as outcome_book
from metering.books import sources as source_book
from metering.books.migrations import open_books
from metering.books.runs import record_run
from metering.errors import MeteringError, Rejection
from metering.ingest.contract import Noise, OutcomeBatch, Rejections, SourceRole
from metering.ingest.detection import identify
from metering.ingest.outcomes.contract import OutcomeIngestor
from metering.ingest.readers import Reader
from metering.usage.lake import Lake
from metering.usage.outcomes import NewOutcomes, OutcomeStaging
from metering.workflows.intake.one_by_one import recognised, whole, why_not
from metering.workflows.intake.receipts import Origin, Receipt, receipt_of_known, source_of
from metering.workflows.transactions import transaction

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings
    from metering.workflows.runs import Run

_EVERY_ACCOUNT: Final = "*"


@dataclass(frozen=True, slots=True)
class _Reading:
    """A file that was read and waits, in staging, for its transaction."""

    origin: Origin
    ingestor: OutcomeIngestor
    staging: OutcomeStaging
    rejections: tuple[Rejection, ...]
    noise: dict[str, int]


def ingest_outcomes(
    settings: "Settings",
    run: "Run",
    paths: Sequence[Path],
    ingestors: Sequence[OutcomeIngestor],
    *,
    forced: str | None = None,
    dry_run: bool = False,
) -> Iterator[Receipt]:
    """Record the outcomes of files and yield a receipt for each, in the order given.

    Args:
        settings: where the books and the lake are.
        run: who does this, when.
        paths: the files; every one is recognised before the first is recorded.
        ingestors: those of outcomes that may recognise a file.
        forced: name of the one to use whatever the content says, or None.
        dry_run: read and check, record nothing.

    Raises:
        SourceError: a file is of no known format, or cannot be read at all; files before it stay.
    """
    chosen = [(path, identify(path, ingestors, forced=forced)) for path in paths]
    yield from whole(_each(settings, run, chosen, forced=forced is not None, dry_run=dry_run))


def ingest_each_outcomes(
    settings: "Settings", run: "Run", paths: Sequence[Path], ingestors: Sequence[OutcomeIngestor]
) -> Iterator[Receipt | MeteringError]:
    """Record what can be recorded of files; a file that fails keeps no other from being recorded.

    Yields:
        For each file, in the order given, its receipt, or why nothing of it is recorded.

    Raises:
        BookError: there are no books, or they are of another schema; nothing is recorded.
    """
    chosen = [(path, recognised(path, ingestors)) for path in paths]
    known = [(path, found) for path, found in chosen if not isinstance(found, MeteringError)]
    done = _each(settings, run, known, forced=False, dry_run=False)
    for _, found in chosen:
        yield found if isinstance(found, MeteringError) else next(done)


def _each(
    settings: "Settings",
    run: "Run",
    chosen: Sequence[tuple[Path, OutcomeIngestor]],
    *,
    forced: bool,
    dry_run: bool,
) -> Iterator[Receipt | MeteringError]:
    """Record files with one reader; yield for each its receipt, or why there is none."""
    books = open_books(settings.books_url)
    with (
        Lake(settings.lake).staging() as folder,
        Reader(folder, settings.memory_limit, settings.threads) as reader,
    ):
        for path, ingestor in chosen:
            one: Receipt | MeteringError
            try:
                with (
                    _read(settings, reader, path, ingestor, forced=forced) as reading,
                    transaction(books, dry_run=dry_run) as connection,
                ):
                    one = _record(connection, settings, run, reading, dry_run=dry_run)
            except MeteringError as error:
                one = why_not(path, error)
            reader.forget()
            yield one


@contextmanager
def _read(
    settings: "Settings", reader: Reader, path: Path, ingestor: OutcomeIngestor, *, forced: bool
) -> Iterator[_Reading]:
    with Lake(settings.lake).staging() as folder:
        reader.start_fingerprint(path)
        staging = OutcomeStaging(
            reader.connection,
            folder / "outcomes",
            ingestor=ingestor.name,
            system=ingestor.system,
        )
        rejections: list[Rejection] = []
        noise: Counter[str] = Counter()
        for reading in ingestor.read(path, reader):
            match reading:
                case OutcomeBatch():
                    staging.add(reading.rows)
                case Rejections():
                    rejections.extend(reading.items)
                case Noise():
                    noise.update(reading.counts)
        yield _Reading(
            origin=Origin(path, ingestor, forced, _EVERY_ACCOUNT, reader.fingerprint(path)),
            ingestor=ingestor,
            staging=staging,
            rejections=tuple(rejections),
            noise=dict(sorted(noise.items())),
        )


def _record(
    connection: "Connection",
    settings: "Settings",
    run: "Run",
    reading: _Reading,
    *,
    dry_run: bool,
) -> Receipt:
    name = reading.ingestor.name
    known = source_book.find_source(connection, reading.origin.sha256, name, _EVERY_ACCOUNT)
    if known is not None:
        return receipt_of_known(reading.origin, known)
    lake = Lake(settings.lake)
    live = [
        lake.path_of(file.path)
        for file in outcome_book.outcome_files(connection, reading.ingestor.system)
    ]
    new = reading.staging.new_outcomes(live)
    rejections = tuple(sorted((*reading.rejections, *new.conflicts)))
    records_in = new.read + len(reading.rejections)
    receipt = Receipt(
        path=str(reading.origin.path),
        ingestor=name,
        role=SourceRole.OUTCOME.value,
        records_in=records_in,
        recorded=new.recorded,
        already_known=records_in - new.recorded - len(rejections),
        rejected=len(rejections),
        noise=reading.noise,
        first_day=new.first_day,
        last_day=new.last_day,
        rejections=rejections,
    )
    if not dry_run:
        _write(connection, lake, run, reading, receipt, new)
    return receipt


def _write(
    connection: "Connection",
    lake: Lake,
    run: "Run",
    reading: _Reading,
    receipt: Receipt,
    new: NewOutcomes,
) -> None:
    run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
    source_id = source_book.add_source(connection, run_id, source_of(reading.origin, receipt))
    source_book.add_quarantine(connection, run_id, source_id, receipt.rejections)
    if new.path is None:
        return
    placed = lake.publish_outcomes(new.path, source=reading.origin.sha256)
    lake.sync([placed])
    outcome_book.add_outcome_file(
        connection,
        run_id,
        outcome_book.NewOutcomeFile(
            source_id=source_id,
            ingestor=reading.ingestor.name,
            system=reading.ingestor.system,
            path=placed.path,
            sha256=placed.sha256,
            size_bytes=placed.size_bytes,
            outcomes=new.recorded,
            first_day=new.first_day or "",
            last_day=new.last_day or "",
            digest=new.digest,
        ),
    )
