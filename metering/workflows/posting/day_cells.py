"""Day cells up to date: reuse those whose recipe is known, roll up the rest."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from metering.books import lake as lake_book
from metering.core.pricing.price_changes import boundaries, prompt_bounds
from metering.engine.connection import open_duckdb
from metering.engine.rollup.cells import Cuts, DayUsage, RollUp, build_cells, recipe
from metering.engine.rollup.on_duckdb import DuckDbRollUp
from metering.usage.lake import Lake, Published

if TYPE_CHECKING:
    import duckdb
    from sqlalchemy import Connection

    from metering.settings import Settings
    from metering.workflows.posting.policy import Policy


@dataclass(frozen=True, slots=True)
class NewCells:
    """Cells that were rolled up just now and that the book does not name yet."""

    day: str
    recipe: str
    path: Path
    cells: int


@dataclass(frozen=True, slots=True)
class DayCells:
    """The cells of the days in question.

    Attributes:
        files: absolute paths, known and new.
        new: those that were rolled up now, still in staging.
        first, last: charge days with usage; None when there are none.
        detail: absolute paths of the cells of usage that only divides.
    """

    files: tuple[Path, ...]
    new: tuple[NewCells, ...]
    first: date | None
    last: date | None
    detail: tuple[Path, ...] = ()


@contextmanager
def live_cells(
    connection: "Connection",
    settings: "Settings",
    staging: Path,
    policy: "Policy",
    days: tuple[date, date],
) -> Iterator[tuple["duckdb.DuckDBPyConnection", DayCells]]:
    """Yield the engine and the cells of all usage that may be charged on some days.

    Args:
        connection: of either kind of transaction.
        settings: the lake, and which ingestors may be charged.
        staging: folder on the lake's file system; new cells wait there.
        policy: decides where cells must not add up.
        days: first and last charge day, inclusive.
    """
    first, last = (day.isoformat() for day in days)
    live = lake_book.live_files(connection, None, first, last)
    files = [file for file in live if settings.is_metered(file.ingestor, file.role)]
    finer = [file for file in live if settings.divides(file.ingestor, file.role)]
    known = lake_book.cells_of_days(connection, first, last)
    with open_duckdb(
        staging / "scratch", memory_limit=settings.memory_limit, threads=settings.threads
    ) as duck:
        lake = Lake(settings.lake)
        engine = partial(rolls_up, settings, duck)
        cells = day_cells(engine, lake, staging / "cells", files, known, policy)
        detail = day_cells(engine, lake, staging / "detail", finer, known, policy)
        yield duck, replace(cells, detail=detail.files, new=(*cells.new, *detail.new))


@contextmanager
def rolls_up(settings: "Settings", connection: "duckdb.DuckDBPyConnection") -> Iterator[RollUp]:
    """Yield who rolls up, after what [engine] says."""
    if settings.spark is None:
        yield DuckDbRollUp(connection)
        return
    from metering.engine.rollup.on_spark import open_spark  # noqa: PLC0415 - an extra

    with open_spark(settings.spark) as engine:
        yield engine


def day_cells(
    opened: Callable[[], AbstractContextManager[RollUp]],
    lake: Lake,
    staging: Path,
    files: Sequence[lake_book.LakeFile],
    known: Mapping[str, str],
    policy: "Policy",
) -> DayCells:
    """Return the cells of live usage, rolling up only what is missing.

    Args:
        opened: opens the engine that rolls up, and is not called where no cell is missing.
        lake: where usage and known cells lie.
        staging: folder on the lake's file system for new cells.
        files: live usage files that may be charged, of the days in question.
        known: recipe to path, relative to the lake, of cells the book names.
        policy: its price boundaries and tags decide where cells must not add up.
    """
    cutter = _Cutter(policy)
    plans = [(usage, cutter.cuts(usage)) for usage in _days(lake, files)]
    recipes = {usage.day: recipe(usage, cuts) for usage, cuts in plans}
    found = {
        day: lake.path_of(known[name])
        for day, name in recipes.items()
        if name in known and lake.path_of(known[name]).is_file()
    }
    missing = [plan for plan in plans if plan[0].day not in found]
    built: dict[date, Path] = {}
    new: tuple[NewCells, ...] = ()
    if missing:
        with opened() as engine:
            built = build_cells(engine, missing, staging)
            new = tuple(
                NewCells(day.isoformat(), recipes[day], path, engine.cells_in(path))
                for day, path in built.items()
            )
    days = sorted({**found, **built})
    return DayCells(
        files=tuple((found.get(day) or built[day]) for day in days),
        new=new,
        first=days[0] if days else None,
        last=days[-1] if days else None,
    )


def publish_cells(lake: Lake, new: Sequence[NewCells]) -> list[tuple[NewCells, Published]]:
    """Move new cells to their place; the caller names them in the book."""
    placed = [
        (cells, lake.publish_cells(cells.path, day=cells.day, recipe=cells.recipe)) for cells in new
    ]
    lake.sync([file for _, file in placed])
    return placed


def _days(lake: Lake, files: Sequence[lake_book.LakeFile]) -> list[DayUsage]:
    by_day: dict[str, list[lake_book.LakeFile]] = {}
    for file in files:
        if file.path is not None:
            by_day.setdefault(file.day, []).append(file)
    return [
        DayUsage(
            day=date.fromisoformat(day),
            files=tuple(lake.path_of(file.path) for file in found if file.path is not None),
            contents=tuple(file.sha256 for file in found),
            records=sum(file.records for file in found),
            models=frozenset(
                (provider, platform, model)
                for file in found
                for provider, platform, model in json.loads(file.models)
            ),
            has_other_meters=any(json.loads(file.meters) for file in found),
        )
        for day, found in sorted(by_day.items())
    ]


class _Cutter:
    """Finds where one day's cells must be cut; remembers what many days share."""

    def __init__(self, policy: "Policy") -> None:
        self._rates = policy.rates
        self._tags = policy.tags
        self._sessions = policy.outcomes.keeps_sessions
        self._bounds: dict[tuple[str, str, str], tuple[int, ...]] = {}

    def cuts(self, usage: DayUsage) -> Cuts:
        begin = datetime(usage.day.year, usage.day.month, usage.day.day, tzinfo=UTC)
        end = begin + timedelta(days=1)
        platforms = sorted({(provider, platform) for provider, platform, _ in usage.models})
        return Cuts(
            instants={
                key: tuple(boundaries(self._rates, key[0], key[1], begin, end)) for key in platforms
            },
            bounds={model: self._bounds_of(model) for model in sorted(usage.models)},
            tags=self._tags,
            sessions=self._sessions,
        )

    def _bounds_of(self, model: tuple[str, str, str]) -> tuple[int, ...]:
        if model not in self._bounds:
            self._bounds[model] = tuple(prompt_bounds(self._rates, *model))
        return self._bounds[model]
