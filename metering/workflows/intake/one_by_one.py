"""What keeps one file from being taken in, and keeps no other from it."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from metering.errors import MeteringError, SourceError
from metering.ingest.decompression import refuse_other_than_file
from metering.ingest.detection import identify

if TYPE_CHECKING:
    from metering.ingest.contract import Ingestor

Found = TypeVar("Found", bound="Ingestor")
Taken = TypeVar("Taken")


def recognised(
    path: Path, ingestors: Sequence[Found], forced: str | None = None
) -> Found | MeteringError:
    """Return the one ingestor that reads a file, or why there is none."""
    try:
        return identify(path, ingestors, forced=forced)
    except MeteringError as error:
        return error


def why_not(path: Path, error: MeteringError) -> MeteringError:
    """Return why nothing of a file is recorded, where reading and recording it ended in `error`.

    A file that went away while it was read makes whatever looked at it last complain, in words of
    its own; what is wrong then is that the file is not there.
    """
    try:
        refuse_other_than_file(path)
    except SourceError as gone:
        return gone
    return error


def size_of(path: Path) -> int:
    """Return the bytes of a file; none of one that is gone, which shows when it is read."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def whole(taken: Iterable[Taken | MeteringError]) -> Iterator[Taken]:
    """Yield what was taken up to the first file that fails; those after it are not read."""
    for one in taken:
        if isinstance(one, MeteringError):
            raise one
        yield one
