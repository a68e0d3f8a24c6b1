"""Whose the records of lake files are, as far as providers tell, by charge day."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from metering.usage.rows import usage_rows
from metering.usage.staged import QUANTITY_SQL
from metering.usage.staging import SCOPE

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class DayOfUse:
    """What some files say of one charge day.

    Attributes:
        workspaces, keys, people: of its records; "" for those that name none.
        total: money in nanos and quantity, whatever their currency and meter.
    """

    workspaces: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()
    total: tuple[int, int] = (0, 0)


def days_of_use(
    connection: "duckdb.DuckDBPyConnection", files: Iterable[Path]
) -> dict[str, DayOfUse]:
    """Return what files of the lake, or staged ones, say of each ISO charge day."""
    listed = sorted(files)
    if not listed:
        return {}
    named = ", ".join(
        f"list(DISTINCT coalesce({name}, ''))" for name in ("workspace", "api_key", "principal")
    )
    rows = connection.execute(
        f"SELECT CAST(day AS VARCHAR), {named}, coalesce(sum(reported_nanos), 0),"
        f" coalesce(sum({QUANTITY_SQL}), 0) FROM {usage_rows(listed)} GROUP BY day"
    ).fetchall()
    return {
        day: DayOfUse(
            frozenset(workspaces), frozenset(keys), frozenset(people), (int(nanos), int(quantity))
        )
        for day, workspaces, keys, people, nanos, quantity in rows
    }


def told_twice(
    connection: "duckdb.DuckDBPyConnection", files: Iterable[Path], exports: Mapping[str, int]
) -> Iterator[tuple[str, str]]:
    """Yield each ISO day and workspace of staged usage that several exports tell of, in order.

    Args:
        connection: reads the files.
        files: staged usage of many source files.
        exports: which export each source file is of, by its SHA-256.
    """
    staged = connection.sql(f"SELECT * FROM {usage_rows(files)}")
    scope = SCOPE if SCOPE in staged.columns else "''"
    rows = staged.project(
        "CAST(day AS VARCHAR), coalesce(workspace, ''), provider, billing_account,"
        f" coalesce({scope}, ''), source"
    )
    first: dict[tuple[str, ...], int] = {}
    told: dict[tuple[str, str], None] = {}
    for *key, source in rows.distinct().fetchall():
        if first.setdefault(tuple(key), exports[source]) != exports[source]:
            day, workspace, *_ = key
            told[day, workspace] = None
    yield from sorted(told)
