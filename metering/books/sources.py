"""Sources: files as received, their receipts, and the records that were refused."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Final

from sqlalchemy import CheckConstraint, Connection, UniqueConstraint, func, insert, select
from sqlmodel import Field

from metering.books.schema import (
    BookTable,
    flag_check,
    in_blocks,
    inserted_id,
    reference,
    row_id,
    strict,
    table_of,
    whole,
    words,
)
from metering.books.types import Flag, JsonText
from metering.errors import Rejection


class SourceRow(BookTable, table=True):
    """A file that was ingested for a billing account by an ingestor, with its receipt."""

    __tablename__: ClassVar[Any] = "source"
    __table_args__ = strict(
        UniqueConstraint("content_sha256", "ingestor", "billing_account", "delivery"),
        CheckConstraint("records_in = recorded + already_known + rejected", name="receipt_adds_up"),
        flag_check("forced"),
    )

    id: int | None = row_id()
    run_id: int = reference("run.id", index=True)
    content_sha256: str = words()
    path: str = words()
    name: str = words()
    size_bytes: int = whole()
    ingestor: str = words()
    ingestor_version: int = whole()
    forced: bool = Field(sa_type=Flag)
    role: str = words()
    identity: str = words()
    billing_account: str = words()
    delivery: str = words()
    first_day: str | None = words()
    last_day: str | None = words()
    records_in: int = whole()
    recorded: int = whole()
    already_known: int = whole()
    rejected: int = whole()
    superseded: int = whole()
    noise: dict[str, int] = Field(sa_type=JsonText)


class QuarantineRow(BookTable, table=True):
    """One record that was refused, kept until somebody deals with it."""

    __tablename__: ClassVar[Any] = "quarantine"
    __table_args__ = strict()

    id: int | None = row_id()
    run_id: int = reference("run.id")
    source_id: int = reference("source.id", index=True)
    line: int = whole()
    code: str = words()
    field: str = words()
    found: str = words()
    expected: str = words()
    remedy: str = words()


class QuarantineResolutionRow(BookTable, table=True):
    """What became of a refused record."""

    __tablename__: ClassVar[Any] = "quarantine_resolution"
    __table_args__ = strict(UniqueConstraint("quarantine_id"))

    id: int | None = row_id()
    run_id: int = reference("run.id")
    quarantine_id: int = reference("quarantine.id")
    resolution: str = words()


class QuarantineOwnerRow(BookTable, table=True):
    """Who sees to a refused record; the last one said counts."""

    __tablename__: ClassVar[Any] = "quarantine_owner"
    __table_args__ = strict()

    id: int | None = row_id()
    run_id: int = reference("run.id")
    quarantine_id: int = reference("quarantine.id", index=True)
    owner: str = words()


_SOURCE: Final = table_of(SourceRow)
_OWNER: Final = table_of(QuarantineOwnerRow)
_QUARANTINE: Final = table_of(QuarantineRow)
_RESOLUTION: Final = table_of(QuarantineResolutionRow)


@dataclass(frozen=True, slots=True)
class NewSource:
    """A file that was read, and its receipt.

    Attributes:
        content_sha256: of the content that identifies the file, hexadecimal.
        path, name: as the user named it; its last part.
        forced: the ingestor was named by the user, not recognised.
        role, identity: as charged: after `[roles]` of metering.toml.
        delivery: what it came with, where it is one of several files that count together: the same
            for all of them; else "".
        first_day, last_day: ISO charge days covered, inclusive; None without any record.
        records_in: everything that claims to be a record: recorded + already known + rejected.
        superseded: earlier records that these replace.
        noise: what is known to carry no usage, in words, and how many.
    """

    content_sha256: str
    path: str
    name: str
    size_bytes: int
    ingestor: str
    ingestor_version: int
    role: str
    identity: str
    billing_account: str
    first_day: str | None
    last_day: str | None
    records_in: int
    recorded: int
    already_known: int
    rejected: int
    superseded: int = 0
    delivery: str = ""
    forced: bool = False
    noise: Mapping[str, int] = field(default_factory=dict)


_OF_NEW_SOURCE: Final = tuple(one.name for one in fields(NewSource))


@dataclass(frozen=True, slots=True)
class StoredSource:
    """A source in the books; `source` says the rest."""

    id: int
    run_id: int
    source: NewSource


@dataclass(frozen=True, slots=True)
class ReceiptTotals:
    """The receipts of all sources, added up."""

    sources: int
    records_in: int
    recorded: int
    already_known: int
    rejected: int
    superseded: int


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One refused record.

    Attributes:
        path: the file as the user named it.
        ingestor: what read it.
        resolution: what became of it; "" while it is open.
        owner: who sees to it; "" for nobody.
    """

    id: int
    source_id: int
    path: str
    ingestor: str
    rejection: Rejection
    resolution: str
    owner: str = ""


def find_source(
    connection: Connection, content_sha256: str, ingestor: str, billing_account: str
) -> StoredSource | None:
    """Return the source with this content, read so before, or None; the first of several."""
    row = connection.execute(
        select(_SOURCE)
        .where(
            _SOURCE.c.content_sha256 == content_sha256,
            _SOURCE.c.ingestor == ingestor,
            _SOURCE.c.billing_account == billing_account,
        )
        .order_by(_SOURCE.c.id)
        .limit(1)
    ).first()
    return None if row is None else _stored(row)


def sources_of_delivery(
    connection: Connection, delivery: str, ingestor: str, billing_account: str
) -> dict[str, StoredSource]:
    """Return the files of a delivery that was read so before, by their SHA-256; none if not."""
    rows = connection.execute(
        select(_SOURCE).where(
            _SOURCE.c.delivery == delivery,
            _SOURCE.c.ingestor == ingestor,
            _SOURCE.c.billing_account == billing_account,
        )
    )
    return {stored.source.content_sha256: stored for stored in map(_stored, rows)}


def are_known(
    connection: Connection, contents: Collection[str], ingestor: str, billing_account: str
) -> bool:
    """Say whether any content was read so before."""
    return any(
        connection.execute(
            select(_SOURCE.c.id)
            .where(
                _SOURCE.c.content_sha256.in_(block),
                _SOURCE.c.ingestor == ingestor,
                _SOURCE.c.billing_account == billing_account,
            )
            .limit(1)
        ).first()
        for block in in_blocks(sorted(contents))
    )


def known_contents(connection: Connection) -> dict[int, frozenset[tuple[str, str, str]]]:
    """Return the SHA-256, ingestor and billing account of every source, by size in bytes."""
    columns = ("size_bytes", "content_sha256", "ingestor", "billing_account")
    found: dict[int, set[tuple[str, str, str]]] = {}
    for row in connection.execute(select(*(_SOURCE.c[name] for name in columns))):
        found.setdefault(row[0], set()).add((row[1], row[2], row[3]))
    return {size: frozenset(contents) for size, contents in found.items()}


def known_deliveries(connection: Connection) -> frozenset[tuple[str, str, str]]:
    """Return the name, ingestor and billing account of every delivery in several files."""
    columns = ("delivery", "ingestor", "billing_account")
    rows = connection.execute(
        select(*(_SOURCE.c[name] for name in columns)).where(_SOURCE.c.delivery != "").distinct()
    )
    return frozenset((row[0], row[1], row[2]) for row in rows)


def list_sources(connection: Connection) -> tuple[StoredSource, ...]:
    """Return every source in the order it came."""
    return tuple(_stored(row) for row in connection.execute(select(_SOURCE).order_by(_SOURCE.c.id)))


def add_source(connection: Connection, run_id: int, source: NewSource) -> int:
    """Record a source and return its id.

    Raises:
        sqlalchemy.exc.IntegrityError: its receipt does not add up, or it is known; both are our
            defects, since the caller asks `find_source` first.
    """
    return inserted_id(connection, insert(_SOURCE).values(run_id=run_id, **asdict(source)))


def add_sources(connection: Connection, run_id: int, sources: Sequence[NewSource]) -> list[int]:
    """Record some sources and return their ids, in the same order.

    Raises:
        sqlalchemy.exc.IntegrityError: as `add_source`.
    """
    if not sources:
        return []
    statement = insert(_SOURCE).returning(_SOURCE.c.id, sort_by_parameter_order=True)
    # `asdict` copies whatever a field holds, and takes longer than the insert.
    rows = [
        {"run_id": run_id, **{name: getattr(source, name) for name in _OF_NEW_SOURCE}}
        for source in sources
    ]
    return list(connection.execute(statement, rows).scalars())


def add_quarantine(
    connection: Connection, run_id: int, source_id: int, rejections: Sequence[Rejection]
) -> None:
    """Keep the refused records of a source."""
    if rejections:
        connection.execute(
            insert(_QUARANTINE),
            [{"run_id": run_id, "source_id": source_id, **asdict(r)} for r in rejections],
        )


def receipt_totals(connection: Connection) -> ReceiptTotals:
    """Return the receipts of all sources, added up."""
    names = ("records_in", "recorded", "already_known", "rejected", "superseded")
    sums = (func.coalesce(func.sum(_SOURCE.c[name]), 0) for name in names)
    row = connection.execute(select(func.count(), *sums).select_from(_SOURCE)).one()
    return ReceiptTotals(*(int(value) for value in row))


def quarantine_list(connection: Connection, *, open_only: bool = True) -> tuple[Quarantined, ...]:
    """Return the refused records by source and line; with `open_only`, those not yet resolved."""
    statement = _quarantined().order_by(
        _QUARANTINE.c.source_id, _QUARANTINE.c.line, _QUARANTINE.c.id
    )
    if open_only:
        statement = statement.where(_RESOLUTION.c.id.is_(None))
    return tuple(_refused(row) for row in connection.execute(statement))


def quarantine_show(connection: Connection, quarantine_id: int) -> Quarantined | None:
    """Return one refused record, or None when there is no such id."""
    row = connection.execute(_quarantined().where(_QUARANTINE.c.id == quarantine_id)).one_or_none()
    return None if row is None else _refused(row)


def resolve_quarantine(
    connection: Connection, run_id: int, quarantine_ids: Sequence[int], resolution: str
) -> None:
    """Say what became of refused records: retried, accepted and so on.

    Raises:
        sqlalchemy.exc.IntegrityError: one is resolved already or does not exist; the caller lists
            the open ones first, in the same transaction.
    """
    if quarantine_ids:
        connection.execute(
            insert(_RESOLUTION),
            [
                {"run_id": run_id, "quarantine_id": one, "resolution": resolution}
                for one in quarantine_ids
            ],
        )


def unowned_quarantine(connection: Connection) -> tuple[Quarantined, ...]:
    """Return the open refused records that nobody sees to, by source and line."""
    return tuple(one for one in quarantine_list(connection) if not one.owner)


def assign_quarantine(
    connection: Connection, run_id: int, quarantine_ids: Sequence[int], owner: str
) -> None:
    """Say who sees to refused records."""
    if quarantine_ids:
        connection.execute(
            insert(_OWNER),
            [{"run_id": run_id, "quarantine_id": one, "owner": owner} for one in quarantine_ids],
        )


def _stored(row: Any) -> StoredSource:
    values = row._asdict()
    return StoredSource(values.pop("id"), values.pop("run_id"), NewSource(**values))


def _quarantined() -> Any:
    return (
        select(
            _QUARANTINE,
            _SOURCE.c.path,
            _SOURCE.c.ingestor,
            _RESOLUTION.c.resolution,
            _last_owner(),
        )
        .join(_SOURCE, _SOURCE.c.id == _QUARANTINE.c.source_id)
        .outerjoin(_RESOLUTION, _RESOLUTION.c.quarantine_id == _QUARANTINE.c.id)
    )


def _last_owner() -> Any:
    return (
        select(_OWNER.c.owner)
        .where(_OWNER.c.quarantine_id == _QUARANTINE.c.id)
        .order_by(_OWNER.c.id.desc())
        .limit(1)
        .correlate(_QUARANTINE)
        .scalar_subquery()
        .label("owner")
    )


def _refused(row: Any) -> Quarantined:
    rejection = Rejection(row.line, row.code, row.field, row.found, row.expected, row.remedy)
    return Quarantined(
        row.id,
        row.source_id,
        row.path,
        row.ingestor,
        rejection,
        row.resolution or "",
        row.owner or "",
    )
