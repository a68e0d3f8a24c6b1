"""Record a snapshot: one transaction that finds what of it is new, then makes it visible.

Snapshots are known again by the slice they cover. Which of two is in force is decided by what they
say (how far they reach, how much they hold), never by which came first, so that any order of the
same files gives the same ledger. A snapshot may come in several files, a delivery: then each has
its own source, receipt and refused records, and together they hold one lake file for each day, in
which every record names its source. And it may be of several accounts: of each it is one snapshot.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Final

from metering.books import coverage as coverage_book
from metering.books import lake as lake_book
from metering.books import sources as source_book
from metering.books.runs import record_run
from metering.errors import LedgerError, SourceError, SourceRef
from metering.ingest.contract import Slice
from metering.usage.lake import Lake, Published
from metering.usage.staging import (
    SourceDay,
    StagedDay,
    content_digests,
    describe_sources,
)
from metering.workflows.intake.overlaps import accounts_by_day, claims_of, refuse_overlap
from metering.workflows.intake.publishing import publish_day, refuse_too_much
from metering.workflows.intake.receipts import (
    Origin,
    Reading,
    Receipt,
    receipt_of_known,
    source_of,
)
from metering.workflows.runs import Run

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings

_KEPT_AS_HISTORY: Final = (
    "a later or fuller export is recorded and stays in force; this one is kept as history"
)

# As bills name the part of an account's usage they report on: the month it is invoiced in.
_BILLING_PERIOD: Final = re.compile(r"20\d\d-\d\d", re.ASCII)


def record_snapshot(
    connection: "Connection",
    settings: "Settings",
    run: Run,
    files: Sequence[Reading],
    *,
    dry_run: bool,
) -> list[Receipt]:
    """Settle what a snapshot adds to the lake, and unless `dry_run`, write it.

    Args:
        connection: in the transaction that shall make it visible.
        settings: roles of the ingestors, and where the lake is.
        run: who does this, when.
        files: all of its files, read by one ingestor into one staging; where they are several,
            every record there names its own.
        dry_run: tell what would happen; publish nothing, write nothing.

    Returns:
        A receipt for each file, in order.

    Raises:
        SourceError: `overlapping-metered`, `mixed-snapshot`, `partial-export` or
            `amount-too-large`; nothing is written.
    """
    delivery = delivery_of([file.origin for file in files])
    known = _known(connection, delivery, [file.origin for file in files])
    if known:
        return known
    origin = files[0].origin
    by_account = files[0].staging.by_account() or {("", origin.account): ()}
    every = tuple(chain.from_iterable(by_account.values()))
    refuse_too_much(origin.path, every)
    slices = tuple(piece for file in files for piece in file.slices)
    claims = claims_of(origin.ingestor, accounts_by_day(every), slices)
    refuse_overlap(connection, settings, origin.ingestor, origin.path, origin.account, claims)
    snapshot = _Snapshot(files, slices, delivery)
    settled = [
        _settled(connection, snapshot, account, staged) for account, staged in by_account.items()
    ]
    receipts = list(_receipts(snapshot, settled))
    if not dry_run:
        run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
        _write(connection, run_id, Lake(settings.lake), snapshot, settled, receipts)
    return receipts


def delivery_of(origins: Sequence[Origin]) -> str:
    """Return what names a delivery of several files in the books; "" for one file by itself.

    Raises:
        SourceError: `partial-export`: two of them are the same bytes, so that one is a mistake.
    """
    if len(origins) == 1:
        return ""
    contents = [origin.sha256 for origin in origins]
    (content, count), *_ = Counter(contents).most_common(1)
    if count > 1:
        same = [origin.path.name for origin in origins if origin.sha256 == content]
        raise SourceError(
            SourceRef(str(origins[0].path)),
            "partial-export",
            "the file is part of a delivery in several files, and two of them are the same bytes",
            details=tuple(f"the same: {name}" for name in same),
            do="fetch the delivery again, and ingest all of its files with one command",
        )
    return hashlib.sha256("".join(sorted(contents)).encode()).hexdigest()


def _known(
    connection: "Connection", delivery: str, origins: Sequence[Origin]
) -> list[Receipt] | None:
    first = origins[0]
    if not delivery:
        found = source_book.find_source(
            connection, first.sha256, first.ingestor.name, first.account
        )
        return None if found is None else [receipt_of_known(first, found)]
    stored = source_book.sources_of_delivery(
        connection, delivery, first.ingestor.name, first.account
    )
    if not stored:
        return None
    return [receipt_of_known(origin, stored[origin.sha256]) for origin in origins]


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """What waits in staging.

    Attributes:
        files: as read.
        slices: what they cover.
        delivery: as `delivery_of`.
    """

    files: Sequence[Reading]
    slices: tuple[Slice, ...]
    delivery: str


@dataclass(frozen=True, slots=True)
class _Settled:
    """What a snapshot changes in the lake of one account.

    Attributes:
        account: provider and billing account; the provider is "" where there is no record.
        days: what is staged, per charge day; a day reported as without usage has no files.
        same: days whose content is what the lake already shows.
        digests: per day, the digest of its records.
        end: last day the snapshot covers, ISO; it decides which of two snapshots is the later.
        as_of: instant to which it is complete, where it says so; else "".
        older: days of which the lake has a later or fuller snapshot.
    """

    account: tuple[str, str]
    days: tuple[StagedDay, ...] = ()
    same: frozenset[str] = frozenset()
    digests: Mapping[str, str] = field(default_factory=dict)
    end: str = ""
    as_of: str = ""
    older: frozenset[str] = frozenset()


def _settled(
    connection: "Connection",
    snapshot: _Snapshot,
    account: tuple[str, str],
    staged: Sequence[StagedDay],
) -> _Settled:
    if not snapshot.slices and not staged:
        # Nothing but noise, or rows that were all refused: it says nothing about any day.
        return _Settled(account)
    by_day = {day.day: day for day in staged}
    covered = _covered_days(snapshot)
    if not by_day.keys() <= set(covered):
        raise LedgerError("a snapshot holds usage of days that none of its slices covers")
    empty = StagedDay("", (), 0, 0, (), (), ())
    days = tuple(by_day.get(day, replace(empty, day=day)) for day in covered)
    digests = content_digests(
        snapshot.files[0].staging.connection, [path for day in staged for path in day.files]
    )
    end = max(piece.last_day for piece in snapshot.slices)
    as_of = max(piece.as_of for piece in snapshot.slices)
    piece = snapshot.slices[0]
    live = {
        file.day: file
        for file in lake_book.live_slice(connection, *account, piece.scope, piece.signature)
    }
    shown = {day: file.content_digest for day, file in live.items()}
    same = frozenset(day.day for day in days if shown.get(day.day) == digests.get(day.day, ""))
    older = frozenset(
        day.day
        for day in days
        if day.day in live
        and day.day not in same
        and (as_of, end, day.quantity) < _precedence(live[day.day])
    )
    return _Settled(account, days, same, digests, end, as_of, older)


def _precedence(file: lake_book.LakeFile) -> tuple[str, str, int]:
    return file.slice_as_of, file.slice_last_day, file.quantity


def _covered_days(snapshot: _Snapshot) -> tuple[str, ...]:
    kinds = {(piece.scope, piece.signature) for piece in snapshot.slices}
    if len(kinds) > 1:
        periods = all(_BILLING_PERIOD.fullmatch(scope) for scope, _ in kinds)
        raise SourceError(
            SourceRef(str(snapshot.files[0].origin.path)),
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
    for piece in snapshot.slices:
        first, last = date.fromisoformat(piece.first_day), date.fromisoformat(piece.last_day)
        days.update(str(first + timedelta(days=n)) for n in range((last - first).days + 1))
    return tuple(sorted(days))


def _receipts(snapshot: _Snapshot, settled: Sequence[_Settled]) -> Iterator[Receipt]:
    by_source = _by_source(snapshot, settled)
    same = {(*one.account, day) for one in settled for day in one.same}
    older = sorted({day for one in settled for day in one.older})
    for file in snapshot.files:
        origin = file.origin
        days = by_source[origin.sha256]
        records = sum(day.records for day in days)
        known = sum(
            day.records for day in days if (day.provider, day.billing_account, day.day) in same
        )
        yield Receipt(
            path=str(origin.path),
            ingestor=origin.ingestor.name,
            role=origin.ingestor.role.value,
            records_in=records + len(file.rejections),
            recorded=records - known,
            already_known=known,
            rejected=len(file.rejections),
            noise=file.noise,
            first_day=min((day.day for day in days), default=None),
            last_day=max((day.day for day in days), default=None),
            rejections=tuple(sorted(file.rejections)),
            notes=(f"{', '.join(older)}: {_KEPT_AS_HISTORY}",) if older else (),
        )


def _by_source(
    snapshot: _Snapshot, settled: Sequence[_Settled]
) -> Mapping[str, Sequence[SourceDay]]:
    """Return what each file holds of each day, by the SHA-256 of its bytes."""
    staging = snapshot.files[0].staging
    if not snapshot.delivery:
        source = snapshot.files[0].origin.sha256
        return {
            source: [
                SourceDay(source, day.day, *one.account, day.records)
                for one in settled
                for day in one.days
                if day.records
            ]
        }
    found: dict[str, list[SourceDay]] = {file.origin.sha256: [] for file in snapshot.files}
    for day in describe_sources(staging.connection, staging.files()):
        found[day.source].append(day)
    return found


def _write(
    connection: "Connection",
    run_id: int,
    lake: Lake,
    snapshot: _Snapshot,
    settled: Sequence[_Settled],
    receipts: Sequence[Receipt],
) -> None:
    origins = [file.origin for file in snapshot.files]
    ingestor = origins[0].ingestor
    sources = [
        replace(source_of(origin, receipt), delivery=snapshot.delivery)
        for origin, receipt in zip(origins, receipts, strict=True)
    ]
    ids = source_book.add_sources(connection, run_id, sources)
    for source_id, receipt in zip(ids, receipts, strict=True):
        source_book.add_quarantine(connection, run_id, source_id, receipt.rejections)
    named = None if snapshot.delivery else ids[0]
    files = [file for one in settled for file in _published(lake, snapshot, one, named)]
    lake.sync(Published(file.path, file.sha256, file.size_bytes) for file in files if file.path)
    lake_book.add_lake_files(connection, run_id, files)
    # Of a day that several files tell of, the first one says so.
    days = accounts_by_day(day for one in settled for day in one.days)
    claims = claims_of(ingestor, days, snapshot.slices)
    coverage_book.add_coverage(connection, run_id, {ids[0]: claims})


def _published(
    lake: Lake, snapshot: _Snapshot, settled: _Settled, source_id: int | None
) -> Iterator[lake_book.NewLakeFile]:
    origin = snapshot.files[0].origin
    provider, account = settled.account
    # Even a day the lake shows already is kept: it is this export that says so, and it may reach
    # further than the one that said it first.
    for day in settled.days:
        yield replace(
            publish_day(
                lake,
                origin.ingestor,
                day,
                source_id=source_id,
                source=snapshot.delivery or origin.sha256,
            ),
            slice_provider=provider,
            slice_account=account,
            slice_scope=snapshot.slices[0].scope,
            slice_signature=snapshot.slices[0].signature,
            slice_as_of=settled.as_of,
            slice_last_day=settled.end,
            content_digest=settled.digests.get(day.day, ""),
        )
