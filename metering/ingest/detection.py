"""Which format a file is of: decided on its content, by exactly one ingestor, or not at all.

Every ingestor is asked and answers with a reason. No order, no score, no default: a file that two
formats claim is refused like one that none claims. The file's name decides nothing.
"""

import codecs
import gzip
import zipfile
import zlib
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import zstandard

from metering.errors import SourceError, SourceRef, shown
from metering.ingest.contract import Sample, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metering.ingest.contract import Ingestor

HEAD_BYTES: Final = 64 * 1024

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_ZIP: Final = b"PK\x03\x04"
_ZSTD_STEP: Final = 256  # bytes at a time: a few of them may unpack to a hundred kilobytes
# An encrypted member is a RuntimeError to zipfile, an unknown method a NotImplementedError.
_DAMAGE: Final = (
    gzip.BadGzipFile,
    zlib.error,
    zstandard.ZstdError,
    zipfile.BadZipFile,
    RuntimeError,
)
_CHOOSE: Final = "name one with --ingestor, or see `metering ingestors`"


def identify(path: Path, ingestors: "Sequence[Ingestor]", forced: str | None = None) -> "Ingestor":
    """Return the one ingestor that reads a file.

    Args:
        path: the file.
        ingestors: all that are installed.
        forced: the name the user gave with --ingestor; then no content is looked at.

    Raises:
        SourceError: `unrecognised-source` with every reason; `ambiguous-source` with both;
            `unknown-ingestor` for a forced name; or what `sample_of` refuses. Nothing is recorded.
    """
    if forced is not None:
        return _named(path, ingestors, forced)
    sample = sample_of(path)
    verdicts = [(ingestor, _verdict(path, ingestor, sample)) for ingestor in ingestors]
    claims = [(ingestor, verdict) for ingestor, verdict in verdicts if verdict.matches]
    if len(claims) == 1:
        return claims[0][0]
    if claims:
        raise SourceError(
            SourceRef(str(path)),
            "ambiguous-source",
            f"{len(claims)} ingestors recognise it",
            details=_reasons(claims),
            do=_CHOOSE,
        )
    raise SourceError(
        SourceRef(str(path)),
        "unrecognised-source",
        "no ingestor recognises it",
        details=_reasons(verdicts),
        do=_CHOOSE,
    )


def sample_of(path: Path) -> Sample:
    """Return the head of a file, decompressed and decoded: all that identification looks at.

    Raises:
        SourceError: `unreadable-file`; `truncated-file` where compressed data ends inside the
            head; `damaged-file` where it is not what its first bytes say; `bad-archive` where a
            zip does not hold exactly one file.
    """
    try:
        head = _head(path)
    except OSError as error:
        raise SourceError(
            SourceRef(str(path)),
            "unreadable-file",
            f"the file cannot be opened: {error.strerror or error}",
            do="check the path and the permissions",
        ) from error
    is_whole = len(head) <= HEAD_BYTES
    text = _decoded(head[:HEAD_BYTES], is_whole=is_whole)
    lines = (text or "").split("\n")
    if not is_whole or not lines[-1]:
        lines.pop()
    return Sample(path.name, text, tuple(line.removesuffix("\r") for line in lines))


def _named(path: Path, ingestors: "Sequence[Ingestor]", name: str) -> "Ingestor":
    for ingestor in ingestors:
        if ingestor.name == name:
            return ingestor
    raise SourceError(
        SourceRef(str(path)),
        "unknown-ingestor",
        f"no ingestor is called {shown(name)}",
        details=("known:    " + ", ".join(sorted(ingestor.name for ingestor in ingestors)),),
        do="see `metering ingestors`",
    )


def _verdict(path: Path, ingestor: "Ingestor", sample: Sample) -> Verdict:
    try:
        return ingestor.identify(sample)
    except Exception as error:
        if type(ingestor).__module__.startswith("metering."):
            raise
        raise SourceError(
            SourceRef(str(path)),
            "plug-in-failed",
            f"the ingestor {ingestor.name} stopped while it looked at the file",
            details=(f"found:    {type(error).__name__}",),
            do="tell the author of the plug-in, or name another one with --ingestor",
        ) from error


def _reasons(verdicts: "Sequence[tuple[Ingestor, Verdict]]") -> tuple[str, ...]:
    return tuple(f"{ingestor.name}: {verdict.because}" for ingestor, verdict in verdicts)


def _decoded(head: bytes, *, is_whole: bool) -> str | None:
    # The cut at the end of the sample may fall inside a character: then that one is left out.
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head, is_whole)
    except UnicodeDecodeError:
        return None
    return text.removeprefix("\ufeff")


def _head(path: Path) -> bytes:
    """Return the first bytes of a file's content: one more than `HEAD_BYTES` if there is more."""
    with path.open("rb") as stream:
        magic = stream.read(4)
        stream.seek(0)
        try:
            return _unpacked(stream, magic, path)
        except EOFError as error:
            raise _damaged(path, "truncated-file", "ends before its end mark") from error
        except _DAMAGE as error:
            raise _damaged(path, "damaged-file", "does not unpack") from error


def _unpacked(stream: IO[bytes], magic: bytes, path: Path) -> bytes:
    if magic.startswith(_GZIP):
        with gzip.open(stream) as unpacked:
            return unpacked.read(HEAD_BYTES + 1)
    if magic == _ZSTD:
        return _zstd_head(stream)
    if magic == _ZIP:
        return _zip_head(stream, path)
    return stream.read(HEAD_BYTES + 1)


def _zstd_head(stream: IO[bytes]) -> bytes:
    # The library's own stream reader ends without a word where a truncated file does.
    head = bytearray()
    frame = zstandard.ZstdDecompressor().decompressobj()
    while len(head) <= HEAD_BYTES:
        packed = stream.read(_ZSTD_STEP)
        if not packed and not frame.eof:
            raise EOFError
        if not packed:
            break
        while packed:
            if frame.eof:
                frame = zstandard.ZstdDecompressor().decompressobj()
            head += frame.decompress(packed)
            packed = frame.unused_data
    return bytes(head[: HEAD_BYTES + 1])


def _zip_head(stream: IO[bytes], path: Path) -> bytes:
    with zipfile.ZipFile(stream) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if len(members) != 1:
            raise SourceError(
                SourceRef(str(path)),
                "bad-archive",
                f"the zip holds {len(members)} files",
                do="unpack it and ingest its files one by one",
            )
        with archive.open(members[0]) as member:
            return member.read(HEAD_BYTES + 1)


def _damaged(path: Path, code: str, what: str) -> SourceError:
    return SourceError(
        SourceRef(str(path)),
        code,
        f"the compressed data {what}",
        do="copy or download the file again; nothing of it is recorded",
    )
