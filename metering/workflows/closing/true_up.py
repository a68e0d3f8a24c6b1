"""True up: decide that the book shall equal the invoices of a period, and who bears the difference.

What is decided is recorded and converges through `post`. When usage, prices or invoices change
afterwards the tie-out says so, and another true-up replaces the first.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from metering.books import accounts as account_book
from metering.books import adjustments as adjustment_book
from metering.books import billed as billed_book
from metering.books.migrations import open_books
from metering.books.runs import record_run
from metering.core.closing.adjustments import (
    ADJUSTMENT_METERS,
    Adjustment,
    AdjustmentKind,
    checked_policy,
    true_up,
    true_up_key,
)
from metering.core.closing.tieout import TieOut
from metering.core.ledger import HOLDING_KINDS, Account
from metering.core.periods import BillingPeriod
from metering.errors import BookError
from metering.workflows.closing.tie_out import days_of, tie_outs
from metering.workflows.runs import Run
from metering.workflows.transactions import transaction

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings


@dataclass(frozen=True, slots=True)
class Decision:
    """What is decided.

    Attributes:
        reason: why, for the audit log.
        accounts: "provider/account" of those to look at; none for all.
        undo: take back what was decided before.
    """

    reason: str
    accounts: tuple[str, ...] = ()
    undo: bool = False


@dataclass(frozen=True, slots=True)
class TrueUp:
    """What was decided for one billing account.

    Attributes:
        tie: its tie-out.
        adjustment: what it will be charged besides usage.
        is_new: recorded now; otherwise the same is in force already.
    """

    tie: TieOut
    adjustment: Adjustment
    is_new: bool


def true_up_period(
    settings: "Settings",
    run: Run,
    period: BillingPeriod,
    decision: Decision,
) -> tuple[TrueUp, ...]:
    """Decide what brings the ledger of each invoiced billing account to its invoices.

    Args:
        settings: who bears which difference, under [true_up].
        run: who decides, when.
        period: the month.
        decision: for which accounts, and why.

    Raises:
        BookError: `bad-settings`: [true_up] names an unknown reason or no owner; `not-invoiced`: an
            account that was named has no invoice of that month, or nothing to take back.
    """
    try:
        policy = checked_policy(settings.true_up)
    except ValueError as error:
        raise BookError(
            "bad-settings",
            f"metering.toml: [true_up] {error}",
            do="correct metering.toml",
        ) from error
    books = open_books(settings.books_url)
    with transaction(books, dry_run=False) as connection:
        known = {
            one.key: one
            for one in adjustment_book.adjustments_in_force(connection)
            if one.kind is AdjustmentKind.TRUE_UP
        }
        charged = charged_by_account(connection, period)
        decided = []
        ties = tie_outs(connection, settings, period)
        for tie in _concerned(ties, decision.accounts, known):
            place = (tie.provider, tie.billing_account, tie.currency)
            found = true_up(tie, charged.get(place, {}), policy)
            found = replace(found, lines=()) if decision.undo else found
            before = known.get(found.key)
            is_new = found.digest != before.digest if before else bool(found.lines)
            decided.append(TrueUp(tie, found, is_new))
        new = [one for one in decided if one.is_new]
        if new:
            run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
            for one in new:
                adjustment_book.add_adjustment(connection, run_id, one.adjustment, decision.reason)
    return tuple(decided)


def charged_by_account(
    connection: "Connection", period: BillingPeriod
) -> Mapping[tuple[str, str, str], Mapping[Account, int]]:
    """Return what each account is charged for usage of a period's days, adjustments left out.

    Returns:
        (provider, billing account, currency) to bearer to nanos.
    """
    first, last = days_of(period)
    known = {account.name: account for account in account_book.accounts_by_id(connection).values()}
    found: dict[tuple[str, str, str], dict[Account, int]] = {}
    for line in billed_book.billed_lines(connection, first, last):
        account = known[line.debit]
        if line.meter in ADJUSTMENT_METERS or account.kind in HOLDING_KINDS:
            continue
        place = (line.provider, line.billing_account, line.currency)
        bearers = found.setdefault(place, {})
        bearers[account] = bearers.get(account, 0) + line.amount_nanos
    return found


def _concerned(
    ties: Collection[TieOut], accounts: Collection[str], known: Collection[str]
) -> list[TieOut]:
    """Return the tie-outs of accounts that are invoiced, or were when they were trued up."""
    concerned = [tie for tie in ties if tie.is_invoiced or _key(tie) in known]
    names = {f"{tie.provider}/{tie.billing_account}" for tie in concerned}
    missing = sorted(set(accounts) - names)
    if missing or not concerned:
        raise BookError(
            "not-invoiced",
            f"{missing[0]} has no invoice of that month" if missing else "no invoice of that month",
            details=(f"invoiced: {', '.join(sorted(names)) or 'none'}",),
            do="ingest its invoice first, with `metering invoices ingest`",
        )
    return [
        tie
        for tie in concerned
        if not accounts or f"{tie.provider}/{tie.billing_account}" in accounts
    ]


def _key(tie: TieOut) -> str:
    return true_up_key(tie.period, tie.provider, tie.billing_account, tie.currency)
