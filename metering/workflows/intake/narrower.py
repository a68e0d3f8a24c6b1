"""Tell of an export that is narrower than another of the same: one of a part, taken for the whole.

A page that shows one workspace, a pull of one project, the bill of one subscription or member
account, of one key or person, says so nowhere in the file. As a snapshot of everything it takes
away what all others have used; as an older one of everything it does not count. What it holds tells
it: a workspace of which the other export has usage and this one has none at all. It may be that
nothing is left of that workspace, and which of two exports is in force must not depend on which
came first; so it is said, and not refused.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.errors import SourceError, SourceRef, first_of, shown
from metering.ingest.deliveries import deliveries
from metering.usage.days_of_use import DayOfUse, days_of_use, told_twice

if TYPE_CHECKING:
    import duckdb

    from metering.workflows.intake.receipts import Reading

_MOST_TOLD: Final = 5
_WORKSPACES: Final = "workspaces"
_NAMES: Final[Mapping[str, Callable[[DayOfUse], frozenset[str]]]] = {
    _WORKSPACES: attrgetter("workspaces"),
    "keys": attrgetter("keys"),
    "people": attrgetter("people"),
}
_DO: Final = "ingest the exports of all parts with --together"


def narrower_than_another(
    connection: "duckdb.DuckDBPyConnection",
    *,
    recorded: Iterable[Path],
    read: Iterable[Path],
    older: Collection[str],
) -> tuple[str, ...]:
    """Return a sentence on whose usage a snapshot has nothing of, or the one in force has not.

    Keys and people are looked at where every record names one: else a pull that does not group by
    them would pass for one of nobody.

    Args:
        connection: reads the files.
        recorded: files of the lake that are in force, of the days the snapshot covers.
        read: staged files of the snapshot.
        older: ISO days of which what is recorded stays in force.

    Returns:
        None, one or two, for the receipt.
    """
    before, now = days_of_use(connection, recorded), days_of_use(connection, read)
    # Where the total stays the same, what has gone was renamed.
    changed = [day for day in sorted(before) if before[day].total != _of(now, day).total]
    gone: list[str] = []
    left_out: list[str] = []
    for what, names in _NAMES.items():
        ever_before, ever_now = _ever(before, names), _ever(now, names)
        if what != _WORKSPACES and "" in ever_before | ever_now:
            continue
        lost: dict[str, str] = {}
        more: dict[str, str] = {}
        for day in changed:
            if day in older:
                more |= dict.fromkeys(names(_of(now, day)) - ever_before - more.keys(), day)
            else:
                lost |= dict.fromkeys(names(before[day]) - ever_now - lost.keys(), day)
        gone += _told(what, lost)
        left_out += _told(what, more)
    told = []
    if gone:
        whose = ", ".join(first_of(gone, _MOST_TOLD))
        told.append(f"it takes the place of usage that it has nothing of: {whose}")
    if left_out:
        whose = ", ".join(first_of(left_out, _MOST_TOLD))
        told.append(f"the later export in force has nothing of {whose}")
    return tuple(f"{what}; if that is an export of a part, {_DO}" for what in told)


def refuse_told_twice(files: "Sequence[Reading]") -> None:
    """Refuse exports that count together where two of them tell of one workspace and day.

    The files of one delivery, as a provider numbers them, are one export.

    Raises:
        SourceError: `partial-export`.
    """
    paths = [file.origin.path for file in files]
    delivered = deliveries(paths)
    numbers = {parts: number for number, parts in enumerate(dict.fromkeys(delivered.values()))}
    exports = {
        file.origin.sha256: numbers[delivered[path]] if path in delivered else -place
        for place, (path, file) in enumerate(zip(paths, files, strict=True), start=1)
    }
    staging = files[0].staging
    if len(set(exports.values())) == 1 or not staging.files():
        return
    for day, workspace in told_twice(staging.connection, staging.files(), exports):
        raise SourceError(
            SourceRef(str(paths[0])),
            "partial-export",
            "two of the exports that count together tell of the same usage",
            details=(f"twice:    {_named(workspace)} on {day}",),
            do="give the later export of each workspace, project, subscription or account alone",
        )


def _named(workspace: str) -> str:
    return shown(workspace) if workspace else "usage without a workspace"


def _of(days: Mapping[str, DayOfUse], day: str) -> DayOfUse:
    return days.get(day, DayOfUse())


def _ever(
    days: Mapping[str, DayOfUse], names: Callable[[DayOfUse], frozenset[str]]
) -> frozenset[str]:
    return frozenset().union(*map(names, days.values()))


def _told(what: str, first: Mapping[str, str]) -> list[str]:
    """Return workspaces by their names, and of keys and people no more than how many they are."""
    if what == _WORKSPACES:
        return [f"{_named(name)} on {day}" for name, day in sorted(first.items())]
    if not first:
        return []
    number = f"{len(first):,} {what}" if len(first) > 1 else f"one of the {what}"
    return [f"{number}, from {min(first.values())} on"]
