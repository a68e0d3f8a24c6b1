"""All usage there is, with what decides whose it is: for those who ask, and post nothing."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from metering.books import lake as lake_book
from metering.books.engine import begin_read
from metering.books.migrations import open_books
from metering.core.ownership.attribution import attribution_fields
from metering.core.ownership.rule_review import Identity
from metering.engine.charging import charges as engine
from metering.engine.charging.at_stake import tags_told
from metering.engine.charging.detail import DETAIL_CELLS, open_detail
from metering.engine.connection import open_duckdb
from metering.usage.lake import Lake
from metering.workflows.posting.day_cells import DayCells, live_cells
from metering.workflows.posting.desired import Desired, desired_charges
from metering.workflows.posting.policy import Policy, policy_in_force
from metering.workflows.posting.post import FIRST_DAY, LAST_DAY, days_needed
from metering.workflows.reading import reading

if TYPE_CHECKING:
    import duckdb
    from sqlalchemy import Connection

    from metering.settings import Settings

ALWAYS = (FIRST_DAY, LAST_DAY)


@dataclass(frozen=True, slots=True)
class SeenUsage:
    """The open cells of usage, and what decides.

    Attributes:
        connection: of the books, for reading.
        duck: the engine, with the cells opened.
        days: first and last charge day of what is charged, inclusive.
    """

    connection: "Connection"
    duck: "duckdb.DuckDBPyConnection"
    policy: Policy
    cells: DayCells
    days: tuple[date, date]

    def identities(self) -> tuple[Identity, ...]:
        """Return what usage says in the fields that rules read, distinct; of detail too."""
        fields = sorted(attribution_fields(self.policy.rules))
        opened = [
            *(["cells"] if self.cells.files else []),
            *([DETAIL_CELLS] if self.cells.detail else []),
        ]
        rows = dict.fromkeys(
            row for name in opened for row in engine.distinct_values(self.duck, fields, name)
        )
        return tuple(dict(zip(fields, row, strict=True)) for row in rows)

    def charged(self, kept: engine.Kept) -> Desired:
        """Return what ought to be charged before cost is shared, see `desired_charges`."""
        first, last = self.cells.first, self.cells.last
        return desired_charges(
            self.duck,
            self.policy.unshared,
            (first, last) if first and last else None,
            self.days,
            kept=kept,
            detail=self.cells.detail,
        )


@contextmanager
def seen_usage(
    settings: "Settings", days: tuple[date, date] = ALWAYS, *, asked_tags: Collection[str] = ()
) -> Iterator[SeenUsage]:
    """Yield the usage that decides what some days are charged.

    Cells that are missing are rolled up into the staging folder, and vanish with it.

    Args:
        settings: where the books and the lake are.
        days: first and last charge day, inclusive.
        asked_tags: tags that cells are to keep though no rule reads them.
    """
    with reading(settings) as connection, Lake(settings.lake).staging() as staging:
        policy = policy_in_force(connection, settings)
        policy = replace(policy, asked_tags=frozenset(asked_tags))
        needed = days_needed(connection, policy, *days)
        with live_cells(connection, settings, staging, policy, needed) as (duck, cells):
            if cells.files:
                engine.open_cells(duck, cells.files)
            if cells.detail:
                open_detail(duck, cells.detail)
            yield SeenUsage(connection, duck, policy, cells, needed)


def tags_of(settings: "Settings", days: tuple[date, date]) -> dict[str, int]:
    """Return the tags of charged usage of some days, with about how many values each has."""
    books = open_books(settings.books_url)
    lake = Lake(settings.lake)
    first, last = (day.isoformat() for day in days)
    with begin_read(books) as connection, lake.staging() as staging:
        files = [
            lake.path_of(file.path)
            for file in lake_book.live_files(connection, None, first, last)
            if file.path is not None and settings.is_metered(file.ingestor, file.role)
        ]
        with open_duckdb(
            staging / "scratch", memory_limit=settings.memory_limit, threads=settings.threads
        ) as duck:
            return dict(tags_told(duck, files))


def last_used(settings: "Settings") -> date | None:
    """Return the last day with usage in the lake; None when there is none."""
    with reading(settings) as connection:
        day = lake_book.last_usage_day(connection)
    return date.fromisoformat(day) if day else None
