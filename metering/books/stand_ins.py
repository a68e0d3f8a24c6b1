"""Stand-ins of people who are no longer kept, see `core.ownership.stand_ins`."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from sqlalchemy import Connection, UniqueConstraint, insert, select

from metering.books.schema import BookTable, reference, row_id, strict, table_of, words
from metering.core.ownership.attribution import DirectoryEntry, Owner
from metering.core.ownership.stand_ins import entry_of


class StandInRow(BookTable, table=True):
    """What stands in the place of people of one project."""

    __tablename__: ClassVar[Any] = "stand_in"
    __table_args__ = strict(
        UniqueConstraint("key"), UniqueConstraint("cost_centre", "team", "project")
    )

    id: int | None = row_id()
    run_id: int = reference("run.id")
    key: str = words()
    cost_centre: str = words()
    team: str = words()
    project: str = words()


_STAND_IN: Final = table_of(StandInRow)


def stand_ins(connection: Connection) -> tuple[DirectoryEntry, ...]:
    """Return every stand-in as an entry of the directory, oldest first."""
    rows = connection.execute(select(_STAND_IN).order_by(_STAND_IN.c.id))
    return tuple(
        entry_of(row.key, Owner(row.cost_centre, row.team, row.project), row.run_id) for row in rows
    )


def add_stand_ins(connection: Connection, run_id: int, keys: Mapping[Owner, str]) -> None:
    """Keep new stand-ins.

    Args:
        connection: of a write transaction.
        run_id: the run that makes them.
        keys: owner, without a person, to the stand-in.
    """
    if keys:
        connection.execute(
            insert(_STAND_IN),
            [
                {
                    "run_id": run_id,
                    "key": key,
                    "cost_centre": owner.cost_centre,
                    "team": owner.team,
                    "project": owner.project,
                }
                for owner, key in sorted(keys.items())
            ],
        )
