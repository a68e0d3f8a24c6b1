"""Which format a file is of: decided on its content, by exactly one ingestor, or not at all.

Every ingestor is asked and answers with a reason. No order, no score, no default: a file that two
formats claim is refused like one that none claims. The file's name decides nothing.
"""

import codecs
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from metering.errors import SourceError, SourceRef, shown
from metering.ingest.bulk.parquet_source import PARQUET_MARK, parquet_columns
from metering.ingest.contract import Sample, Verdict
from metering.ingest.decompression import head_of
from metering.ingest.unread_exports import unread_export

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metering.ingest.contract import Ingestor

HEAD_BYTES: Final = 64 * 1024

Found = TypeVar("Found", bound="Ingestor")

_NEAREST: Final = 5
_CHOOSE: Final = "name one with --ingestor, or see `metering ingestors`"


# What a spreadsheet may write between the columns of a table in place of commas.
_OTHER_SEPARATORS: Final = {";": "semicolons", "\t": "tabs"}
_FEWEST_COLUMNS: Final = 3


def identify(path: Path, ingestors: "Sequence[Found]", forced: str | None = None) -> Found:
    """Return the one ingestor that reads a file.

    Args:
        path: the file.
        ingestors: all that are installed.
        forced: the name the user gave with --ingestor; then no content is looked at.

    Raises:
        SourceError: `unrecognised-source` with the reasons of the formats that are nearest;
            `ambiguous-source` with those of all that claim it; `unsupported-export` for a known
            export that is not read, with what is;
            `unknown-ingestor` for a forced name; or what `sample_of` refuses. Nothing is recorded.
    """
    if forced is not None:
        return named(forced, ingestors, str(path))
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
    unread = unread_export(sample)
    if unread:
        raise SourceError(
            SourceRef(str(path)),
            "unsupported-export",
            f"it is {unread.name}, which is not read",
            details=(f"because:  {unread.because}",),
            do=unread.instead,
        )
    raise SourceError(
        SourceRef(str(path)),
        "unrecognised-source",
        "no ingestor recognises it",
        details=_unlike_any(sample) or _nearest(verdicts),
        do=_CHOOSE,
    )


def sample_of(path: Path) -> Sample:
    """Return the head of a file, unpacked and decoded: all that identification looks at.

    What a Parquet file holds stands at its end, so of one that is packed again nothing is known.

    Raises:
        SourceError: as `decompression.head_of`: it cannot be read or unpacked, holds not exactly
            one file, or is UTF-16; `damaged-file` for Parquet without a readable end.
    """
    head = head_of(path, HEAD_BYTES + 1)
    if head.startswith(PARQUET_MARK):
        return Sample(path.name, None, (), _columns_of_parquet(path))
    is_whole = len(head) <= HEAD_BYTES
    text = _decoded(head[:HEAD_BYTES], is_whole=is_whole)
    lines = (text or "").split("\n")
    if not is_whole or not lines[-1]:
        lines.pop()
    return Sample(path.name, text, tuple(line.removesuffix("\r") for line in lines))


def named(name: str, ingestors: "Sequence[Found]", where: str) -> Found:
    """Return the ingestor of a name.

    Args:
        name: as the user gave it.
        ingestors: all that are installed.
        where: what the message begins with: the file it was named for.

    Raises:
        SourceError: `unknown-ingestor`, with the names that are spelt like it.
    """
    for ingestor in ingestors:
        if ingestor.name == name:
            return ingestor
    alike = get_close_matches(name, [ingestor.name for ingestor in ingestors], n=4, cutoff=0.4)
    raise SourceError(
        SourceRef(where),
        "unknown-ingestor",
        f"no ingestor is called {shown(name)}",
        details=(f"nearest:  {', '.join(alike)}",) if alike else (),
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


def _unlike_any(sample: Sample) -> tuple[str, ...]:
    """Return why no format could match, whichever are installed; nothing where one could."""
    if sample.columns:
        return ()
    if sample.head is None:
        return ("its first 64 KiB are not text in UTF-8",)
    if not sample.head.strip():
        return ("it is empty",)
    first = sample.lines[0] if sample.lines else ""
    for separator, called in _OTHER_SEPARATORS.items():
        if first.count(separator) >= _FEWEST_COLUMNS and not first.startswith(("{", "[")):
            return (f"its columns are separated by {called}, and those of a CSV by commas",)
    return ()


def _nearest(verdicts: "Sequence[tuple[Ingestor, Verdict]]") -> tuple[str, ...]:
    """Return why the formats do not match that a file has most names in common with."""
    if len(verdicts) <= _NEAREST:
        return _reasons(verdicts)
    ranked = sorted(verdicts, key=lambda one: (-one[1].found, one[0].name))
    near = [one for one in ranked[:_NEAREST] if one[1].found]
    if not near:
        return ("no format has a name in common with it",)
    rest = len(verdicts) - len(near)
    return (*_reasons(near), f"{rest} others have less in common with it, or nothing")


def _reasons(verdicts: "Sequence[tuple[Found, Verdict]]") -> tuple[str, ...]:
    return tuple(f"{ingestor.name}: {verdict.because}" for ingestor, verdict in verdicts)


def _columns_of_parquet(path: Path) -> tuple[str, ...]:
    with path.open("rb") as stream:
        is_packed = not stream.read(len(PARQUET_MARK)).startswith(PARQUET_MARK)
    return () if is_packed else parquet_columns(path, path)


def _decoded(head: bytes, *, is_whole: bool) -> str | None:
    # The cut at the end of the sample may fall inside a character: then that one is left out.
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(head, is_whole)
    except UnicodeDecodeError:
        return None
