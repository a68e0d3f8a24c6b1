"""What was ingested, and what became of it: a receipt that adds up, for the user and the book."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from metering.books import sources as source_book
from metering.errors import Rejection
from metering.ingest.contract import Ingestor, Slice
from metering.ingest.fingerprints import Fingerprint

if TYPE_CHECKING:
    from metering.usage.staging import Staging


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one file: records_in = recorded + already_known + rejected.

    Attributes:
        path: the file as the user named it.
        ingestor: what read it.
        role: what its numbers may become.
        records_in: records found in the file.
        recorded: now in the lake because of this file.
        already_known: identical records that were recorded before.
        rejected: refused, in quarantine.
        superseded: records of earlier files that larger ones of this file replaced.
        noise: lines without usage, by what they are.
        first_day, last_day: ISO charge days of the records; None without records.
        rejections: the refused records with their reasons.
        notes: what else the user should know, a sentence each.
        known_before: the same bytes were ingested before, so nothing was read anew.
    """

    path: str
    ingestor: str
    role: str
    records_in: int
    recorded: int
    already_known: int
    rejected: int
    superseded: int = 0
    noise: dict[str, int] = field(default_factory=dict)
    first_day: str | None = None
    last_day: str | None = None
    rejections: tuple[Rejection, ...] = ()
    notes: tuple[str, ...] = ()
    known_before: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """A file, and how it is read.

    Attributes:
        path: as the user named it.
        ingestor: what reads it.
        forced: the user named the ingestor.
        account: billing account of records that do not name one.
        fingerprint: what the file is, as received.
    """

    path: Path
    ingestor: Ingestor
    forced: bool
    account: str
    fingerprint: Fingerprint

    @property
    def sha256(self) -> str:
        """Of its bytes, in hexadecimal."""
        return self.fingerprint.sha256


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that was read and waits, in staging, for its transaction.

    Attributes:
        origin: the file.
        staging: where its records are, and those of the files it came with.
        rejections: records that were refused.
        noise: lines without usage, by what they are.
        slices: what it covers, if it is of a snapshot.
    """

    origin: Origin
    staging: "Staging"
    rejections: tuple[Rejection, ...]
    noise: dict[str, int]
    slices: tuple[Slice, ...]


def receipt_of_known(origin: Origin, known: source_book.StoredSource) -> Receipt:
    """Return the receipt of a file whose bytes were ingested before."""
    source = known.source
    return Receipt(
        path=str(origin.path),
        ingestor=source.ingestor,
        role=source.role,
        records_in=source.records_in,
        recorded=0,
        already_known=source.records_in - source.rejected,
        rejected=source.rejected,
        noise=dict(source.noise),
        first_day=source.first_day,
        last_day=source.last_day,
        notes=(f"the same bytes were ingested before, from {source.path}",),
        known_before=True,
    )


def source_of(origin: Origin, receipt: Receipt) -> source_book.NewSource:
    """Return what the book keeps of a file and its receipt."""
    ingestor = origin.ingestor
    return source_book.NewSource(
        content_sha256=origin.sha256,
        path=str(origin.path),
        name=origin.path.name,
        size_bytes=origin.fingerprint.size_bytes,
        ingestor=ingestor.name,
        ingestor_version=ingestor.version,
        forced=origin.forced,
        role=ingestor.role.value,
        identity=ingestor.identity.value,
        billing_account=origin.account,
        first_day=receipt.first_day,
        last_day=receipt.last_day,
        records_in=receipt.records_in,
        recorded=receipt.recorded,
        already_known=receipt.already_known,
        rejected=receipt.rejected,
        superseded=receipt.superseded,
        noise=receipt.noise,
    )
