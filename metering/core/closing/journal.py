"""The month's journal: balanced lines for the general ledger, from what the book moved.

Every posting is a transfer from one account of the book to another, and each account stands for one
of the general ledger: an owner for expense, a provider for what is accrued and not paid, credit
bought beforehand for an asset. So an entry balances by construction; its amounts are rounded once,
by largest remainder, to whole minor units that sum to nothing.

While a period is open its entry is an accrual, with its reversal on the first day of the next
month; once it is closed the entry is the actual one. Each line carries an id that is made of what
the line is for and not of its amount, so that posting a journal twice books nothing twice.

Source: peers, "Journal entries"; design, "A posting is a transfer", "Money kinds kept apart".
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from metering.core.ledger import Account, AccountKind
from metering.core.money import minor_unit, rounded_parts
from metering.core.periods import BillingPeriod

_ID_DIGITS: Final = 12
_PARTS: Final = "\x1f"


class EntryKind(StrEnum):
    """What an entry does in the general ledger."""

    ACCRUAL = "accrual"  # the period is open: an estimate
    REVERSAL = "reversal"  # takes the accrual back on the next month's first day
    ACTUAL = "actual"  # the period is closed


@dataclass(frozen=True, slots=True)
class ChartOfAccounts:
    """Which general-ledger accounts the journal is booked on.

    Attributes:
        expense: of owners to whom nothing else gives one.
        suspense: what nobody owns.
        clearing: what is owed to providers that have none of their own.
        prepaid: credit and seats that are paid and not used up.
        capacity: what own or leased computers cost, whoever is paid for it.
        shared: what pools of shared cost hold, and what mark-ups came to.
        expense_of: by cost centre, where the directory gives none.
        clearing_of: by provider.
        entity: company code or subsidiary; empty when the books are of one.
    """

    expense: str
    suspense: str
    clearing: str
    prepaid: str = ""
    capacity: str = ""
    shared: str = ""
    expense_of: Mapping[str, str] = field(default_factory=dict)
    clearing_of: Mapping[str, str] = field(default_factory=dict)
    entity: str = ""

    def account(self, account: Account, said: str = "") -> str:
        """Return the general-ledger account that an account of the book stands for.

        Args:
            account: of the book.
            said: what the directory gave an owner on the day; empty for nothing.
        """
        if account.kind is AccountKind.OWNER:
            return said or self.expense_of.get(account.cost_centre, self.expense)
        if account.kind is AccountKind.PROVIDER:
            return self.clearing_of.get(account.provider, self.clearing)
        others = {
            AccountKind.PREPAID: self.prepaid,
            AccountKind.CAPACITY: self.capacity,
            AccountKind.SUSPENSE: self.suspense,
        }
        return others.get(account.kind, self.shared)


@dataclass(frozen=True, slots=True)
class Transfer:
    """What the book moved from one account to another.

    Attributes:
        debit, credit: accounts of the book.
        currency: ISO 4217.
        corrects: the closed month it corrects as YYYY-MM, or "".
        nanos: of `currency`; negative for what is given back.
        debit_booked, credit_booked: general-ledger accounts that the directory gives the two, where
            they are owners; empty for none.
    """

    debit: Account
    credit: Account
    currency: str
    corrects: str
    nanos: int
    debit_booked: str = ""
    credit_booked: str = ""


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One line of an entry; exactly one of debit and credit is above zero.

    Attributes:
        holder: the account of the book, where it is no owner: a provider's, a pool, credit.
        external_id: the same for the same line of the same month, whatever its amount.
        account: of the general ledger.
        debit, credit: whole minor units of the entry's currency.
        corrects: the closed month it corrects, or "".
    """

    external_id: str
    account: str
    cost_centre: str
    project: str
    holder: str
    corrects: str
    debit: int
    credit: int


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One balanced entry.

    Attributes:
        entry_id: the same for the same entry of the same month.
        booked_on: its date.
        currency: ISO 4217.
        lines: debits first.
    """

    entry_id: str
    kind: EntryKind
    booked_on: date
    currency: str
    lines: tuple[JournalLine, ...]

    @property
    def total(self) -> int:
        """The sum of the debits, which is that of the credits; whole minor units."""
        return sum(line.debit for line in self.lines)


def journal_entries(
    period: BillingPeriod,
    transfers: Iterable[Transfer],
    chart: ChartOfAccounts,
    *,
    closed: bool,
) -> tuple[JournalEntry, ...]:
    """Return the entries of a period: per currency the accrual and its reversal, or the actual.

    Args:
        period: the month they are booked in.
        transfers: in any order.
        chart: the accounts.
        closed: whether the period takes no more postings.
    """
    by_currency: dict[str, list[Transfer]] = {}
    for transfer in transfers:
        by_currency.setdefault(transfer.currency, []).append(transfer)
    last_day = period.end_day - timedelta(days=1)
    entries: list[JournalEntry] = []
    for currency, moved in sorted(by_currency.items()):
        kind = EntryKind.ACTUAL if closed else EntryKind.ACCRUAL
        entry = _entry(period, kind, last_day, currency, _lines(moved, chart, minor_unit(currency)))
        if not entry.lines:
            continue
        entries.append(entry)
        if not closed:
            entries.append(_reversal(period, entry))
    return tuple(entries)


class _Place(NamedTuple):
    """What amounts of an entry are added up by."""

    account: str
    cost_centre: str
    project: str
    holder: str
    corrects: str


def _lines(
    transfers: Iterable[Transfer], chart: ChartOfAccounts, step: int
) -> Iterator[JournalLine]:
    """Yield the lines of an entry, debits first; ids are not given yet."""
    sums: Counter[_Place] = Counter()
    for one in transfers:
        sums[_place(one.debit, one.debit_booked, one.corrects, chart)] += one.nanos
        sums[_place(one.credit, one.credit_booked, one.corrects, chart)] -= one.nanos
    places = {_PARTS.join(place): place for place in sorted(sums)}
    rounded = rounded_parts({name: sums[place] for name, place in places.items()}, step)
    for name, minor in sorted(rounded.items(), key=lambda item: (item[1] < 0, places[item[0]])):
        if minor:
            yield JournalLine(
                external_id="",
                **places[name]._asdict(),
                debit=max(minor, 0),
                credit=max(-minor, 0),
            )


def _place(account: Account, said: str, corrects: str, chart: ChartOfAccounts) -> _Place:
    booked = chart.account(account, said)
    if account.kind is AccountKind.OWNER:
        return _Place(booked, account.cost_centre, account.project, "", corrects)
    return _Place(booked, "", "", account.name.removeprefix("provider:"), corrects)


def _entry(
    period: BillingPeriod,
    kind: EntryKind,
    booked_on: date,
    currency: str,
    lines: Iterable[JournalLine],
) -> JournalEntry:
    entry_id = f"metering-{period}-{currency}-{kind.value}"
    return JournalEntry(
        entry_id,
        kind,
        booked_on,
        currency,
        tuple(replace(line, external_id=_external_id(entry_id, line)) for line in lines),
    )


def _reversal(period: BillingPeriod, accrual: JournalEntry) -> JournalEntry:
    swapped = (replace(line, debit=line.credit, credit=line.debit) for line in accrual.lines)
    return _entry(period, EntryKind.REVERSAL, period.end_day, accrual.currency, swapped)


def _external_id(entry_id: str, line: JournalLine) -> str:
    said = (
        line.account,
        line.cost_centre,
        line.project,
        line.holder,
        line.corrects,
    )
    digest = hashlib.sha256(_PARTS.join(said).encode()).hexdigest()
    return f"{entry_id}-{digest[:_ID_DIGITS]}"
