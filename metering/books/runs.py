"""Runs: every change of the books belongs to one, so this table is the audit log."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import Connection, insert, select
from sqlmodel import Field

from metering import __version__
from metering.books.schema import BookTable, inserted_id, row_id, strict, table_of, words
from metering.books.seals import UNSEALED
from metering.books.types import JsonText, UtcDateTime


class RunRow(BookTable, table=True):
    """One command that changed the books."""

    __tablename__: ClassVar[Any] = "run"
    __table_args__ = strict()

    id: int | None = row_id()
    command: str = words()
    arguments: dict[str, Any] = Field(sa_type=JsonText)
    started_at: datetime = Field(sa_type=UtcDateTime)
    started_by: str = words()
    version: str = words()


_RUN: Final = table_of(RunRow)


@dataclass(frozen=True, slots=True)
class Run:
    """One command that changed the books.

    Attributes:
        command: as typed, e.g. "ingest".
        arguments: what it was given; never a secret.
        started_at: when, UTC.
        started_by: who, as the operating system says.
        version: of the program.
    """

    id: int
    command: str
    arguments: Mapping[str, object]
    started_at: datetime
    started_by: str
    version: str


def record_run(
    connection: Connection,
    command: str,
    arguments: Mapping[str, object],
    started_at: datetime,
    user: str,
) -> int:
    """Record a run and return its id, which every row the run writes carries.

    Args:
        connection: of a write transaction.
        command: as typed, e.g. "ingest".
        arguments: what it was given, as JSON can say it; never a secret.
        started_at: UTC; the caller reads the clock once.
        user: who, as the operating system says.
    """
    statement = insert(_RUN).values(
        command=command,
        arguments=dict(arguments),
        started_at=started_at,
        started_by=user,
        version=__version__,
    )
    run_id = inserted_id(connection, statement)
    connection.info[UNSEALED] = run_id
    return run_id


def last_run(connection: Connection) -> Run | None:
    """Return the last run, or None before the first."""
    row = connection.execute(select(_RUN).order_by(_RUN.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else Run(*row)


def runs_after(connection: Connection, run_id: int) -> tuple[Run, ...]:
    """Return the runs after one, oldest first."""
    rows = connection.execute(select(_RUN).where(_RUN.c.id > run_id).order_by(_RUN.c.id))
    return tuple(Run(*row) for row in rows)


def list_runs(connection: Connection) -> tuple[Run, ...]:
    """Return every run, oldest first."""
    rows = connection.execute(select(_RUN).order_by(_RUN.c.id))
    return tuple(Run(*row) for row in rows)
