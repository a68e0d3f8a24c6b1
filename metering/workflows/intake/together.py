"""Which files are read and recorded together: packs of small ones, and deliveries in several."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final

from metering.ingest.contract import Identity, Ingestor, PackIngestor
from metering.ingest.deliveries import deliveries
from metering.workflows.intake.one_by_one import size_of

# What is read together is recorded together: a command that is killed loses no more of its work.
PACK_BYTES: Final = 1 << 30


def packed_together(
    chosen: Sequence[tuple[Path, Ingestor]],
) -> Iterator[tuple[Ingestor, list[Path]]]:
    """Yield files that can be read together, in the order given; others by themselves."""
    for ingestor, files in groupby(chosen, key=itemgetter(1)):
        paths = [path for path, _ in files]
        if isinstance(ingestor, PackIngestor):
            yield from ((ingestor, pack) for pack in _of_bounded_size(paths))
        else:
            yield from ((ingestor, [path]) for path in paths)


def _of_bounded_size(paths: Sequence[Path]) -> Iterator[list[Path]]:
    pack: list[Path] = []
    held = 0
    for path in paths:
        size = size_of(path)
        if pack and held + size > PACK_BYTES:
            yield pack
            pack, held = [], 0
        pack.append(path)
        held += size
    yield pack


def delivered_together(
    chosen: Sequence[tuple[Path, Ingestor]], together: Collection[str] = ()
) -> Mapping[Path, tuple[Path, ...]]:
    """Return the files of snapshots that are, by their names, of a delivery in several files.

    Args:
        chosen: files, and what reads each.
        together: names of ingestors whose files count together, whatever they are called.

    Returns:
        Each of them with all of its delivery among `chosen`, in order; it alone where that is all.
    """
    by_ingestor: dict[str, list[Path]] = {}
    for path, ingestor in chosen:
        # An event is known by its id, whatever file it is in.
        if ingestor.identity is Identity.SNAPSHOT:
            by_ingestor.setdefault(ingestor.name, []).append(path)
    found: dict[Path, tuple[Path, ...]] = {}
    for name, paths in by_ingestor.items():
        if name in together and len(set(paths)) > 1:
            found |= dict.fromkeys(paths, tuple(dict.fromkeys(paths)))
        else:
            found |= deliveries(paths)
    return found
