"""Read files and record them: one by one, a delivery whole, and many small ones together.

A file that cannot be recorded is answered with why; it keeps no other from being recorded.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from metering.books import sources as source_book
from metering.books.engine import begin_read
from metering.core.ledger import DEFAULT_ACCOUNT
from metering.errors import MeteringError, Rejection, SourceError
from metering.ingest.contract import (
    Identity,
    Ingestor,
    Noise,
    PackIngestor,
    Rejections,
    Slice,
    UsageBatch,
)
from metering.ingest.deliveries import refuse_incomplete
from metering.ingest.fingerprints import Fingerprints
from metering.ingest.readers import Reader
from metering.usage.lake import Lake
from metering.usage.staging import Staging
from metering.workflows.intake.events import record_events
from metering.workflows.intake.narrower import refuse_told_twice
from metering.workflows.intake.one_by_one import size_of, why_not
from metering.workflows.intake.order import Order
from metering.workflows.intake.packing import PackReading, record_pack
from metering.workflows.intake.receipts import Origin, Reading, Receipt
from metering.workflows.intake.settling_snapshots import Said
from metering.workflows.intake.snapshots import delivery_of, record_snapshot
from metering.workflows.intake.together import delivered_together, packed_together
from metering.workflows.runs import Run

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from metering.settings import Settings

_FEWEST: Final = 2

# Opens the transaction that makes what is recorded in it visible.
Begin: TypeAlias = "Callable[[], AbstractContextManager[Connection]]"


@contextmanager
def importing(
    settings: "Settings", run: Run, order: Order, engine: "Engine", hashed: Fingerprints
) -> Iterator["Importing"]:
    """Yield one reader for all files: to open and close its engine costs as much as a small one."""
    with begin_read(engine) as connection:
        known = source_book.known_contents(connection)
        deliveries = source_book.known_deliveries(connection)
    with (
        Lake(settings.lake).staging() as folder,
        Reader(folder, settings.memory_limit, settings.threads, fingerprints=hashed) as reader,
    ):
        yield Importing(settings, run, order, reader, known, deliveries)


@dataclass(frozen=True, slots=True)
class Importing:
    """Reads and records files, one after the other or, where they are small and many, together.

    Attributes:
        known: SHA-256, ingestor and account of every source in the books, by size.
        deliveries: name, ingestor and account of every delivery in the books.
    """

    settings: "Settings"
    run: Run
    order: Order
    reader: Reader
    known: Mapping[int, frozenset[tuple[str, str, str]]]
    deliveries: frozenset[tuple[str, str, str]]

    def each(
        self, chosen: Sequence[tuple[Path, Ingestor]], begin: Begin
    ) -> Iterator[Receipt | MeteringError]:
        """Record files; yield for each, in the order given, its receipt or why there is none."""
        delivered = delivered_together(chosen, self._together_by_name(chosen))
        done: dict[Path, Receipt | MeteringError] = {}
        for ingestor, paths in packed_together(chosen):
            if paths[0] not in delivered:
                yield from self._each_of(ingestor, paths, begin)
                continue
            (path,) = paths
            if path not in done:
                done.update(self._delivered(delivered[path], ingestor, begin))
            yield done[path]

    def _each_of(
        self, ingestor: Ingestor, paths: Sequence[Path], begin: Begin
    ) -> Iterator[Receipt | MeteringError]:
        together: Mapping[int, Receipt] | None = {}
        if len(paths) >= _FEWEST and isinstance(ingestor, PackIngestor):
            try:
                together = self._together(ingestor, paths, begin)
            except MeteringError as error:
                # The books or the lake failed, which no other order of the files mends.
                yield from [error] * len(paths)
                return
        if together is None:
            # One file spoils it for all: the half without it is still read together.
            middle = len(paths) // 2
            for half in (paths[:middle], paths[middle:]):
                yield from self._each_of(ingestor, half, begin)
            return
        for place, path in enumerate(paths):
            yield together.get(place) or self._alone(ingestor, path, begin)

    def _alone(self, ingestor: Ingestor, path: Path, begin: Begin) -> Receipt | MeteringError:
        try:
            with self._reading([path], ingestor) as files, begin() as connection:
                if ingestor.identity is Identity.SNAPSHOT:
                    (receipt,) = self._recorded_snapshot(connection, files)
                    return receipt
                (reading,) = files
                return record_events(
                    connection, self.settings, self.run, reading, dry_run=self.order.dry_run
                )
        except MeteringError as error:
            return why_not(path, error)
        finally:
            self.reader.forget()

    def _delivered(
        self, paths: Sequence[Path], ingestor: Ingestor, begin: Begin
    ) -> Mapping[Path, Receipt | MeteringError]:
        """Record the files of a delivery together, or none of them."""
        try:
            refuse_incomplete(paths)
            with self._reading(paths, ingestor) as files:
                refuse_told_twice(files)
                with begin() as connection:
                    receipts = self._recorded_snapshot(connection, files)
        except MeteringError as error:
            return {path: why_not(path, error) for path in paths}
        finally:
            self.reader.forget()
        return dict(zip(paths, receipts, strict=True))

    def _recorded_snapshot(
        self, connection: "Connection", files: Sequence[Reading]
    ) -> list[Receipt]:
        said = self.order.said
        if said is Said.NOTHING and files[0].origin.ingestor.name in self.settings.in_order:
            said = Said.LATER
        return record_snapshot(
            connection, self.settings, self.run, files, dry_run=self.order.dry_run, said=said
        )

    def _together_by_name(self, chosen: Sequence[tuple[Path, Ingestor]]) -> frozenset[str]:
        """Return the names of ingestors whose files count together, whatever they are called."""
        if self.order.is_together:
            return frozenset(ingestor.name for _, ingestor in chosen)
        return self.settings.together

    def _together(
        self, ingestor: PackIngestor, paths: Sequence[Path], begin: Begin
    ) -> Mapping[int, Receipt] | None:
        """Record what can be read together; return receipts by the places of their files.

        What is not among them is left to be read alone; None: one of the files spoils it for all.
        """
        try:
            for path in paths:
                if size_of(path) in self.known:
                    self.reader.start_fingerprint(path)
            fresh = self._fresh(ingestor, paths)
        except SourceError:  # one of them is gone
            return None
        try:
            return self._recorded_together(ingestor, fresh, begin)
        finally:
            self.reader.forget()

    def _fresh(self, ingestor: Ingestor, paths: Sequence[Path]) -> list[tuple[int, Path]]:
        """Return the files that are not known, with their places; none of them twice.

        A file of a size that no known one has is not known, and its hash is not waited for.
        """
        fresh: dict[Path, int] = {}
        for place, path in enumerate(paths):
            is_likely = size_of(path) in self.known
            if not (is_likely and self._is_known(self._origin(path, ingestor))):
                fresh.setdefault(path, place)
        return [(place, path) for path, place in fresh.items()]

    def _recorded_together(
        self, ingestor: PackIngestor, files: Sequence[tuple[int, Path]], begin: Begin
    ) -> Mapping[int, Receipt] | None:
        if len(files) < _FEWEST:
            return {}
        try:
            pack = ingestor.read_pack([path for _, path in files], self.reader)
        except SourceError:
            pack = None
        if pack is None:
            return None
        read = [
            (place, self._origin(path, ingestor), held)
            for (place, path), held in zip(files, pack.files, strict=True)
            if held is not None
        ]
        if not read:
            return {}
        with self._staging(ingestor, self._account(ingestor), packed=True) as staging:
            staging.add(pack.rows)
            reading = PackReading([(origin, held) for _, origin, held in read], staging)
            try:
                with begin() as connection:
                    receipts = record_pack(
                        connection, self.settings, self.run, reading, dry_run=self.order.dry_run
                    )
            except SourceError:
                # Some of it is of usage that is metered already: one by one it shows which.
                return {}
        places = [place for place, _, _ in read]
        return dict(zip(places, receipts, strict=True)) if receipts else {}

    @contextmanager
    def _reading(self, paths: Sequence[Path], ingestor: Ingestor) -> Iterator[list[Reading]]:
        """Yield what files that count together hold, in one staging.

        What may be known is hashed before it is read: the bytes of known sources say nothing new,
        so that they need not be parsed to be told.
        """
        # Hashing runs beside reading: the bytes are needed by both, and each takes a core.
        for path in paths:
            self.reader.start_fingerprint(path)
        is_known = self.order.said is not Said.LATEST and self._are_known(paths, ingestor)
        together = len(paths) > 1
        with self._staging(ingestor, self._account(ingestor), packed=together) as staging:
            files = [
                self._read(path, ingestor, staging, together=together, is_known=is_known)
                for path in paths
            ]
            staging.finish()
            yield files

    def _read(
        self, path: Path, ingestor: Ingestor, staging: Staging, *, together: bool, is_known: bool
    ) -> Reading:
        rejections: list[Rejection] = []
        noise: Counter[str] = Counter()
        slices: list[Slice] = []
        source = self._origin(path, ingestor).sha256 if together else None
        with self.reader.writing_to(None if together else staging):
            for reading in () if is_known else ingestor.read(path, self.reader):
                match reading:
                    case UsageBatch():
                        staging.add(reading.rows, source, _only_scope(slices) if together else None)
                    case Rejections():
                        rejections.extend(reading.items)
                    case Noise():
                        noise.update(reading.counts)
                    case Slice():
                        slices.append(reading)
        return Reading(
            origin=self._origin(path, ingestor),
            staging=staging,
            rejections=tuple(rejections),
            noise=dict(sorted(noise.items())),
            slices=tuple(slices),
        )

    @contextmanager
    def _staging(
        self, ingestor: Ingestor, account: str, *, packed: bool = False
    ) -> Iterator[Staging]:
        with Lake(self.settings.lake).staging() as folder:
            yield Staging(
                self.reader.connection,
                folder / "usage",
                ingestor=ingestor.name,
                account=account,
                packed=packed,
                told_aside=ingestor.repeat.told_aside,
            )

    def _account(self, ingestor: Ingestor) -> str:
        return self.order.account or self.settings.accounts.get(ingestor.name, DEFAULT_ACCOUNT)

    def _origin(self, path: Path, ingestor: Ingestor) -> Origin:
        return Origin(
            path=path,
            ingestor=ingestor,
            forced=self.order.forced is not None,
            account=self._account(ingestor),
            fingerprint=self.reader.fingerprint(path),
        )

    def _are_known(self, paths: Sequence[Path], ingestor: Ingestor) -> bool:
        if not all(size_of(path) in self.known for path in paths):
            return False
        origins = [self._origin(path, ingestor) for path in paths]
        if len(origins) == 1:
            return self._is_known(origins[0])
        return (delivery_of(origins), ingestor.name, origins[0].account) in self.deliveries

    def _is_known(self, origin: Origin) -> bool:
        contents = self.known.get(origin.fingerprint.size_bytes, frozenset())
        return (origin.sha256, origin.ingestor.name, origin.account) in contents


def _only_scope(slices: Sequence[Slice]) -> str | None:
    """Return the scope of a file that has one; the records of one that has several name theirs."""
    scopes = {piece.scope for piece in slices}
    return scopes.pop() if len(scopes) == 1 else None
