"""Deliveries: exports that a provider writes in several files, known by how these are named.

One such file says nothing of a day, since more of it may stand in another: they count together or
not at all. Sources: AWS Data Exports and Cost and Usage Report user guides, Azure Cost Management
exports, BigQuery's export of tables (read 2026-11-21).
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from metering.errors import SourceError, SourceRef, first_of

_SURELY: Final = (
    # AWS: NAME-00001.csv.gz, NAME-00001.snappy.parquet.
    re.compile(r"(?P<stem>.*-)(?P<number>0\d{4})(?P<ending>(?:\.[a-z]{2,7}){1,2})", re.ASCII),
    # Azure: part_0_0001.csv, part_1_0001.csv.gz.
    re.compile(
        r"(?P<stem>part_)(?P<number>\d{1,4})_(?P<piece>\d{4})(?P<ending>(?:\.[a-z]{2,7}){1,2})",
        re.ASCII,
    ),
    # BigQuery: NAME000000000000.parquet, NAME000000000000.json.gz.
    re.compile(r"(?P<stem>.*)(?P<number>0{6}\d{6})(?P<ending>(?:\.[a-z]{2,7}){1,2})", re.ASCII),
)
# The first report of AWS: NAME-1.csv.gz. A file by itself may be called so for any reason, and what
# follows a year and a month is a day.
_PERHAPS: Final = re.compile(
    r"(?P<stem>.*(?<!20\d\d)(?<!20\d\d-\d\d)-)(?P<number>[1-9]\d{0,2})(?P<ending>\.csv\.(?:gz|zip))",
    re.ASCII,
)

_MANIFEST: Final = re.compile(r"(?:.+-)?[Mm]anifest\.json")
_LARGEST_MANIFEST: Final = 10_000_000
# Of a number out of place, all before it are missing.
_MOST_TOLD: Final = 5


@dataclass(frozen=True, slots=True, order=True)
class _Part:
    """A file whose name numbers it.

    Attributes:
        series: folder, and the name before and after the number: the same for all parts.
        place: its number; for Azure's, which have two, both.
        width: digits of the number.
        is_sure: nobody but a provider names a file so.
    """

    series: tuple[Path, str, str]
    place: tuple[int, ...]
    width: int
    is_sure: bool

    @property
    def name(self) -> str:
        _, stem, ending = self.series
        pieces = "".join(f"_{piece:04d}" for piece in self.place[1:])
        return f"{stem}{self.place[0]:0{self.width}d}{pieces}{ending}"

    def earlier(self) -> "Iterator[_Part]":
        """Yield every part that comes before it, the nearest first."""
        number, *pieces = self.place
        first = 1 if not pieces and self.width < len("0" * 12) else 0
        for piece in range(pieces[0] - 1 if pieces else 0, 0, -1):
            yield _Part(self.series, (number, piece), self.width, self.is_sure)
        for before in range(number - 1, first - 1, -1):
            yield _Part(self.series, (before, *(1 for _ in pieces)), self.width, self.is_sure)


def deliveries(paths: Iterable[Path]) -> dict[Path, tuple[Path, ...]]:
    """Return, for every file whose name numbers it, all of its delivery among `paths`, in order."""
    found: dict[tuple[Path, str, str], dict[_Part, Path]] = {}
    for path in paths:
        part = _part(path)
        if part is not None:
            found.setdefault(part.series, {})[part] = path
    return {
        path: tuple(parts[part] for part in sorted(parts))
        for parts in found.values()
        for path in parts.values()
    }


def refuse_incomplete(paths: Sequence[Path]) -> None:
    """Refuse what is only some of a delivery.

    Missing is what a manifest beside the files names, what lies beside them, and any number before
    the last one.

    Args:
        paths: files that count together, of one delivery or of several.

    Raises:
        SourceError: `partial-export`, with what is missing.
    """
    for parts in dict.fromkeys(deliveries(paths).values()):
        _refuse_missing(parts)


def _refuse_missing(paths: Sequence[Path]) -> None:
    given = {part for part in map(_part, paths) if part is not None}
    series = next(iter(given)).series
    there = _files_in(series[0])
    beside = {part for part in map(_part, there) if part and part.series == series}
    if beside <= given and len(given) == 1 and not next(iter(given)).is_sure:
        return
    before = {earlier for part in given for earlier in part.earlier()}
    listed = {part for part in _listed_in(there) if part.series == series}
    missing = sorted((beside | before | listed) - given)
    if missing:
        raise SourceError(
            SourceRef(str(paths[0])),
            "partial-export",
            "the file is part of a delivery in several files, and not all of them are here",
            details=first_of((f"missing:  {part.name}" for part in missing), _MOST_TOLD),
            do="ingest all files of the delivery with one command; rename a file that is part of"
            " none",
        )


def is_manifest(path: Path) -> bool:
    """Say whether a file only lists those of a delivery, by its name."""
    return _MANIFEST.fullmatch(path.name) is not None


def _part(path: Path) -> _Part | None:
    for pattern in (*_SURELY, _PERHAPS):
        found = pattern.fullmatch(path.name)
        if found:
            named = found.groupdict()
            pieces = [int(named["piece"])] if named.get("piece") else []
            return _Part(
                series=(path.parent, found["stem"], found["ending"]),
                place=(int(found["number"]), *pieces),
                width=1 if pieces or pattern is _PERHAPS else len(found["number"]),
                is_sure=pattern is not _PERHAPS,
            )
    return None


def _files_in(folder: Path) -> list[Path]:
    """Return what lies in a folder; nothing where that is not to be seen."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _listed_in(paths: Iterable[Path]) -> Iterator[_Part]:
    """Yield the parts that the manifests among files name; one that is none names nothing."""
    for path in filter(is_manifest, paths):
        with suppress(OSError, ValueError, RecursionError):
            if path.stat().st_size <= _LARGEST_MANIFEST:
                names = _names_in(json.loads(path.read_bytes()))
                yield from filter(None, (_part(path.parent / Path(name).name) for name in names))


def _names_in(manifest: Any) -> Iterator[str]:
    # Azure: blobs with a blobName; AWS: reportKeys of a first report, dataFiles of a data export.
    said = manifest if isinstance(manifest, dict) else {}
    for key in ("blobs", "reportKeys", "dataFiles"):
        listed = said.get(key)
        for one in listed if isinstance(listed, list) else ():
            name = one.get("blobName") if isinstance(one, dict) else one
            if isinstance(name, str):
                yield name
