"""The inbox: what waits for a night, and where it stands after it was taken in.

Usage waits anywhere in it, outcomes and invoices in a folder of their own. What was taken in moves
to a folder by day below the same inbox, under the path it had, so that the next night does not read
it again and whoever asks for it finds it.
"""

from datetime import datetime
from pathlib import Path
from typing import Final

from metering.ingest.deliveries import is_manifest

_TAKEN: Final = "taken"
_INVOICES: Final = "invoices"
_OUTCOMES: Final = "outcomes"
# What an exporter is still writing, and what a folder keeps for itself.
_UNFINISHED: Final = (".part", ".tmp", ".crdownload", "~")


def waiting_usage(inbox: Path) -> list[Path]:
    """Return the files of usage that wait, sorted."""
    apart = [inbox / name for name in (_INVOICES, _OUTCOMES, _TAKEN)]
    return [path for path in _waiting(inbox) if not any(map(path.is_relative_to, apart))]


def waiting_outcomes(inbox: Path) -> list[Path]:
    """Return the files of outcomes that wait, sorted."""
    return _waiting(inbox / _OUTCOMES)


def waiting_invoices(inbox: Path) -> list[Path]:
    """Return the invoices that wait, sorted."""
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


def _waiting(folder: Path) -> list[Path]:
    """Return the files below a folder; hidden and unfinished ones and manifests are left alone."""
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not path.name.endswith(_UNFINISHED)
        and not is_manifest(path)
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
