"""Adjustments: true-ups and outcomes of disputes, each decided once and never edited."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import CheckConstraint, Connection, UniqueConstraint, insert, select

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
from metering.core.closing.adjustments import Adjustment, AdjustmentKind, AdjustmentLine, in_force
from metering.core.ledger import Account, AccountKind
from metering.core.periods import BillingPeriod


class AdjustmentRow(BookTable, table=True):
    """One decision."""

    __tablename__: ClassVar[Any] = "adjustment"
    __table_args__ = strict(
        CheckConstraint("kind IN ('true-up', 'dispute')", name="kind_known"),
    )

    id: int | None = row_id()
    run_id: int = reference("run.id")
    kind: str = words()
    key: str = words(index=True)
    period: str = words(index=True)
    provider: str = words()
    billing_account: str = words()
    currency: str = words()
    based_on: str = words()
    reason: str = words()


class AdjustmentLineRow(BookTable, table=True):
    """One charge of a decision."""

    __tablename__: ClassVar[Any] = "adjustment_line"
    __table_args__ = strict(UniqueConstraint("adjustment_id", "line"))

    id: int | None = row_id()
    adjustment_id: int = reference("adjustment.id")
    line: int = whole()
    reason: str = words()
    bearer: str = words()
    bearer_kind: str = words()
    cost_centre: str = words()
    team: str = words()
    project: str = words()
    amount_nanos: int = whole()


_ADJUSTMENT: Final = table_of(AdjustmentRow)
_LINE: Final = table_of(AdjustmentLineRow)
_RUN: Final = table_of(RunRow)


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decided an adjustment.

    Attributes:
        run_id: of the run that recorded it.
        reason: why, in the words of who decided.
        by, at: by whom and when.
    """

    run_id: int
    reason: str
    by: str
    at: datetime


def add_adjustment(connection: Connection, run_id: int, adjustment: Adjustment, reason: str) -> int:
    """Record a decision with its lines and return its id; from now on it is in force.

    Args:
        connection: of a write transaction.
        run_id: the run that decided.
        adjustment: what it says.
        reason: why, in the words of who decided.
    """
    number = inserted_id(
        connection,
        insert(_ADJUSTMENT).values(
            run_id=run_id,
            kind=adjustment.kind.value,
            key=adjustment.key,
            period=str(adjustment.period),
            provider=adjustment.provider,
            billing_account=adjustment.billing_account,
            currency=adjustment.currency,
            based_on=_references_text(adjustment.references),
            reason=reason,
        ),
    )
    rows = [
        {
            "adjustment_id": number,
            "line": place,
            "reason": line.reason,
            "bearer": line.bearer.name,
            "bearer_kind": line.bearer.kind.value,
            "cost_centre": line.bearer.cost_centre,
            "team": line.bearer.team,
            "project": line.bearer.project,
            "amount_nanos": line.amount_nanos,
        }
        for place, line in enumerate(adjustment.lines, start=1)
    ]
    if rows:
        connection.execute(insert(_LINE), rows)
    return number


def adjustments_in_force(connection: Connection) -> tuple[Adjustment, ...]:
    """Return the adjustments that charge something now, by kind and key."""
    return in_force(_all(connection))


def last_decision(
    connection: Connection,
    kind: AdjustmentKind,
    period: str,
    account: tuple[str, str],
    references: Sequence[str],
) -> Decision | None:
    """Return the last decision of a kind on a provider's billing account that rests on these."""
    row = connection.execute(
        select(_RUN.c.id, _ADJUSTMENT.c.reason, _RUN.c.started_by, _RUN.c.started_at)
        .join(_RUN, _RUN.c.id == _ADJUSTMENT.c.run_id)
        .where(
            _ADJUSTMENT.c.kind == kind.value,
            _ADJUSTMENT.c.period == period,
            _ADJUSTMENT.c.provider == account[0],
            _ADJUSTMENT.c.billing_account == account[1],
            _ADJUSTMENT.c.based_on == _references_text(references),
        )
        .order_by(_ADJUSTMENT.c.id.desc())
        .limit(1)
    ).one_or_none()
    return Decision(*row) if row else None


def _references_text(references: Sequence[str]) -> str:
    return json.dumps(references, ensure_ascii=False)


def _all(connection: Connection) -> Iterable[Adjustment]:
    lines: dict[int, list[AdjustmentLine]] = {}
    for row in connection.execute(select(_LINE).order_by(_LINE.c.adjustment_id, _LINE.c.line)):
        bearer = Account(
            row.bearer,
            AccountKind(row.bearer_kind),
            cost_centre=row.cost_centre,
            team=row.team,
            project=row.project,
        )
        line = AdjustmentLine(row.reason, bearer, row.amount_nanos)
        lines.setdefault(row.adjustment_id, []).append(line)
    for row in connection.execute(select(_ADJUSTMENT).order_by(_ADJUSTMENT.c.id)):
        yield Adjustment(
            kind=AdjustmentKind(row.kind),
            key=row.key,
            period=BillingPeriod.parse(row.period),
            provider=row.provider,
            billing_account=row.billing_account,
            currency=row.currency,
            references=tuple(json.loads(row.based_on)),
            lines=tuple(lines.get(row.id, ())),
        )
