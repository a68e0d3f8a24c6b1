"""Audit: who changed the books, when, how and why; every change, oldest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from metering.books import runs as run_book
from metering.books import seals as seal_book
from metering.workflows.reading import reading

if TYPE_CHECKING:
    from metering.settings import Settings


@dataclass(frozen=True, slots=True)
class Change:
    """One run that changed the books.

    Attributes:
        run_id: every row it wrote carries this number.
        at, by: when it began, and the account it ran under.
        command: as typed.
        arguments: what it was told, the reason among them; without what was left out.
        rows: table to how many rows were added; for a transaction of several runs, with the last.
        seal: digest of all of that and of every change before; "" where a later run sealed it.
        version: of the program.
    """

    run_id: int
    at: datetime
    by: str
    command: str
    arguments: Mapping[str, object]
    rows: Mapping[str, int]
    seal: str
    version: str


def changes(
    settings: "Settings", *, since: date | None = None, as_of: str | None = None
) -> tuple[Change, ...]:
    """Return every change of the books, oldest first.

    Args:
        settings: where the books are.
        since: leave out those that began before this day, UTC.
        as_of: a run or a moment, see `workflows.reading`; None for now.
    """
    with reading(settings, as_of=as_of) as connection:
        gained = seal_book.gained_by_run(connection)
        seals = seal_book.digests_by_run(connection)
        return tuple(
            Change(
                run_id=run.id,
                at=run.started_at,
                by=run.started_by,
                command=run.command,
                arguments={name: said for name, said in run.arguments.items() if said},
                rows=gained.get(run.id, {}),
                seal=seals.get(run.id, ""),
                version=run.version,
            )
            for run in run_book.list_runs(connection)
            if since is None or run.started_at.date() >= since
        )
