"""Billing periods: every opening and closing is an event; one never mentioned is open."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final

from sqlalchemy import CheckConstraint, Connection, insert, text

from metering.books.schema import BookTable, reference, row_id, strict, table_of, words
from metering.books.types import instant_of


class PeriodState(StrEnum):
    """Whether a period takes postings."""

    OPEN = "open"
    CLOSED = "closed"
    REOPENED = "reopened"


class PeriodEventRow(BookTable, table=True):
    """One opening, closing or reopening of a period."""

    __tablename__: ClassVar[Any] = "period_event"
    __table_args__ = strict(
        CheckConstraint("state IN ('open', 'closed', 'reopened')", name="state_known")
    )

    id: int | None = row_id()
    run_id: int = reference("run.id")
    period: str = words(index=True)
    state: str = words()
    reason: str = words()


_EVENT: Final = table_of(PeriodEventRow)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a period stands since its last event.

    Attributes:
        period: YYYY-MM.
        reason: as given with that event.
        since, by: when and by whom.
        run_id: of the run that did it.
    """

    period: str
    state: PeriodState
    reason: str
    since: datetime
    by: str
    run_id: int


_STANDING: Final = text("""
    SELECT e.period, e.state, e.reason, r.started_at, r.started_by, e.run_id
    FROM period_event e JOIN run r ON r.id = e.run_id
    WHERE e.id = (SELECT max(last.id) FROM period_event last WHERE last.period = e.period)
    ORDER BY e.period
""")


def period_states(connection: Connection) -> dict[str, Standing]:
    """Return how each period that ever had an event stands; any other is open."""
    return {
        row.period: Standing(
            row.period,
            PeriodState(row.state),
            row.reason,
            instant_of(row.started_at),
            row.started_by,
            row.run_id,
        )
        for row in connection.execute(_STANDING)
    }


def closed_periods(connection: Connection) -> frozenset[str]:
    """Return the periods that take no postings."""
    return frozenset(
        period
        for period, standing in period_states(connection).items()
        if standing.state is PeriodState.CLOSED
    )


def add_period_event(
    connection: Connection, run_id: int, period: str, state: PeriodState, reason: str
) -> None:
    """Open, close or reopen a period.

    Args:
        connection: of a write transaction.
        run_id: the run that does it.
        period: YYYY-MM.
        state: how it stands from now on.
        reason: why, for the audit log.
    """
    connection.execute(
        insert(_EVENT).values(run_id=run_id, period=period, state=state.value, reason=reason)
    )
