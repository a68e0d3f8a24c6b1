"""Find the folders that stand beside the package in a checkout and inside it in a wheel."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PACKAGE_DIR: Final = Path(__file__).resolve().parent


def migrations_dir() -> Path:
    """Return the Alembic script folder (the one that holds env.py)."""
    return _bundled("alembic", marker="env.py")


def templates_dir() -> Path:
    """Return the folder of the report templates."""
    return _bundled("reports", marker="page.html.j2")


def sample_logs_dir() -> Path:
    """Return the folder of the sample company's exports."""
    return _bundled("sample_logs", marker="README.md")


def rate_cards_dir() -> Path:
    """Return the folder of the rate cards that ship with the package."""
    return _PACKAGE_DIR / "rate_cards"


def build_digest() -> str:
    """Return what tells this build of the program from any other.

    A version says too little where somebody works on the program or on its templates.
    """
    return files_digest(_PACKAGE_DIR, templates_dir())


def files_digest(*folders: Path) -> str:
    """Return a digest of the names, sizes and times of all files in some folders."""
    digest = hashlib.sha256()
    for folder in folders:
        for line in _files_in(str(folder)):
            digest.update(f"{line}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _files_in(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if not entry.is_dir():
                said = entry.stat()
                yield f"{entry.path} {said.st_size} {said.st_mtime_ns}"
            elif entry.name != "__pycache__":
                yield from _files_in(entry.path)


def _bundled(name: str, *, marker: str) -> Path:
    # The marker is what tells our alembic/ from the Alembic library, which is the
    # sibling of this package in site-packages and would otherwise be found there.
    for candidate in (_PACKAGE_DIR / f"_{name}", _PACKAGE_DIR.parent / name):
        if (candidate / marker).exists():
            return candidate
    raise RuntimeError(f"this build of metering ships no {name}/{marker}; reinstall the wheel")
