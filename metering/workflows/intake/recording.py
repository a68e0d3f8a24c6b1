"""Record what was read: one transaction that looks for repeats and overlaps, then makes it visible.

Events are known again by their id, snapshots by the slice they cover. Which of two snapshots is in
force is decided by what they say (how far they reach, how much they hold), never by which came
first, so that any order of the same files gives the same ledger.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.books import coverage as coverage_book
from metering.books import lake as lake_book
from metering.books import sources as source_book
from metering.books.runs import record_run
from metering.errors import Rejection, SourceError, SourceRef
from metering.ingest.contract import Identity, Ingestor, Slice
from metering.usage.duplicates import remove_duplicates
from metering.usage.lake import Lake, Published
from metering.usage.staging import StagedDay, Staging, content_digests, describe
from metering.workflows.intake.overlaps import accounts_by_day, claims_of, refuse_overlap
from metering.workflows.intake.publishing import (
    live_paths,
    publish_day,
    publish_rewritten,
    refuse_too_much,
)
from metering.workflows.intake.receipts import Origin, Receipt, receipt_of_known, source_of
from metering.workflows.runs import Run

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings

_KEPT_AS_HISTORY: Final = (
    "a later or fuller export is recorded and stays in force; this one is kept as history"
)

# As bills name the part of an account's usage they report on: the month it is invoiced in.
_BILLING_PERIOD: Final = re.compile(r"20\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that was read and waits, in staging, for its transaction."""

    origin: Origin
    staging: Staging
    rejections: tuple[Rejection, ...]
    noise: dict[str, int]
    slices: tuple[Slice, ...]

    @property
    def ingestor(self) -> Ingestor:
        """What read it."""
        return self.origin.ingestor

    def records(self, days: Sequence[StagedDay]) -> int:
        """Return how many records the file held, refused ones included."""
        return sum(day.records for day in days) + len(self.rejections)


def record_reading(
    connection: "Connection", settings: "Settings", run: Run, reading: Reading, *, dry_run: bool
) -> Receipt:
    """Settle what a reading adds to the lake, and unless `dry_run`, write it.

    Args:
        connection: in the transaction that shall make it visible.
        settings: roles of the ingestors, and where the lake is.
        run: who does this, when.
        reading: the staged file.
        dry_run: tell what would happen; publish nothing, write nothing.

    Raises:
        SourceError: `overlapping-metered`, `mixed-snapshot` or `amount-too-large`; nothing is
            written.
    """
    ingestor = reading.ingestor
    origin = reading.origin
    known = source_book.find_source(connection, origin.sha256, ingestor.name, origin.account)
    if known is not None:
        return receipt_of_known(origin, known)
    staged = describe(reading.staging.connection, reading.staging.files())
    refuse_too_much(origin.path, staged)
    records_in = reading.records(staged)
    claims = claims_of(ingestor, accounts_by_day(staged), reading.slices)
    refuse_overlap(connection, settings, ingestor, origin.path, origin.account, claims)
    if ingestor.identity is Identity.EVENT:
        outcome = _settle_events(connection, settings, reading, staged)
    else:
        outcome = _settle_snapshot(connection, reading, staged)
    rejections = tuple(sorted((*reading.rejections, *outcome.conflicts)))
    recorded = sum(day.records for day in outcome.days) - outcome.same_as_live
    receipt = Receipt(
        path=str(origin.path),
        ingestor=ingestor.name,
        role=ingestor.role.value,
        records_in=records_in,
        recorded=recorded,
        already_known=records_in - recorded - len(rejections),
        rejected=len(rejections),
        superseded=outcome.superseded_records,
        noise=reading.noise,
        first_day=staged[0].day if staged else None,
        last_day=staged[-1].day if staged else None,
        rejections=rejections,
        notes=outcome.notes,
    )
    if not dry_run:
        _write(connection, settings, run, reading, receipt, outcome)
    return receipt


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What an import changes in the lake.

    Attributes:
        days: what is staged now, per charge day; a day reported as without usage has no files.
        conflicts: events refused because their id is recorded with other content.
        superseded: lake files that lost records, by path, and what is left of each.
        superseded_records: how many records they lost.
        same_as_live: staged records of days whose content is what the lake already shows.
        digests: per day of a snapshot, the digest of its records.
        end: last day the snapshot covers, ISO; it decides which of two snapshots is the later.
        notes: for the receipt.
    """

    days: tuple[StagedDay, ...]
    conflicts: tuple[Rejection, ...] = ()
    superseded: Mapping[str, Path | None] = field(default_factory=dict)
    superseded_records: int = 0
    same_as_live: int = 0
    digests: Mapping[str, str] = field(default_factory=dict)
    end: str = ""
    notes: tuple[str, ...] = ()


def _settle_events(
    connection: "Connection",
    settings: "Settings",
    reading: Reading,
    staged: tuple[StagedDay, ...],
) -> _Outcome:
    ingestor = reading.ingestor
    found = remove_duplicates(
        reading.staging,
        live_paths(connection, Lake(settings.lake), ingestor),
        keep_largest=ingestor.repeat.keeps_largest,
        told_aside=ingestor.repeat.told_aside,
    )
    staging = reading.staging
    return _Outcome(
        days=staged if found.untouched else describe(staging.connection, staging.files()),
        conflicts=found.conflicts,
        superseded=found.superseded,
        superseded_records=found.superseded_records,
    )


def _settle_snapshot(
    connection: "Connection", reading: Reading, staged: tuple[StagedDay, ...]
) -> _Outcome:
    if not reading.slices and not staged:
        # Nothing but noise, or rows that were all refused: it says nothing about any day.
        return _Outcome(days=())
    covered = _covered_days(reading)
    provider, account = _one_account(reading, staged)
    by_day = {day.day: day for day in staged}
    empty = StagedDay("", (), 0, 0, (), (), ())
    days = tuple(by_day.get(day, replace(empty, day=day)) for day in covered)
    digests = content_digests(reading.staging.connection, reading.staging.files())
    end = max(piece.last_day for piece in reading.slices) if reading.slices else ""
    live = {
        file.day: file
        for file in lake_book.live_slice(
            connection, provider, account, reading.slices[0].scope, reading.slices[0].signature
        )
    }
    same = {
        day.day: live[day.day]
        for day in days
        if day.day in live and live[day.day].content_digest == digests.get(day.day, "")
    }
    older = sorted(
        day.day
        for day in days
        if day.day in live and day.day not in same and _precedes(day, end, reading, live[day.day])
    )
    notes = [f"{', '.join(older)}: {_KEPT_AS_HISTORY}"] if older else []
    return _Outcome(
        days=days,
        same_as_live=sum(day.records for day in days if day.day in same),
        digests=digests,
        end=end,
        notes=tuple(notes),
    )


def _precedes(day: StagedDay, end: str, reading: Reading, live: lake_book.LakeFile) -> bool:
    mine = (reading.slices[0].as_of, end, day.quantity)
    return mine < (live.slice_as_of, live.slice_last_day, live.quantity)


def _covered_days(reading: Reading) -> tuple[str, ...]:
    kinds = {(piece.scope, piece.signature) for piece in reading.slices}
    if len(kinds) > 1:
        periods = all(_BILLING_PERIOD.fullmatch(scope) for scope, _ in kinds)
        raise SourceError(
            SourceRef(str(reading.origin.path)),
            "mixed-snapshot",
            "the file holds the bills of several periods"
            if periods
            else "the file holds reports of several kinds or groupings",
            details=tuple(f"{scope}: {signature}" for scope, signature in sorted(kinds)),
            do="export each billing period to a file of its own, and ingest them one by one"
            if periods
            else "write each pull to a file of its own, and ingest them one by one",
        )
    days: set[str] = set()
    for piece in reading.slices:
        first, last = date.fromisoformat(piece.first_day), date.fromisoformat(piece.last_day)
        days.update(str(first + timedelta(days=n)) for n in range((last - first).days + 1))
    return tuple(sorted(days))


def _one_account(reading: Reading, staged: Sequence[StagedDay]) -> tuple[str, str]:
    accounts = {account for day in staged for account in day.accounts}
    if len(accounts) > 1:
        raise SourceError(
            SourceRef(str(reading.origin.path)),
            "mixed-snapshot",
            "the file holds the usage of several billing accounts",
            details=tuple(f"{provider}/{account}" for provider, account in sorted(accounts)),
            do="write each account's pull to a file of its own, and ingest them one by one",
        )
    return next(iter(accounts), ("", reading.origin.account))


def _write(
    connection: "Connection",
    settings: "Settings",
    run: Run,
    reading: Reading,
    receipt: Receipt,
    outcome: _Outcome,
) -> None:
    lake = Lake(settings.lake)
    ingestor = reading.ingestor
    run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
    source_id = source_book.add_source(connection, run_id, source_of(reading.origin, receipt))
    source_book.add_quarantine(connection, run_id, source_id, receipt.rejections)
    files = _publish_days(lake, reading, source_id, outcome)
    retired, rewritten = publish_rewritten(
        connection, reading.staging.connection, lake, ingestor, outcome.superseded
    )
    lake_book.retire_lake_files(connection, run_id, retired, "superseded")
    files += rewritten
    lake.sync(Published(file.path, file.sha256, file.size_bytes) for file in files if file.path)
    lake_book.add_lake_files(connection, run_id, files)
    claims = claims_of(ingestor, accounts_by_day(outcome.days), reading.slices)
    coverage_book.add_coverage(connection, run_id, {source_id: claims})


def _publish_days(
    lake: Lake, reading: Reading, source_id: int, outcome: _Outcome
) -> list[lake_book.NewLakeFile]:
    piece = reading.slices[0] if reading.slices else None
    provider, account = _one_account(reading, outcome.days) if piece else ("", "")
    # Even a day the lake shows already is kept: it is this export that says so, and it may reach
    # further than the one that said it first.
    return [
        replace(
            publish_day(
                lake,
                reading.ingestor,
                day,
                source_id=source_id,
                source=reading.origin.sha256,
            ),
            slice_provider=provider,
            slice_account=account,
            slice_scope=piece.scope if piece else "",
            slice_signature=piece.signature if piece else "",
            slice_as_of=piece.as_of if piece else "",
            slice_last_day=outcome.end,
            content_digest=outcome.digests.get(day.day, ""),
        )
        for day in outcome.days
    ]
