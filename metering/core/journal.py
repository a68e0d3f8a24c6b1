"""The month's journal: balanced lines for the general ledger, from what the book charges.

Debits are expense by general-ledger account, cost centre and project; credits are what is owed to
each provider's billing account, on a clearing account. An entry balances in whole minor units:
amounts are rounded once, by largest remainder, on each side to the same total.

While a period is open its entry is an accrual, with its reversal on the first day of the next
month; once it is closed the entry is the actual one. Each line carries an id that is made of what
the line is for and not of its amount, so that posting a journal twice books nothing twice.

Source: peers, "Journal entries"; design, "Money kinds kept apart".
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from metering.core.money import rounded_parts
from metering.core.periods import BillingPeriod

_ID_DIGITS: Final = 12
_NANO_DIGITS: Final = 9
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
        expense: of owners whose cost centre has none of its own.
        expense_of: by cost centre.
        suspense: what nobody owns.
        clearing: what is owed to providers that have none of their own.
        clearing_of: by provider.
        entity: company code or subsidiary; empty when the books are of one.
    """

    expense: str
    suspense: str
    clearing: str
    expense_of: Mapping[str, str] = field(default_factory=dict)
    clearing_of: Mapping[str, str] = field(default_factory=dict)
    entity: str = ""


@dataclass(frozen=True, slots=True)
class Charged:
    """What the book charges to one owner for one billing account.

    Attributes:
        cost_centre, project: empty where nobody owns it, or the owner has no project.
        owned: False for suspense.
        corrects: the closed month it corrects as YYYY-MM, or "".
        nanos: of `currency`; negative for what is given back.
    """

    cost_centre: str
    project: str
    owned: bool
    provider: str
    billing_account: str
    currency: str
    corrects: str
    nanos: int


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One line of an entry; exactly one of debit and credit is above zero.

    Attributes:
        external_id: the same for the same line of the same month, whatever its amount.
        account: of the general ledger.
        debit, credit: whole minor units of the entry's currency.
        corrects: the closed month it corrects, or "".
    """

    external_id: str
    account: str
    cost_centre: str
    project: str
    provider: str
    billing_account: str
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
    charges: Iterable[Charged],
    chart: ChartOfAccounts,
    minor_digits: Mapping[str, int],
    *,
    closed: bool,
) -> tuple[JournalEntry, ...]:
    """Return the entries of a period: per currency the accrual and its reversal, or the actual.

    Args:
        period: the month the charges are booked in.
        charges: in any order.
        chart: the accounts.
        minor_digits: currency to the decimals of its minor unit.
        closed: whether the period takes no more charges.
    """
    by_currency: dict[str, list[Charged]] = {}
    for charged in charges:
        by_currency.setdefault(charged.currency, []).append(charged)
    last_day = period.end_day - timedelta(days=1)
    entries: list[JournalEntry] = []
    for currency, charged_in in sorted(by_currency.items()):
        step = 10 ** (_NANO_DIGITS - minor_digits[currency])
        kind = EntryKind.ACTUAL if closed else EntryKind.ACCRUAL
        entry = _entry(period, kind, last_day, currency, _lines(charged_in, chart, step))
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
    provider: str
    billing_account: str
    corrects: str


def _lines(charges: Iterable[Charged], chart: ChartOfAccounts, step: int) -> Iterator[JournalLine]:
    """Yield the lines of an entry, both sides rounded to one total; ids are not given yet."""
    debits: Counter[_Place] = Counter()
    credits_: Counter[_Place] = Counter()
    for one in charges:
        expense = chart.expense_of.get(one.cost_centre, chart.expense)
        account = expense if one.owned else chart.suspense
        debits[_Place(account, one.cost_centre, one.project, "", "", one.corrects)] += one.nanos
        clearing = chart.clearing_of.get(one.provider, chart.clearing)
        owed = _Place(clearing, "", "", one.provider, one.billing_account, one.corrects)
        credits_[owed] += one.nanos
    yield from _side(debits, step, sign=1)
    yield from _side(credits_, step, sign=-1)


def _side(sums: Mapping[_Place, int], step: int, *, sign: int) -> Iterator[JournalLine]:
    places = {_PARTS.join(place): place for place in sorted(sums)}
    rounded = rounded_parts({name: sums[place] for name, place in places.items()}, step)
    for name, minor in rounded.items():
        if minor:
            yield JournalLine(
                external_id="",
                **places[name]._asdict(),
                debit=max(sign * minor, 0),
                credit=max(-sign * minor, 0),
            )


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
        line.provider,
        line.billing_account,
        line.corrects,
    )
    digest = hashlib.sha256(_PARTS.join(said).encode()).hexdigest()
    return f"{entry_id}-{digest[:_ID_DIGITS]}"
