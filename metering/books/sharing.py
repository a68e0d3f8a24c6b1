"""Shared cost: versions of the sharing file and of drivers; the newest of each is in force."""

import json
from datetime import date
from typing import Any, ClassVar, Final

from sqlalchemy import Connection, UniqueConstraint, func, insert, select
from sqlmodel import Field

from metering.books.schema import BookTable, reference, row_id, strict, table_of, whole, words
from metering.books.types import DayText, canonical_json
from metering.books.versions import Version, VersionRow, new_version, newest, version_of
from metering.core.ownership.attribution import Match
from metering.core.patterns import Pattern, PatternKind
from metering.core.periods import BillingPeriod
from metering.core.sharing.driver_file import Driver, DriverWeight
from metering.core.sharing.splits import By, Pool, Sharing, Split, Target


class SharingRow(VersionRow, table=True):
    """One version of the sharing file."""

    __tablename__: ClassVar[Any] = "sharing"
    __table_args__ = strict(UniqueConstraint("version"))


class PoolRow(BookTable, table=True):
    """One pool of shared cost."""

    __tablename__: ClassVar[Any] = "pool"
    __table_args__ = strict(UniqueConstraint("sharing_id", "name"))

    id: int | None = row_id()
    sharing_id: int = reference("sharing.id")
    line: int = whole()
    name: str = words()
    matches: str = words()
    valid_from: date | None = Field(sa_type=DayText)
    valid_to: date | None = Field(sa_type=DayText)


class SplitRow(BookTable, table=True):
    """How one pool is given on."""

    __tablename__: ClassVar[Any] = "split"
    __table_args__ = strict(UniqueConstraint("sharing_id", "name"))

    id: int | None = row_id()
    sharing_id: int = reference("sharing.id")
    line: int = whole()
    name: str = words()
    pool: str = words()
    measured_by: str = words()
    targets: str = words()
    driver: str = words()
    markup_millionths: int = whole()
    valid_from: date | None = Field(sa_type=DayText)
    valid_to: date | None = Field(sa_type=DayText)


class DriverRow(BookTable, table=True):
    """One version of one driver file."""

    __tablename__: ClassVar[Any] = "driver"
    __table_args__ = strict(UniqueConstraint("name", "version"))

    id: int | None = row_id()
    run_id: int = reference("run.id")
    name: str = words()
    version: int = whole()
    source_name: str = words()
    source_sha256: str = words()


class DriverWeightRow(BookTable, table=True):
    """What one target weighs in one month."""

    __tablename__: ClassVar[Any] = "driver_weight"
    __table_args__ = strict(UniqueConstraint("driver_id", "period", "target"))

    id: int | None = row_id()
    driver_id: int = reference("driver.id")
    line: int = whole()
    period: str = words()
    target: str = words()
    weight: int = whole()


_SHARING: Final = table_of(SharingRow)
_POOL: Final = table_of(PoolRow)
_SPLIT: Final = table_of(SplitRow)
_DRIVER: Final = table_of(DriverRow)
_WEIGHT: Final = table_of(DriverWeightRow)


def store_sharing(connection: Connection, run_id: int, sharing: Sharing, sha256: str) -> Version:
    """Keep a sharing file as the newest version; the one in force is not kept again.

    Args:
        connection: of a write transaction.
        run_id: the run that brings it.
        sharing: the checked file.
        sha256: of its bytes, hexadecimal.
    """
    version, sharing_id = new_version(connection, run_id, _SHARING, (sharing.name, sha256))
    if sharing_id is None:
        return version
    pools = [
        {
            "sharing_id": sharing_id,
            "line": pool.line,
            "name": pool.name,
            "matches": _matches_written(pool.matches),
            "valid_from": pool.valid_from,
            "valid_to": pool.valid_to,
        }
        for pool in sharing.pools
    ]
    splits = [
        {
            "sharing_id": sharing_id,
            "line": split.line,
            "name": split.name,
            "pool": split.pool,
            "measured_by": split.by.value,
            "targets": canonical_json([[str(target), part] for target, part in split.targets]),
            "driver": split.driver,
            "markup_millionths": split.markup,
            "valid_from": split.valid_from,
            "valid_to": split.valid_to,
        }
        for split in sharing.splits
    ]
    for table, rows in ((_POOL, pools), (_SPLIT, splits)):
        if rows:
            connection.execute(insert(table), rows)
    return version


def sharing_in_force(connection: Connection) -> Sharing:
    """Return the newest sharing file; without any, one that shares nothing."""
    found = newest(connection, _SHARING)
    if found is None:
        return Sharing()
    pools = select(_POOL).where(_POOL.c.sharing_id == found.id).order_by(_POOL.c.id)
    splits = select(_SPLIT).where(_SPLIT.c.sharing_id == found.id).order_by(_SPLIT.c.id)
    return Sharing(
        found.source_name,
        tuple(
            Pool(row.line, row.name, _matches_read(row.matches), row.valid_from, row.valid_to)
            for row in connection.execute(pools)
        ),
        tuple(
            Split(
                row.line,
                row.name,
                row.pool,
                By(row.measured_by),
                tuple((Target.parse(target), part) for target, part in json.loads(row.targets)),
                row.driver,
                row.markup_millionths,
                row.valid_from,
                row.valid_to,
            )
            for row in connection.execute(splits)
        ),
    )


def sharing_version(connection: Connection) -> Version:
    """Return which sharing file is in force."""
    return version_of(newest(connection, _SHARING))


def store_driver(
    connection: Connection, run_id: int, driver: Driver, source: tuple[str, str]
) -> Version:
    """Keep a driver file as its newest version; the one in force is not kept again.

    Args:
        connection: of a write transaction.
        run_id: the run that brings it.
        driver: the checked file.
        source: the file's name, and the SHA-256 of its bytes, hexadecimal.
    """
    version, driver_id = new_version(connection, run_id, _DRIVER, source, name=driver.name)
    if driver_id is not None and driver.weights:
        rows = [
            {
                "driver_id": driver_id,
                "line": one.line,
                "period": str(one.period),
                "target": str(one.target),
                "weight": one.weight,
            }
            for one in driver.weights
        ]
        connection.execute(insert(_WEIGHT), rows)
    return version


def drivers_in_force(connection: Connection) -> tuple[Driver, ...]:
    """Return the newest version of every driver, by name."""
    last = select(func.max(_DRIVER.c.id)).group_by(_DRIVER.c.name)
    found = select(_DRIVER.c.id, _DRIVER.c.name).where(_DRIVER.c.id.in_(last))
    names: dict[int, str] = {row.id: row.name for row in connection.execute(found)}
    weights: dict[int, list[DriverWeight]] = {driver_id: [] for driver_id in names}
    rows = select(_WEIGHT).where(_WEIGHT.c.driver_id.in_(names)).order_by(_WEIGHT.c.id)
    for row in connection.execute(rows):
        weights[row.driver_id].append(
            DriverWeight(
                row.line, BillingPeriod.parse(row.period), Target.parse(row.target), row.weight
            )
        )
    return tuple(
        Driver(names[driver_id], tuple(weights[driver_id]))
        for driver_id in sorted(names, key=names.__getitem__)
    )


def driver_versions(connection: Connection) -> dict[str, Version]:
    """Return which version of each driver is in force, by name."""
    names = connection.execute(select(_DRIVER.c.name).distinct().order_by(_DRIVER.c.name)).scalars()
    return {name: version_of(newest(connection, _DRIVER, name=name)) for name in names.all()}


def driver_version(connection: Connection, name: str) -> Version:
    """Return which version of a driver is in force."""
    return version_of(newest(connection, _DRIVER, name=name))


def _matches_written(matches: tuple[tuple[Match, ...], ...]) -> str:
    return canonical_json(
        [[[m.field, m.pattern.kind.value, m.pattern.text] for m in one] for one in matches]
    )


def _matches_read(text: str) -> tuple[tuple[Match, ...], ...]:
    return tuple(
        tuple(
            Match(field, Pattern(PatternKind(kind), pattern)) for field, kind, pattern in conditions
        )
        for conditions in json.loads(text)
    )
