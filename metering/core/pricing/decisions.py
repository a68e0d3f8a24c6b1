"""What rating answers: a price with all that explains it, or the coded reason there is none."""

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache

from metering.core.money import divide_half_even


class Status(StrEnum):
    """Whether a line has a price that stands."""

    PRICED = "priced"
    ZERO_RATED = "zero_rated"  # an explicit row says that it is free
    PROVISIONAL = "provisional"  # priced, and the reason says what is not certain
    UNPRICED = "unpriced"  # goes to suspense with its quantity


class Reason(StrEnum):
    """Why a line is unpriced or provisional; stable, scripts match on it."""

    NO_MODEL = "no_model"
    NO_RATE = "no_rate"
    BEFORE_FIRST_RATE = "before_first_rate"
    AMBIGUOUS = "ambiguous"
    UNHANDLED_CONDITION = "unhandled_condition"  # followed by ":" and the dimension

    TIER_UNKNOWN = "tier_unknown"
    TTL_UNKNOWN = "ttl_unknown"
    PAST_GUARANTEE = "past_guarantee"
    MINIMUM_UNKNOWN = "minimum_unknown"  # billed per request with a minimum; requests unknown
    STRADDLES_PRICE_CHANGE = "straddles_price_change"


@dataclass(frozen=True, slots=True)
class Decision:
    """The price of one meter for one kind of usage, or why there is none.

    Attributes:
        reason: a `Reason`, "" when priced or zero-rated.
        model: the canonical model.
        price_nanos, per: whole nanos of `currency` per block of `per` units; None when unpriced.
        factor_num, factor_den: the product of the modifiers, in lowest terms.
        rate_ids: the rates used, then the modifiers used.
        card, card_version: where the rate stands; "" and 0 when unpriced.
        list_price_nanos, list_per, list_factor_num, list_factor_den: the same by list prices
            alone; equal to the above when a list price was chosen, None without a list price.
        list_currency: of the list price, which may differ from the contract's.
        min_qty_per_event, qty_step: quantity rules of the rate, see `billable_quantity`.
    """

    status: Status
    reason: str
    model: str
    price_nanos: int | None = None
    per: int | None = None
    factor_num: int = 1
    factor_den: int = 1
    rate_ids: tuple[str, ...] = ()
    card: str = ""
    card_version: int = 0
    currency: str = ""
    list_price_nanos: int | None = None
    list_per: int | None = None
    list_factor_num: int = 1
    list_factor_den: int = 1
    list_currency: str = ""
    min_qty_per_event: int = 0
    qty_step: int = 1

    @property
    def unit_price(self) -> Fraction | None:
        """The exact nanos for one unit, modifiers included; None when unpriced."""
        if self.price_nanos is None or self.per is None:
            return None
        return Fraction(self.price_nanos * self.factor_num, self.per * self.factor_den)

    @property
    def list_unit_price(self) -> Fraction | None:
        """The exact nanos for one unit by list prices; None without a list price."""
        if self.list_price_nanos is None or self.list_per is None:
            return None
        return Fraction(
            self.list_price_nanos * self.list_factor_num, self.list_per * self.list_factor_den
        )


@lru_cache(maxsize=10_000)  # the same few, very often
def unpriced(reason: str, model: str) -> Decision:
    """Return the decision that there is no price."""
    return Decision(status=Status.UNPRICED, reason=reason, model=model)


def amount_nanos(quantity: int | Fraction, decision: Decision) -> int:
    """Return what a quantity costs: quantity times price times factors, rounded once, half to even.

    Args:
        quantity: units of the meter; a sum over a whole posting line, so that rounding happens
            once. Quantity rules have been applied (`billable_quantity`).
        decision: one that has a price.

    Raises:
        ValueError: the decision has no price; such usage goes to suspense, it is not worth zero.
    """
    if decision.price_nanos is None or decision.per is None:
        raise ValueError(f"usage without a price has no amount: {decision.reason}")
    return divide_half_even(
        quantity.numerator * decision.price_nanos * decision.factor_num,
        quantity.denominator * decision.per * decision.factor_den,
    )


def billable_quantity(
    quantity: int | Fraction, decision: Decision, requests: int | None
) -> int | Fraction:
    """Return the quantity that is billed under the rate's minimum and step.

    Args:
        quantity: units measured.
        decision: whose quantity rules hold.
        requests: how many requests the quantity is of; None when nobody knows, and then it is
            returned as it is, a floor (the decision is provisional, `minimum_unknown`).

    Returns:
        For one request the exact quantity; for several, no less than the minimum of each.
    """
    if requests is None or quantity <= 0:
        return quantity
    billed = max(quantity, decision.min_qty_per_event * requests)
    if requests == 1 and decision.qty_step > 1:
        return -(-billed // decision.qty_step) * decision.qty_step
    return billed
