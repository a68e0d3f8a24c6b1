"""Forget people: after some days usage says which project it was for, and no longer whose it was.

A day's files are rewritten with stand-ins in the place of people (`core.ownership.stand_ins`) and
made visible by one transaction of the book, month by month; then the files that named people are
removed, and the cells made of them. What ought to be charged is worked out before and after, and a
month that would change is left as it is, and told. Records keep their ids, so that an export that
comes again is known again; one that says something new about those days brings people back until
the next time. What nobody owns keeps its people: somebody still has to be asked whose it is.
"""

import secrets
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.books import lake as lake_book
from metering.books import stand_ins as stand_in_book
from metering.books.engine import begin_read, begin_write, open_engine
from metering.books.migrations import open_books
from metering.books.runs import record_run
from metering.core.ownership.attribution import Owner, attribution_fields
from metering.core.ownership.stand_ins import PREFIX
from metering.core.periods import BillingPeriod
from metering.engine import people as people_engine
from metering.engine.charging import charges as engine
from metering.engine.charging.lacking import lacking_totals
from metering.engine.connection import open_duckdb
from metering.usage.lake import Lake, Published
from metering.workflows.numbering import Numbered
from metering.workflows.posting.owning import owner_answers
from metering.workflows.posting.policy import policy_in_force
from metering.workflows.posting.post import lacking

if TYPE_CHECKING:
    import duckdb
    from sqlalchemy import Connection

    from metering.settings import Settings
    from metering.workflows.posting.policy import Policy
    from metering.workflows.runs import Run

_KEY_BYTES: Final = 8
NOT_POSTED: Final = "the book lacks postings of it: run `metering post`"
WOULD_CHANGE: Final = (
    "its charges would change: [detail] or a rule of shared cost looks at who used it"
)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What became of the people of one month, up to the last day that was asked for.

    Attributes:
        period: the month.
        files: of the lake that were rewritten.
        records: usage records that no longer tell whose use they were.
        unowned: records that nobody owns, and that keep their people.
        left: why the month was left as it is; empty when it was not.
    """

    period: BillingPeriod
    files: int
    records: int
    unowned: int
    left: str = ""


def last_day_to_forget(settings: "Settings", today: date) -> date | None:
    """Return the last day whose people [people] keep_days no longer keeps; None for none."""
    if settings.keep_days is None:
        return None
    return today - timedelta(days=settings.keep_days + 1)


def forget_people(
    settings: "Settings", run: "Run", last: date, *, dry_run: bool = False
) -> tuple[Forgotten, ...]:
    """Put stand-ins in the place of people in all usage up to a day.

    Args:
        settings: where the books and the lake are.
        run: who does this, when.
        last: the last charge day, inclusive.
        dry_run: count, and change nothing.

    Returns:
        By month, those in which usage tells of people; a second call finds none but what is left.
    """
    books = open_books(settings.books_url)
    with begin_read(books) as connection:
        files = lake_book.standing_files(connection, last.isoformat())
    by_month: dict[BillingPeriod, list[lake_book.LakeFile]] = defaultdict(list)
    for file in files:
        by_month[BillingPeriod.of(date.fromisoformat(file.day))].append(file)
    found = []
    for period in sorted(by_month):
        with begin_write(books) as connection:
            one = _Month(connection, settings, run, period, last).forgotten(dry_run=dry_run)
            if dry_run or one.left or not one.files:
                connection.rollback()
        if one.records or one.unowned or one.left:
            found.append(one)
    if files and not dry_run:
        # Also what a call left that was killed before it came here.
        _remove(settings, {file.day for file in files})
    return tuple(found)


def _remove(settings: "Settings", days: set[str]) -> None:
    """Remove what the rewritten files took the place of, and cells made of it."""
    lake = Lake(settings.lake)
    with begin_write(open_engine(settings.books_url)) as connection:
        known = lake_book.all_known_paths(connection)
        for day in sorted(days):
            lake.remove_unknown(day, known)


class _Month:
    """The days of a month that are to be forgotten, in a transaction that may be rolled back."""

    def __init__(
        self,
        connection: "Connection",
        settings: "Settings",
        run: "Run",
        period: BillingPeriod,
        last: date,
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._run = run
        self._period = period
        self._days = (period.first_day, min(last, period.last_day))
        self._lake = Lake(settings.lake)

    def forgotten(self, *, dry_run: bool) -> Forgotten:
        """Rewrite what tells of people, and check that nothing is charged otherwise."""
        first, last = (day.isoformat() for day in self._days)
        files = [
            file for file in lake_book.standing_files(self._connection, last) if file.day >= first
        ]
        policy = policy_in_force(self._connection, self._settings)
        with self._lake.staging() as staging:
            rewritten: list[_Rewritten] = []
            with open_duckdb(
                staging / "scratch",
                memory_limit=self._settings.memory_limit,
                threads=self._settings.threads,
            ) as duck:
                stand_ins = _StandIns(policy)
                for number, file in enumerate(files):
                    target = staging / str(number) / f"day={file.day}" / "data.parquet"
                    rewritten.extend(_rewritten(duck, self._lake, file, stand_ins, target))
            told = Forgotten(
                self._period,
                files=sum(one.path is not None for one in rewritten),
                records=sum(one.records for one in rewritten if one.path is not None),
                unowned=sum(one.unowned for one in rewritten),
            )
            if dry_run or not told.files:
                return told
            if self._lacking():
                return replace(told, files=0, records=0, left=NOT_POSTED)
            self._record(rewritten, stand_ins)
            if self._lacking():
                return replace(told, files=0, records=0, left=WOULD_CHANGE)
            return told

    def _lacking(self) -> int:
        with (
            self._lake.staging() as staging,
            lacking(self._connection, self._settings, staging, *self._days) as found,
        ):
            return sum(row[4] for row in lacking_totals(found.duck))

    def _record(self, rewritten: "Sequence[_Rewritten]", stand_ins: "_StandIns") -> None:
        run = self._run
        run_id = record_run(
            self._connection,
            run.command,
            {**run.arguments, "period": str(self._period), "last_day": str(self._days[1])},
            run.started_at,
            run.user,
        )
        stand_in_book.add_stand_ins(self._connection, run_id, stand_ins.new)
        rows = []
        for one in rewritten:
            if one.path is None:
                continue
            source = Path(one.file.path or "").name
            placed = self._lake.publish_usage(one.path, day=one.file.day, source=source)
            rows.append(_row(one.file, placed))
        self._lake.sync(Published(row.path or "", row.sha256, row.size_bytes) for row in rows)
        retired = [one.file.id for one in rewritten if one.path is not None]
        lake_book.retire_lake_files(self._connection, run_id, retired, lake_book.PEOPLE_FORGOTTEN)
        lake_book.add_lake_files(self._connection, run_id, rows)


class _StandIns:
    """Who bears usage, by number, and what stands in for the people of each.

    Attributes:
        policy: decides who bears usage.
        fields: that its rules read.
        people: what the directory knows as a person's.
        new: stand-ins that the book does not know yet.
    """

    def __init__(self, policy: "Policy") -> None:
        self.policy = policy
        self.fields = sorted(
            frozenset[str]().union(*(attribution_fields(reign.rules) for reign in policy.reigns))
        )
        self.people = sorted(
            {
                entry.key
                for reign in policy.reigns
                for entry in reign.directory.entries
                if entry.person and entry.key
            }
        )
        self.new: dict[Owner, str] = {}
        self._owners = Numbered[Owner]()
        self._known = {entry.owner: entry.key for entry in policy.stand_ins}

    def number(self, owner: Owner) -> int:
        """Number an owner; the people of one project are one."""
        return self._owners.number(replace(owner, person=""))

    def key(self, number: int) -> str:
        """Return what stands in for the people of an owner, drawing a new one where none is."""
        owner = self._owners.items[number]
        if owner not in self._known:
            self._known[owner] = self.new[owner] = PREFIX + secrets.token_hex(_KEY_BYTES)
        return self._known[owner]


@dataclass(frozen=True, slots=True)
class _Rewritten:
    """A file that tells of people; `path` is what it becomes, None where it has to stay."""

    file: lake_book.LakeFile
    path: Path | None
    records: int
    unowned: int


def _rewritten(
    duck: "duckdb.DuckDBPyConnection",
    lake: Lake,
    file: lake_book.LakeFile,
    stand_ins: _StandIns,
    target: Path,
) -> Iterator[_Rewritten]:
    people_engine.open_records(
        duck, lake.path_of(file.path or ""), stand_ins.fields, stand_ins.people
    )
    answers = owner_answers(
        stand_ins.policy.reigns,
        lambda fields: engine.distinct_values(duck, fields, people_engine.RECORDS),
        stand_ins.number,
    )
    told = people_engine.owned_records(duck, answers)
    if not told.people:
        return
    if told.people == told.unowned:
        yield _Rewritten(file, None, 0, told.unowned)
        return
    keys = {number: stand_ins.key(number) for number in people_engine.bearers(duck)}
    people_engine.write_forgotten(duck, keys, target)
    yield _Rewritten(file, target, told.people - told.unowned, told.unowned)


def _row(file: lake_book.LakeFile, placed: Published) -> lake_book.NewLakeFile:
    """Return the row of a rewritten file: all that was said of it but where it is."""
    kept = {
        name: getattr(file, name)
        for name in lake_book.NewLakeFile.__slots__
        if name not in ("path", "sha256", "size_bytes")
    }
    return lake_book.NewLakeFile(
        **kept, path=placed.path, sha256=placed.sha256, size_bytes=placed.size_bytes
    )
