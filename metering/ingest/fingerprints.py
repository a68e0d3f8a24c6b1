"""What a source file is, as received: its hash, its size, its lines.

A large file is hashed in a thread, beside whatever else is done with it. One that is read to its
end by a single reader anyway is hashed as it is read: its bytes are fetched once.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

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
        # One thread: hashing takes one core and leaves the others to DuckDB.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fingerprint")

    def start(self, path: Path) -> Future[Fingerprint]:
        """Begin to hash a file; the future raises what `fingerprint_of` does.

        Raises:
            SourceError: `unreadable-file`: it is no file, or not there.
        """
        if path not in self._begun:
            refuse_other_than_file(path)
            self._begun[path] = self._thread.submit(fingerprint_of, path)
        return self._begun[path]

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
            self._begun[path] = Future()
            self._begun[path].set_result(file.fingerprint)

    def close(self) -> None:
        """Finish the file at hand, and hash no other."""
        self._thread.shutdown(cancel_futures=True)
