"""Flat money in the desired charges: seats, capacity, then credit paid beforehand.

The order matters: capacity is divided by the usage it served, and credit pays for usage after its
contract is settled, which both read from the charges that are there already. What they add is read
by nothing here: seats draw no credit down.

Charges are worked out through the last day that the books know of: that of the latest usage, or the
last of a month that an invoice has come for. So the same books always ought to hold the same, and
nothing is charged for days that nobody has reported yet.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final

from metering.core.flat.capacity import (
    Capacity,
    CapacityDay,
    capacity_day,
    charges_of_capacity,
    zero_rated,
)
from metering.core.flat.flat_file import Agreements
from metering.core.flat.flat_money import FlatCharge, together
from metering.core.flat.owner_timelines import Timeline, owner_timelines
from metering.core.flat.prepaid import (
    Committed,
    Movement,
    Payee,
    charges_of_blocks,
    charges_of_commitments,
    committed,
    movements_of,
)
from metering.core.flat.proration import days_between, next_day
from metering.core.flat.seats import SeatAssignment, SeatDay, charges_of_seats, seat_days
from metering.core.ledger import Account, Basis
from metering.core.pricing.rates import counts_tokens
from metering.core.sharing.reigns import Reign
from metering.engine.charging import charge_totals

if TYPE_CHECKING:
    import duckdb

    from metering.core.pricing.decisions import Decision
    from metering.core.pricing.rating import RatingKey

_IDENTITY: Final = {"product": "seats", "platform": "seats"}


@dataclass(frozen=True, slots=True)
class FlatMoney:
    """The flat money in force.

    Attributes:
        agreements: what the files agree to.
        assignments: who has which seat.
        through: the last day that is charged; None while the books know of no day.
        files: name of each file to its version in force, and the ISO day it was taken in.
    """

    agreements: Agreements = field(default_factory=Agreements)
    assignments: tuple[SeatAssignment, ...] = ()
    through: date | None = None
    files: Mapping[str, tuple[int, str]] = field(default_factory=dict)

    def first_day(self, first: date, last: date) -> date:
        """Return the first day whose usage decides the charges of some days.

        What is left of a block, or falls short of a commitment, depends on everything since the
        first of its billing account was bought.
        """
        begun = [(one.payee, one.bought, one.expires) for one in self.agreements.blocks]
        begun += [(one.payee, one.begins, one.ends) for one in self.agreements.commitments]
        concerned = {
            payee
            for payee, begins, ends in begun
            if begins <= last and (ends is None or first <= ends)
        }
        return min((first, *(begins for payee, begins, _ in begun if payee in concerned)))


@dataclass(frozen=True, slots=True)
class FlatCharged:
    """What flat money comes to on some days.

    Attributes:
        charges: sorted, one per day, accounts and basis.
        seats: by plan and day.
        movements: of credit blocks, since each was bought.
        commitments: as they stand on the last day.
        capacity: by capacity and day.
    """

    charges: tuple[FlatCharge, ...] = ()
    seats: tuple[SeatDay, ...] = ()
    movements: tuple[Movement, ...] = ()
    commitments: tuple[Committed, ...] = ()
    capacity: tuple[CapacityDay, ...] = ()


def served_by(
    flat: FlatMoney, key: "RatingKey", account: str
) -> "tuple[tuple[date, date, Decision], ...]":
    """Return on which days some usage runs on a capacity, and is zero-rated for it.

    Args:
        flat: what is in force.
        key: the kind of usage.
        account: its billing account.

    Returns:
        Half-open stretches of days, in order; no two of them meet.
    """
    found = (
        (one.begins, one.ends or date.max, zero_rated(one, key.model))
        for one in flat.agreements.capacities
        if one.served.holds(key.provider, key.platform, account, key.model)
    )
    return tuple(sorted(found, key=lambda stretch: stretch[0]))


def flat_charges(
    connection: "duckdb.DuckDBPyConnection",
    flat: FlatMoney,
    reigns: Sequence[Reign],
    days: tuple[date, date],
    debits: Mapping[int, Account],
    bases: Sequence[Basis],
) -> FlatCharged:
    """Return what flat money ought to be charged on some days.

    Args:
        connection: the engine; its table `charges` holds what usage is charged.
        flat: what is in force.
        reigns: who owns a seat, and on which days they decide.
        days: first and last charge day; usage of `flat.first_day` on is in the table.
        debits: debit number to account.
        bases: by their number.
    """
    first, last = days[0], min(days[1], flat.through or date.min)
    if not len(flat.agreements) or last < first:
        return FlatCharged()
    agreed = flat.agreements
    owners = owners_of_seats(flat, reigns)
    seats = tuple(seat_days(agreed.seats, flat.assignments, owners, first, last))
    served = _served(connection, agreed.capacities, debits, bases)
    capacity = tuple(
        capacity_day(one, day, served.get((one.entry_id, day), {}))
        for one in agreed.capacities
        for day in days_between(max(first, one.begins), min(next_day(last), one.ends or date.max))
    )
    spend = _spend(connection, agreed, bases)
    movements = tuple(movements_of(agreed.blocks, spend, last))
    commitments = tuple(committed(agreed.commitments, spend, last))
    charges = together(
        charge
        for found in (
            charges_of_seats(seats),
            charges_of_capacity(capacity),
            charges_of_blocks(movements),
            charges_of_commitments(commitments),
        )
        for charge in found
        if first <= charge.day <= last
    )
    return FlatCharged(charges, seats, movements, commitments, capacity)


def owners_of_seats(
    flat: FlatMoney, reigns: Sequence[Reign]
) -> Mapping[tuple[str, str, str], Timeline]:
    """Return who owns each seat over time, by (provider, billing account, key)."""
    plans: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for plan in flat.agreements.seats:
        plans[plan.name].add((plan.provider, plan.billing_account))
    seats = sorted({(*payee, one.key) for one in flat.assignments for payee in plans[one.plan]})
    found = owner_timelines(reigns, [seat_identity(*seat) for seat in seats])
    return dict(zip(seats, found, strict=True))


def seat_identity(provider: str, billing_account: str, key: str) -> dict[str, str | None]:
    """Return what rules and directory are told of whoever has a seat."""
    named = {"provider": provider, "billing_account": billing_account, "principal": key}
    return {**_IDENTITY, **named}


def _served(
    connection: "duckdb.DuckDBPyConnection",
    capacities: Iterable[Capacity],
    debits: Mapping[int, Account],
    bases: Sequence[Basis],
) -> Mapping[tuple[str, date], Mapping[Account, int]]:
    """Return the tokens that each capacity served on each day, by who bears them."""
    names = [one.entry_id for one in capacities]
    groups = [
        (number, names.index(basis.rate_ids[0]))
        for number, basis in enumerate(bases)
        if len(basis.rate_ids) == 1 and basis.rate_ids[0] in names and counts_tokens(basis.meter)
    ]
    found: dict[tuple[str, date], dict[Account, int]] = defaultdict(dict)
    if groups:
        for day, group, debit, quantity, _ in charge_totals.totals_by_bearer(connection, groups):
            found[names[group], day][debits[debit]] = quantity
    return found


def _spend(
    connection: "duckdb.DuckDBPyConnection", agreed: Agreements, bases: Sequence[Basis]
) -> Mapping[Payee, Mapping[date, int]]:
    """Return what usage of each payee that credit or a commitment is for costs, by day."""
    concerned = {one.payee for one in agreed.blocks} | {one.payee for one in agreed.commitments}
    payees = sorted(concerned)
    groups = [
        (number, payees.index(payee))
        for number, basis in enumerate(bases)
        if (payee := (basis.provider, basis.billing_account, basis.currency)) in payees
    ]
    found: dict[Payee, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    if groups:
        for day, group, _, _, nanos in charge_totals.totals_by_bearer(connection, groups):
            found[payees[group]][day] += nanos
    return found
