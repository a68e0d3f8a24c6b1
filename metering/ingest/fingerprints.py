"""What a source file is, as received: its hash, its size, its lines.

A large file is hashed in a thread, beside whatever else is done with it. One that is read to its
end by a single reader anyway is hashed as it is read: its bytes are fetched once. A file that is
fetched more than once must be the same each time: else the books would call bytes known that nobody
has read.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from metering.errors import SourceError, SourceRef
from metering.ingest.decompression import LineCount, reading, refuse_other_than_file

if TYPE_CHECKING:
    from io import FileIO

# A block stays in the processor's cache between being read, hashed and looked at for line ends.
_BLOCK: Final = 256 << 10


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a file is, as received.

    Attributes:
        sha256: of its bytes, in hexadecimal; two files with the same one are the same source.
        size_bytes: how many bytes.
        lines: physical lines; without meaning for a compressed file.
    """

    sha256: str
    size_bytes: int
    lines: int


@dataclass(frozen=True, slots=True)
class FileState:
    """By what a file that somebody has written to is told from what it was.

    Attributes:
        size_bytes: its length.
        changed_ns: when it was written to last, as the file system says.
    """

    size_bytes: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> "FileState | None":
        """Return the state of a file as it is now; None of one that is not there."""
        try:
            said = path.stat()
        except OSError:
            return None
        return cls(said.st_size, said.st_mtime_ns)


class Readable(Protocol):
    """A file that is read into memory that is there already."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Read at most what there is room for; return how many bytes, 0 at the end."""
        ...


def opened_as_it_lies(path: Path) -> "FileIO":
    """Open a file that is read in large pieces."""
    return path.open("rb", buffering=0)


class HashedFile:
    """A file that is hashed as it is read.

    Args:
        file: at its beginning.
    """

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._count = LineCount()
        self._size = 0

    def readinto(self, buffer: memoryview, /) -> int:
        """Read, and hash what was read."""
        length = self._file.readinto(buffer[:_BLOCK])
        block = buffer[:length]
        self._digest.update(block)
        self._count.add(block)
        self._size += length
        return length

    @property
    def fingerprint(self) -> Fingerprint:
        """What was read so far."""
        return Fingerprint(self._digest.hexdigest(), self._size, self._count.lines)


def fingerprint_of(path: Path) -> Fingerprint:
    """Return what a file is, reading it once.

    Raises:
        SourceError: `unreadable-file`.
    """
    buffer = memoryview(bytearray(_BLOCK))
    with reading(path), opened_as_it_lies(path) as stream:
        file = HashedFile(stream)
        while file.readinto(buffer):
            pass
    return file.fingerprint


class Fingerprints:
    """Hashes files, each once: in a thread, or as they are read."""

    def __init__(self) -> None:
        self._begun: dict[Path, Future[Fingerprint]] = {}
        self._states: dict[Path, FileState | None] = {}
        # One thread: hashing takes one core and leaves the others to DuckDB.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fingerprint")

    def start(self, path: Path) -> Future[Fingerprint]:
        """Begin to hash a file; the future raises what `fingerprint_of` does.

        Raises:
            SourceError: `unreadable-file`: it is no file, or not there.
        """
        if path not in self._begun:
            refuse_other_than_file(path)
            self.look_at(path)
            self._begun[path] = self._thread.submit(fingerprint_of, path)
        return self._begun[path]

    def look_at(self, path: Path) -> None:
        """Remember what state a file is in, before it is fetched."""
        self._states.setdefault(path, FileState.of(path))

    def of(self, path: Path) -> Fingerprint:
        """Return what a file is, waiting for its hash; to be asked after it is read.

        Raises:
            SourceError: `unreadable-file`; also where it is in another state than at first.
        """
        fingerprint = self.start(path).result()
        if path in self._states and self._states[path] != FileState.of(path):
            refuse_other_than_file(path)
            raise SourceError(
                SourceRef(str(path)),
                "unreadable-file",
                "somebody wrote to it while it was read",
                do="ingest it again when it is whole; nothing of it is recorded",
            )
        return fingerprint

    @contextmanager
    def opened(self, path: Path) -> Iterator[Readable]:
        """Open a file that is read to its end, and hash it as it is read, if nothing else does.

        Raises:
            OSError: it cannot be opened.
        """
        with opened_as_it_lies(path) as stream:
            if path in self._begun:
                yield stream
                return
            file = HashedFile(stream)
            yield file
            # What is written to it from now on is not in the hash, and was not read.
            self._states.pop(path, None)
            self._begun[path] = Future()
            self._begun[path].set_result(file.fingerprint)

    def close(self) -> None:
        """Finish the file at hand, and hash no other."""
        self._thread.shutdown(cancel_futures=True)
