"""How flat money stands in a period: seats, credit paid beforehand, commitments and capacity.

Worked out anew from usage and files, as `post` does, so that it does not wait for one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from metering.core.flat.capacity import CapacityDay, CapacityUse, use_of
from metering.core.flat.flat_money import FlatMeter
from metering.core.flat.prepaid import Committed, CreditBlock, Movement
from metering.core.flat.seats import SeatDay, SeatPlan
from metering.core.periods import BillingPeriod
from metering.usage.lake import Lake
from metering.workflows.posting.day_cells import live_cells
from metering.workflows.posting.policy import policy_in_force
from metering.workflows.posting.post import charged_of, days_needed
from metering.workflows.reading import reading

if TYPE_CHECKING:
    from metering.settings import Settings


@dataclass(frozen=True, slots=True)
class SeatUse:
    """The seats of a plan over the days of a period.

    Attributes:
        seats: paid for on the last of the days.
        paid_days, used_days: seat-days paid for, and of them those on which somebody had the seat.
        cost_nanos: of all that were paid for.
        unused_nanos: of it, those that nobody had.
    """

    plan: SeatPlan
    seats: int
    paid_days: int
    used_days: int
    cost_nanos: int
    unused_nanos: int

    @property
    def utilisation(self) -> Fraction | None:
        """The share of the seat-days that somebody had the seat; None where none were paid for."""
        return Fraction(self.used_days, self.paid_days) if self.paid_days else None


@dataclass(frozen=True, slots=True)
class BlockUse:
    """A credit block over the days of a period.

    Attributes:
        opening_nanos: left on the morning of the first day.
        bought_nanos, drawn_nanos, expired_nanos: during it.
    """

    block: CreditBlock
    opening_nanos: int
    bought_nanos: int
    drawn_nanos: int
    expired_nanos: int

    @property
    def closing_nanos(self) -> int:
        """What is left at the end of the last day."""
        added = self.opening_nanos + self.bought_nanos
        return added - self.drawn_nanos - self.expired_nanos

    @property
    def effective_price(self) -> Fraction:
        """What was paid for a unit of credit."""
        return Fraction(self.block.paid_nanos, self.block.credit_nanos)


@dataclass(frozen=True, slots=True)
class FlatStanding:
    """Flat money in a period.

    Attributes:
        first, last: the days that are charged; None when none of the period's is yet.
        seats: by plan and first day.
        blocks: those that were there, by name.
        commitments: those that had begun by the last day, as they stood on it.
        capacity: by name.
    """

    first: date | None
    last: date | None
    seats: tuple[SeatUse, ...] = ()
    blocks: tuple[BlockUse, ...] = ()
    commitments: tuple[Committed, ...] = ()
    capacity: tuple[CapacityUse, ...] = ()


def flat_standing(settings: "Settings", period: BillingPeriod) -> FlatStanding:
    """Return how flat money stands in a period, as far as the books know of its days."""
    with reading(settings) as connection, Lake(settings.lake).staging() as staging:
        policy = policy_in_force(connection, settings)
        first, ends = period.first_day, period.end_day - timedelta(days=1)
        last = min(ends, policy.flat.through or date.min)
        if last < first:
            return FlatStanding(None, None)
        days = days_needed(connection, policy, first, last)
        with live_cells(connection, settings, staging, policy, days) as (duck, cells):
            found = charged_of(duck, policy, cells, (days[0], last)).flat
    return FlatStanding(
        first,
        last,
        seats=tuple(_seat_uses(one for one in found.seats if first <= one.day)),
        blocks=tuple(_block_uses(found.movements, first)),
        commitments=tuple(one for one in found.commitments if first < one.commitment.ends),
        capacity=tuple(_capacity_uses(one for one in found.capacity if first <= one.day)),
    )


def _seat_uses(days: Iterable[SeatDay]) -> Iterator[SeatUse]:
    by_plan: dict[SeatPlan, list[SeatDay]] = defaultdict(list)
    for one in days:
        by_plan[one.plan].append(one)
    for plan, found in by_plan.items():
        yield SeatUse(
            plan,
            seats=found[-1].paid,
            paid_days=sum(one.paid for one in found),
            used_days=sum(one.assigned for one in found),
            cost_nanos=sum(max(one.paid, one.assigned) * one.share_nanos for one in found),
            unused_nanos=sum(one.unused * one.share_nanos for one in found),
        )


def _block_uses(movements: Iterable[Movement], first: date) -> Iterator[BlockUse]:
    by_block: dict[str, list[Movement]] = defaultdict(list)
    for one in movements:
        by_block[one.block.name].append(one)
    for _, moved in sorted(by_block.items()):
        use = BlockUse(
            moved[0].block,
            opening_nanos=sum(_added(one) for one in moved if one.day < first),
            bought_nanos=_sum(moved, FlatMeter.CREDIT_PURCHASE, first),
            drawn_nanos=_sum(moved, FlatMeter.CREDIT_DRAWDOWN, first),
            expired_nanos=_sum(moved, FlatMeter.CREDIT_EXPIRY, first),
        )
        if use.opening_nanos or use.bought_nanos:
            yield use


def _sum(moved: Iterable[Movement], meter: FlatMeter, first: date) -> int:
    return sum(one.nanos for one in moved if one.meter is meter and first <= one.day)


def _added(one: Movement) -> int:
    return one.nanos if one.meter is FlatMeter.CREDIT_PURCHASE else -one.nanos


def _capacity_uses(days: Iterable[CapacityDay]) -> Iterator[CapacityUse]:
    by_name: dict[tuple[str, str], list[CapacityDay]] = defaultdict(list)
    for one in days:
        by_name[one.capacity.name, one.capacity.entry_id].append(one)
    for _, found in sorted(by_name.items()):
        yield use_of(found)
