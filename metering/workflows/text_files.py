"""Files that people write (owners, rules, invoices), read as bytes once: text and its digest."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from metering.errors import SourceError, SourceRef, refuse_unspeakable_name


@dataclass(frozen=True, slots=True)
class TextFile:
    """One file.

    Attributes:
        path: as the user named it.
        text: decoded.
        sha256: of its bytes, hexadecimal.
        size_bytes: of the file.
    """

    path: Path
    text: str
    sha256: str
    size_bytes: int


def read_text(path: Path) -> TextFile:
    """Return a file's text.

    Raises:
        SourceError: `unreadable-file`, or `bad-encoding` for anything but UTF-8: an encoding is
            never guessed.
    """
    refuse_unspeakable_name(str(path))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SourceError(
            SourceRef(str(path)),
            "unreadable-file",
            f"it cannot be read: {error.strerror}",
            do="check the path and its permissions",
        ) from error
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(
            SourceRef(str(path), content.count(b"\n", 0, error.start) + 1),
            "bad-encoding",
            f"byte {error.start} is not UTF-8",
            do="save the file as UTF-8 and give it again",
        ) from error
    return TextFile(path, text, hashlib.sha256(content).hexdigest(), len(content))
