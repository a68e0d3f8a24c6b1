"""Files people write, kept as versions: the newest is in force, equal content is not kept again."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from metering.books.schema import BookTable, inserted_id, reference, row_id, whole, words


class VersionRow(BookTable):
    """What tables hold of a version of a file, whatever else they keep of it."""

    id: int | None = row_id()
    run_id: int = reference("run.id")
    version: int = whole()
    source_name: str = words()
    source_sha256: str = words()


@dataclass(frozen=True, slots=True)
class Version:
    """Which version of a file is in force.

    Attributes:
        version: 1 for the first; 0 when there is none yet.
        source_name: the file's name.
        source_sha256: of its bytes, hexadecimal; part of the ledger hash.
    """

    version: int
    source_name: str
    source_sha256: str


def newest(connection: Connection, table: Table, **key: str) -> Any:
    """Return the row of the newest version, or None.

    Args:
        connection: of either kind of transaction.
        table: with the columns `version`, `source_name` and `source_sha256`.
        key: columns that tell files of one kind apart, with their values.
    """
    found = select(table).where(*(table.c[name] == value for name, value in key.items()))
    return connection.execute(found.order_by(table.c.version.desc()).limit(1)).one_or_none()


def version_of(row: Any) -> Version:
    """Return the version that a row of `newest` is."""
    if row is None:
        return Version(0, "", "")
    return Version(row.version, row.source_name, row.source_sha256)


def new_version(
    connection: Connection,
    run_id: int,
    table: Table,
    source: tuple[str, str],
    *,
    as_of: date | None = None,
    **key: str,
) -> tuple[Version, int | None]:
    """Insert the next version of a file.

    Args:
        connection: of a write transaction.
        run_id: the run that brings it.
        table: see `newest`.
        source: the file's name, and the SHA-256 of its bytes, hexadecimal.
        as_of: the day of a snapshot, where the table has such a column.
        key: see `newest`.

    Returns:
        The version in force now and the id of its row; no id when it was in force already.
    """
    before = version_of(newest(connection, table, **key))
    if before.version and (before.source_name, before.source_sha256) == source:
        return before, None
    version = Version(before.version + 1, *source)
    statement = insert(table).values(
        run_id=run_id,
        version=version.version,
        source_name=version.source_name,
        source_sha256=version.source_sha256,
        **({} if as_of is None else {"as_of": as_of}),
        **key,
    )
    return version, inserted_id(connection, statement)
