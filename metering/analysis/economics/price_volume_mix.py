"""E1: why the spend changed: price, volume, mix and efficiency, in money that sums exactly.

Source: cost = outcomes x tokens per outcome x sum of (share of an item x its price), an item being
a model's token class; exact Shapley over the four factors (see `shapley`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from metering.analysis.economics.shapley import shapley, whole_nanos

_VOLUME, _EFFICIENCY, _MIX, _PRICE = range(4)


@dataclass(frozen=True, slots=True)
class Item:
    """What was used of one model's token class in a period.

    Attributes:
        tokens: 0 or more, counted by one generation of tokenizer: split items by it.
        nanos: what they cost.
    """

    tokens: int
    nanos: int


@dataclass(frozen=True, slots=True)
class Period:
    """The spend of one period.

    Attributes:
        items: by a name that means the same in both periods, e.g. model and meter.
        outcomes: net settled weight; None where no feed tells it, which is not "none".
        other_nanos: what is not paid by the token (searches, terms of a contract).
        prices: nanos a token would have cost, of items that were not used in this period; a list
            price of its date. Without one the price of the other period stands in.
    """

    items: Mapping[str, Item]
    outcomes: Fraction | int | None = None
    other_nanos: int = 0
    prices: Mapping[str, Fraction] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Effects:
    """What changed the spend from one period to another, in nanos.

    Attributes:
        price: other prices for the same items.
        volume: more or fewer outcomes; tokens, where outcomes are not known in both periods.
        mix: other models and token classes, at the same price each.
        efficiency: more or fewer tokens for an outcome; None where volume is tokens.
        other: what is not paid by the token, compared as it stands.
    """

    price: int
    volume: int
    mix: int
    efficiency: int | None
    other: int

    @property
    def total(self) -> int:
        """The change of the spend; the effects sum to it to the nano."""
        return self.price + self.volume + self.mix + (self.efficiency or 0) + self.other


def price_volume_mix_efficiency(base: Period, current: Period) -> Effects:
    """Return why the spend of `current` is not that of `base`.

    A model that entered or left counts wholly as mix (and volume): its price did not change. Items
    that cost something without a token are counted as other. A period without tokens has no mix,
    and takes that of the other. Swapping the periods flips every sign.
    """
    names = sorted(
        {name for period in (base, current) for name, item in period.items.items() if item.tokens}
    )
    periods = (base, current)
    tokens = [
        sum(period.items[name].tokens for name in names if name in period.items)
        for period in periods
    ]
    shares = [_shares(period, total, names) for period, total in zip(periods, tokens, strict=True)]
    if not any(tokens):
        shares = [dict.fromkeys(names, Fraction(0))] * 2
    else:
        shares = [own or other for own, other in (shares, reversed(shares))]
    prices = [_prices(base, current, names), _prices(current, base, names)]
    unit_costs = [
        [sum((share[name] * price[name] for name in names), Fraction(0)) for price in prices]
        for share in shares
    ]
    by_outcome = bool(base.outcomes) and bool(current.outcomes)
    counts = [Fraction(period.outcomes or 0) if by_outcome else Fraction(1) for period in periods]
    # Without outcomes the tokens themselves are the volume, and nothing is left for efficiency.
    volumes = counts if by_outcome else [Fraction(total) for total in tokens]
    per_unit = [
        Fraction(total) / count if by_outcome else Fraction(1)
        for total, count in zip(tokens, counts, strict=True)
    ]

    def cost(mask: int) -> Fraction:
        volume, efficiency, mix, price = (mask >> factor & 1 for factor in range(4))
        return volumes[volume] * per_unit[efficiency] * unit_costs[mix][price]

    exact = shapley(cost, 4)
    whole = whole_nanos(
        {
            "price": exact[_PRICE],
            "volume": exact[_VOLUME],
            "mix": exact[_MIX],
            "efficiency": exact[_EFFICIENCY],
        }
    )
    return Effects(
        price=whole["price"],
        volume=whole["volume"],
        mix=whole["mix"],
        efficiency=whole["efficiency"] if by_outcome else None,
        other=_other(current) - _other(base),
    )


def _shares(period: Period, total: int, names: list[str]) -> dict[str, Fraction]:
    if not total:
        return {}
    return {
        name: Fraction(period.items[name].tokens if name in period.items else 0, total)
        for name in names
    }


def _prices(period: Period, other: Period, names: list[str]) -> dict[str, Fraction]:
    return {name: _price(period, other, name) for name in names}


def _price(period: Period, other: Period, name: str) -> Fraction:
    used = period.items.get(name)
    if used is not None and used.tokens:
        return Fraction(used.nanos, used.tokens)
    if name in period.prices:
        return period.prices[name]
    there = other.items[name]
    return Fraction(there.nanos, there.tokens)


def _other(period: Period) -> int:
    return period.other_nanos + sum(i.nanos for i in period.items.values() if not i.tokens)
