"""Budgets: take a file into force, and set what is charged and forecast against it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from metering.books import budgets as budget_book
from metering.books import ledger_totals as total_book
from metering.books.engine import begin_write
from metering.books.migrations import open_books
from metering.books.runs import record_run
from metering.core.ownership.attribution import Owner
from metering.core.periods import BillingPeriod
from metering.core.planning.budget_file import parse_budgets
from metering.core.planning.budgets import Budget, Charged, Foreseen, Stand, first_month, stands
from metering.errors import BookError
from metering.workflows.planning.owner_forecasts import owner_forecasts
from metering.workflows.reading import reading
from metering.workflows.sharing.pools import known_targets
from metering.workflows.text_files import read_text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings
    from metering.workflows.runs import Run


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    Attributes:
        name: of the file.
        version: now in force.
        is_new: False when this very content was in force already; nothing is changed then.
        count: budgets.
        unknown: those of owners that neither the directory nor a rule names, as
            "budgets.csv:3 CC-9/search": nothing will be charged against them.
    """

    name: str
    version: int
    is_new: bool
    count: int
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Budgeted:
    """How the budgets of a month stand.

    Attributes:
        last_day: the last day with usage; None when there is none.
        stands: by owner; cost centres without a budget too.
    """

    period: BillingPeriod
    last_day: date | None
    stands: tuple[Stand, ...]


def import_budgets(settings: "Settings", run: "Run", path: Path) -> Imported:
    """Take a budget file (CSV) into force.

    Raises:
        RefusedFileError: something in it cannot be taken; nothing changes then.
        SourceError: it cannot be read as UTF-8 text.
    """
    file = read_text(path)
    budgets = parse_budgets(file.text, str(path), name=path.name)
    books = open_books(settings.books_url)
    with begin_write(books) as connection:
        held = budget_book.budget_version(connection)
        if held.source_sha256 != file.sha256:
            run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
            budget_book.store_budgets(connection, run_id, budgets, file.sha256)
        now = budget_book.budget_version(connection)
        known = known_targets(connection).owners
    unknown = tuple(
        f"{now.source_name}:{one.line} {_named(one.owner)}"
        for one in budgets.lines
        if not any(one.covers(owner) for owner in known)
    )
    return Imported(now.source_name, now.version, now != held, len(budgets.lines), unknown)


def _named(owner: Owner) -> str:
    return "/".join(filter(None, (owner.cost_centre, owner.team, owner.project)))


def budgeted(settings: "Settings", period: BillingPeriod | None = None) -> Budgeted:
    """Return how the budgets of a month stand, by what is posted.

    Args:
        settings: where the books are.
        period: the month; by default that of the last day with usage.

    Raises:
        BookError: `no-budgets`: none has been imported; `no-charges`: no month was named, and the
            book holds no usage.
    """
    with reading(settings) as connection:
        budgets = budget_book.budgets_in_force(connection)
        used_until = total_book.last_usage_day(connection)
        last_day = date.fromisoformat(used_until) if used_until else None
        if not budgets.lines:
            raise BookError(
                "no-budgets",
                "no budget is in force",
                do="bring some with `metering budgets import FILE`",
            )
        if period is None and last_day is None:
            raise BookError(
                "no-charges",
                "the book holds no usage that would tell the month",
                do="run `metering post`, or name the month",
            )
        month = period or BillingPeriod.of(last_day or date.max)
        first = first_month(budgets.lines, month)
        charged = [
            Charged(
                BillingPeriod.parse(name), Owner(centre, team, project), currency, nanos, run_nanos
            )
            for name, centre, team, project, currency, nanos, run_nanos in (
                total_book.spend_by_owner(connection, str(first), str(month), used_until or "")
            )
        ]
        foreseen = _foreseen(connection, budgets.lines, charged, month)
    return Budgeted(month, last_day, stands(budgets.lines, charged, month, last_day, foreseen))


def _foreseen(
    connection: "Connection",
    budgets: Sequence[Budget],
    charged: Sequence[Charged],
    month: BillingPeriod,
) -> dict[tuple[Owner, str], Foreseen]:
    """Return the forecasts of who has a budget or is a cost centre, where history is enough."""
    owners = {budget.owner for budget in budgets if budget.holds_in(month)}
    owners |= {Owner(one.owner.cost_centre) for one in charged}
    forecasts = owner_forecasts(connection, month, owners)
    if forecasts is None:
        return {}
    return {
        key: Foreseen(line.total_nanos, *line.interval_nanos)
        for key, line in forecasts.lines.items()
        if line.total_nanos is not None and line.interval_nanos is not None
    }
