"""Budgets: versions of the budget file; the newest is in force."""

from typing import Any, ClassVar, Final

from sqlalchemy import CheckConstraint, Connection, UniqueConstraint, insert, select

from metering.books.schema import BookTable, reference, row_id, strict, table_of, whole, words
from metering.books.versions import Version, VersionRow, new_version, newest, version_of
from metering.core.ownership.attribution import Owner
from metering.core.periods import BillingPeriod
from metering.core.planning.budgets import Budget, Budgets


class BudgetFileRow(VersionRow, table=True):
    """One version of the budget file."""

    __tablename__: ClassVar[Any] = "budget_file"
    __table_args__ = strict(UniqueConstraint("version"))


class BudgetRow(BookTable, table=True):
    """What one owner may spend."""

    __tablename__: ClassVar[Any] = "budget"
    __table_args__ = strict(CheckConstraint("amount_nanos >= 0", name="amount_not_negative"))

    id: int | None = row_id()
    budget_file_id: int = reference("budget_file.id", index=True)
    line: int = whole()
    cost_centre: str = words()
    team: str = words()
    project: str = words()
    first_period: str = words()
    last_period: str = words()
    currency: str = words()
    amount_nanos: int = whole()


_FILE: Final = table_of(BudgetFileRow)
_BUDGET: Final = table_of(BudgetRow)


def store_budgets(connection: Connection, run_id: int, budgets: Budgets, sha256: str) -> Version:
    """Keep a budget file as the newest version; the one in force is not kept again.

    Args:
        connection: of a write transaction.
        run_id: the run that brings it.
        budgets: the checked file.
        sha256: of its bytes, hexadecimal.
    """
    version, file_id = new_version(connection, run_id, _FILE, (budgets.name, sha256))
    if file_id is not None and budgets.lines:
        rows = [
            {
                "budget_file_id": file_id,
                "line": one.line,
                "cost_centre": one.owner.cost_centre,
                "team": one.owner.team,
                "project": one.owner.project,
                "first_period": str(one.first),
                "last_period": str(one.last),
                "currency": one.currency,
                "amount_nanos": one.amount_nanos,
            }
            for one in budgets.lines
        ]
        connection.execute(insert(_BUDGET), rows)
    return version


def budgets_in_force(connection: Connection) -> Budgets:
    """Return the newest budget file; without any, one that says nothing."""
    found = newest(connection, _FILE)
    if found is None:
        return Budgets()
    rows = select(_BUDGET).where(_BUDGET.c.budget_file_id == found.id).order_by(_BUDGET.c.id)
    return Budgets(
        found.source_name,
        tuple(
            Budget(
                row.line,
                Owner(row.cost_centre, row.team, row.project),
                BillingPeriod.parse(row.first_period),
                BillingPeriod.parse(row.last_period),
                row.currency,
                row.amount_nanos,
            )
            for row in connection.execute(rows)
        ),
    )


def budget_version(connection: Connection) -> Version:
    """Return which budget file is in force."""
    return version_of(newest(connection, _FILE))
