"""Where a charge of flat money comes from: the agreement, the seats behind it, and who has them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from metering.core.flat.flat_file import Agreement
from metering.core.flat.flat_money import FlatMeter
from metering.core.flat.prepaid import Commitment, CreditBlock
from metering.core.flat.seats import SeatAssignment, SeatPlan
from metering.core.ledger import HOLDING_KINDS
from metering.core.money import decimal_text
from metering.core.ownership.attribution import owner_of
from metering.workflows.posting.flat_charges import FlatMoney, owners_of_seats, seat_identity

if TYPE_CHECKING:
    from metering.books.ledger import NetLine
    from metering.core.flat.capacity import Capacity
    from metering.core.sharing.reigns import Reign


@dataclass(frozen=True, slots=True)
class Agreed:
    """An agreement, as an explanation tells it.

    Attributes:
        entry_id: what charges pin.
        says: in words.
        file: name and version of the file it stands in.
        place: file and line.
        taken: ISO day on which that version was taken in.
        since, until: ISO days, half-open; "" is unbounded.
    """

    entry_id: str
    says: str
    file: str
    place: str
    taken: str
    since: str
    until: str


@dataclass(frozen=True, slots=True)
class Behind:
    """What lies behind a charge.

    Attributes:
        owners: how whoever bears it was found.
        seats: assignments behind it.
        seat_days: of all of them.
        examples: (file, line, seat-days) of the largest.
    """

    owners: tuple[str, ...]
    seats: int = 0
    seat_days: int = 0
    examples: tuple[tuple[str, int, int], ...] = ()


def agreed_prices(flat: FlatMoney) -> Iterator[Agreed]:
    """Yield every agreement in force."""
    for one in flat.agreements:
        version, taken = flat.files.get(one.written.file, (0, ""))
        begins, ends = _days(one)
        yield Agreed(
            one.entry_id,
            agreement_text(one),
            f"{one.written.file} v{version}",
            str(one.written),
            taken,
            begins.isoformat(),
            ends.isoformat() if ends else "",
        )


def agreement_text(one: Agreement) -> str:
    """Return in words what is agreed on: "19.00 USD a seat and month, 24 paid for"."""
    if isinstance(one, SeatPlan):
        paid = f"{one.paid:,} paid for" if one.paid is not None else "as many as are assigned"
        least = f", {one.minimum:,} at least" if one.minimum else ""
        fee = decimal_text(one.fee_nanos)
        return f"{fee} {one.currency} a seat and {one.term}, {paid}{least}"
    if isinstance(one, CreditBlock):
        worth, paid = decimal_text(one.credit_nanos), decimal_text(one.paid_nanos)
        return f"{worth} {one.currency} of credit for {paid}"
    if isinstance(one, Commitment):
        return f"{decimal_text(one.amount_nanos)} {one.currency} promised"
    costs = one.costs_of(one.begins)
    parts = ", ".join(f"{kind} {decimal_text(nanos)}" for kind, nanos in costs.items())
    total = decimal_text(sum(costs.values()))
    return f"{total} {one.currency} on its first day: {parts or 'nothing'}"


def behind(
    flat: FlatMoney, reigns: Sequence["Reign"], line: "NetLine", days: Sequence[date], most: int
) -> Behind:
    """Return what lies behind a charge of flat money.

    Args:
        flat: what is in force.
        reigns: who decides about owners, and on which days.
        line: the charge; all of `days` have its account and basis.
        days: its charge days, in order.
        most: how many seats to name.
    """
    place = next(
        (str(one.written) for one in flat.agreements if one.entry_id in line.rate_ids),
        line.card,
    )
    if line.debit_kind in HOLDING_KINDS:
        return Behind(())
    if line.meter == FlatMeter.CAPACITY_TOKEN:
        return Behind((f"by its share of the tokens that {place} serves",))
    if line.meter != FlatMeter.SEAT_DAY:
        return Behind((f"named by {place}",))
    found: list[tuple[int, SeatAssignment, date]] = []
    owners = owners_of_seats(flat, reigns)
    for seat in flat.assignments:
        if seat.plan != line.model:
            continue
        timeline = owners[line.provider, line.billing_account, seat.key]
        held = [
            day
            for day in days
            if seat.begins <= day < (seat.ends or date.max)
            and any(a.name == line.debit and b <= day < e for b, e, a in timeline)
        ]
        if held:
            found.append((len(held), seat, held[0]))
    found.sort(key=lambda one: (-one[0], one[1].written.file, one[1].written.line))
    how = {_how(reigns, line, seat, day) for _, seat, day in found[:most]}
    return Behind(
        tuple(sorted(how)),
        len(found),
        sum(count for count, _, _ in found),
        tuple((seat.written.file, seat.written.line, count) for count, seat, _ in found[:most]),
    )


def _how(reigns: Sequence["Reign"], line: "NetLine", seat: SeatAssignment, day: date) -> str:
    identity = seat_identity(line.provider, line.billing_account, seat.key)
    for reign in reigns:
        if reign.holds_on(day):
            owned = owner_of(identity, day, reign.rules, reign.directory)
            if owned is not None:
                return owned.how
    return "no rule and no directory line names an owner"


def _days(one: Agreement) -> tuple[date, date | None]:
    if isinstance(one, CreditBlock):
        return one.bought, one.expires
    begun: SeatPlan | Commitment | Capacity = one
    return begun.begins, begun.ends
