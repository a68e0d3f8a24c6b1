"""Tell of an export that is narrower than another of the same: one of a part, taken for the whole.

A page that shows one workspace, a pull of one project, the bill of one subscription or member
account says so nowhere in the file. As a snapshot of everything it takes away what all others have
used; as an older one of everything it does not count. What it holds tells it: a workspace of which
the other export has usage and this one has none at all. It may be that nothing is left of that
workspace, and which of two exports is in force must not depend on which came first; so it is said,
and not refused.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.errors import SourceError, SourceRef, shown
from metering.ingest.deliveries import deliveries
from metering.usage.workspaces import WorkspaceDay, told_twice, workspaces_by_day

if TYPE_CHECKING:
    import duckdb

    from metering.workflows.intake.receipts import Reading

_MOST_TOLD: Final = 5
_DO: Final = "ingest the exports of all parts with --together"


def narrower_than_another(
    connection: "duckdb.DuckDBPyConnection",
    *,
    recorded: Iterable[Path],
    read: Iterable[Path],
    older: Collection[str],
) -> tuple[str, ...]:
    """Return a sentence on the workspaces that a snapshot lacks, or that the one in force lacks.

    Args:
        connection: reads the files.
        recorded: files of the lake that are in force, of the days the snapshot covers.
        read: staged files of the snapshot.
        older: ISO days of which what is recorded stays in force.

    Returns:
        None, one or two, for the receipt.
    """
    days_before = workspaces_by_day(connection, recorded)
    days_now = workspaces_by_day(connection, read)
    ever_before, ever_now = _workspaces(days_before.values()), _workspaces(days_now.values())
    gone: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for day, before in sorted(days_before.items()):
        now = days_now.get(day, WorkspaceDay())
        # Where the total stays the same, a workspace that has gone was renamed.
        if before.total == now.total:
            continue
        if day in older:
            left_out |= dict.fromkeys(now.workspaces - ever_before - left_out.keys(), day)
        else:
            gone |= dict.fromkeys(before.workspaces - ever_now - gone.keys(), day)
    told = []
    if gone:
        told.append(f"it takes the place of usage that it has nothing of: {_listed(gone)}")
    if left_out:
        told.append(f"the later export in force has nothing of {_listed(left_out)}")
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


def _workspaces(days: Iterable[WorkspaceDay]) -> frozenset[str]:
    return frozenset().union(*(day.workspaces for day in days))


def _listed(workspaces: Mapping[str, str]) -> str:
    told = [f"{_named(name)} on {day}" for name, day in sorted(workspaces.items())]
    more = len(told) - _MOST_TOLD
    return ", ".join((*told[:_MOST_TOLD], *([f"and {more:,} more"] if more > 0 else [])))
