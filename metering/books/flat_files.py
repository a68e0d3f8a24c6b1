"""Flat money: versions of the files that say what seats, credit and capacity cost.

A file is kept as it was given, since that is what finance agreed to and an auditor asks for. It is
small, and it is read again when charges are worked out; the newest version of each name is in
force.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sqlalchemy import Connection, UniqueConstraint, func, insert, select

from metering.books.runs import RunRow
from metering.books.schema import BookTable, reference, row_id, strict, table_of, whole, words


class FlatFileRow(BookTable, table=True):
    """One version of a file of flat money."""

    __tablename__: ClassVar[Any] = "flat_file"
    __table_args__ = strict(UniqueConstraint("name", "version"))

    id: int | None = row_id()
    run_id: int = reference("run.id")
    name: str = words()
    version: int = whole()
    source_sha256: str = words()
    content: str = words()


_FILE: Final = table_of(FlatFileRow)
_RUN: Final = table_of(RunRow)


@dataclass(frozen=True, slots=True)
class FlatFile:
    """One version of a file.

    Attributes:
        name: of the file, without its folder.
        version: 1 for the first of its name; the greatest is in force.
        sha256: of its bytes, hexadecimal; part of the ledger hash.
        content: its text.
        taken: ISO day on which it was taken in.
    """

    name: str
    version: int
    sha256: str
    content: str
    taken: str


def flat_files_in_force(connection: Connection) -> tuple[FlatFile, ...]:
    """Return the newest version of every file, by name."""
    newest = (
        select(_FILE.c.name, func.max(_FILE.c.version).label("version"))
        .group_by(_FILE.c.name)
        .subquery()
    )
    rows = connection.execute(
        select(
            _FILE.c.name,
            _FILE.c.version,
            _FILE.c.source_sha256,
            _FILE.c.content,
            _RUN.c.started_at,
        )
        .join(newest, (newest.c.name == _FILE.c.name) & (newest.c.version == _FILE.c.version))
        .join(_RUN, _RUN.c.id == _FILE.c.run_id)
    )
    return tuple(
        FlatFile(name, version, sha256, content, started_at.date().isoformat())
        for name, version, sha256, content, started_at in sorted(map(tuple, rows))
    )


def store_flat_file(
    connection: Connection, run_id: int, name: str, sha256: str, content: str
) -> int:
    """Keep a file as the newest version of its name, and return that version.

    Args:
        connection: of a write transaction.
        run_id: the run that brings it.
        name: of the file, without its folder.
        sha256: of its bytes, hexadecimal.
        content: the checked file.
    """
    newest = connection.execute(
        select(func.max(_FILE.c.version)).where(_FILE.c.name == name)
    ).scalar_one()
    version = int(newest or 0) + 1
    connection.execute(
        insert(_FILE).values(
            run_id=run_id,
            name=name,
            version=version,
            source_sha256=sha256,
            content=content,
        )
    )
    return version
