"""What people said of findings; the findings themselves are worked out anew each time."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Final

from sqlalchemy import CheckConstraint, Connection, insert, text

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
    seen: str = words()


_EVENT: Final = table_of(FindingEventRow)
_LAST: Final = text("""
    SELECT e.case_id, e.subject, e.state, e.note, e.p90_nanos, e.seen, r.started_by
    FROM finding_event e JOIN run r ON r.id = e.run_id
    WHERE e.id = (SELECT max(last.id) FROM finding_event last WHERE last.case_id = e.case_id)
""")


@dataclass(frozen=True, slots=True)
class Said:
    """The last that was said of a finding.

    Attributes:
        subject: what the finding is about, as it was then.
        note: in the words of who said it.
        p90_nanos: what the money was less than then, with nine chances in ten.
        seen: the whole finding as it was answered, so that the answer stays an answer to it.
        by: who.
    """

    subject: str
    state: FindingState
    note: str
    p90_nanos: int
    seen: str
    by: str


@dataclass(frozen=True, slots=True)
class NewSaid:
    """What somebody says of a finding.

    Attributes:
        case_id: of the finding.
        subject: what it is about.
        note: in the words of who says it.
        p90_nanos: what its money is less than now, with nine chances in ten.
        seen: the whole finding as it is answered.
    """

    case_id: str
    subject: str
    state: FindingState
    note: str
    p90_nanos: int
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
            seen=said.seen,
        )
    )


def last_said(connection: Connection) -> dict[str, Said]:
    """Return the last that was said, by the id of the finding."""
    return {
        row.case_id: Said(
            row.subject, FindingState(row.state), row.note, row.p90_nanos, row.seen, row.started_by
        )
        for row in connection.execute(_LAST)
    }
