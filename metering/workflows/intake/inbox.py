"""The inbox: what waits for a night, and where it stands after it was taken in.

Usage waits anywhere in it, outcomes and invoices in a folder of their own. What was taken in moves
to a folder by day below the same inbox, under the path it had, so that the next night does not read
it again and whoever asks for it finds it.
"""

import os
import stat
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from metering.ingest.deliveries import is_manifest

_TAKEN: Final = "taken"
_INVOICES: Final = "invoices"
_OUTCOMES: Final = "outcomes"
# What an exporter is still writing, and what a folder keeps for itself.
_UNFINISHED: Final = (".part", ".tmp", ".crdownload", "~")


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in a folder.

    Attributes:
        files: sorted.
        closed: what cannot be looked into, and why: nobody knows what waits there.
    """

    files: tuple[Path, ...]
    closed: tuple[str, ...]


def waiting_usage(inbox: Path) -> Waiting:
    """Return the usage that waits."""
    return _waiting(inbox, apart={inbox / name for name in (_INVOICES, _OUTCOMES, _TAKEN)})


def waiting_outcomes(inbox: Path) -> Waiting:
    """Return the outcomes that wait."""
    return _waiting(inbox / _OUTCOMES)


def waiting_invoices(inbox: Path) -> Waiting:
    """Return the invoices that wait."""
    return _waiting(inbox / _INVOICES)


def take(path: Path, inbox: Path, started_at: datetime) -> Path:
    """Move a file that was taken in, unless somebody removed it meanwhile; return where it stands.

    A file of the same name that was taken in earlier that day stays as it is.

    Args:
        path: of the file, below the inbox.
        inbox: the folder.
        started_at: when the night began.

    Raises:
        OSError: it cannot be moved.
    """
    of_day, of_night = _places(path, inbox, started_at)
    target = of_night if of_day.exists() else of_day
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.replace(target)
    return target


def taken_to(path: Path, inbox: Path, started_at: datetime) -> Path | None:
    """Return where a night has moved a file to that was read then; None where it is not there.

    The night that read it moved it; one that was ingested by hand while it waited, the next night.

    Args:
        path: where the file waited.
        inbox: the folder.
        started_at: when the run that read it began.
    """
    if not path.is_relative_to(inbox) or not (inbox / _TAKEN).is_dir():
        return None
    of_day, of_night = _places(path, inbox, started_at)
    nights = sorted(one.name for one in (inbox / _TAKEN).iterdir())
    below = path.relative_to(inbox)
    later = (inbox / _TAKEN / name / below for name in nights if name > f"{started_at:%Y-%m-%d}")
    return next((place for place in (of_night, of_day, *later) if place.is_file()), None)


def _places(path: Path, inbox: Path, started_at: datetime) -> tuple[Path, Path]:
    """Return a file's place among those of the night's day, and among those of the night alone."""
    below = path.relative_to(inbox)
    return (
        inbox / _TAKEN / f"{started_at:%Y-%m-%d}" / below,
        inbox / _TAKEN / f"{started_at:%Y-%m-%dT%H%M%SZ}" / below,
    )


def _waiting(folder: Path, apart: Collection[Path] = ()) -> Waiting:
    """Return what is below a folder; hidden and unfinished files and manifests are left alone."""
    files: list[Path] = []
    closed: list[OSError] = []
    for place, folders, names in os.walk(folder, onerror=closed.append):
        folders[:] = [name for name in folders if _is_looked_at(Path(place, name), apart)]
        paths = (Path(place, name) for name in names)
        for path in (path for path in paths if _is_looked_at(path, apart)):
            if path.name.endswith(_UNFINISHED) or is_manifest(path):
                continue
            try:
                if stat.S_ISREG(path.stat().st_mode):
                    files.append(path)
            except OSError as error:
                closed.append(error)
    # What is not there, as an inbox that nobody has made yet, waits for nothing.
    told = (error for error in closed if not isinstance(error, FileNotFoundError))
    return Waiting(tuple(sorted(files)), tuple(sorted(map(_closed, told))))


def _is_looked_at(path: Path, apart: Collection[Path]) -> bool:
    return not path.name.startswith(".") and path not in apart


def _closed(error: OSError) -> str:
    return (
        f"{error.filename}: it cannot be looked into: {error.strerror}\n"
        "    do:       give whoever runs the night access to it"
    )
