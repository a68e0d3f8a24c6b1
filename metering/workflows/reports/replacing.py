"""Replace a report's file whole, or leave what was there as it was."""

import os
from pathlib import Path

from metering.errors import BookError


def replace_file(path: Path, content: bytes) -> None:
    """Write a file whole, or leave what was there as it was.

    Raises:
        BookError: `unwritable-report`.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_bytes(content)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise BookError(
            "unwritable-report",
            f"{path} cannot be written: {error.strerror}",
            do="name another folder with --out",
        ) from error
