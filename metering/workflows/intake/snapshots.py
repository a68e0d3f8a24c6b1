"""Record a snapshot: one transaction that finds what of it is new, then makes it visible.

Snapshots are known again by the slice they cover. Which of two is in force is decided by what they
say (how far they reach, how much they hold), never by which came first, so that any order of the
same files gives the same ledger; or by what somebody says who knows. A snapshot may come in
several files, a delivery: then each has its own source, receipt and refused records, and together
they hold one lake file for each day, in which every record names its source. And it may be of
several accounts or billing periods: of each of them it is one snapshot.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Final

from metering.books import coverage as coverage_book
from metering.books import lake as lake_book
from metering.books import sources as source_book
from metering.books.runs import record_run
from metering.errors import SourceError, SourceRef
from metering.ingest.contract import SourceRole
from metering.usage.lake import Lake, Published
from metering.usage.staged import SourceDay, describe_sources
from metering.usage.staging import Part
from metering.workflows.intake.narrower import narrower_than_another
from metering.workflows.intake.overlaps import accounts_by_day, claims_of, refuse_overlap
from metering.workflows.intake.publishing import publish_day, refuse_too_much
from metering.workflows.intake.receipts import (
    Origin,
    Reading,
    Receipt,
    receipt_of_known,
    source_of,
)
from metering.workflows.intake.settling_snapshots import (
    Said,
    Settled,
    Snapshot,
    settle,
    views_of,
)
from metering.workflows.runs import Run

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.ingest.contract import Ingestor
    from metering.settings import Settings

_KEPT_AS_HISTORY: Final = (
    "a later or fuller export is recorded and stays in force; this one is kept as history, unless"
    " --latest says that it is the later one"
)
_UNDECIDED: Final = (
    "another export that reaches as far and holds as much says otherwise, and nothing tells which"
    " is the later one; if this one is, say so with --latest"
)


def record_snapshot(
    connection: "Connection",
    settings: "Settings",
    run: Run,
    files: Sequence[Reading],
    *,
    dry_run: bool,
    said: Said = Said.NOTHING,
) -> list[Receipt]:
    """Settle what a snapshot adds to the lake, and unless `dry_run`, write it.

    Args:
        connection: in the transaction that shall make it visible.
        settings: roles of the ingestors, and where the lake is.
        run: who does this, when.
        files: all of its files, read by one ingestor into one staging; where they are several,
            every record there names its own.
        dry_run: tell what would happen; publish nothing, write nothing.
        said: what is known of the snapshot beside what is in it.

    Returns:
        A receipt for each file, in order.

    Raises:
        SourceError: `overlapping-metered`, `mixed-snapshot`, `partial-export` or
            `amount-too-large`; nothing is written.
    """
    origins = [file.origin for file in files]
    delivery = delivery_of(origins)
    known = _known(connection, delivery, origins)
    if known and said is not Said.LATEST:
        return list(map(receipt_of_known, origins, known))
    origin = origins[0]
    parts = files[0].staging.apart() or {Part("", origin.account): ()}
    refuse_too_much(origin.path, tuple(chain.from_iterable(parts.values())))
    slices = tuple(piece for file in files for piece in file.slices)
    snapshot = Snapshot(files, slices, delivery, said)
    settled = [
        settle(connection, snapshot, view, staged)
        for view, staged in views_of(connection, snapshot, parts)
    ]
    if known and not any(one.is_contested for one in settled):
        return list(map(receipt_of_known, origins, known))
    claims = _claims(origin.ingestor, settled)
    refuse_overlap(connection, settings, origin.ingestor, origin.path, origin.account, claims)
    lake = Lake(settings.lake)
    receipts = list(_receipts(snapshot, settled, _notes(snapshot, lake, settled)))
    if not dry_run:
        run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
        ids = [one.id for one in known] or _write_sources(connection, run_id, snapshot, receipts)
        _write(connection, run_id, lake, snapshot, settled, ids)
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
) -> list[source_book.StoredSource]:
    """Return the sources of files whose bytes were recorded before, in order; else none."""
    first = origins[0]
    if not delivery:
        found = source_book.find_source(
            connection, first.sha256, first.ingestor.name, first.account
        )
        return [] if found is None else [found]
    stored = source_book.sources_of_delivery(
        connection, delivery, first.ingestor.name, first.account
    )
    return [stored[origin.sha256] for origin in origins] if stored else []


def _notes(snapshot: Snapshot, lake: Lake, settled: Sequence[Settled]) -> Iterator[str]:
    """Yield what is to be said of a snapshot beside the one in force."""
    older = sorted({day for one in settled for day in one.older})
    if older:
        yield f"{', '.join(older)}: {_KEPT_AS_HISTORY}"
    undecided = sorted({day for one in settled for day in one.undecided})
    # Several cost reports are views of one cost, of which none is charged.
    if undecided and snapshot.files[0].origin.ingestor.role is not SourceRole.COST:
        yield f"{', '.join(undecided)}: {_UNDECIDED}"
    for one in settled:
        if one.shown:
            yield from narrower_than_another(
                snapshot.files[0].staging.connection,
                recorded=map(lake.path_of, one.shown),
                read=(path for day in one.days for path in day.files),
                older=one.older,
            )


def _receipts(
    snapshot: Snapshot, settled: Sequence[Settled], notes: Iterable[str]
) -> Iterator[Receipt]:
    by_source = _by_source(snapshot, settled)
    notes = tuple(dict.fromkeys(notes))
    for file in snapshot.files:
        origin = file.origin
        days = by_source[origin.sha256]
        records = sum(day.records for day, _ in days)
        known = sum(day.records for day, is_known in days if is_known)
        yield Receipt(
            path=str(origin.path),
            ingestor=origin.ingestor.name,
            role=origin.ingestor.role.value,
            records_in=records + len(file.rejections),
            recorded=records - known,
            already_known=known,
            rejected=len(file.rejections),
            noise=file.noise,
            first_day=min((day.day for day, _ in days), default=None),
            last_day=max((day.day for day, _ in days), default=None),
            rejections=tuple(sorted(file.rejections)),
            notes=notes,
        )


def _by_source(
    snapshot: Snapshot, settled: Sequence[Settled]
) -> Mapping[str, Sequence[tuple[SourceDay, bool]]]:
    """Return what each file holds of each day, by the SHA-256 of its bytes.

    With it goes whether the lake shows the day already.
    """
    found: dict[str, list[tuple[SourceDay, bool]]] = {
        file.origin.sha256: [] for file in snapshot.files
    }
    for one in settled:
        for day in _days_of_sources(snapshot, one):
            found[day.source].append((day, day.day in one.same))
    return found


def _days_of_sources(snapshot: Snapshot, settled: Settled) -> Sequence[SourceDay]:
    origin = snapshot.files[0].origin
    if snapshot.delivery:
        files = [path for day in settled.days for path in day.files]
        return describe_sources(snapshot.files[0].staging.connection, files)
    return [
        SourceDay(origin.sha256, day.day, settled.view.provider, settled.view.account, day.records)
        for day in settled.days
        if day.records
    ]


def _claims(
    ingestor: "Ingestor", settled: Sequence[Settled]
) -> tuple[coverage_book.NewCoverage, ...]:
    return tuple(
        claim
        for one in settled
        for claim in claims_of(
            ingestor, accounts_by_day(one.days), one.view.scope, one.view.signature
        )
    )


def _write_sources(
    connection: "Connection", run_id: int, snapshot: Snapshot, receipts: Sequence[Receipt]
) -> list[int]:
    sources = [
        replace(source_of(file.origin, receipt), delivery=snapshot.delivery)
        for file, receipt in zip(snapshot.files, receipts, strict=True)
    ]
    ids = source_book.add_sources(connection, run_id, sources)
    for source_id, receipt in zip(ids, receipts, strict=True):
        source_book.add_quarantine(connection, run_id, source_id, receipt.rejections)
    return ids


def _write(
    connection: "Connection",
    run_id: int,
    lake: Lake,
    snapshot: Snapshot,
    settled: Sequence[Settled],
    ids: Sequence[int],
) -> None:
    named = None if snapshot.delivery else ids[0]
    files = [file for one in settled for file in _published(lake, snapshot, one, named, run_id)]
    lake.sync(Published(file.path, file.sha256, file.size_bytes) for file in files if file.path)
    lake_book.add_lake_files(connection, run_id, files)
    # Of a day that several files tell of, the first one says so.
    claims = _claims(snapshot.files[0].origin.ingestor, settled)
    coverage_book.add_coverage(connection, run_id, {ids[0]: claims})


def _published(
    lake: Lake, snapshot: Snapshot, settled: Settled, source_id: int | None, run_id: int
) -> Iterator[lake_book.NewLakeFile]:
    origin = snapshot.files[0].origin
    view = settled.view
    source = snapshot.delivery or origin.sha256
    if snapshot.said is Said.LATEST:
        # The same bytes may be the latest several times, and each time have files of their own.
        source = hashlib.sha256(f"{source} of run {run_id}".encode()).hexdigest()
    # Even a day the lake shows already is kept: it is this export that says so, and it may reach
    # further than the one that said it first.
    for day in settled.days:
        yield replace(
            publish_day(
                lake,
                origin.ingestor,
                day,
                source_id=source_id,
                source=source,
            ),
            slice_provider=view.provider,
            slice_account=view.account,
            slice_scope=view.scope,
            slice_signature=view.signature,
            slice_as_of=settled.as_of,
            slice_last_day=settled.end,
            slice_edition=settled.editions.get(day.day, 0),
            content_digest=settled.digests.get(day.day, ""),
        )
