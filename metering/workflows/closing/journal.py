"""Journal: a period's charges as the balanced entries that the general ledger imports."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.books import accounts as account_book
from metering.books import ledger as ledger_book
from metering.core.closing.journal import ChartOfAccounts, JournalEntry, Transfer, journal_entries
from metering.core.ledger import AccountKind
from metering.core.periods import BillingPeriod
from metering.errors import BookError, LedgerError
from metering.reporting.faces.journal import Journal, JournalTemplate, journal_csv
from metering.reporting.snapshot import ReportStatus
from metering.workflows.posting.accounting import Accounting, accounting_of
from metering.workflows.reading import reading
from metering.workflows.reports.branding import brand_of
from metering.workflows.reports.period_snapshot import snapshot_of_period
from metering.workflows.reports.replacing import replace_file

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings

# Names that tell what is meant, until metering.toml says the numbers.
_EXPENSE: Final = "AI usage expense"
_SUSPENSE: Final = "AI usage suspense"
_CLEARING: Final = "Accrued AI usage"
_PREPAID: Final = "Prepaid AI credit"
_CAPACITY: Final = "Own AI capacity"
_SHARED: Final = "Shared AI cost"
_DECIMALS: Final = (".", ",")


@dataclass(frozen=True, slots=True)
class JournalWritten:
    """A journal that was written.

    Attributes:
        journal: what it says.
        path: the file.
    """

    journal: Journal
    path: Path


def write_journal(
    settings: "Settings",
    period: BillingPeriod,
    folder: Path,
    template: JournalTemplate | None = None,
) -> JournalWritten:
    """Write the journal of a period; the same ledger gives the same bytes.

    Args:
        settings: the accounts, and the template when none is given.
        period: the month.
        folder: where `journal-PERIOD-TEMPLATE.csv` goes.
        template: whose layout.

    Raises:
        BookError: `no-charges`; `bad-settings`: [journal] names no known template or decimal mark;
            `unwritable-report`.
        SourceError: `bad-template`: one of the company's own is wrong.
    """
    brand = brand_of(settings)
    chosen = template or _template(settings)
    decimal = _decimal(settings)
    with reading(settings) as connection:
        snapshot = snapshot_of_period(connection, settings, period)
        accounting = accounting_of(connection, settings, period)
        transfers = tuple(_transfers(connection, period, accounting))
    chart = _chart(settings)
    entries = journal_entries(
        period,
        transfers,
        chart,
        closed=snapshot.status is ReportStatus.FINAL,
    )
    _check_balance(entries)
    journal = Journal(period, chart.entity, snapshot.snapshot_id, entries)
    path = folder / f"journal-{period}-{chosen.value}.csv"
    replace_file(path, journal_csv(journal, chosen, decimal, brand.templates))
    return JournalWritten(journal, path)


def _transfers(
    connection: "Connection", period: BillingPeriod, accounting: Accounting
) -> Iterator[Transfer]:
    """Yield what a period moved between accounts, added up by what it is booked on."""
    accounts = {
        account.name: account for account in account_book.accounts_by_id(connection).values()
    }
    booked: dict[tuple[str, str], str] = {}

    def booked_on(name: str, day: str) -> str:
        found = booked.get((name, day))
        if found is None:
            one = accounts[name]
            is_owner = one.kind is AccountKind.OWNER
            on = date.fromisoformat(day)
            said = accounting.of(one.cost_centre, one.project, on).gl_account if is_owner else ""
            found = booked[name, day] = said
        return found

    sums: Counter[tuple[str, ...]] = Counter()
    for line in ledger_book.net_lines(connection, str(period)):
        sums[
            line.debit,
            line.credit,
            line.currency,
            line.corrects_period or "",
            booked_on(line.debit, line.charge_day),
            booked_on(line.credit, line.charge_day),
        ] += line.amount_nanos
    for (debit, credit, currency, corrects, *on), nanos in sums.items():
        yield Transfer(accounts[debit], accounts[credit], currency, corrects, nanos, *on)


def _check_balance(entries: tuple[JournalEntry, ...]) -> None:
    for entry in entries:
        if entry.total != sum(line.credit for line in entry.lines):
            raise LedgerError(f"the journal entry {entry.entry_id} does not balance")


def _chart(settings: "Settings") -> ChartOfAccounts:
    said = settings.journal
    return ChartOfAccounts(
        expense=str(said.get("expense_account", _EXPENSE)),
        suspense=str(said.get("suspense_account", _SUSPENSE)),
        clearing=str(said.get("clearing_account", _CLEARING)),
        prepaid=str(said.get("prepaid_account", _PREPAID)),
        capacity=str(said.get("capacity_account", _CAPACITY)),
        shared=str(said.get("shared_account", _SHARED)),
        expense_of=_accounts(settings, "expense_accounts"),
        clearing_of=_accounts(settings, "clearing_accounts"),
        entity=str(said.get("entity", "")),
    )


def _accounts(settings: "Settings", key: str) -> dict[str, str]:
    said = settings.journal.get(key, {})
    if not isinstance(said, Mapping):
        raise _bad(f"{key} is {said!r}", 'a table such as { "CC-4100" = "6420" }')
    return {str(name): str(account) for name, account in said.items()}


def _template(settings: "Settings") -> JournalTemplate:
    said = settings.journal.get("template", JournalTemplate.GENERIC.value)
    try:
        return JournalTemplate(said)
    except ValueError as error:
        raise _bad(f"template is {said!r}", f"one of {', '.join(JournalTemplate)}") from error


def _decimal(settings: "Settings") -> str:
    said = settings.journal.get("decimal", _DECIMALS[0])
    if said not in _DECIMALS:
        raise _bad(f"decimal is {said!r}", '"." or ","')
    return str(said)


def _bad(found: str, expected: str) -> BookError:
    return BookError(
        "bad-settings",
        f"metering.toml: [journal] {found}",
        details=(f"expected: {expected}",),
        do="correct metering.toml",
    )
