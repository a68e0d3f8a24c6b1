"""Flat money is charged whole: nothing is created, lost or charged twice, whoever comes."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from metering.core.flat.capacity import Capacity, Costs, Served, capacity_day, charges_of_capacity
from metering.core.flat.flat_money import FlatCharge, FlatMeter, together
from metering.core.flat.owner_timelines import Timeline
from metering.core.flat.prepaid import (
    Commitment,
    CreditBlock,
    charges_of_blocks,
    charges_of_commitments,
    committed,
    movements_of,
)
from metering.core.flat.proration import day_share, days_between, remaining_share
from metering.core.flat.seats import (
    Release,
    SeatAssignment,
    SeatPlan,
    SeatTerm,
    charges_of_seats,
    seat_days,
)
from metering.core.ledger import (
    HOLDING_KINDS,
    UNATTRIBUTED,
    Account,
    bonus_account,
    owner_account,
    prepaid_account,
    provider_account,
)
from metering.core.money import apportion
from metering.core.ownership.attribution import Owner

FIRST = date(2026, 2, 1)
LAST = date(2026, 6, 30)
NOBODY = Owner("CC-9000", "it", "unused")
TEAMS = [owner_account(Owner(f"CC-{n}", f"team {n}", "")) for n in range(4)]
PAYEE = ("acme", "default", "USD")

days = st.integers(0, (LAST - FIRST).days).map(lambda n: FIRST + timedelta(days=n))
amounts = st.integers(0, 10**13)


@st.composite
def stretches(draw: st.DrawFn) -> tuple[date, date]:
    first, end = sorted(draw(st.lists(days, min_size=2, max_size=2, unique=True)))
    return first, end


@st.composite
def assignments(draw: st.DrawFn) -> list[SeatAssignment]:
    """Return seats of some people; each has one at a time, with pauses, some to the end."""
    found = []
    for person in range(draw(st.integers(0, 8))):
        bounds = sorted(draw(st.lists(days, max_size=6, unique=True)))
        pairs = [(bounds[n], bounds[n + 1]) for n in range(0, len(bounds) - 1, 2)]
        ends: list[tuple[date, date | None]] = [*pairs]
        if len(bounds) % 2:
            ends.append((bounds[-1], None))
        found += [SeatAssignment(f"p{person}", "plan", first, end) for first, end in ends]
    return found


@st.composite
def owners(draw: st.DrawFn) -> Mapping[tuple[str, str, str], Timeline]:
    """Return owners of the eight people, who move between teams."""
    found: dict[tuple[str, str, str], Timeline] = {}
    for person in range(8):
        moves = sorted(draw(st.lists(days, max_size=3, unique=True)))
        bounds = [date.min, *moves, date.max]
        found["acme", "default", f"p{person}"] = tuple(
            (bounds[n], bounds[n + 1], draw(st.sampled_from([*TEAMS, UNATTRIBUTED])))
            for n in range(len(bounds) - 1)
        )
    return found


def plan(fee: int, **changes: Any) -> SeatPlan:
    monthly = SeatPlan(
        "plan", "acme", "default", "USD", fee, SeatTerm.MONTH, FIRST, None, unused=NOBODY
    )
    return replace(monthly, **changes)


def balances(charges: list[FlatCharge]) -> dict[Account, int]:
    found: dict[Account, int] = defaultdict(int)
    for charge in charges:
        found[charge.debit] += charge.amount_nanos
        found[charge.credit] -= charge.amount_nanos
    return found


@given(st.integers(-(10**15), 10**15), stretches())
def test_the_days_of_a_stretch_share_an_amount_as_equal_weights_do(
    whole: int, stretch: tuple[date, date]
) -> None:
    first, end = stretch
    every = days_between(first, end)

    shares = {str(day): day_share(whole, first, end, day) for day in every}

    assert shares == apportion(whole, dict.fromkeys(shares, 1))
    for day in every:
        left = sum(shares[str(other)] for other in every if other >= day)
        assert remaining_share(whole, first, end, day) == left


@given(amounts, assignments(), owners(), st.integers(8, 12))
def test_seats_that_were_bought_cost_their_fees_whoever_has_them(
    fee: int,
    seats: list[SeatAssignment],
    who: Mapping[tuple[str, str, str], Timeline],
    paid: int,
) -> None:
    found = seat_days([plan(fee, paid=paid)], seats, who, FIRST, LAST)

    by_month: dict[int, int] = defaultdict(int)
    for charge in charges_of_seats(found):
        by_month[charge.day.month] += charge.amount_nanos

    assert by_month == dict.fromkeys(range(2, 7), paid * fee)


@given(amounts, assignments(), owners(), st.sampled_from(Release), st.integers(0, 5))
def test_a_seat_is_charged_for_its_days_to_whoever_owns_them(
    fee: int,
    seats: list[SeatAssignment],
    who: Mapping[tuple[str, str, str], Timeline],
    release: Release,
    minimum: int,
) -> None:
    agreed = plan(fee, release=release, minimum=minimum)
    held: dict[tuple[date, Account], int] = defaultdict(int)
    for day in days_between(FIRST, LAST + timedelta(days=1)):
        for seat in seats:
            if seat.begins <= day < (seat.ends or date.max):
                timeline = who["acme", "default", seat.key]
                (account,) = (a for first, end, a in timeline if first <= day < end)
                held[day, account] += 1

    found = list(seat_days([agreed], seats, who, FIRST, LAST))
    charges = list(charges_of_seats(found))

    used = [c for c in charges if c.basis.meter == FlatMeter.SEAT_DAY]
    assert {(c.day, c.debit): c.quantity for c in used} == held
    for one in found:
        assert one.assigned <= one.paid
        assert one.paid >= minimum
        charged = sum(c.amount_nanos for c in charges if c.day == one.day)
        assert charged == one.paid * one.share_nanos
    if release is Release.DAY:
        assert all(one.paid == max(minimum, one.assigned) for one in found)


@given(amounts, assignments(), owners(), days)
def test_a_yearly_fee_is_paid_once_and_used_up_by_the_day(
    fee: int,
    seats: list[SeatAssignment],
    who: Mapping[tuple[str, str, str], Timeline],
    begins: date,
) -> None:
    ends = date(2028, begins.month, begins.day)
    yearly = plan(fee, term=SeatTerm.YEAR, release=Release.TERM, begins=begins, ends=ends)
    seats = [seat for seat in seats if seat.begins >= begins]

    charges = list(charges_of_seats(seat_days([yearly], seats, who, begins, ends)))

    standing = balances(charges)
    assert standing.get(prepaid_account("plan"), 0) == 0
    assert sum(standing.values()) == 0
    assert sum(n for a, n in standing.items() if a.kind not in HOLDING_KINDS) == -standing.get(
        provider_account("acme", "default"), 0
    )


@given(assignments(), owners(), st.randoms(use_true_random=False))
def test_the_order_of_what_was_written_is_irrelevant(
    seats: list[SeatAssignment], who: Mapping[tuple[str, str, str], Timeline], chance: Random
) -> None:
    plans = [plan(19 * 10**9, ends=date(2026, 4, 1)), plan(21 * 10**9, begins=date(2026, 4, 1))]
    shuffled = [*seats]
    chance.shuffle(shuffled)

    one = together(charges_of_seats(seat_days(plans, seats, who, FIRST, LAST)))
    other = together(charges_of_seats(seat_days(plans[::-1], shuffled, who, FIRST, LAST)))

    assert one == other


@st.composite
def blocks(draw: st.DrawFn) -> list[CreditBlock]:
    found = []
    for number in range(draw(st.integers(1, 4))):
        bought, expires = draw(stretches())
        credit = draw(st.integers(1, 10**12))
        found.append(
            CreditBlock(
                f"block {number}",
                *PAYEE,
                credit,
                draw(st.integers(0, credit)),
                bought,
                expires if draw(st.booleans()) else None,
                NOBODY,
                draw(st.sampled_from([0, 10**6])),
            )
        )
    return found


spends = st.dictionaries(days, st.integers(-(10**11), 10**12), max_size=20)


@given(blocks(), spends)
def test_what_was_paid_is_used_lost_or_left(
    found: list[CreditBlock], spend: dict[date, int]
) -> None:
    moved = list(movements_of(found, {PAYEE: spend}, LAST))

    charges = list(charges_of_blocks(moved))

    standing = balances(charges)
    for block in found:
        if block.bought > LAST:
            continue
        drawn = sum(
            m.nanos for m in moved if m.block == block and m.meter is FlatMeter.CREDIT_DRAWDOWN
        )
        lost = sum(
            m.nanos for m in moved if m.block == block and m.meter is FlatMeter.CREDIT_EXPIRY
        )
        left = standing.get(prepaid_account(block.name), 0)
        assert block.credit_nanos == drawn + lost + left
        assert min(drawn, lost, left) >= 0
        assert block.expires is None or block.expires > LAST or left == 0
        bonus = -standing.get(bonus_account(block.name), 0)
        assert 0 <= bonus <= block.credit_nanos - block.paid_nanos


@given(blocks(), spends)
def test_credit_pays_for_no_more_than_was_spent_and_for_all_that_it_can(
    found: list[CreditBlock], spend: dict[date, int]
) -> None:
    spend = {day: abs(nanos) for day, nanos in spend.items()}

    moved = list(movements_of(found, {PAYEE: spend}, LAST))

    for day, spent in spend.items():
        drawn = sum(m.nanos for m in moved if m.day == day and m.meter is FlatMeter.CREDIT_DRAWDOWN)
        assert 0 <= drawn <= spent
        still_open = [
            b
            for b in found
            if b.bought <= day
            and (b.expires or date.max) > day
            and sum(
                m.nanos
                for m in moved
                if m.block == b and m.day <= day and m.meter is FlatMeter.CREDIT_DRAWDOWN
            )
            < b.credit_nanos
        ]
        assert drawn == spent or not still_open


@given(spends, st.integers(0, 10**13), stretches())
def test_a_commitment_is_paid_at_least_and_its_shortfall_once(
    spend: dict[date, int], amount: int, stretch: tuple[date, date]
) -> None:
    begins, ends = stretch
    promised = Commitment("c", *PAYEE, amount, begins, ends, NOBODY)
    used = sum(nanos for day, nanos in spend.items() if begins <= day < ends)

    (standing,) = committed([promised], {PAYEE: spend}, LAST)
    charges = list(charges_of_commitments([standing]))

    assert standing.used_nanos == used
    assert used + sum(charge.amount_nanos for charge in charges) == max(amount, used)
    assert all(charge.day == ends - timedelta(days=1) for charge in charges)
    before = list(committed([promised], {PAYEE: spend}, ends - timedelta(days=2)))
    assert list(charges_of_commitments(before)) == []


costs = st.builds(
    Costs,
    bought_nanos=amounts,
    life_months=st.integers(1, 5),
    lease_nanos=amounts,
    people_nanos=amounts,
    watts=st.integers(0, 10**5),
    pue=st.sampled_from([Fraction(1), Fraction(13, 10)]),
    kwh_nanos=st.integers(0, 10**9),
)


@given(
    costs,
    st.none() | st.integers(1, 10**5),
    st.dictionaries(st.sampled_from([*TEAMS, UNATTRIBUTED]), st.integers(0, 10**11)),
    days,
)
def test_the_cost_of_a_day_of_capacity_is_borne_whole(
    found: Costs, rated: int | None, used: dict[Account, int], day: date
) -> None:
    capacity = Capacity(
        "cluster",
        "USD",
        FIRST,
        None,
        found,
        Served("own", "own-capacity"),
        NOBODY,
        tokens_per_second=rated,
    )

    one = capacity_day(capacity, day, used)
    charges = list(charges_of_capacity([one]))

    cost = sum(one.costs.values())
    assert sum(charge.amount_nanos for charge in charges) == cost
    tokens = sum(used.values())
    served = sum(one.parts.values())
    if rated is not None and tokens:
        assert abs(served * max(rated * 86_400, tokens) - cost * tokens) <= len(used) * max(
            rated * 86_400, tokens
        )
    if not tokens:
        assert one.idle_nanos == cost


@given(amounts, st.integers(1, 60), days)
def test_what_was_bought_is_written_off_to_the_nano(bought: int, months: int, begins: date) -> None:
    capacity = Capacity(
        "cluster",
        "USD",
        begins,
        None,
        Costs(bought_nanos=bought, life_months=months),
        Served("own", "own-capacity"),
        NOBODY,
    )
    every = days_between(begins, begins + timedelta(days=31 * months + 5))

    assert sum(sum(capacity.costs_of(day).values()) for day in every) == bought
