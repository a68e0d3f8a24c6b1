"""Disputes: somebody says that a charge is not theirs, and what came of it."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, ClassVar, Final

from sqlalchemy import CheckConstraint, Connection, insert, select, text

from metering.books.runs import RunRow
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


class DisputeState(StrEnum):
    """How far a dispute is."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class DisputeRow(BookTable, table=True):
    """One dispute, as it was opened."""

    __tablename__: ClassVar[Any] = "dispute"
    __table_args__ = strict()

    id: int | None = row_id()
    run_id: int = reference("run.id")
    reference: str = words()
    period: str = words(index=True)
    currency: str = words()
    amount_nanos: int = whole()
    reason: str = words()
    owner: str = words()
    deadline: str = words()


class DisputeEventRow(BookTable, table=True):
    """One step in the life of a dispute."""

    __tablename__: ClassVar[Any] = "dispute_event"
    __table_args__ = strict(
        CheckConstraint(
            "state IN ('open', 'accepted', 'rejected', 'withdrawn')", name="state_known"
        )
    )

    id: int | None = row_id()
    run_id: int = reference("run.id")
    dispute_id: int = reference("dispute.id", index=True)
    state: str = words()
    note: str = words()


_DISPUTE: Final = table_of(DisputeRow)
_EVENT: Final = table_of(DisputeEventRow)
_RUN: Final = table_of(RunRow)
_LAST: Final = text("""
    SELECT e.dispute_id, e.state, e.note, r.started_by FROM dispute_event e
    JOIN run r ON r.id = e.run_id
    WHERE e.id = (SELECT max(last.id) FROM dispute_event last WHERE last.dispute_id = e.dispute_id)
""")


@dataclass(frozen=True, slots=True)
class NewDispute:
    """What is disputed.

    Attributes:
        reference: a cell of a report, as `metering explain` takes it.
        period: the month of the charges, YYYY-MM.
        currency, amount_nanos: how much of it is disputed.
        reason: why, in the words of who disputes.
        owner: who is asked to decide.
        deadline: ISO day; empty for none.
    """

    reference: str
    period: str
    currency: str
    amount_nanos: int
    reason: str
    owner: str
    deadline: str


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute and how far it is.

    Attributes:
        id: its number.
        said: as it was opened.
        state: since its last step.
        note, by: of that step.
    """

    id: int
    said: NewDispute
    state: DisputeState
    note: str
    by: str


def add_dispute(connection: Connection, run_id: int, dispute: NewDispute) -> int:
    """Record a dispute as open and return its number."""
    number = inserted_id(
        connection,
        insert(_DISPUTE).values(
            run_id=run_id,
            reference=dispute.reference,
            period=dispute.period,
            currency=dispute.currency,
            amount_nanos=dispute.amount_nanos,
            reason=dispute.reason,
            owner=dispute.owner,
            deadline=dispute.deadline,
        ),
    )
    add_dispute_event(connection, run_id, number, DisputeState.OPEN, dispute.reason)
    return number


def add_dispute_event(
    connection: Connection, run_id: int, dispute_id: int, state: DisputeState, note: str
) -> None:
    """Record a step in the life of a dispute."""
    connection.execute(
        insert(_EVENT).values(run_id=run_id, dispute_id=dispute_id, state=state.value, note=note)
    )


def disputes(connection: Connection) -> tuple[Dispute, ...]:
    """Return every dispute, oldest first."""
    last = {row.dispute_id: row for row in connection.execute(_LAST)}
    return tuple(
        Dispute(
            id=row.id,
            said=NewDispute(
                reference=row.reference,
                period=row.period,
                currency=row.currency,
                amount_nanos=row.amount_nanos,
                reason=row.reason,
                owner=row.owner,
                deadline=row.deadline,
            ),
            state=DisputeState(last[row.id].state),
            note=last[row.id].note,
            by=last[row.id].started_by,
        )
        for row in connection.execute(select(_DISPUTE).order_by(_DISPUTE.c.id))
    )


def opened_days(connection: Connection) -> dict[int, date]:
    """Return by dispute the day (UTC) on which it was opened."""
    rows = connection.execute(
        select(_DISPUTE.c.id, _RUN.c.started_at).join(_RUN, _RUN.c.id == _DISPUTE.c.run_id)
    )
    return {number: started_at.date() for number, started_at in rows}
