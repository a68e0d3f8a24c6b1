"""What a snapshot changes in the lake: of which usage it is, and of which days it is in force.

Of two snapshots of one view of a day the one that ranks higher is in force, see
`metering.books.lake.NewLakeFile.rank`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from metering.books import lake as lake_book
from metering.errors import LedgerError, SourceError, SourceRef
from metering.ingest.contract import Slice
from metering.usage.staged import StagedDay, content_digests
from metering.usage.staging import Part
from metering.workflows.intake.receipts import Reading

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Said(StrEnum):
    """What somebody said of a snapshot, which nothing in it tells."""

    NOTHING = "nothing"
    LATER = "later"  # it was made after what is recorded of the same usage
    LATEST = "latest"  # so it was, though it may have been recorded before


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What waits in staging.

    Attributes:
        files: as read.
        slices: what they cover.
        delivery: as `delivery_of`.
        said: what is known of it beside what is in it.
    """

    files: Sequence[Reading]
    slices: tuple[Slice, ...]
    delivery: str
    said: Said

    @property
    def has_records(self) -> bool:
        """Whether any record was read, and not noise and refused rows alone."""
        return bool(self.files[0].staging.files())


@dataclass(frozen=True, slots=True)
class View:
    """A part of the usage of an account, grouped in one way: what one snapshot replaces.

    Attributes:
        provider, account: whose usage; the provider is "" where there is no record.
        scope, signature: as those of its slices.
        slices: what a snapshot covers of it.
    """

    provider: str
    account: str
    scope: str = "*"
    signature: str = ""
    slices: Sequence[Slice] = ()

    @property
    def days(self) -> list[str]:
        """Every ISO day a snapshot covers, in order."""
        days: set[str] = set()
        for piece in self.slices:
            first, last = date.fromisoformat(piece.first_day), date.fromisoformat(piece.last_day)
            days.update(str(first + timedelta(days=n)) for n in range((last - first).days + 1))
        return sorted(days)


@dataclass(frozen=True, slots=True)
class Settled:
    """What a snapshot changes in the lake of one view.

    Attributes:
        view: which it is.
        days: what is staged, per charge day; a day reported as without usage has no files.
        same: days whose content is what the lake already shows.
        digests: per day, the digest of its records.
        end: last day the snapshot covers, ISO; it decides which of two snapshots is the later.
        as_of: instant to which it is complete, where it says so; else "".
        older: days of which the lake has a later or fuller snapshot.
        is_contested: whether the lake shows another snapshot of one of the days.
        undecided: days of which the lake has another snapshot that reaches and holds as much.
        editions: of the days that are in the lake already, with what was said of their order.
        shown: paths of what the lake shows of these days, where it differs, relative to the lake.
    """

    view: View
    days: tuple[StagedDay, ...] = ()
    same: frozenset[str] = frozenset()
    digests: Mapping[str, str] = field(default_factory=dict)
    end: str = ""
    as_of: str = ""
    older: frozenset[str] = frozenset()
    is_contested: bool = False
    undecided: tuple[str, ...] = ()
    editions: Mapping[str, int] = field(default_factory=dict)
    shown: tuple[str, ...] = ()


def views_of(
    connection: "Connection",
    snapshot: Snapshot,
    parts: Mapping[Part, tuple[StagedDay, ...]],
) -> Iterator[tuple[View, tuple[StagedDay, ...]]]:
    """Yield what a snapshot is of, with what is staged of it.

    Raises:
        SourceError: `mixed-snapshot`: its records do not say which of several views they are of.
    """
    by_scope: dict[str, list[Slice]] = {}
    for piece in snapshot.slices:
        by_scope.setdefault(piece.scope, []).append(piece)
    only = next(iter(by_scope)) if len(by_scope) == 1 else ""
    scopes = {part: part.scope or only for part in parts}
    kinds = {(piece.scope, piece.signature) for piece in snapshot.slices}
    if len(kinds) > len(by_scope) or (
        snapshot.has_records and not by_scope.keys() >= set(scopes.values())
    ):
        raise _mixed(snapshot, kinds)
    for part, scope in scopes.items():
        yield _view(part, scope, by_scope), parts[part]
    # Of an account in the file, a whole scope may have gone.
    told = {(part.provider, part.billing_account, scope) for part, scope in scopes.items()}
    for provider, account in sorted({(provider, account) for provider, account, _ in told}):
        for scope in sorted(by_scope):
            view = _view(Part(provider, account), scope, by_scope)
            if (provider, account, scope) not in told and _live(connection, view):
                yield view, ()


def _view(part: Part, scope: str, by_scope: Mapping[str, Sequence[Slice]]) -> View:
    slices = by_scope.get(scope, ())
    if not slices:
        # Nothing but noise, or rows that were all refused: it says nothing about any day.
        return View(part.provider, part.billing_account)
    return View(part.provider, part.billing_account, scope, slices[0].signature, slices)


def _live(connection: "Connection", view: View) -> list[lake_book.LakeFile]:
    return lake_book.live_slice(connection, view.provider, view.account, view.scope, view.signature)


def _mixed(snapshot: Snapshot, kinds: Collection[tuple[str, str]]) -> SourceError:
    return SourceError(
        SourceRef(str(snapshot.files[0].origin.path)),
        "mixed-snapshot",
        "the file holds reports of several kinds or groupings",
        details=tuple(f"{scope}: {signature}" for scope, signature in sorted(kinds)),
        do="write each pull to a file of its own, and ingest them one by one",
    )


def settle(
    connection: "Connection",
    snapshot: Snapshot,
    view: View,
    staged: Sequence[StagedDay],
) -> Settled:
    """Return what a snapshot changes in the lake of one view.

    Args:
        connection: of either kind of transaction.
        snapshot: what is read.
        view: one of its views.
        staged: what is staged of it, per charge day.
    """
    if not view.slices and not staged:
        return Settled(view)
    by_day = {day.day: day for day in staged}
    covered = view.days
    if not by_day.keys() <= set(covered):
        raise LedgerError("a snapshot holds usage of days that none of its slices covers")
    empty = StagedDay("", (), 0, 0, (), (), ())
    days = tuple(by_day.get(day, replace(empty, day=day)) for day in covered)
    digests = content_digests(
        snapshot.files[0].staging.connection, [path for day in staged for path in day.files]
    )
    end = max(piece.last_day for piece in view.slices)
    as_of = max(piece.as_of for piece in view.slices)
    live = {file.day: file for file in _live(connection, view)}
    known = {day: file.content_digest for day, file in live.items()}
    same = frozenset(day.day for day in days if known.get(day.day) == digests.get(day.day, ""))
    contested = [day for day in days if day.day in live and day.day not in same]
    ranks = {day.day: (as_of, end, day.quantity, day.records) for day in contested}
    is_later = snapshot.said is not Said.NOTHING
    editions = {
        day: file.slice_edition + int(is_later and day in ranks and ranks[day] <= file.rank[1:])
        for day, file in live.items()
    }
    places = {day: ((editions[day], *rank), live[day].rank) for day, rank in ranks.items()}
    return Settled(
        view,
        days,
        same,
        digests,
        end,
        as_of,
        older=frozenset(day for day, (read, recorded) in places.items() if read < recorded),
        is_contested=bool(contested),
        undecided=tuple(day for day, (read, recorded) in places.items() if read == recorded),
        editions=editions,
        # Where all is the same, there is nothing to compare.
        shown=_paths(live[day] for day in covered if day in live) if contested else (),
    )


def _paths(files: Iterable[lake_book.LakeFile]) -> tuple[str, ...]:
    return tuple(file.path for file in files if file.path)
