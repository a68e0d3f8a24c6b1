"""The directory: versions of each of its files; the newest of every kind and scope is in force."""

import hashlib
from collections.abc import Iterator
from datetime import date
from typing import Any, ClassVar, Final

from sqlalchemy import Connection, UniqueConstraint, func, insert, select
from sqlmodel import Field

from metering.books.schema import BookTable, reference, row_id, strict, table_of, whole, words
from metering.books.types import DayText, JsonText
from metering.books.versions import Version, new_version
from metering.core.ownership.attribution import Directory
from metering.core.ownership.directory import CostObjects, Joined, cost_objects, joined
from metering.core.ownership.directory_files import DatedRow, DirectoryFile, Kind
from metering.core.periods import BillingPeriod
from metering.core.sharing.headcount import Presence, person_days, presences


class DirectoryFileRow(BookTable, table=True):
    """One version of one file of the directory."""

    __tablename__: ClassVar[Any] = "directory_file"
    __table_args__ = strict(UniqueConstraint("kind", "scope", "version"))

    id: int | None = row_id()
    run_id: int = reference("run.id")
    kind: str = words()
    scope: str = words()
    version: int = whole()
    source_name: str = words()
    source_sha256: str = words()
    as_of: date | None = Field(sa_type=DayText)


class DirectoryRow(BookTable, table=True):
    """One line of it: what belongs where, from one day to another."""

    __tablename__: ClassVar[Any] = "directory_row"
    __table_args__ = strict()

    id: int | None = row_id()
    directory_file_id: int = reference("directory_file.id", index=True)
    source: str = words()
    line: int = whole()
    cells: dict[str, str] = Field(sa_type=JsonText)
    valid_from: date | None = Field(sa_type=DayText)
    valid_to: date | None = Field(sa_type=DayText)


_FILE: Final = table_of(DirectoryFileRow)
_ROW: Final = table_of(DirectoryRow)


def store_directory_file(
    connection: Connection, run_id: int, file: DirectoryFile, sha256: str
) -> Version:
    """Keep a file as the newest version of its kind and scope; the one in force is not kept again.

    Args:
        connection: of a write transaction.
        run_id: the run that brings it.
        file: the checked file.
        sha256: of its bytes, hexadecimal.
    """
    version, file_id = new_version(
        connection,
        run_id,
        _FILE,
        (file.name, sha256),
        kind=file.kind.value,
        scope=file.scope,
        as_of=file.as_of,
    )
    if file_id is not None and file.rows:
        connection.execute(
            insert(_ROW),
            [
                {
                    "directory_file_id": file_id,
                    "source": row.source,
                    "line": row.line,
                    "cells": dict(row.cells),
                    "valid_from": row.valid_from,
                    "valid_to": row.valid_to,
                }
                for row in file.rows
            ],
        )
    return version


def files_in_force(connection: Connection) -> tuple[DirectoryFile, ...]:
    """Return the newest file of each kind and scope, with its rows."""
    found = _newest(connection)
    rows: dict[int, list[DatedRow]] = {row.id: [] for row in found}
    for row in connection.execute(
        select(_ROW).where(_ROW.c.directory_file_id.in_(rows)).order_by(_ROW.c.id)
    ):
        rows[row.directory_file_id].append(
            DatedRow(row.source, row.line, row.cells, row.valid_from, row.valid_to)
        )
    return tuple(
        DirectoryFile(
            Kind(row.kind), row.source_name, tuple(rows[row.id]), scope=row.scope, as_of=row.as_of
        )
        for row in found
    )


def file_versions(connection: Connection) -> dict[tuple[Kind, str], Version]:
    """Return which version of each kind and scope is in force."""
    return {
        (Kind(row.kind), row.scope): Version(row.version, row.source_name, row.source_sha256)
        for row in _newest(connection)
    }


def directory_version(connection: Connection) -> Version:
    """Return which directory is in force: how often one of its files changed, and all digests.

    A directory of one file is known by that file's digest.
    """
    found = _newest(connection)
    if not found:
        return Version(0, "", "")
    changes = connection.execute(select(func.count()).select_from(_FILE)).scalar_one()
    names = ", ".join(dict.fromkeys(row.source_name for row in found))
    if len(found) == 1:
        return Version(changes, names, found[0].source_sha256)
    said = "\n".join(f"{row.kind}\t{row.scope}\t{row.source_sha256}" for row in found)
    return Version(changes, names, hashlib.sha256(said.encode()).hexdigest())


def joined_in_force(connection: Connection) -> Joined:
    """Return the directory in force, with the days on which it finds nobody."""
    return joined(files_in_force(connection))


def directory_in_force(connection: Connection) -> Directory:
    """Return the directory in force; without any file, one that names nobody."""
    return joined_in_force(connection).directory


def rows_of_people(connection: Connection) -> Iterator[DatedRow]:
    """Yield every row that ever named a person, oldest first: of people files, and of keys."""
    for row in connection.execute(select(_ROW).order_by(_ROW.c.id)):
        if "person" in row.cells:
            yield DatedRow(row.source, row.line, row.cells, row.valid_from, row.valid_to)


def cost_objects_on(connection: Connection, day: date) -> CostObjects:
    """Return what finance knows of cost centres and projects on a day.

    Accounts of the general ledger, capex or opex, cost of goods sold or research, and the
    accountable contact of a cost centre.
    """
    return cost_objects(files_in_force(connection), day)


def headcount(connection: Connection, period: BillingPeriod) -> dict[tuple[str, str], int]:
    """Return the days of people in a period, by cost centre and team."""
    by_owner: dict[tuple[str, str], list[Presence]] = {}
    for one in presences(directory_in_force(connection)):
        by_owner.setdefault((one.owner.cost_centre, one.owner.team), []).append(one)
    return {owner: person_days(present, period) for owner, present in sorted(by_owner.items())}


def _newest(connection: Connection) -> list[Any]:
    newest = (
        select(_FILE.c.kind, _FILE.c.scope, func.max(_FILE.c.version).label("version"))
        .group_by(_FILE.c.kind, _FILE.c.scope)
        .subquery()
    )
    rows = connection.execute(
        select(_FILE).join(
            newest,
            (_FILE.c.kind == newest.c.kind)
            & (_FILE.c.scope == newest.c.scope)
            & (_FILE.c.version == newest.c.version),
        )
    )
    return sorted(rows, key=lambda row: (row.kind, row.scope))
