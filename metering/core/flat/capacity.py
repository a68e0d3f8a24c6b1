"""Capacity: what own or leased computers, or provisioned throughput, cost, and who used them.

Every day has its cost, whether anybody computed or not:

* what was bought is written off in a straight line over its life in months, by the day;
* a lease, and people, cost an amount a month, by the day;
* power costs watts x PUE x 24 hours x the price of a kilowatt hour;
* provisioned units cost 24 hours x the price of a unit and hour.

The tokens that the capacity served divide it. With a rating (`tokens_per_second`) the day could
have served 86,400 times as many tokens: what was served bears its share of the day's cost, each
owner by tokens, and what was not served bears the rest, which goes to the owner that the capacity
names: idle money has somebody who looks at it. Without a rating there is no idle share, but for a
day without tokens. The parts of a day sum to its cost to the nano.

Usage that a capacity serves has no price of its own while it does: it is zero-rated, with the
capacity in place of a rate card, so that nothing is charged twice.

In the books: debit owner; credit the provider where it bills the capacity (provisioned throughput,
a lease), else `capacity:<name>`, which is what finance has paid for machines, power and people.

Source: economics E7; pricing specification, list of traps, 22: tokens on provisioned throughput are
free by rule and carry the key by which its cost is allocated.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Final

from metering.core.flat.flat_money import FlatCharge, FlatMeter, FlatProduct, Written, flat_basis
from metering.core.flat.proration import day_share, month_of, months_later, per_million
from metering.core.ledger import (
    Account,
    Basis,
    capacity_account,
    owner_account,
    provider_account,
)
from metering.core.money import apportion, divide_half_even
from metering.core.ownership.attribution import Owner
from metering.core.pricing.decisions import Decision, Status
from metering.core.pricing.row_ids import row_digest

OWN: Final = "own"
SECONDS_A_DAY: Final = 86_400
_HOURS_A_DAY: Final = 24
_HOURS_A_YEAR: Final = 8_760
_WATTS_A_KILOWATT: Final = 1_000
_IDLE: Final = "idle"


@dataclass(frozen=True, slots=True)
class Costs:
    """What capacity costs; what does not apply is 0.

    Attributes:
        bought_nanos, life_months: written off in a straight line from the first day.
        lease_nanos, people_nanos: a month.
        watts: drawn on average, measured at the machines.
        pue: what the building draws for each watt of them; 1 or more, exact.
        kwh_nanos: price of a kilowatt hour.
        units, unit_hour_nanos: provisioned units, and the price of one for an hour.
    """

    bought_nanos: int = 0
    life_months: int = 0
    lease_nanos: int = 0
    people_nanos: int = 0
    watts: int = 0
    pue: Fraction = Fraction(1)
    kwh_nanos: int = 0
    units: int = 0
    unit_hour_nanos: int = 0


@dataclass(frozen=True, slots=True)
class Served:
    """The usage that runs on a capacity.

    Attributes:
        provider, platform: as the usage says.
        billing_account: "" for every account.
        models: as the source spells them; empty for all.
    """

    provider: str
    platform: str
    billing_account: str = ""
    models: tuple[str, ...] = ()

    def holds(self, provider: str, platform: str, billing_account: str, model: str) -> bool:
        """Say whether some usage runs on it."""
        return (
            (self.provider, self.platform) == (provider, platform)
            and self.billing_account in ("", billing_account)
            and (not self.models or model in self.models)
        )

    def meets(self, other: "Served") -> bool:
        """Say whether some usage may run on both."""
        return (
            (self.provider, self.platform) == (other.provider, other.platform)
            and (
                "" in (self.billing_account, other.billing_account)
                or self.billing_account == other.billing_account
            )
            and (not self.models or not other.models or bool({*self.models} & {*other.models}))
        )


@dataclass(frozen=True, slots=True)
class Capacity:
    """Some capacity, from one day to another.

    Attributes:
        provider, billing_account: who bills it; "" when it is the company's own.
        begins, ends: half-open; None is unbounded.
        idle: who bears what nobody used.
        tokens_per_second: what it was rated at, all machines together; None where nobody did.
        api_nanos: what a million tokens cost where they can be bought; None where it is not said.
    """

    name: str
    currency: str
    begins: date
    ends: date | None
    costs: Costs
    served: Served
    idle: Owner
    provider: str = ""
    billing_account: str = ""
    tokens_per_second: int | None = None
    api_nanos: int | None = None
    written: Written = field(default=Written("", 0), compare=False)

    @property
    def entry_id(self) -> str:
        """The digest of what decides the charges of the capacity, wherever it stands."""
        costs, served = self.costs, self.served
        return row_digest(
            FlatProduct.CAPACITY,
            *(self.name, self.currency, self.begins, self.ends or ""),
            (costs.bought_nanos, costs.life_months, costs.lease_nanos, costs.people_nanos),
            (costs.watts, str(costs.pue), costs.kwh_nanos, costs.units, costs.unit_hour_nanos),
            (served.provider, served.platform, served.billing_account, sorted(served.models)),
            (self.idle.cost_centre, self.idle.team, self.idle.project),
            (self.provider, self.billing_account),
            self.tokens_per_second or "",
        )

    @property
    def rated_tokens(self) -> int | None:
        """How many tokens it could serve in a day; None where nobody rated it."""
        return self.tokens_per_second and self.tokens_per_second * SECONDS_A_DAY

    def costs_of(self, day: date) -> dict[str, int]:
        """Return what a day costs, in nanos by kind of cost, without those that are 0."""
        costs, (month, after) = self.costs, month_of(day)
        found = {
            "write-off": self._written_off(day),
            "lease": day_share(costs.lease_nanos, month, after, day),
            "people": day_share(costs.people_nanos, month, after, day),
            "power": divide_half_even(
                costs.watts * _HOURS_A_DAY * costs.pue.numerator * costs.kwh_nanos,
                _WATTS_A_KILOWATT * costs.pue.denominator,
            ),
            "units": costs.units * _HOURS_A_DAY * costs.unit_hour_nanos,
        }
        return {kind: nanos for kind, nanos in found.items() if nanos}

    def _written_off(self, day: date) -> int:
        if not self.costs.life_months:
            return 0
        ends = months_later(self.begins, self.costs.life_months)
        if day >= ends:
            return 0
        return day_share(self.costs.bought_nanos, self.begins, ends, day)


@dataclass(frozen=True, slots=True)
class CapacityDay:
    """One day of a capacity.

    Attributes:
        costs: nanos by kind.
        used: tokens served, by who bears them.
        parts: the day's cost by who bears it.
        idle_tokens: what it could have served beside them; 0 where nobody rated it.
        idle_nanos: the part of the cost that nobody used.
    """

    capacity: Capacity
    day: date
    costs: Mapping[str, int]
    used: Mapping[Account, int]
    parts: Mapping[Account, int]
    idle_tokens: int
    idle_nanos: int


@dataclass(frozen=True, slots=True)
class CapacityUse:
    """A capacity over some days: what it cost, and what came of it.

    Attributes:
        days: on which it was there.
        costs: nanos by kind.
        tokens: served.
        rated_tokens: what it could have served; None where nobody rated it.
        idle_nanos: the part of the cost that nobody used.
    """

    capacity: Capacity
    days: int
    costs: Mapping[str, int]
    tokens: int
    rated_tokens: int | None
    idle_nanos: int

    @property
    def cost_nanos(self) -> int:
        """What it cost, all kinds together."""
        return sum(self.costs.values())

    @property
    def utilisation(self) -> Fraction | None:
        """The share of what it could serve that it served; None where nobody rated it."""
        return Fraction(self.tokens, self.rated_tokens) if self.rated_tokens else None

    @property
    def nanos_per_million(self) -> int | None:
        """What a million tokens cost, idle time included; None where none were served."""
        return per_million(self.cost_nanos, self.tokens)

    @property
    def nanos_per_million_when_full(self) -> int | None:
        """What a million tokens would cost if it never were idle; None where nobody rated it."""
        return per_million(self.cost_nanos, self.rated_tokens or 0)

    @property
    def break_even(self) -> Fraction | None:
        """The utilisation from which on it is cheaper than buying the tokens; above 1 is never."""
        if not self.rated_tokens or not self.capacity.api_nanos:
            return None
        return Fraction(self.cost_nanos * 1_000_000, self.rated_tokens * self.capacity.api_nanos)

    @property
    def tokens_per_watt_year(self) -> int | None:
        """Tokens that a watt drawn for a year would serve; None where power is not said."""
        watt_hours = self.capacity.costs.watts * self.days * _HOURS_A_DAY
        return divide_half_even(self.tokens * _HOURS_A_YEAR, watt_hours) if watt_hours else None


def capacity_day(capacity: Capacity, day: date, used: Mapping[Account, int]) -> CapacityDay:
    """Return who bears the cost of a day.

    Args:
        capacity: that is there on the day.
        day: the charge day.
        used: tokens by who bears them, 0 or more.
    """
    costs = capacity.costs_of(day)
    tokens = sum(used.values())
    idle_tokens = max((capacity.rated_tokens or 0) - tokens, 0)
    weights = {f"{_IDLE}:": idle_tokens} | {account.name: used[account] for account in used}
    if not any(weights.values()):
        weights[f"{_IDLE}:"] = 1
    parts = apportion(sum(costs.values()), weights)
    return CapacityDay(
        capacity,
        day,
        costs,
        {account: used[account] for account in sorted(used)},
        {account: parts[account.name] for account in sorted(used)},
        idle_tokens,
        parts[f"{_IDLE}:"],
    )


def charges_of_capacity(days: Iterable[CapacityDay]) -> Iterator[FlatCharge]:
    """Yield what some days of capacity are charged."""
    for one in days:
        capacity = one.capacity
        credited = (
            provider_account(capacity.provider, capacity.billing_account)
            if capacity.provider
            else capacity_account(capacity.name)
        )
        for account, tokens in one.used.items():
            basis = _basis(capacity, FlatMeter.CAPACITY_TOKEN)
            yield FlatCharge(one.day, account, credited, basis, tokens, one.parts[account])
        idle, basis = owner_account(capacity.idle), _basis(capacity, FlatMeter.IDLE_CAPACITY_TOKEN)
        yield FlatCharge(one.day, idle, credited, basis, one.idle_tokens, one.idle_nanos)


def use_of(days: Sequence[CapacityDay]) -> CapacityUse:
    """Return some days of one capacity, added up; at least one."""
    capacity = days[0].capacity
    costs: dict[str, int] = {}
    for one in days:
        for kind, nanos in one.costs.items():
            costs[kind] = costs.get(kind, 0) + nanos
    rated = capacity.rated_tokens
    return CapacityUse(
        capacity,
        len(days),
        costs,
        sum(sum(one.used.values()) for one in days),
        None if rated is None else rated * len(days),
        sum(one.idle_nanos for one in days),
    )


def zero_rated(capacity: Capacity, model: str) -> Decision:
    """Return the decision for usage that a capacity serves: its cost is charged instead."""
    return Decision(
        status=Status.ZERO_RATED,
        reason="",
        model=model,
        price_nanos=0,
        per=1,
        rate_ids=(capacity.entry_id,),
        card=capacity.written.file,
        currency=capacity.currency,
    )


def _basis(capacity: Capacity, meter: FlatMeter) -> Basis:
    return flat_basis(
        FlatProduct.CAPACITY,
        meter,
        provider=capacity.provider or OWN,
        billing_account=capacity.billing_account or capacity.name,
        name=capacity.name,
        currency=capacity.currency,
        file=capacity.written.file,
        entry_id=capacity.entry_id,
    )
