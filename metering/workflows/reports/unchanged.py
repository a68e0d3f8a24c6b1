"""Reports that stand where they would be written, and need not be worked out again.

The same books, settings and program give the same bytes, so a report whose files are there, as they
were written, from books that nothing was added to since, is told from what was kept of it. Anything
else is worked out. What is kept is one small file beside metering.toml, which anybody may delete.
"""

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from metering.books.standing import standing
from metering.errors import BookError
from metering.resources import build_digest, files_digest
from metering.workflows.reports.replacing import replace_file

if TYPE_CHECKING:
    from metering.settings import Settings

KEPT_NAME: Final = ".reports.json"

# Reports that are kept; the one that was written longest ago makes room.
_MOST_KEPT: Final = 50


@dataclass(frozen=True, slots=True)
class Table:
    """A table for the terminal: every cell as it is shown."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What a report says on the terminal, and the files it stands in.

    Attributes:
        said: tables, which are the result, and notes for the person, in order.
        paths: the files.
    """

    said: tuple[Table | str, ...]
    paths: tuple[Path, ...]


def told_once(
    settings: "Settings",
    order: Mapping[str, object],
    folder: Path,
    write: Callable[[], Told],
) -> Told:
    """Return what a report says, having it written where its files are not there as they would be.

    Args:
        settings: where the books are, and the look of the reports.
        order: what was asked for.
        folder: where the files go.
        write: works the report out and writes it; it depends on the books, the settings, the
            program and the order alone.
    """
    made_of = _made_of(settings)
    if made_of is None:
        return write()
    place = _digest([order, str(folder.absolute())])
    kept = _kept(settings)
    found = _as_told(kept.get(place), made_of, folder)
    if found is not None:
        return found
    told = write()
    # What was written meanwhile may be in the report, or not.
    if _made_of(settings) == made_of:
        kept.pop(place, None)
        kept[place] = {
            "made_of": made_of,
            "said": [one if isinstance(one, str) else asdict(one) for one in told.said],
            "files": {path.name: _sha256(path) for path in told.paths},
        }
        _keep(settings, dict(list(kept.items())[-_MOST_KEPT:]))
    return told


def _made_of(settings: "Settings") -> str | None:
    """Return the digest of all that a report depends on; None where the books do not tell."""
    books = standing(settings.books_url)
    if books is None:
        return None
    look = settings.report
    try:
        logo = None if look.logo is None else _sha256(look.logo)
        templates = None if look.templates is None else files_digest(look.templates)
    except OSError:
        return None
    return _digest([books, build_digest(), asdict(settings), logo, templates])


def _as_told(entry: Any, made_of: str, folder: Path) -> Told | None:
    """Return what was kept, if it is of this state and the files are as they were written."""
    try:
        if entry["made_of"] != made_of:
            return None
        if any(_sha256(folder / name) != digest for name, digest in entry["files"].items()):
            return None
        return Told(
            said=tuple(one if isinstance(one, str) else _table(one) for one in entry["said"]),
            paths=tuple(folder / name for name in entry["files"]),
        )
    except (AttributeError, KeyError, OSError, TypeError):
        return None


def _table(said: Mapping[str, Any]) -> Table:
    return Table(
        title=said["title"],
        columns=tuple(said["columns"]),
        rows=tuple(map(tuple, said["rows"])),
        right=tuple(said["right"]),
    )


def _kept(settings: "Settings") -> dict[str, Any]:
    try:
        found = json.loads((settings.home / KEPT_NAME).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _keep(settings: "Settings", kept: Mapping[str, Any]) -> None:
    """Keep it where that is possible; a report is no worse for not being kept."""
    with contextlib.suppress(BookError):
        replace_file(settings.home / KEPT_NAME, json.dumps(kept).encode())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    # The order of a set is another in every process.
    return sorted(value) if isinstance(value, frozenset) else str(value)
