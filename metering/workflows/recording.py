"""Record what was read: one transaction that looks for repeats and overlaps, then makes it visible.

Events are known again by their id, snapshots by the slice they cover. Which of two snapshots is in
force is decided by what they say (how far they reach, how much they hold), never by which came
first, so that any order of the same files gives the same ledger.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.books import coverage as coverage_book
from metering.books import lake as lake_book
from metering.books import sources as source_book
from metering.books.runs import record_run
from metering.errors import LedgerError, Rejection, SourceError, SourceRef
from metering.ingest.contract import Identity, Ingestor, Repeat, Slice, SourceRole
from metering.usage.duplicates import remove_duplicates
from metering.usage.lake import Lake, Published
from metering.usage.staging import StagedDay, Staging, content_digests, describe
from metering.workflows.runs import Run

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings

_CHARGEABLE: Final = (SourceRole.METERED, SourceRole.DETAIL)
_KEPT_AS_HISTORY: Final = (
    "a later or fuller export is recorded and stays in force; this one is kept as history"
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one file: records_in = recorded + already_known + rejected.

    Attributes:
        path: the file as the user named it.
        ingestor: what read it.
        role: what its numbers may become.
        records_in: records found in the file.
        recorded: now in the lake because of this file.
        already_known: identical records that were recorded before.
        rejected: refused, in quarantine.
        superseded: records of earlier files that larger ones of this file replaced.
        noise: lines without usage, by what they are.
        first_day, last_day: ISO charge days of the records; None without records.
        rejections: the refused records with their reasons.
        notes: what else the user should know, a sentence each.
        known_before: the same bytes were ingested before, so nothing was read anew.
    """

    path: str
    ingestor: str
    role: str
    records_in: int
    recorded: int
    already_known: int
    rejected: int
    superseded: int = 0
    noise: dict[str, int] = field(default_factory=dict)
    first_day: str | None = None
    last_day: str | None = None
    rejections: tuple[Rejection, ...] = ()
    notes: tuple[str, ...] = ()
    known_before: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that was read and waits, in staging, for its transaction."""

    path: Path
    ingestor: Ingestor
    forced: bool
    account: str
    sha256: str
    size_bytes: int
    staging: Staging
    rejections: tuple[Rejection, ...]
    noise: dict[str, int]
    slices: tuple[Slice, ...]

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
        SourceError: `overlapping-metered` or `mixed-snapshot`; nothing is written.
    """
    ingestor = reading.ingestor
    known = source_book.find_source(connection, reading.sha256, ingestor.name, reading.account)
    if known is not None:
        return _receipt_of_known(reading, known)
    staged = describe(reading.staging.connection, reading.staging.files())
    records_in = reading.records(staged)
    _refuse_overlap(connection, settings, reading, staged)
    if ingestor.identity is Identity.EVENT:
        outcome = _settle_events(connection, settings, reading, staged)
    else:
        outcome = _settle_snapshot(connection, reading, staged)
    rejections = tuple(sorted((*reading.rejections, *outcome.conflicts)))
    recorded = sum(day.records for day in outcome.days) - outcome.same_as_live
    receipt = Receipt(
        path=str(reading.path),
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


def _receipt_of_known(reading: Reading, known: source_book.StoredSource) -> Receipt:
    source = known.source
    return Receipt(
        path=str(reading.path),
        ingestor=source.ingestor,
        role=source.role,
        records_in=source.records_in,
        recorded=0,
        already_known=source.records_in - source.rejected,
        rejected=source.rejected,
        noise=dict(source.noise),
        first_day=source.first_day,
        last_day=source.last_day,
        notes=(f"the same bytes were ingested before, from {source.path}",),
        known_before=True,
    )


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
    lake = Lake(settings.lake)
    live = {
        file.path: lake.path_of(file.path)
        for file in lake_book.event_files(connection, reading.ingestor.name)
        if file.path is not None
    }
    found = remove_duplicates(
        reading.staging, live, keep_largest=reading.ingestor.repeat is Repeat.LARGEST
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
        raise SourceError(
            SourceRef(str(reading.path)),
            "mixed-snapshot",
            "the file holds reports of several kinds or groupings",
            details=tuple(f"{scope}: {signature}" for scope, signature in sorted(kinds)),
            do="write each pull to a file of its own, and ingest them one by one",
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
            SourceRef(str(reading.path)),
            "mixed-snapshot",
            "the file holds the usage of several billing accounts",
            details=tuple(f"{provider}/{account}" for provider, account in sorted(accounts)),
            do="write each account's pull to a file of its own, and ingest them one by one",
        )
    return next(iter(accounts), ("", reading.account))


def _refuse_overlap(
    connection: "Connection",
    settings: "Settings",
    reading: Reading,
    staged: Sequence[StagedDay],
) -> None:
    if not settings.is_metered(reading.ingestor.name, reading.ingestor.role.value):
        return
    claims = _claims(reading, staged)
    clashes = [
        clash
        for clash in coverage_book.conflicting_coverage(connection, claims, reading.account)
        if settings.is_metered(clash.ingestor, clash.role)
    ]
    if not clashes:
        return
    clash = clashes[0]
    days = sorted({other.day for other in clashes})
    raise SourceError(
        SourceRef(str(reading.path)),
        "overlapping-metered",
        f"{clash.provider} account '{clash.billing_account}' is already metered by "
        f"{clash.ingestor} on {days[0]}" + (f" to {days[-1]}" if len(days) > 1 else ""),
        details=(
            f"recorded: {clash.source_path} ({clash.scope}; {clash.signature or 'events'})",
            "two sources of the same usage are never added up",
        ),
        do=_way_out(reading.ingestor.name, clash.ingestor),
    )


def _way_out(ingestor: str, other: str) -> str:
    if ingestor == other:
        return (
            "pull with the grouping of the recorded one; if this is another account, say which "
            "with --account"
        )
    return (
        "if this is another account, say which with --account; if it only divides the other, "
        f'set {ingestor} = "detail" under [roles] in metering.toml'
    )


def _claims(reading: Reading, staged: Sequence[StagedDay]) -> tuple[coverage_book.NewCoverage, ...]:
    if reading.ingestor.role not in _CHARGEABLE:
        return ()
    scope, signature = "*", ""
    if reading.slices:
        scope, signature = reading.slices[0].scope, reading.slices[0].signature
    return tuple(
        coverage_book.NewCoverage(
            provider=provider,
            billing_account=account,
            scope=scope,
            signature=signature,
            ingestor=reading.ingestor.name,
            role=reading.ingestor.role.value,
            day=day.day,
        )
        for day in staged
        for provider, account in day.accounts
    )


def _write(
    connection: "Connection",
    settings: "Settings",
    run: Run,
    reading: Reading,
    receipt: Receipt,
    outcome: _Outcome,
) -> None:
    lake = Lake(settings.lake)
    run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
    source_id = source_book.add_source(connection, run_id, _new_source(reading, receipt))
    source_book.add_quarantine(connection, run_id, source_id, receipt.rejections)
    files = _publish_days(lake, reading, source_id, outcome)
    if outcome.superseded:
        retired, rewritten = _publish_rewritten(connection, lake, reading, outcome)
        lake_book.retire_lake_files(connection, run_id, retired, "superseded")
        files += rewritten
    lake.sync(Published(file.path, file.sha256, file.size_bytes) for file in files if file.path)
    lake_book.add_lake_files(connection, run_id, files)
    coverage_book.add_coverage(connection, run_id, source_id, _claims(reading, outcome.days))


def _new_source(reading: Reading, receipt: Receipt) -> source_book.NewSource:
    ingestor = reading.ingestor
    return source_book.NewSource(
        content_sha256=reading.sha256,
        path=str(reading.path),
        name=reading.path.name,
        size_bytes=reading.size_bytes,
        ingestor=ingestor.name,
        ingestor_version=ingestor.version,
        forced=reading.forced,
        role=ingestor.role.value,
        identity=ingestor.identity.value,
        billing_account=reading.account,
        first_day=receipt.first_day,
        last_day=receipt.last_day,
        records_in=receipt.records_in,
        recorded=receipt.recorded,
        already_known=receipt.already_known,
        rejected=receipt.rejected,
        superseded=receipt.superseded,
        noise=receipt.noise,
    )


def _publish_days(
    lake: Lake, reading: Reading, source_id: int, outcome: _Outcome
) -> list[lake_book.NewLakeFile]:
    ingestor = reading.ingestor
    piece = reading.slices[0] if reading.slices else None
    provider, account = _one_account(reading, outcome.days) if piece else ("", "")
    rows = []
    for day in outcome.days:
        # Even a day the lake shows already is kept: it is this export that says so, and it may
        # reach further than the one that said it first.
        if len(day.files) > 1:
            raise LedgerError(f"{day.day} of {reading.path} is staged in several files")
        placed = (
            lake.publish_usage(day.files[0], day=day.day, source=reading.sha256)
            if day.files
            else None
        )
        rows.append(
            lake_book.NewLakeFile(
                source_id=source_id,
                ingestor=ingestor.name,
                role=ingestor.role.value,
                identity=ingestor.identity.value,
                day=day.day,
                path=placed.path if placed else None,
                sha256=placed.sha256 if placed else "",
                size_bytes=placed.size_bytes if placed else 0,
                records=day.records,
                meters=_json(day.other_meters),
                models=_json(day.models),
                quantity=day.quantity,
                slice_provider=provider,
                slice_account=account,
                slice_scope=piece.scope if piece else "",
                slice_signature=piece.signature if piece else "",
                slice_as_of=piece.as_of if piece else "",
                slice_last_day=outcome.end,
                content_digest=outcome.digests.get(day.day, ""),
            )
        )
    return rows


def _publish_rewritten(
    connection: "Connection", lake: Lake, reading: Reading, outcome: _Outcome
) -> tuple[list[int], list[lake_book.NewLakeFile]]:
    """Place what is left of files that lost records; return the ids to retire and the new rows."""
    listed = {file.path: file for file in lake_book.event_files(connection, reading.ingestor.name)}
    retired, rows = [], []
    for path, left in sorted(outcome.superseded.items()):
        old = listed[path]
        retired.append(old.id)
        if left is None:
            continue
        (day,) = describe(reading.staging.connection, (left,))
        placed = lake.publish_usage(left, day=old.day, source=Path(path).name)
        rows.append(
            lake_book.NewLakeFile(
                source_id=old.source_id,
                ingestor=old.ingestor,
                role=old.role,
                identity=old.identity,
                day=old.day,
                path=placed.path,
                sha256=placed.sha256,
                size_bytes=placed.size_bytes,
                records=day.records,
                meters=_json(day.other_meters),
                models=_json(day.models),
                quantity=day.quantity,
            )
        )
    return retired, rows


def _json(value: Sequence[object]) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
