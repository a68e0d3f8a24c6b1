"""E5: what a period would have cost by other models, prices, cache rates or ways of processing.

Every line of the ledger is priced again by `core.pricing.rating`, with its own day, conditions and
account, so that a scenario that changes nothing comes out as it is booked, to the nano. What has no
price in the scenario keeps the amount it has, and is told. Quality is not looked at: whoever prints
a result says that the yield is assumed equal.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from metering.analysis.economics.concentration import herfindahl
from metering.analysis.economics.placed_prices import PlacedPrice, PlacedPrices
from metering.analysis.economics.portions import (
    Place,
    Portion,
    Portions,
    UsageLine,
    named,
    names_basis,
    place_of,
    whole,
)
from metering.analysis.economics.scenario import Scenario
from metering.core.ledger import Basis
from metering.core.meters import Meter
from metering.core.money import apportion, divide_half_even
from metering.core.pricing.rate_book import RateBook
from metering.core.pricing.settlement import SettledUsage

YIELD_ASSUMED: Final = "yield assumed equal: an outcome takes the same requests with either model"

# Powers have no exact value: the factor of demand is taken to this many parts of one, and is exact
# from there on.
_DEMAND_PARTS: Final = 1_000_000

Volumes = Sequence[SettledUsage]
_Group = tuple[str, str, str]
"""Currency, provider, model."""


@dataclass(frozen=True, slots=True)
class RepricedGroup:
    """One model's usage, and what becomes of it; amounts in nanos.

    Attributes:
        targets: other models that some of it goes to, sorted.
        booked: as charged.
        low, middle, high: in the scenario; they differ by token ratio and demand.
        without_price: of `booked`, what has no price in the scenario and is kept as it is.
    """

    provider: str
    model: str
    currency: str
    targets: tuple[str, ...]
    booked: int
    low: int
    middle: int
    high: int
    without_price: int


@dataclass(frozen=True, slots=True)
class Repriced:
    """A period in a scenario.

    Attributes:
        groups: by currency, provider and model.
        notes: what a reader must know: substitutes, conditions left out, prices that end.
        hhi_before, hhi_after: concentration among providers by currency, 1 = one vendor has all;
            None without spend.
        volumes: the usage of low, middle and high, as terms of contracts would be settled on it;
            whose it is stands nowhere.
    """

    groups: tuple[RepricedGroup, ...]
    notes: tuple[str, ...]
    hhi_before: Mapping[str, Fraction | None]
    hhi_after: Mapping[str, Fraction | None]
    volumes: "tuple[Volumes, Volumes, Volumes]"


@dataclass(frozen=True, slots=True)
class _Case:
    """One of three assumptions: the bound of the token ratios, and how demand answers."""

    name: str
    demand: Fraction


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What becomes of the usage in one case: nanos by group and vendor, and the usage itself."""

    by_vendor: Mapping[tuple[_Group, str], int]
    volumes: Volumes


def repriced(
    lines: Sequence[UsageLine], scenario: Scenario, book: RateBook, then: RateBook | None = None
) -> Repriced:
    """Return what some usage would have cost in a scenario.

    Args:
        lines: metered usage as booked.
        scenario: what is different.
        book: the rate cards it was charged by.
        then: the rate cards of the scenario; None for the same ones.

    Raises:
        ValueError: a route leads to a model that no card prices, or that several platforms do; or
            a part of the scenario matches no usage. The message is for the user.
    """
    pricer = _Pricer(lines, scenario, book, then)
    pricer.require_matches()
    if scenario.demand is None and not scenario.token_ratios:
        outcomes = [pricer.outcome(_Case("middle", Fraction(0)))] * 3
    else:
        outcomes = [pricer.outcome(case) for case in _cases(scenario)]
    totals = [sum(one.by_vendor.values()) for one in outcomes]
    amounts = [_by_group(one.by_vendor) for one in outcomes]
    low, high = totals.index(min(totals)), totals.index(max(totals))
    booked: dict[_Group, int] = defaultdict(int)
    for line in lines:
        booked[_group(line.basis)] += line.nanos
    groups = tuple(
        RepricedGroup(
            provider=group[1],
            model=group[2],
            currency=group[0],
            targets=tuple(sorted(pricer.targets[group])),
            booked=booked[group],
            low=amounts[low][group],
            middle=amounts[1][group],
            high=amounts[high][group],
            without_price=pricer.without_price[group],
        )
        for group in sorted(booked)
    )
    return Repriced(
        groups=groups,
        notes=tuple(sorted(pricer.prices.notes)),
        hhi_before=_concentration((g.currency, g.provider, g.booked) for g in groups),
        hhi_after=_concentration(
            (group[0], vendor, nanos) for (group, vendor), nanos in outcomes[1].by_vendor.items()
        ),
        volumes=(outcomes[low].volumes, outcomes[1].volumes, outcomes[high].volumes),
    )


def _group(basis: Basis) -> _Group:
    return (basis.currency, basis.provider, basis.model)


def _cases(scenario: Scenario) -> tuple[_Case, _Case, _Case]:
    demand = scenario.demand or Fraction(0)
    # Nobody uses more; as E2 found it; the whole saving is used up, or more where E2 found that.
    most = max(Fraction(1), demand) if scenario.demand is not None else Fraction(0)
    return _Case("low", Fraction(0)), _Case("middle", demand), _Case("high", most)


def _by_group(by_vendor: Mapping[tuple[_Group, str], int]) -> dict[_Group, int]:
    found: dict[_Group, int] = defaultdict(int)
    for (group, _), nanos in by_vendor.items():
        found[group] += nanos
    return found


def _concentration(spend: Iterable[tuple[str, str, int]]) -> dict[str, Fraction | None]:
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for currency, provider, nanos in spend:
        found[currency][provider] += nanos
    return {currency: herfindahl(of.values()) for currency, of in sorted(found.items())}


class _Pricer:
    """Prices the lines of a period in a scenario, case by case."""

    def __init__(
        self,
        lines: Sequence[UsageLine],
        scenario: Scenario,
        book: RateBook,
        then: RateBook | None,
    ) -> None:
        self._lines = lines
        self._scenario = scenario
        self._cards_differ = then is not None
        self._then = then or book
        self._used = {(line.basis.provider, line.basis.platform) for line in lines}
        self._accounts: dict[str, set[str]] = defaultdict(set)
        for line in lines:
            self._accounts[line.basis.provider].add(line.basis.billing_account)
        self._portions = Portions(lines, scenario, self._place)
        self._places: dict[tuple[str, str, str], Place] = {}
        self.prices = PlacedPrices(book, self._then)
        self.targets: dict[_Group, set[str]] = defaultdict(set)
        self.without_price: dict[_Group, int] = defaultdict(int)

    def require_matches(self) -> None:
        """Refuse a part of the scenario that matches no usage: it would seem to change nothing."""
        scenario = self._scenario
        bases = {line.basis for line in self._lines}
        sources = [
            *(("route", route.source) for route in scenario.routes),
            *(("batch", batch.name) for batch in scenario.batches),
            *(("cache rate", rate.name) for rate in scenario.cache_rates if rate.name),
        ]
        for kind, name in sources:
            if not any(names_basis(name, basis) for basis in bases):
                raise ValueError(f"the {kind} of {name} matches no usage of the period")
        places = [
            self._place(route.target, basis)
            for route in scenario.routes
            for basis in bases
            if names_basis(route.source, basis)
        ]
        for change in scenario.price_changes:
            if not any(names_basis(change.name, basis) for basis in bases) and not any(
                named(change.name, place.provider, place.model) for place in places
            ):
                raise ValueError(f"the price change of {change.name} matches no usage")
        for ratio in scenario.token_ratios:
            if not any(named(ratio.name, place.provider, place.model) for place in places):
                raise ValueError(f"no route leads to {ratio.name}: its tokens are not asked for")

    def outcome(self, case: _Case) -> _Outcome:
        """Return what becomes of the usage in one case."""
        kept: dict[tuple[_Group, str], int] = defaultdict(int)
        moved: dict[_Group, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        before: dict[_Group, int] = defaultdict(int)
        volumes: list[SettledUsage] = []
        answering: list[tuple[_Group, SettledUsage]] = []
        self.without_price.clear()
        for line in self._lines:
            group = _group(line.basis)
            parts = self._repriced_line(line, case)
            if parts is None:
                kept[group, line.basis.provider] += line.nanos
                volumes.append(_as_booked(line))
                continue
            before[group] += line.nanos
            for part in parts:
                moved[group][part.basis.provider] += part.amount_nanos
                answering.append((group, part))
        factors: dict[_Group, Fraction] = {}
        for group, by_vendor in moved.items():
            after = _after_demand(before[group], by_vendor, case.demand)
            now = sum(by_vendor.values())
            factors[group] = Fraction(sum(after.values()), now) if now else Fraction(1)
            for vendor, nanos in after.items():
                kept[group, vendor] += nanos
        volumes += [_scaled(part, factors[group]) for group, part in answering]
        return _Outcome(kept, volumes)

    def _repriced_line(self, line: UsageLine, case: _Case) -> list[SettledUsage] | None:
        """Return the parts of a line; None when the scenario leaves it be."""
        basis = line.basis
        portions = self._portions.of(line)
        factors = [self._price_factor(basis, portion) for portion in portions]
        changed = portions != (whole(line),)
        if not changed and not self._cards_differ and factors[0] == 1:
            return None
        if basis.meter == Meter.BILLED_NANOS:
            # The amounts of a bill have no rate: they follow a change of prices alone.
            change = self._price_factor(basis, whole(line))
            return [replace(_as_booked(line), amount_nanos=_rounded(line.nanos * change))]
        for portion in portions:
            if portion.is_routed:
                self.targets[_group(basis)].add(portion.place.model)
        prices = [self.prices.of(line, portion) for portion in portions]
        if None in prices:
            self.without_price[_group(basis)] += line.nanos
            return [_as_booked(line)]
        return [
            self._part(line, portion, price, self._ratio(portion, case), factor)
            for portion, price, factor in zip(portions, prices, factors, strict=True)
            if price is not None
        ]

    def _part(
        self,
        line: UsageLine,
        portion: Portion,
        price: PlacedPrice,
        ratio: Fraction,
        factor: Fraction,
    ) -> SettledUsage:
        quantity = portion.quantity * ratio
        nanos = _rounded(quantity * price.nanos * factor)
        place, basis = portion.place, line.basis
        then = replace(
            basis,
            provider=place.provider,
            platform=place.platform,
            billing_account=self._account_of(place.provider, basis),
            model_raw=place.model,
            model=price.model,
            meter=price.meter,
            rate_ids=price.rate_ids,
            unit_price_nanos=basis.unit_price_nanos or 0,
        )
        list_nanos = _rounded(line.list_nanos * Fraction(portion.quantity, line.quantity or 1))
        if portion.is_routed or not line.list_nanos:
            list_nanos = nanos
        return SettledUsage(line.day, "", then, _rounded(quantity), nanos, list_nanos)

    def _account_of(self, provider: str, basis: Basis) -> str:
        """Return the account that usage would be billed to: where it goes, if that has just one."""
        if provider == basis.provider:
            return basis.billing_account
        accounts = self._accounts.get(provider, set())
        return next(iter(accounts)) if len(accounts) == 1 else basis.billing_account

    def _price_factor(self, basis: Basis, portion: Portion) -> Fraction:
        place = portion.place
        # A line that stays where it ran may be called by either of its names.
        own = () if portion.is_routed else (basis.model,)
        factor = Fraction(1)
        for change in self._scenario.price_changes:
            if named(change.name, place.provider, place.model, *own):
                factor *= change.factor
        return factor

    def _ratio(self, portion: Portion, case: _Case) -> Fraction:
        for ratio in self._scenario.token_ratios if portion.is_routed else ():
            if named(ratio.name, portion.place.provider, portion.place.model):
                return {"low": ratio.low, "middle": ratio.middle, "high": ratio.high}[case.name]
        return Fraction(1)

    def _place(self, target: str, basis: Basis) -> Place:
        asked = (target, basis.provider, basis.platform)
        if asked not in self._places:
            self._places[asked] = place_of(target, basis, self._used, self._then)
        return self._places[asked]


def _after_demand(before: int, after: Mapping[str, int], demand: Fraction) -> dict[str, int]:
    """Return the nanos of each vendor once quantity has answered the change of the price.

    The quantity is multiplied by (price now / price before) to the power of -demand.
    """
    now = sum(after.values())
    if not demand or before <= 0 or now <= 0 or before == now:
        return dict(after)
    factor = Fraction(round((now / before) ** -float(demand) * _DEMAND_PARTS), _DEMAND_PARTS)
    if min(after.values()) < 0:
        return {vendor: _rounded(nanos * factor) for vendor, nanos in after.items()}
    return apportion(_rounded(now * factor), after)


def _as_booked(line: UsageLine) -> SettledUsage:
    return SettledUsage(line.day, "", line.basis, line.quantity, line.nanos, line.list_nanos)


def _scaled(usage: SettledUsage, factor: Fraction) -> SettledUsage:
    if factor == 1:
        return usage
    return replace(
        usage,
        quantity=_rounded(usage.quantity * factor),
        amount_nanos=_rounded(usage.amount_nanos * factor),
        list_nanos=_rounded(usage.list_nanos * factor),
    )


def booked_volumes(lines: Iterable[UsageLine]) -> Volumes:
    """Return usage as it is booked, as terms of contracts are settled on it."""
    return [_as_booked(line) for line in lines]


def _rounded(amount: Fraction) -> int:
    return divide_half_even(amount.numerator, amount.denominator)
