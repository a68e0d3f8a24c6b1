"""Seats: a fee for each seat and month or year, charged by the day to whoever has the seat.

A seat costs its fee for a term: a calendar month, or a year counted from the day the plan began.
The days of a term share the fee by largest remainder, so a seat that is paid for through a whole
term costs the fee to the nano, whoever had it and whether anybody did: whoever joins on the 15th
bears the days from the 15th on. What is paid and nobody has is charged as `unused_seat_day` to the
owner that the plan names; money that nobody looks after is no money saved.

How many seats are paid for on a day is `paid` where the plan says so (seats were bought), else as
many as are assigned, but no fewer than `minimum`. Where seats are given back at the end of the term
alone (`release` "term", as GitHub does), it is the most that were assigned in the term so far.

In the books:

* A monthly fee is owed to the provider by the day: debit owner, credit provider. Its invoice of
  the month ties to the days of the month.
* A yearly fee is paid when the term begins, and for a seat that is added later, on that day for
  what is left of the term: debit `prepaid:<plan>`, credit provider. It becomes a charge by the day:
  debit owner, credit `prepaid:<plan>`. The balance of the account is what is paid and not yet used.

Source: pricing specification, "Precedence, discounts, credits, taxes, seats, capacity"; that seats
are prorated by remaining days, its list of traps, 23.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from metering.core.flat.flat_money import FlatCharge, FlatMeter, FlatProduct, Written, flat_basis
from metering.core.flat.owner_timelines import Timeline
from metering.core.flat.proration import (
    day_share,
    days_between,
    month_of,
    next_day,
    remaining_share,
    year_of,
)
from metering.core.ledger import Account, Basis, owner_account, prepaid_account, provider_account
from metering.core.ownership.attribution import Owner
from metering.core.pricing.row_ids import row_digest


class SeatTerm(StrEnum):
    """For how long a fee is paid."""

    MONTH = "month"
    YEAR = "year"


class Release(StrEnum):
    """From when on a seat that is given back is not paid for."""

    DAY = "day"
    TERM = "term"


@dataclass(frozen=True, slots=True)
class SeatPlan:
    """What a provider charges for seats, from one day to another.

    Attributes:
        name: what assignments call it; later rows of one name replace the price.
        fee_nanos: of one seat for one term.
        begins, ends: days of the books, half-open; None is unbounded. A yearly plan ends after
            whole years.
        unused: who bears what is paid and nobody has.
        paid: how many seats were bought; None for as many as are assigned.
        minimum: how many are paid for at least; 0 with `paid`.
    """

    name: str
    provider: str
    billing_account: str
    currency: str
    fee_nanos: int
    term: SeatTerm
    begins: date
    ends: date | None
    unused: Owner
    paid: int | None = None
    minimum: int = 0
    release: Release = Release.DAY
    written: Written = field(default=Written("", 0), compare=False)

    @property
    def entry_id(self) -> str:
        """The digest of what the plan says, wherever it stands."""
        parts = (self.name, self.provider, self.billing_account, self.currency, self.fee_nanos)
        return row_digest(
            FlatProduct.SEATS,
            *parts,
            self.term,
            self.begins,
            self.ends or "",
            (self.unused.cost_centre, self.unused.team, self.unused.project),
            self.paid if self.paid is not None else "",
            self.minimum,
            self.release,
        )

    def term_of(self, day: date) -> tuple[date, date]:
        """Return the term that a day lies in, half-open; whole, wherever the plan begins."""
        return month_of(day) if self.term is SeatTerm.MONTH else year_of(self.begins, day)


@dataclass(frozen=True, slots=True)
class SeatAssignment:
    """Who has a seat of a plan, from one day to another.

    Attributes:
        key: the person or account, as usage spells its principal; rules and the owners file say
            who pays for it.
        begins, ends: half-open; None is unbounded.
    """

    key: str
    plan: str
    begins: date
    ends: date | None
    written: Written = field(default=Written("", 0), compare=False)


@dataclass(frozen=True, slots=True)
class SeatDay:
    """The seats of a plan on one day.

    Attributes:
        held: who bears how many of the seats that somebody has.
        paid: seats that are paid for.
        added: of them, those that were not paid for on the day before, in the same term.
        first, end: the term.
    """

    plan: SeatPlan
    day: date
    held: Mapping[Account, int]
    paid: int
    added: int
    first: date
    end: date

    @property
    def assigned(self) -> int:
        """Seats that somebody has."""
        return sum(self.held.values())

    @property
    def unused(self) -> int:
        """Seats that are paid for and nobody has."""
        return max(self.paid - self.assigned, 0)

    @property
    def share_nanos(self) -> int:
        """What one seat costs on this day."""
        return day_share(self.plan.fee_nanos, self.first, self.end, self.day)


def seat_days(
    plans: Iterable[SeatPlan],
    assignments: Sequence[SeatAssignment],
    owners: Mapping[tuple[str, str, str], Timeline],
    first: date,
    last: date,
) -> Iterator[SeatDay]:
    """Yield the seats of every plan and day, by plan.

    Args:
        plans: rows of one name do not overlap.
        assignments: those of one key and plan do not overlap.
        owners: of (provider, billing account, key).
        first: first charge day.
        last: inclusive.
    """
    by_plan: dict[str, list[SeatAssignment]] = defaultdict(list)
    for assignment in assignments:
        by_plan[assignment.plan].append(assignment)
    for plan in sorted(plans, key=lambda plan: (plan.name, plan.begins)):
        held_by = [
            (one, owners[plan.provider, plan.billing_account, one.key])
            for one in by_plan[plan.name]
        ]
        for seats in _of_plan(plan, held_by, last):
            if first <= seats.day:
                yield seats


def charges_of_seats(seats: Iterable[SeatDay]) -> Iterator[FlatCharge]:
    """Yield what some days of seats are charged."""
    for one in seats:
        plan, share = one.plan, one.share_nanos
        yearly = plan.term is SeatTerm.YEAR
        provider = provider_account(plan.provider, plan.billing_account)
        paid_from = prepaid_account(plan.name) if yearly else provider
        if yearly and one.added:
            amount = one.added * remaining_share(plan.fee_nanos, one.first, one.end, one.day)
            basis = _basis(one, FlatMeter.SEAT_TERM)
            yield FlatCharge(one.day, paid_from, provider, basis, one.added, amount)
        for account, count in one.held.items():
            basis = _basis(one, FlatMeter.SEAT_DAY)
            yield FlatCharge(one.day, account, paid_from, basis, count, count * share)
        if one.unused:
            owner, basis = owner_account(plan.unused), _basis(one, FlatMeter.UNUSED_SEAT_DAY)
            yield FlatCharge(one.day, owner, paid_from, basis, one.unused, one.unused * share)


def _of_plan(
    plan: SeatPlan, held_by: Sequence[tuple[SeatAssignment, Timeline]], last: date
) -> Iterator[SeatDay]:
    changes = _changes(plan, held_by)
    held: dict[Account, int] = {}
    most = before = 0
    term: tuple[date, date] | None = None
    for day in days_between(plan.begins, min(next_day(last), plan.ends or date.max)):
        for account, change in changes.get(day, {}).items():
            held[account] = held.get(account, 0) + change
        if term is None or day >= term[1]:
            term = plan.term_of(day)
            most = before = 0
        holding = {account: held[account] for account in sorted(held) if held[account]}
        assigned = sum(holding.values())
        most = max(most, assigned)
        paid = plan.paid
        if paid is None:
            paid = max(plan.minimum, most if plan.release is Release.TERM else assigned)
        yield SeatDay(plan, day, holding, paid, max(paid - before, 0), *term)
        before = paid


def _changes(
    plan: SeatPlan, held_by: Sequence[tuple[SeatAssignment, Timeline]]
) -> Mapping[date, Mapping[Account, int]]:
    """Return by day how many seats more each account bears than on the day before."""
    changes: dict[date, dict[Account, int]] = defaultdict(lambda: defaultdict(int))
    for assignment, timeline in held_by:
        begins = max(assignment.begins, plan.begins)
        ends = min(assignment.ends or date.max, plan.ends or date.max)
        for first, end, account in timeline:
            since, until = max(begins, first), min(ends, end)
            if since < until:
                changes[since][account] += 1
                changes[until][account] -= 1
    return changes


def _basis(seats: SeatDay, meter: FlatMeter) -> Basis:
    plan = seats.plan
    by_the_day = meter is not FlatMeter.SEAT_TERM
    return flat_basis(
        FlatProduct.SEATS,
        meter,
        provider=plan.provider,
        billing_account=plan.billing_account,
        name=plan.name,
        currency=plan.currency,
        file=plan.written.file,
        entry_id=plan.entry_id,
        unit_price_nanos=plan.fee_nanos if by_the_day else None,
        per=(seats.end - seats.first).days if by_the_day else None,
    )
