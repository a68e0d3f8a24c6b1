"""What a received file is once it is unpacked: plain UTF-8, without a mark in front.

Gzip, zstd and zip are streamed into a scratch file whose name is ours, so nothing in an archive can
choose where it lands. What unpacks to far more than it was is refused while it unpacks. A plain
file without a byte order mark is used where it lies.
"""

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import numpy as np
import zstandard

from metering.errors import SourceError, SourceRef, refuse_unspeakable_name

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_ZIP: Final = b"PK\x03\x04"
_EMPTY_ZIP: Final = b"PK\x05\x06"
_ARCHIVES: Final = (_GZIP, _ZSTD, _ZIP, _EMPTY_ZIP)
# In the header of a tar's first file, behind its name, which zeros fill up.
_TAR: Final = b"ustar"
_TAR_AT: Final = 257
_UTF8_MARK: Final = b"\xef\xbb\xbf"
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_HEAD: Final = 4
_LINE_END: Final = ord("\n")

_UNPACK: Final = "unpack it and ingest its files one by one"
_AGAIN: Final = "copy or download the file again; nothing of it is recorded"

_BLOCK: Final = 1 << 20
_GZIP_STEP: Final = 1 << 15
# Four bytes of zstd may stand for 128 KiB: a step of this size unpacks to 64 MiB at most.
_ZSTD_STEP: Final = 1 << 11
_ZSTD_WINDOW: Final = 1 << 27
_GZIP_WITH_HEADER: Final = 31  # zlib's way to say: a gzip header, the largest window


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """How much a compressed file may unpack to.

    Attributes:
        ratio: times its own size, from `free_bytes` on. Gateway logs reach about 40.
        free_bytes: size up to which the ratio does not matter.
    """

    ratio: int = 200
    free_bytes: int = 100_000_000


@dataclass(frozen=True, slots=True)
class PlainFile:
    """A file that can be read as it lies.

    Attributes:
        path: the received file itself, or its unpacked copy in the scratch folder.
        lines: how many it has; None for the received file itself, which is counted when hashed.
    """

    path: Path
    lines: int | None


@dataclass(slots=True)
class LineCount:
    """Counts physical lines block by block; a last line without its end counts too."""

    ends: int = 0
    last: bytes = b""

    def add(self, block: bytes | memoryview) -> None:
        """Count the line ends of the next block."""
        # Five times as fast as `bytes.count`, which starts anew behind each line end it finds.
        self.ends += int(np.count_nonzero(np.frombuffer(block, np.uint8) == _LINE_END))
        self.last = bytes(block[-1:]) or self.last

    @property
    def lines(self) -> int:
        """Lines so far."""
        return self.ends + (self.last not in (b"", b"\n"))


def plain_file(path: Path, copy: Path, limits: ArchiveLimits) -> PlainFile:
    """Return the file unpacked, without byte order mark, writing `copy` only if that is needed.

    Raises:
        SourceError: `unreadable-file`, `truncated-file`, `damaged-file`, `bad-archive` (not
            exactly one file inside, or another archive), `archive-too-large`, `bad-encoding`
            (UTF-16). Nothing of the file is recorded.
        OSError: `copy` cannot be written.
    """
    with _opened(path) as (stream, head):
        packed = head.startswith(_ARCHIVES)
        if not packed and not head.startswith(_UTF8_MARK):
            _refuse_wide_characters(path, head)
            return PlainFile(path, None)
        blocks = (
            _guarded(path, _unpacked(path, stream, head), limits) if packed else _blocks(stream)
        )
        return PlainFile(copy, _write_plain(path, _readable(path, blocks), copy))


def head_of(path: Path, size: int) -> bytes:
    """Return the first bytes of what `plain_file` would give, without unpacking the rest.

    Args:
        path: the file.
        size: how many bytes; fewer come back where there are no more.

    Raises:
        SourceError: as `plain_file`, for as much of the file as had to be looked at.
    """
    wanted = len(_UTF8_MARK) + size
    head = b""
    with _opened(path) as (stream, start):
        packed = start.startswith(_ARCHIVES)
        blocks = _unpacked(path, stream, start) if packed else _blocks(stream, wanted)
        for block in _readable(path, blocks):
            head += block
            if len(head) >= wanted:
                break
    _refuse_other_than_text(path, head, unpacked=packed)
    return head.removeprefix(_UTF8_MARK)[:size]


def refuse_other_than_file(path: Path) -> None:
    """Refuse what is no file: an unwritten pipe would be waited for, and a device never ends.

    Nor can a name that is no text be kept in the books.

    Raises:
        SourceError: `unreadable-file`.
    """
    refuse_unspeakable_name(str(path))
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise _unreadable(path, error) from error
    if not stat.S_ISREG(mode):
        kind = "a pipe" if stat.S_ISFIFO(mode) else "a folder" if stat.S_ISDIR(mode) else "a device"
        raise _refused(
            path,
            "unreadable-file",
            f"it is {kind}, not a file",
            "a source is read more than once: write it to a file and name that",
        )


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], bytes]]:
    """Yield a file at its start, and its first bytes."""
    refuse_other_than_file(path)
    with reading(path):
        stream = path.open("rb")
    with stream:
        head = next(_readable(path, _blocks(stream, _HEAD)), b"")
        stream.seek(0)
        yield stream, head


def _readable(path: Path, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield blocks; that they cannot be read is told of the file, unlike what becomes of them."""
    with reading(path):
        yield from blocks


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Tell of a file that it cannot be read, where the system says so.

    Raises:
        SourceError: `unreadable-file`.
    """
    try:
        yield
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> SourceError:
    return SourceError(
        SourceRef(str(path)),
        "unreadable-file",
        f"the file cannot be read: {error.strerror or error}",
        do="check the path and the permissions",
    )


def _write_plain(path: Path, blocks: Iterator[bytes], copy: Path) -> int:
    count = LineCount()
    with copy.open("xb") as target:
        first = next(blocks, b"")
        while 0 < len(first) < _HEAD and (more := next(blocks, b"")):
            first += more
        _refuse_other_than_text(path, first, unpacked=True)
        first = first.removeprefix(_UTF8_MARK)
        count.add(first)
        target.write(first)
        for block in blocks:
            count.add(block)
            target.write(block)
    return count.lines


def _refuse_other_than_text(path: Path, head: bytes, *, unpacked: bool) -> None:
    if unpacked and head.startswith(_ARCHIVES):
        raise _refused(path, "bad-archive", "it holds another archive", _UNPACK)
    if head.startswith(_TAR, _TAR_AT) and b"\0" in head[:_TAR_AT]:
        raise _refused(path, "bad-archive", "it is a tar archive", _UNPACK)
    _refuse_wide_characters(path, head[:_HEAD])


def _refuse_wide_characters(path: Path, head: bytes) -> None:
    # Without a mark, UTF-16 and UTF-32 show in the zero beside the first, always ASCII, character.
    if head.startswith(_UTF16_MARKS) or (len(head) > 1 and b"\0" in head[:2]):
        raise _refused(
            path,
            "bad-encoding",
            "the text is not UTF-8 but UTF-16 or wider",
            "export it again as UTF-8, or convert it, and ingest it",
        )


def _guarded(path: Path, blocks: Iterator[bytes], limits: ArchiveLimits) -> Iterator[bytes]:
    allowed = max(limits.free_bytes, limits.ratio * path.stat().st_size)
    unpacked = 0
    for block in blocks:
        unpacked += len(block)
        if unpacked > allowed:
            raise _refused(
                path,
                "archive-too-large",
                f"it unpacks to more than {limits.ratio} times its size",
                "unpack it yourself, look at it, and ingest what is inside",
            )
        yield block


def _unpacked(path: Path, stream: IO[bytes], head: bytes) -> Iterator[bytes]:
    try:
        if head.startswith(_GZIP):
            yield from _gunzipped(stream)
        elif head.startswith(_ZSTD):
            yield from _zstd_frames(stream)
        else:
            yield from _zip_member(path, stream)
    except EOFError as error:
        raise _refused(
            path, "truncated-file", "the compressed data ends before its end mark", _AGAIN
        ) from error
    except (zlib.error, zstandard.ZstdError, zipfile.BadZipFile) as error:
        raise _refused(
            path, "damaged-file", "the compressed data does not unpack", _AGAIN
        ) from error


def _gunzipped(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield what the members of a gzip file unpack to, one after the other."""
    packed = stream.read(_GZIP_STEP)
    while packed:
        member = zlib.decompressobj(_GZIP_WITH_HEADER)
        while not member.eof:
            if not packed:
                raise EOFError
            yield member.decompress(packed)
            packed = member.unused_data or stream.read(_GZIP_STEP)
        packed = packed.lstrip(b"\0")  # padding, as tape tools leave


def _zstd_frames(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield what the frames of a zstd file unpack to; its library would not see a missing end."""
    packed = stream.read(_ZSTD_STEP)
    while packed:
        frame = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
        while not frame.eof:
            if not packed:
                raise EOFError
            yield frame.decompress(packed)
            packed = frame.unused_data or stream.read(_ZSTD_STEP)


def _zip_member(path: Path, stream: IO[bytes]) -> Iterator[bytes]:
    with zipfile.ZipFile(stream) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if len(members) != 1:
            raise _refused(path, "bad-archive", f"the zip holds {len(members)} files", _UNPACK)
        # zipfile says RuntimeError for a password, NotImplementedError for an unknown method.
        with suppress(RuntimeError), archive.open(members[0]) as member:
            yield from _blocks(member)
            return
        raise _refused(
            path, "bad-archive", "the zip is locked or packed in an unknown way", _UNPACK
        )


def _blocks(stream: IO[bytes], size: int = _BLOCK) -> Iterator[bytes]:
    while block := stream.read(size):
        yield block


def _refused(path: Path, code: str, what: str, do: str) -> SourceError:
    return SourceError(SourceRef(str(path)), code, what, do=do)
