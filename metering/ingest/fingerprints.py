"""What a source file is, as received: its hash, its size, its lines."""

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from metering.ingest.decompression import LineCount, reading, refuse_other_than_file

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


def fingerprint_of(path: Path) -> Fingerprint:
    """Return what a file is, reading it once.

    Raises:
        SourceError: `unreadable-file`.
    """
    digest, count, size = hashlib.sha256(), LineCount(), 0
    buffer = memoryview(bytearray(_BLOCK))
    with reading(path), path.open("rb", buffering=0) as stream:
        while length := stream.readinto(buffer):
            block = buffer[:length]
            digest.update(block)
            count.add(block)
            size += length
    return Fingerprint(digest.hexdigest(), size, count.lines)


class Fingerprints:
    """Hashes files in a thread, each once, beside whatever else is done with them."""

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

    def close(self) -> None:
        """Finish the file at hand, and hash no other."""
        self._thread.shutdown(cancel_futures=True)
