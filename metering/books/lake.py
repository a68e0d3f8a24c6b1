"""The manifest of the lake: a file that no row here names does not exist.

Days are ISO text. Files of usage come and go by rows alone: a rewritten file is retired; a
snapshot that a later one covers stays listed and is no longer live.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final

from sqlalchemy import (
    CheckConstraint,
    Connection,
    Index,
    UniqueConstraint,
    bindparam,
    func,
    insert,
    select,
    text,
)

from metering.books.schema import (
    BookTable,
    reference,
    row_id,
    strict,
    table_of,
    whole,
    words,
)
from metering.books.types import TEXT

FIRST_DAY: Final = "0001-01-01"
LAST_DAY: Final = "9999-12-31"

PEOPLE_FORGOTTEN: Final = "people-forgotten"
"""Why a file was rewritten whose records no longer tell whose use they were."""


class LakeFileRow(BookTable, table=True):
    """One usage file of one charge day, or the statement that a day had no usage (no path)."""

    __tablename__: ClassVar[Any] = "lake_file"
    __table_args__ = strict(
        UniqueConstraint("path"),
        CheckConstraint("(path IS NULL) = (records = 0)", name="without_records_no_file"),
        Index(None, "day"),
    )

    id: int | None = row_id()
    run_id: int = reference("run.id")
    source_id: int | None = reference("source.id", index=True)
    ingestor: str = words()
    role: str = words()
    identity: str = words()
    day: str = words()
    path: str | None = words()
    sha256: str = words()
    size_bytes: int = whole()
    records: int = whole()
    quantity: int = whole()
    models: str = words()
    meters: str = words()
    slice_provider: str = words()
    slice_account: str = words()
    slice_scope: str = words()
    slice_signature: str = words()
    slice_as_of: str = words()
    slice_last_day: str = words()
    slice_edition: int = whole()
    content_digest: str = words()


class LakeRetirementRow(BookTable, table=True):
    """A usage file whose records live on in a rewritten one; why, its reason says."""

    __tablename__: ClassVar[Any] = "lake_retirement"
    __table_args__ = strict(UniqueConstraint("lake_file_id"))

    id: int | None = row_id()
    run_id: int = reference("run.id")
    lake_file_id: int = reference("lake_file.id")
    reason: str = words()


class CellFileRow(BookTable, table=True):
    """The day cells made by one recipe."""

    __tablename__: ClassVar[Any] = "cell_file"
    __table_args__ = strict(UniqueConstraint("recipe"), Index(None, "day"))

    id: int | None = row_id()
    run_id: int = reference("run.id")
    day: str = words()
    recipe: str = words()
    path: str = words()
    sha256: str = words()
    size_bytes: int = whole()
    cells: int = whole()


_FILE: Final = table_of(LakeFileRow)
_RETIREMENT: Final = table_of(LakeRetirementRow)
_CELLS: Final = table_of(CellFileRow)


@dataclass(frozen=True, slots=True)
class NewLakeFile:
    """One usage file of one charge day.

    Attributes:
        source_id: the source whose records it holds; None where it holds those of many, each of
            which names its own.
        day: ISO charge day.
        path: relative to the lake; None for a day that a snapshot reports as without usage.
        sha256, size_bytes: of the file; "" and 0 without one.
        quantity: total of all meters of the source on that day, whichever file they are in.
        models: distinct (provider, platform, model) as canonical JSON.
        meters: names of the meters beyond the token columns as a JSON list.
        slice_provider, slice_account, slice_scope, slice_signature: the slice a snapshot replaces;
            "" for events.
        slice_as_of, slice_last_day: ISO; which of two snapshots is the later; "" if not said.
        slice_edition: higher than that of a snapshot which somebody said it is later than.
        content_digest: of the source's records of that day in any order; "" for events.
    """

    source_id: int | None
    ingestor: str
    role: str
    identity: str
    day: str
    path: str | None
    sha256: str
    size_bytes: int
    records: int
    quantity: int
    models: str = "[]"
    meters: str = "[]"
    slice_provider: str = ""
    slice_account: str = ""
    slice_scope: str = ""
    slice_signature: str = ""
    slice_as_of: str = ""
    slice_last_day: str = ""
    slice_edition: int = 0
    content_digest: str = ""

    @property
    def rank(self) -> tuple[int, str, str, int, int]:
        """What decides which of two snapshots of a day is in force: the greater one."""
        return (
            self.slice_edition,
            self.slice_as_of,
            self.slice_last_day,
            self.quantity,
            self.records,
        )


@dataclass(frozen=True, slots=True)
class LakeFile(NewLakeFile):
    """A usage file the book names.

    Attributes:
        id: of its row.
        run_id: of the run that named it.
    """

    id: int = 0
    run_id: int = 0


@dataclass(frozen=True, slots=True)
class NewCellFile:
    """The day cells made by one recipe.

    Attributes:
        day: ISO charge day.
        recipe: digest of all the cells depend on; unique.
        path: relative to the lake.
        cells: rows in the file.
    """

    day: str
    recipe: str
    path: str
    sha256: str
    size_bytes: int
    cells: int


# Of the snapshots of one slice and day the latest is live: by what somebody said, by what the
# source says of itself, then by how far it reaches and how much it holds (`NewLakeFile.rank`);
# never by when it was imported, since the order of a report's arrival must not change the ledger.
# Where two are equal in all of that their content decides, and the receipt says so.
_LIVE: Final = """
    WITH standing AS (
        SELECT f.* FROM lake_file f
        WHERE f.day BETWEEN :first_day AND :last_day
            AND NOT EXISTS (SELECT 1 FROM lake_retirement r WHERE r.lake_file_id = f.id)
    ),
    chosen AS (
        SELECT s.*, first_value(s.id) OVER (
            PARTITION BY s.slice_provider, s.slice_account, s.slice_scope, s.slice_signature,
                s.ingestor, s.day
            ORDER BY s.slice_edition DESC, s.slice_as_of {binary} DESC,
                s.slice_last_day {binary} DESC, s.quantity DESC, s.records DESC,
                s.content_digest {binary} DESC, s.id
        ) AS winner
        FROM standing s
        WHERE s.identity = 'snapshot'
    ),
    live AS (
        SELECT {columns} FROM standing WHERE identity <> 'snapshot'
        UNION ALL
        SELECT {columns} FROM chosen WHERE id = winner
    )
    SELECT {columns} FROM live
    WHERE {condition}
    ORDER BY day {binary}, ingestor {binary}, sha256 {binary}, id
"""

_KNOWN_PATHS: Final = text("""
    SELECT path FROM lake_file f
    WHERE path IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM lake_retirement r WHERE r.lake_file_id = f.id)
    UNION ALL
    SELECT path FROM cell_file c
    WHERE NOT EXISTS (
        SELECT 1 FROM lake_retirement r JOIN lake_file f ON f.id = r.lake_file_id
        WHERE r.reason = 'people-forgotten' AND f.day = c.day AND c.run_id < r.run_id
    )
""")


def add_lake_files(connection: Connection, run_id: int, rows: Sequence[NewLakeFile]) -> None:
    """Name usage files, which makes them exist.

    Raises:
        sqlalchemy.exc.IntegrityError: a path is named already, or a file is without records.
    """
    if rows:
        connection.execute(insert(_FILE), [{"run_id": run_id, **asdict(row)} for row in rows])


def retire_lake_files(
    connection: Connection, run_id: int, ids: Collection[int], reason: str
) -> None:
    """Say that files are no longer live: their records live on in rewritten ones."""
    if ids:
        connection.execute(
            insert(_RETIREMENT),
            [{"run_id": run_id, "lake_file_id": one, "reason": reason} for one in sorted(ids)],
        )


def live_files(
    connection: Connection,
    roles: Collection[str] | None = None,
    first_day: str = FIRST_DAY,
    last_day: str = LAST_DAY,
) -> list[LakeFile]:
    """Return the files that hold the usage as it now stands.

    Args:
        connection: of either kind of transaction.
        roles: those of the ingestors to take; None for all.
        first_day: ISO charge day.
        last_day: inclusive.

    Returns:
        By day, ingestor and content. A day that the latest snapshot reports as without usage is a
        row without a path: it says that whatever earlier snapshots reported is gone.
    """
    if roles is None:
        return _live(connection, "1 = 1", first_day, last_day)
    return _live(connection, "role IN :roles", first_day, last_day, roles=sorted(roles))


def live_slice(
    connection: Connection, provider: str, billing_account: str, scope: str, signature: str
) -> list[LakeFile]:
    """Return the live files of one slice of snapshots, by day."""
    return _live(
        connection,
        "identity = 'snapshot' AND slice_provider = :provider AND slice_account = :account"
        " AND slice_scope = :scope AND slice_signature = :signature",
        FIRST_DAY,
        LAST_DAY,
        provider=provider,
        account=billing_account,
        scope=scope,
        signature=signature,
    )


def event_files(connection: Connection, ingestor: str) -> list[LakeFile]:
    """Return the live files of an ingestor of events, by day: what a new event may repeat."""
    return _live(
        connection,
        "identity = 'event' AND ingestor = :ingestor",
        FIRST_DAY,
        LAST_DAY,
        ingestor=ingestor,
    )


def standing_files(connection: Connection, last_day: str) -> list[LakeFile]:
    """Return the files up to a day, inclusive, that were not rewritten, by day.

    A snapshot that a later one covers is among them, as long as the lake keeps it.
    """
    retired = select(_RETIREMENT.c.lake_file_id)
    rows = connection.execute(
        select(_FILE)
        .where(_FILE.c.path.is_not(None), _FILE.c.day <= last_day, _FILE.c.id.not_in(retired))
        .order_by(_FILE.c.day, _FILE.c.id)
    )
    return [LakeFile(**row) for row in rows.mappings()]


def last_usage_day(connection: Connection) -> str | None:
    """Return the last ISO charge day that any source has usage of; None without usage."""
    found: str | None = connection.execute(
        select(func.max(_FILE.c.day)).where(_FILE.c.path.is_not(None))
    ).scalar_one()
    return found


def cells_of_days(
    connection: Connection, first_day: str = FIRST_DAY, last_day: str = LAST_DAY
) -> dict[str, str]:
    """Return recipe to path of all cells of some days, those of superseded recipes included."""
    rows = connection.execute(
        select(_CELLS.c.recipe, _CELLS.c.path).where(_CELLS.c.day.between(first_day, last_day))
    )
    return {row.recipe: row.path for row in rows}


def add_cell_files(connection: Connection, run_id: int, rows: Sequence[NewCellFile]) -> None:
    """Name files of day cells, which makes them exist."""
    if rows:
        connection.execute(insert(_CELLS), [{"run_id": run_id, **asdict(row)} for row in rows])


def all_known_paths(connection: Connection) -> frozenset[str]:
    """Return every path the lake must keep, relative to it.

    A snapshot that a later one covers is kept, a file that was retired is not: its records are in
    the rewritten one. Cells of a day whose people are no longer kept go with its files.
    """
    return frozenset(connection.execute(_KNOWN_PATHS).scalars())


def _live(
    connection: Connection, condition: str, first_day: str, last_day: str, **values: Any
) -> list[LakeFile]:
    # PostgreSQL sorts text by its locale; the choice must be the same on every database.
    binary = 'COLLATE "C"' if connection.dialect.name == "postgresql" else ""
    names = [column.name for column in _FILE.columns]
    statement = text(_LIVE.format(columns=", ".join(names), condition=condition, binary=binary))
    if "roles" in values:
        statement = statement.bindparams(bindparam("roles", type_=TEXT, expanding=True))
    rows = connection.execute(statement, {"first_day": first_day, "last_day": last_day, **values})
    return [LakeFile(**row) for row in rows.mappings()]
