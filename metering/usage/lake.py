"""The lake: a folder of immutable Parquet files that exist only when the book names them.

    usage/day=2026-10-01/<source>-<content>.parquet    usage records
    cells/day=2026-10-01/<recipe>.parquet              day cells, derived from them
    outcomes/<source>-<content>.parquet                outcomes
    staging/<import>/                                  an import in preparation

A file is written in staging, synced, and renamed to a name made of its content; then one SQL
transaction in the book makes it visible. Whatever a killed import leaves behind is unlisted and
therefore nothing; `collect_garbage` removes it.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from metering.errors import BookError

_BLOCK_BYTES: Final = 1 << 20
_NAME_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class Published:
    """A file that is in place and waits for the book to name it.

    Attributes:
        path: relative to the lake, with forward slashes.
        sha256: of its bytes, hexadecimal.
        size_bytes: its length.
    """

    path: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Lake:
    """The lake under one folder.

    Attributes:
        root: the folder; made when first written to.
    """

    root: Path

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Yield a fresh folder on the lake's own file system; it is gone afterwards.

        Raises:
            BookError: `storage-failed`; the disk is full, read-only or broken. Whatever was being
                done is given up, and the book is as it was.
        """
        parent = self.root / "staging"
        folder: Path | None = None
        try:
            parent.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(dir=parent))
            yield folder
        except (OSError, _engine_error()) as error:
            raise BookError(
                "storage-failed",
                f"the lake at {self.root} cannot be used: {error}",
                do="make room or give access, and run the command again; nothing was recorded",
            ) from error
        finally:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)

    def publish_usage(self, staged: Path, *, day: str, source: str) -> Published:
        """Move one staged file of usage records to its place.

        Args:
            staged: a Parquet file on the lake's file system.
            day: ISO charge day.
            source: SHA-256 of the source file, hexadecimal.
        """
        sha256 = file_sha256(staged)
        name = f"{source[:_NAME_DIGITS]}-{sha256[:_NAME_DIGITS]}.parquet"
        return self._place(staged, f"usage/day={day}/{name}", sha256)

    def publish_cells(self, staged: Path, *, day: str, recipe: str) -> Published:
        """Move one staged file of day cells to its place; `recipe` names what it was made of."""
        return self._place(staged, f"cells/day={day}/{recipe}.parquet", file_sha256(staged))

    def publish_outcomes(self, staged: Path, *, source: str) -> Published:
        """Move one staged file of outcomes to its place; `source` as for `publish_usage`."""
        sha256 = file_sha256(staged)
        name = f"{source[:_NAME_DIGITS]}-{sha256[:_NAME_DIGITS]}.parquet"
        return self._place(staged, f"outcomes/{name}", sha256)

    def sync(self, published: Iterable[Published]) -> None:
        """Make files and their folders durable; call once, before the book names them."""
        folders = set()
        for file in published:
            path = self.root / file.path
            _sync_path(path)
            folders.add(path.parent)
        for folder in sorted(folders | {folder.parent for folder in folders}):
            _sync_path(folder)

    def path_of(self, relative: str) -> Path:
        """Return the place of a listed file."""
        return self.root / relative

    def collect_garbage(self, known: Collection[str], *, before: float) -> tuple[str, ...]:
        """Remove files no book entry names and staging folders of dead imports.

        Args:
            known: paths relative to the lake that the book names.
            before: POSIX time; younger files stay, an import may be about to name them.

        Returns:
            What was removed, relative to the lake, sorted.
        """
        removed = []
        for pattern in ("usage/day=*/*.parquet", "cells/day=*/*.parquet", "outcomes/*.parquet"):
            for path in sorted(self.root.glob(pattern)):
                relative = path.relative_to(self.root).as_posix()
                if relative not in known and path.stat().st_mtime < before:
                    path.unlink()
                    removed.append(relative)
        for path in sorted((self.root / "staging").glob("*")):
            if path.stat().st_mtime < before:
                shutil.rmtree(path, ignore_errors=True)
                removed.append(path.relative_to(self.root).as_posix())
        return tuple(removed)

    def remove_unknown(self, day: str, known: Collection[str]) -> tuple[str, ...]:
        """Remove the files of a charge day that no book entry names, and return them, sorted.

        Args:
            day: ISO charge day; no import may be about to name files of it.
            known: paths relative to the lake that the book names.
        """
        removed = []
        for folder in ("usage", "cells"):
            for path in sorted((self.root / folder / f"day={day}").glob("*.parquet")):
                relative = path.relative_to(self.root).as_posix()
                if relative not in known:
                    path.unlink()
                    removed.append(relative)
        return tuple(removed)

    def _place(self, staged: Path, relative: str, sha256: str) -> Published:
        target = self.root / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        size = staged.stat().st_size
        staged.replace(target)
        return Published(relative, sha256, size)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal; memory is bounded."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _engine_error() -> type[Exception]:
    """Return what the engine raises where it cannot read or write a file."""
    import duckdb  # noqa: PLC0415 - only asked for once something was raised

    return duckdb.IOException


def _sync_path(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
