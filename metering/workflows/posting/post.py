"""Post: append to the book what it lacks to equal what the usage ought to cost."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.books import accounts as account_book
from metering.books import coverage as coverage_book
from metering.books import lake as lake_book
from metering.books import ledger as ledger_book
from metering.books import periods as period_book
from metering.books.fx import last_posting_id
from metering.books.migrations import open_books
from metering.books.runs import record_run
from metering.core.closing.adjustments import DISPUTE_METER, TRUE_UP_METERS
from metering.core.flat.flat_money import MONEY_METERS
from metering.core.ledger import (
    HOLDING_KINDS,
    UNATTRIBUTED,
    UNPRICED,
    Account,
    Basis,
    CorrectionReason,
    PostingKind,
)
from metering.core.periods import BillingPeriod
from metering.core.pricing.terms import SETTLED_METERS
from metering.core.sharing.splits import SHARE_METERS
from metering.engine.charging import corrections
from metering.engine.charging.charges import open_cells
from metering.engine.charging.lacking import find_lacking, lacking_rows, lacking_totals
from metering.errors import BookError
from metering.usage.lake import Lake
from metering.workflows.garbage import nothing_collected
from metering.workflows.posting.day_cells import DayCells, live_cells, publish_cells
from metering.workflows.posting.desired import Desired, desired_charges
from metering.workflows.posting.policy import Policy, policy_in_force
from metering.workflows.posting.settling import settled_days, whole_months
from metering.workflows.pricing.fx import NoFx, convert_postings
from metering.workflows.transactions import transaction

if TYPE_CHECKING:
    import duckdb
    from sqlalchemy import Connection

    from metering.settings import Settings
    from metering.workflows.runs import Run

# Why what is not metered is corrected, by its meter.
_REASONS: Final[Mapping[str, CorrectionReason]] = {
    **dict.fromkeys((*SETTLED_METERS, *MONEY_METERS, *SHARE_METERS), CorrectionReason.RESETTLED),
    **dict.fromkeys(TRUE_UP_METERS, CorrectionReason.TRUE_UP),
    DISPUTE_METER: CorrectionReason.DISPUTE,
}

FIRST_DAY: Final = date(1, 1, 1)
LAST_DAY: Final = date(9999, 12, 31)


@dataclass(frozen=True, slots=True)
class Posted:
    """What one `post` appended, or with --dry-run would append.

    Attributes:
        run_id: of the run; None when nothing was appended.
        postings: rows appended.
        corrections: of them, those that correct a closed period in an open one.
        amounts: net nanos charged by (period, currency).
        unpriced: of them, those whose quantity has no rate.
        unattributed: net nanos without an owner, by currency.
        days: charge days that were looked at.
        cells_built: days whose cells were rolled up anew.
        no_fx: currency to the days that were posted without an exchange rate.
    """

    run_id: int | None
    postings: int
    corrections: int
    amounts: dict[tuple[str, str], int]
    unpriced: int
    unattributed: dict[str, int]
    days: int
    cells_built: int
    no_fx: NoFx = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lacking:
    """What the book lacks to equal what ought to be charged.

    Attributes:
        duck: the engine, whose table `lacking` holds the postings to append.
        cells: the cells it was computed from.
        accounts: by id, all that the book knows by now.
    """

    duck: "duckdb.DuckDBPyConnection"
    cells: DayCells
    accounts: Mapping[int, Account]


def post(
    settings: "Settings",
    run: "Run",
    *,
    first: date = FIRST_DAY,
    last: date = LAST_DAY,
    dry_run: bool = False,
    restate_owners: Collection[BillingPeriod] = (),
) -> Posted:
    """Compute what ought to be charged for some days and append the difference.

    Args:
        settings: where the books and the lake are.
        run: who does this, when.
        first: first charge day, inclusive.
        last: last charge day, inclusive.
        dry_run: compute and tell, change nothing.
        restate_owners: closed periods whose spend is borne by whom the rules and owners in force
            now name, instead of those in force when they were closed.

    Returns:
        What was appended; nothing at all when the book is right already.

    Raises:
        BookError: `period-not-closed`: a period whose owners are to be restated is open, and has
            the owners in force already.
    """
    books = open_books(settings.books_url)
    with (
        Lake(settings.lake).staging() as staging,
        transaction(books, dry_run=dry_run) as connection,
        _owners_restated(connection, run, restate_owners) as restated,
        lacking(connection, settings, staging, first, last) as found,
    ):
        told = _told(found)
        if dry_run or not (told.postings or found.cells.new or restated):
            # New accounts and bases may have been named on the way to find that nothing is lacking.
            connection.rollback()
            return told
        run_id = restated or record_run(
            connection, run.command, run.arguments, run.started_at, run.user
        )
        name_cells(connection, Lake(settings.lake), run_id, found.cells)
        before = last_posting_id(connection)
        ledger_book.add_postings(connection, run_id, lacking_rows(found.duck))
        _, no_fx = convert_postings(connection, settings.currency, after=before)
        return replace(told, run_id=run_id, no_fx=no_fx)


@contextmanager
def _owners_restated(
    connection: "Connection", run: "Run", periods: Collection[BillingPeriod]
) -> Iterator[int | None]:
    """Yield the run that let the owners in force now be those of closed periods; None without."""
    closed = period_book.closed_periods(connection)
    for period in periods:
        if str(period) not in closed:
            raise BookError(
                "period-not-closed",
                f"period {period} is not closed; its owners are those in force already",
                do="post without it",
            )
    run_id = None
    if periods:
        run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
        for period in sorted(periods):
            period_book.restate_owners(connection, run_id, str(period))
    yield run_id


@contextmanager
def lacking(
    connection: "Connection", settings: "Settings", staging: Path, first: date, last: date
) -> Iterator["Lacking"]:
    """Yield what the book lacks for some charge days; new cells wait in `staging`.

    Where something is settled by the month, the days grow to whole months; where credit was paid
    beforehand, to the day it was bought. Accounts and bases that are new are named in the
    transaction of `connection`.
    """
    policy = policy_in_force(connection, settings)
    first, last = days_needed(connection, policy, first, last)
    with (
        nothing_collected(),
        live_cells(connection, settings, staging, policy, (first, last)) as (duck, cells),
    ):
        desired = charged_of(duck, policy, cells, (first, last))
        accounts = account_book.ensure_accounts(connection, desired.accounts())
        _find(duck, connection, desired, accounts, (first.isoformat(), last.isoformat()))
        yield Lacking(
            duck=duck,
            cells=cells,
            accounts=account_book.accounts_by_id(connection),
        )


def days_needed(
    connection: "Connection", policy: Policy, first: date, last: date
) -> tuple[date, date]:
    """Return the days whose usage decides what some days are charged, first and last."""
    first = policy.flat.first_day(first, last)
    begins, ends = whole_months(first, last)
    if (begins, ends) == (first, last):
        return first, last
    if policy.shares:
        return begins, ends
    files = lake_book.live_files(connection, None, begins.isoformat(), ends.isoformat())
    other_meters = {meter for file in files for meter in json.loads(file.meters)}
    return settled_days(policy.rates, first, last, other_meters)


def charged_of(
    duck: "duckdb.DuckDBPyConnection", policy: Policy, cells: DayCells, days: tuple[date, date]
) -> Desired:
    """Return what ought to be charged on some days, of which all cells are there."""
    if cells.first is None or cells.last is None:
        return desired_charges(duck, policy, None, days)
    open_cells(duck, cells.files)
    usage = (cells.first, cells.last)
    return desired_charges(duck, policy, usage, days, detail=cells.detail)


def _find(
    duck: "duckdb.DuckDBPyConnection",
    connection: "Connection",
    desired: Desired,
    accounts: Mapping[str, int],
    days: tuple[str, str],
) -> None:
    bases = account_book.ensure_bases(connection, desired.bases)
    find_lacking(
        duck,
        [
            (number, accounts[account.name])
            for number, account in desired.debits.items()
            if account.name in accounts
        ],
        [
            (
                number,
                bases[basis.digest],
                accounts[desired.credit(number).name],
            )
            for number, basis in enumerate(desired.bases)
        ],
        ledger_book.booked(connection, *days),
        _where_corrections_go(connection),
    )
    _give_reasons(duck, connection)


def _give_reasons(duck: "duckdb.DuckDBPyConnection", connection: "Connection") -> None:
    """Say why each correction is made; bases tell the same usage at several rates apart."""
    corrected = corrections.corrected_bases(duck)
    if not corrected:
        return
    alike: dict[tuple[str, ...], int] = {}
    logged = coverage_book.logged_accounts(connection)
    usage_of = [
        (
            number,
            alike.setdefault(_usage_key(basis), len(alike)),
            _REASONS.get(basis.meter, ""),
            (basis.provider, basis.billing_account) in logged,
        )
        for number, basis in account_book.bases_by_id(connection, corrected).items()
    ]
    corrections.give_reasons(duck, usage_of)


def _usage_key(basis: Basis) -> tuple[str, ...]:
    return (
        basis.provider,
        basis.platform,
        basis.billing_account,
        basis.product,
        basis.model_raw,
        basis.meter,
        basis.conditions,
    )


def _where_corrections_go(connection: "Connection") -> list[tuple[str, str]]:
    """Return (closed period, the first open one after it)."""
    closed = period_book.closed_periods(connection)
    targets = []
    for name in sorted(closed):
        period = BillingPeriod.parse(name)
        while str(period) in closed:
            period = BillingPeriod.of(period.end_day)
        targets.append((name, str(period)))
    return targets


def name_cells(connection: "Connection", lake: Lake, run_id: int, cells: DayCells) -> None:
    """Publish new cells and name them in the book, so that the next run reuses them."""
    lake_book.add_cell_files(
        connection,
        run_id,
        [
            lake_book.NewCellFile(
                day=new.day,
                recipe=new.recipe,
                path=placed.path,
                sha256=placed.sha256,
                size_bytes=placed.size_bytes,
                cells=new.cells,
            )
            for new, placed in publish_cells(lake, cells.new)
        ],
    )


def _told(found: Lacking) -> Posted:
    amounts: Counter[tuple[str, str]] = Counter()
    unattributed: Counter[str] = Counter()
    postings = corrections = unpriced = 0
    for kind, period, currency, debit, count, added, nanos in lacking_totals(found.duck):
        postings += count
        corrections += count if kind == PostingKind.CORRECTION.value else 0
        account = found.accounts[debit]
        if account.kind not in HOLDING_KINDS:
            amounts[period, currency] += nanos
        unpriced += added if account == UNPRICED else 0
        unattributed[currency] += nanos if account == UNATTRIBUTED else 0
    return Posted(
        run_id=None,
        postings=postings,
        corrections=corrections,
        amounts=dict(sorted(amounts.items())),
        unpriced=unpriced,
        unattributed={currency: nanos for currency, nanos in unattributed.items() if nanos},
        days=len(found.cells.files),
        cells_built=len(found.cells.new),
    )
