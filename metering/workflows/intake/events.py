"""Record the events of a file: one transaction that looks for repeats, then makes them visible.

Events are known again by their id, so that any order of the same files gives the same ledger.
"""

from typing import TYPE_CHECKING

from metering.books import coverage as coverage_book
from metering.books import lake as lake_book
from metering.books import sources as source_book
from metering.books.runs import record_run
from metering.usage.duplicates import Deduplicated, remove_duplicates
from metering.usage.lake import Lake, Published
from metering.usage.staged import StagedDay, describe
from metering.workflows.intake.overlaps import accounts_by_day, claims_of, refuse_overlap
from metering.workflows.intake.publishing import (
    live_paths,
    publish_day,
    publish_rewritten,
    refuse_too_much,
)
from metering.workflows.intake.receipts import Reading, Receipt, receipt_of_known, source_of
from metering.workflows.runs import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from metering.settings import Settings


def record_events(
    connection: "Connection", settings: "Settings", run: Run, reading: Reading, *, dry_run: bool
) -> Receipt:
    """Settle what a file of events adds to the lake, and unless `dry_run`, write it.

    Args:
        connection: in the transaction that shall make it visible.
        settings: roles of the ingestors, and where the lake is.
        run: who does this, when.
        reading: the staged file.
        dry_run: tell what would happen; publish nothing, write nothing.

    Raises:
        SourceError: `overlapping-metered` or `amount-too-large`; nothing is written.
    """
    origin, staging = reading.origin, reading.staging
    ingestor = origin.ingestor
    known = source_book.find_source(connection, origin.sha256, ingestor.name, origin.account)
    if known is not None:
        return receipt_of_known(origin, known)
    staged = describe(staging.connection, staging.files())
    refuse_too_much(origin.path, staged)
    claims = claims_of(ingestor, accounts_by_day(staged))
    refuse_overlap(connection, settings, ingestor, origin.path, origin.account, claims)
    found = remove_duplicates(
        staging,
        live_paths(connection, Lake(settings.lake), ingestor),
        keep_largest=ingestor.repeat.keeps_largest,
        told_aside=ingestor.repeat.told_aside,
    )
    days = staged if found.untouched else describe(staging.connection, staging.files())
    rejections = tuple(sorted((*reading.rejections, *found.conflicts)))
    records_in = sum(day.records for day in staged) + len(reading.rejections)
    recorded = sum(day.records for day in days)
    receipt = Receipt(
        path=str(origin.path),
        ingestor=ingestor.name,
        role=ingestor.role.value,
        records_in=records_in,
        recorded=recorded,
        already_known=records_in - recorded - len(rejections),
        rejected=len(rejections),
        superseded=found.superseded_records,
        noise=reading.noise,
        first_day=staged[0].day if staged else None,
        last_day=staged[-1].day if staged else None,
        rejections=rejections,
    )
    if not dry_run:
        run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
        source_id = source_book.add_source(connection, run_id, source_of(origin, receipt))
        source_book.add_quarantine(connection, run_id, source_id, receipt.rejections)
        _write_usage(connection, run_id, Lake(settings.lake), reading, found, (source_id, days))
        claims = claims_of(ingestor, accounts_by_day(days))
        coverage_book.add_coverage(connection, run_id, {source_id: claims})
    return receipt


def _write_usage(
    connection: "Connection",
    run_id: int,
    lake: Lake,
    reading: Reading,
    found: Deduplicated,
    new: "tuple[int, Sequence[StagedDay]]",
) -> None:
    origin = reading.origin
    source_id, days = new
    files = [
        publish_day(lake, origin.ingestor, day, source_id=source_id, source=origin.sha256)
        for day in days
    ]
    retired, rewritten = publish_rewritten(
        connection, reading.staging.connection, lake, origin.ingestor, found.superseded
    )
    lake_book.retire_lake_files(connection, run_id, retired, "superseded")
    files += rewritten
    lake.sync(Published(file.path, file.sha256, file.size_bytes) for file in files if file.path)
    lake_book.add_lake_files(connection, run_id, files)
