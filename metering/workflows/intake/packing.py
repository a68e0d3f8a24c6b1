"""Record many files that were read together: one transaction, and a receipt for each of them.

Each is recorded as it would be alone, with its own counts, refused records and claims; but their
usage stands in one lake file for each day, in which every record names the file it is from.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from metering.books import coverage as coverage_book
from metering.books import lake as lake_book
from metering.books import sources as source_book
from metering.books.runs import record_run
from metering.ingest.contract import PackedFile
from metering.usage.duplicates import Deduplicated, remove_duplicates
from metering.usage.lake import Lake, Published
from metering.usage.staged import SourceDay, describe, describe_sources
from metering.usage.staging import Staging
from metering.workflows.intake.overlaps import accounts_by_day, claims_of, refuse_overlap
from metering.workflows.intake.publishing import (
    live_paths,
    publish_day,
    publish_rewritten,
    refuse_too_much,
)
from metering.workflows.intake.receipts import Origin, Receipt, source_of
from metering.workflows.runs import Run

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.ingest.contract import Ingestor
    from metering.settings import Settings
    from metering.usage.staged import StagedDay


@dataclass(frozen=True, slots=True)
class PackReading:
    """Files that were read together and wait, in staging, for their transaction.

    Attributes:
        files: at least one; all of one ingestor and account, no two with the same bytes.
        staging: their usage; every record names its file.
    """

    files: Sequence[tuple[Origin, PackedFile]]
    staging: Staging


def record_pack(
    connection: "Connection", settings: "Settings", run: Run, pack: PackReading, *, dry_run: bool
) -> list[Receipt]:
    """Settle what a pack adds to the lake, and unless `dry_run`, write it.

    Args:
        connection: in the transaction that shall make it visible.
        settings: roles of the ingestors, and where the lake is.
        run: who does this, when.
        pack: the staged files.
        dry_run: tell what would happen; publish nothing, write nothing.

    Returns:
        A receipt for each file, in order; none when one of them was recorded by somebody else
        since the pack was put together: then nothing is written.

    Raises:
        SourceError: `overlapping-metered`; nothing is written.
    """
    origin, _ = pack.files[0]
    ingestor, staging = origin.ingestor, pack.staging
    contents = {one.sha256 for one, _ in pack.files}
    if source_book.are_known(connection, contents, ingestor.name, origin.account):
        return []
    staged = describe_sources(staging.connection, staging.files())
    days = describe(staging.connection, staging.files())
    claims = claims_of(ingestor, accounts_by_day(days))
    refuse_overlap(connection, settings, ingestor, origin.path, origin.account, claims)
    lake = Lake(settings.lake)
    found = remove_duplicates(
        staging,
        live_paths(connection, lake, ingestor),
        keep_largest=ingestor.repeat.keeps_largest,
        told_aside=ingestor.repeat.told_aside,
    )
    left = staged
    if not found.untouched:
        left = describe_sources(staging.connection, staging.files())
        days = describe(staging.connection, staging.files())
    receipts = _receipts(pack, staged, left, found)
    if not dry_run:
        run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
        ids = _write_sources(connection, run_id, pack, receipts)
        _write_usage(connection, run_id, lake, pack, days, found)
        coverage_book.add_coverage(connection, run_id, _claims(ingestor, ids, left))
    return receipts


def _receipts(
    pack: PackReading,
    staged: Sequence[SourceDay],
    left: Sequence[SourceDay],
    found: Deduplicated,
) -> list[Receipt]:
    held, kept = _by_source(staged), _by_source(left)
    receipts = []
    for origin, file in pack.files:
        days = sorted({one.day for one in held[origin.sha256]})
        recorded = sum(one.records for one in kept[origin.sha256])
        receipts.append(
            Receipt(
                path=str(origin.path),
                ingestor=origin.ingestor.name,
                role=origin.ingestor.role.value,
                records_in=file.records + len(file.rejections),
                recorded=recorded,
                already_known=file.records - recorded,
                rejected=len(file.rejections),
                noise=dict(sorted(file.noise.items())),
                first_day=days[0] if days else None,
                last_day=days[-1] if days else None,
                rejections=file.rejections,
            )
        )
    if found.superseded_records:
        # Which file of the pack a smaller snapshot was replaced by is of no consequence; that the
        # lake lost it, is: receipts and lake are held against each other.
        receipts[-1] = replace(receipts[-1], superseded=found.superseded_records)
    return receipts


def _write_sources(
    connection: "Connection", run_id: int, pack: PackReading, receipts: Sequence[Receipt]
) -> dict[str, int]:
    """Write what became of each file; return their ids, by the SHA-256 of their bytes."""
    origins = [origin for origin, _ in pack.files]
    sources = [source_of(*pair) for pair in zip(origins, receipts, strict=True)]
    ids = source_book.add_sources(connection, run_id, sources)
    for source_id, receipt in zip(ids, receipts, strict=True):
        source_book.add_quarantine(connection, run_id, source_id, receipt.rejections)
    return dict(zip((origin.sha256 for origin in origins), ids, strict=True))


def _write_usage(
    connection: "Connection",
    run_id: int,
    lake: Lake,
    pack: PackReading,
    days: "Sequence[StagedDay]",
    found: Deduplicated,
) -> None:
    ingestor = pack.files[0][0].ingestor
    refuse_too_much(pack.files[0][0].path, days)
    contents = sorted(origin.sha256 for origin, _ in pack.files)
    digest = hashlib.sha256("".join(contents).encode()).hexdigest()
    files = [publish_day(lake, ingestor, day, source_id=None, source=digest) for day in days]
    retired, rewritten = publish_rewritten(
        connection, pack.staging.connection, lake, ingestor, found.superseded
    )
    lake_book.retire_lake_files(connection, run_id, retired, "superseded")
    files += rewritten
    lake.sync(Published(file.path, file.sha256, file.size_bytes) for file in files if file.path)
    lake_book.add_lake_files(connection, run_id, files)


def _claims(
    ingestor: "Ingestor", ids: Mapping[str, int], days: Sequence[SourceDay]
) -> dict[int, Sequence[coverage_book.NewCoverage]]:
    return {
        ids[source]: claims_of(
            ingestor, [(one.day, (one.provider, one.billing_account)) for one in of_source]
        )
        for source, of_source in _by_source(days).items()
    }


def _by_source(days: Sequence[SourceDay]) -> dict[str, list[SourceDay]]:
    found: dict[str, list[SourceDay]] = defaultdict(list)
    for day in days:
        found[day.source].append(day)
    return found
