"""E2: did cheaper tokens raise the spend, and the outcomes?

Sources: W. S. Jevons, "The Coal Question" (1865); I. Fisher's ideal index, the geometric mean of
those of Laspeyres and Paasche. The figures describe and do not prove a cause: set them beside
teams that do not use the cheaper model.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import log, sqrt

from metering.analysis.economics.price_volume_mix import Item, Period


@dataclass(frozen=True, slots=True)
class Rebound:
    """How demand answered a change of prices.

    Attributes:
        price_index: Fisher price index, 1 = as before; None without a token in either period.
        quantity_index: Fisher quantity index; times `price_index` it is the ratio of the spend.
        tokens_ratio: tokens now per token then, by one generation of tokenizer.
        jevons: - ln quantity / ln price: above 1 the spend moves against the price, "cheaper
            became dearer"; None while the price has not moved.
        rebound: share of the saving that volume ate up, 1 = all; of a price fall alone.
        outcome_elasticity: ln outcomes / ln quantity; None without outcomes in both periods.
        saving_nanos: what the fall of prices saves on the old quantity; negative for a rise.
        actual_saving_nanos: what the spend on tokens fell by.
    """

    price_index: float | None
    quantity_index: float | None
    tokens_ratio: Fraction | None
    jevons: float | None
    rebound: float | None
    outcome_elasticity: float | None
    saving_nanos: int | None
    actual_saving_nanos: int


def jevons_index(base: Period, current: Period) -> Rebound:
    """Return how the quantity answered the prices between two periods.

    Items used in one period alone have the same price in both, or the one in `Period.prices`.
    """
    before, after = _used(base), _used(current)
    cost_before = sum(item.nanos for item in before.values())
    cost_after = sum(item.nanos for item in after.values())
    old_basket_now = _repriced(before, after, current)
    new_basket_then = _repriced(after, before, base)
    actual = cost_before - cost_after
    if not (cost_before > 0 and cost_after > 0 and old_basket_now > 0 and new_basket_then > 0):
        return Rebound(None, None, None, None, None, None, None, actual)
    # Square roots are taken last: of one basket the index is the plain ratio of its prices.
    price = sqrt(old_basket_now / cost_before * (cost_after / new_basket_then))
    quantity = cost_after / cost_before / price
    saving = round(cost_before * (1 - price))
    return Rebound(
        price_index=price,
        quantity_index=quantity,
        tokens_ratio=Fraction(
            sum(item.tokens for item in after.values()),
            sum(item.tokens for item in before.values()),
        ),
        jevons=-log(quantity) / log(price) if price != 1 else None,
        rebound=1 - actual / saving if saving > 0 else None,
        outcome_elasticity=_elasticity(base, current, quantity),
        saving_nanos=saving,
        actual_saving_nanos=actual,
    )


def _used(period: Period) -> dict[str, Item]:
    return {name: item for name, item in period.items.items() if item.tokens}


def _repriced(basket: dict[str, Item], elsewhere: dict[str, Item], period: Period) -> Fraction:
    """Return what a basket costs at the prices of another period."""
    total = Fraction(0)
    for name, item in basket.items():
        there = elsewhere.get(name)
        if there is not None:
            total += Fraction(item.tokens * there.nanos, there.tokens)
        elif name in period.prices:
            total += item.tokens * period.prices[name]
        else:
            total += item.nanos
    return total


def _elasticity(base: Period, current: Period, quantity: float) -> float | None:
    if not base.outcomes or not current.outcomes or quantity == 1:
        return None
    ratio = Fraction(current.outcomes) / Fraction(base.outcomes)
    return log(ratio) / log(quantity) if ratio > 0 else None
