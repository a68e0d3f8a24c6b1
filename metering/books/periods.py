"""Billing periods: every estimate, closing and reopening is an event; one never mentioned is open.

A closed period takes no postings: the first revision adds a trigger to `posting` that looks at the
last event of its period and refuses, whoever asks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final

from sqlalchemy import CheckConstraint, Connection, UniqueConstraint, insert, select, text
from sqlmodel import Field

from metering.books.schema import (
    BookTable,
    inserted_id,
    reference,
    row_id,
    strict,
    table_of,
    whole,
    words,
)
from metering.books.types import JsonText, instant_of


class PeriodState(StrEnum):
    """How far a period is; all but a closed one take postings."""

    OPEN = "open"
    ESTIMATED = "estimated"
    CLOSED = "closed"
    REOPENED = "reopened"


class PeriodEventRow(BookTable, table=True):
    """One step in the life of a period."""

    __tablename__: ClassVar[Any] = "period_event"
    __table_args__ = strict(
        CheckConstraint("state IN ('open', 'estimated', 'closed', 'reopened')", name="state_known")
    )

    id: int | None = row_id()
    run_id: int = reference("run.id")
    period: str = words(index=True)
    state: str = words()
    reason: str = words()


class PeriodCloseRow(BookTable, table=True):
    """What a period held, and by what versions, when it was closed."""

    __tablename__: ClassVar[Any] = "period_close"
    __table_args__ = strict(UniqueConstraint("period_event_id"))

    id: int | None = row_id()
    run_id: int = reference("run.id")
    period_event_id: int = reference("period_event.id")
    period: str = words(index=True)
    period_hash: str = words()
    ledger_hash: str = words()
    chain: str = words()
    postings: int = whole()
    totals: dict[str, int] = Field(sa_type=JsonText)
    versions: dict[str, str] = Field(sa_type=JsonText)


class AcceptedRefusalRow(BookTable, table=True):
    """A reason not to close that somebody accepted."""

    __tablename__: ClassVar[Any] = "accepted_refusal"
    __table_args__ = strict(UniqueConstraint("period_event_id", "refusal"))

    id: int | None = row_id()
    run_id: int = reference("run.id")
    period_event_id: int = reference("period_event.id")
    refusal: str = words()
    found: str = words()
    reason: str = words()


class PeriodEstimateRow(BookTable, table=True):
    """What a billing account was expected to come to, before all of its usage was there."""

    __tablename__: ClassVar[Any] = "period_estimate"
    __table_args__ = strict()

    id: int | None = row_id()
    run_id: int = reference("run.id")
    period_event_id: int = reference("period_event.id", index=True)
    provider: str = words()
    billing_account: str = words()
    currency: str = words()
    booked_nanos: int = whole()
    accrued_nanos: int = whole()
    booked_days: int = whole()
    missing_days: int = whole()


class OwnersRestatedRow(BookTable, table=True):
    """From this run on, its owners are those of a closed period, instead of those at its close."""

    __tablename__: ClassVar[Any] = "owners_restated"
    __table_args__ = strict()

    id: int | None = row_id()
    run_id: int = reference("run.id")
    period: str = words(index=True)


_EVENT: Final = table_of(PeriodEventRow)
_CLOSE: Final = table_of(PeriodCloseRow)
_ACCEPTED: Final = table_of(AcceptedRefusalRow)
_ESTIMATE: Final = table_of(PeriodEstimateRow)
_RESTATED: Final = table_of(OwnersRestatedRow)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a period stands since its last event.

    Attributes:
        period: YYYY-MM.
        reason: as given with that event.
        since, by: when and by whom.
        run_id: of the run that did it.
        event_id: of the event.
    """

    period: str
    state: PeriodState
    reason: str
    since: datetime
    by: str
    run_id: int
    event_id: int


@dataclass(frozen=True, slots=True)
class Close:
    """What a period held when it was closed.

    Attributes:
        period_hash: of its net lines alone, see `core.ledger.period_hash`.
        ledger_hash: of the whole ledger and the versions in force.
        chain: digest of the last seal before, which stands for all earlier runs.
        postings: rows booked in it.
        totals: net nanos by currency.
        versions: what was in force, by name: the number of its version and its content digest.
    """

    period: str
    period_hash: str
    ledger_hash: str
    chain: str
    postings: int
    totals: Mapping[str, int]
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A reason not to close that somebody accepted.

    Attributes:
        refusal: its code.
        found: what it was, in words.
        reason: why it was accepted.
    """

    refusal: str
    found: str
    reason: str


@dataclass(frozen=True, slots=True)
class AccountEstimate:
    """What a billing account is expected to come to in a period.

    Attributes:
        booked_nanos: net charges there were.
        accrued_nanos: put on top for days whose usage had not come.
        booked_days: charge days there were.
        missing_days: charge days that had not come.
    """

    provider: str
    billing_account: str
    currency: str
    booked_nanos: int
    accrued_nanos: int
    booked_days: int
    missing_days: int

    @property
    def estimate_nanos(self) -> int:
        """What the account is expected to come to."""
        return self.booked_nanos + self.accrued_nanos


_HISTORY: Final = """
    SELECT e.period, e.state, e.reason, r.started_at, r.started_by, e.run_id, e.id
    FROM period_event e JOIN run r ON r.id = e.run_id
    WHERE {condition} ORDER BY e.period, e.id
"""
_LAST: Final = "e.id = (SELECT max(last.id) FROM period_event last WHERE last.period = e.period)"
_OWNERS_OF: Final = text("""
    SELECT e.period, coalesce(
        (SELECT max(r.run_id) FROM owners_restated r
            WHERE r.period = e.period AND r.run_id > e.run_id),
        e.run_id
    ) AS run_id
    FROM period_event e
    WHERE e.state = 'closed'
        AND e.id = (SELECT max(last.id) FROM period_event last WHERE last.period = e.period)
    ORDER BY e.period
""")


def period_states(connection: Connection) -> dict[str, Standing]:
    """Return how each period that ever had an event stands; any other is open."""
    rows = connection.execute(text(_HISTORY.format(condition=_LAST)))
    return {row.period: _standing(row) for row in rows}


def period_history(connection: Connection, period: str) -> tuple[Standing, ...]:
    """Return every event of a period, oldest first."""
    statement = text(_HISTORY.format(condition="e.period = :period"))
    return tuple(_standing(row) for row in connection.execute(statement, {"period": period}))


def closed_periods(connection: Connection) -> frozenset[str]:
    """Return the periods that take no postings."""
    return frozenset(
        period
        for period, standing in period_states(connection).items()
        if standing.state is PeriodState.CLOSED
    )


def add_period_event(
    connection: Connection, run_id: int, period: str, state: PeriodState, reason: str
) -> int:
    """Take a period one step on, and return the event's id.

    Args:
        connection: of a write transaction.
        run_id: the run that does it.
        period: YYYY-MM.
        state: how it stands from now on.
        reason: why, for the audit log.
    """
    statement = insert(_EVENT).values(
        run_id=run_id, period=period, state=state.value, reason=reason
    )
    return inserted_id(connection, statement)


def add_close(
    connection: Connection, run_id: int, event_id: int, close: Close, accepted: Sequence[Accepted]
) -> None:
    """Keep what a period held when it was closed, and what was accepted on the way."""
    connection.execute(
        insert(_CLOSE).values(
            run_id=run_id,
            period_event_id=event_id,
            **{**asdict(close), "totals": dict(close.totals), "versions": dict(close.versions)},
        )
    )
    if accepted:
        connection.execute(
            insert(_ACCEPTED),
            [{"run_id": run_id, "period_event_id": event_id, **asdict(one)} for one in accepted],
        )


def closes_in_force(connection: Connection) -> dict[str, Close]:
    """Return what each period held when it was closed, of the periods that are closed now."""
    columns = [_CLOSE.c[field.name] for field in fields(Close)]
    last = {
        standing.event_id
        for standing in period_states(connection).values()
        if standing.state is PeriodState.CLOSED
    }
    rows = connection.execute(select(_CLOSE.c.period_event_id, *columns).order_by(_CLOSE.c.period))
    return {row.period: Close(*row[1:]) for row in rows if row.period_event_id in last}


def accepted_at(connection: Connection, event_id: int) -> tuple[Accepted, ...]:
    """Return what was accepted with a closing."""
    columns = [_ACCEPTED.c[field.name] for field in fields(Accepted)]
    rows = connection.execute(
        select(*columns).where(_ACCEPTED.c.period_event_id == event_id).order_by(_ACCEPTED.c.id)
    )
    return tuple(Accepted(*row) for row in rows)


def add_estimate(
    connection: Connection, run_id: int, event_id: int, accounts: Sequence[AccountEstimate]
) -> None:
    """Freeze what each billing account is expected to come to."""
    if accounts:
        connection.execute(
            insert(_ESTIMATE),
            [{"run_id": run_id, "period_event_id": event_id, **asdict(one)} for one in accounts],
        )


def last_estimates(connection: Connection) -> dict[str, tuple[AccountEstimate, ...]]:
    """Return the last estimate of each period that has one, by account."""
    columns = [_ESTIMATE.c[field.name] for field in fields(AccountEstimate)]
    rows = connection.execute(
        select(_EVENT.c.period, _EVENT.c.id, *columns).join(
            _EVENT, _EVENT.c.id == _ESTIMATE.c.period_event_id
        )
    ).all()
    last: dict[str, int] = {}
    for row in rows:
        last[row.period] = max(row.id, last.get(row.period, 0))
    found: dict[str, list[AccountEstimate]] = {}
    for row in rows:
        if row.id == last[row.period]:
            found.setdefault(row.period, []).append(AccountEstimate(*row[2:]))
    return {
        period: tuple(
            sorted(found[period], key=lambda one: (one.provider, one.billing_account, one.currency))
        )
        for period in sorted(found)
    }


def restate_owners(connection: Connection, run_id: int, period: str) -> None:
    """Let the owners in force now be those of a closed period."""
    connection.execute(insert(_RESTATED).values(run_id=run_id, period=period))


def owners_of_closed(connection: Connection) -> dict[str, int]:
    """Return, for each closed period, the run after which its owners stay as they were."""
    return {row.period: row.run_id for row in connection.execute(_OWNERS_OF)}


def _standing(row: Any) -> Standing:
    return Standing(
        row.period,
        PeriodState(row.state),
        row.reason,
        instant_of(row.started_at),
        row.started_by,
        row.run_id,
        row.id,
    )
