"""What people said of findings; the findings themselves are worked out anew each time."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final

from sqlalchemy import CheckConstraint, Connection, insert, select

from metering.books.runs import RunRow
from metering.books.schema import (
    BookTable,
    reference,
    row_id,
    strict,
    table_of,
    whole,
    words,
)


class FindingState(StrEnum):
    """How far a finding is."""

    OPEN = "open"
    EXPLAINED = "explained"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    FIXED = "fixed"


class FindingEventRow(BookTable, table=True):
    """One thing that was said of a finding."""

    __tablename__: ClassVar[Any] = "finding_event"
    __table_args__ = strict(
        CheckConstraint(
            "state IN ('open', 'explained', 'confirmed', 'dismissed', 'fixed')", name="state_known"
        )
    )

    id: int | None = row_id()
    run_id: int = reference("run.id")
    case_id: str = words(index=True)
    subject: str = words()
    state: str = words()
    note: str = words()
    p90_nanos: int = whole()
    place: int = whole()
    seen: str = words()


_EVENT: Final = table_of(FindingEventRow)
_RUN: Final = table_of(RunRow)


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of a finding, once.

    Attributes:
        subject: what the finding is about, as it was then.
        note: in the words of who said it.
        p90_nanos: what the money was less than then, with nine chances in ten.
        place: in the list, from 1; 0 where it was in it no more.
        seen: the whole finding as it was answered, so that the answer stays an answer to it.
        by: who.
        at: when, UTC.
    """

    subject: str
    state: FindingState
    note: str
    p90_nanos: int
    place: int
    seen: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class NewSaid:
    """What somebody says of a finding.

    Attributes:
        case_id: of the finding.
        subject: what it is about.
        note: in the words of who says it.
        p90_nanos: what its money is less than now, with nine chances in ten.
        place: in the list, from 1; 0 where it is in it no more.
        seen: the whole finding as it is answered.
    """

    case_id: str
    subject: str
    state: FindingState
    note: str
    p90_nanos: int
    place: int
    seen: str


def add_said(connection: Connection, run_id: int, said: NewSaid) -> None:
    """Record what was said of a finding."""
    connection.execute(
        insert(_EVENT).values(
            run_id=run_id,
            case_id=said.case_id,
            subject=said.subject,
            state=said.state.value,
            note=said.note,
            p90_nanos=said.p90_nanos,
            place=said.place,
            seen=said.seen,
        )
    )


def all_said(connection: Connection) -> dict[str, tuple[Said, ...]]:
    """Return all that was said, by the id of the finding, oldest first."""
    kept = (_EVENT.c[name] for name in ("subject", "state", "note", "p90_nanos", "place", "seen"))
    asked = (
        select(_EVENT.c.case_id, *kept, _RUN.c.started_by, _RUN.c.started_at)
        .join(_RUN, _RUN.c.id == _EVENT.c.run_id)
        .order_by(_EVENT.c.id)
    )
    found: dict[str, tuple[Said, ...]] = {}
    for case_id, subject, state, *rest in connection.execute(asked):
        said = Said(subject, FindingState(state), *rest)
        found[case_id] = (*found.get(case_id, ()), said)
    return found
