"""What FOCUS says of the basis of a charge: its prices, its categories, its region."""

import json
from typing import Final

from metering.core.closing.adjustments import ADJUSTMENT_METERS, AdjustmentKind, meter_of
from metering.core.closing.tieout import Reason as TieReason
from metering.core.flat.flat_money import MONEY_METERS, SEAT_METERS
from metering.core.ledger import Basis
from metering.core.meters import Meter
from metering.core.money import NANO_DIGITS, NANOS_PER_UNIT, divide_half_even
from metering.core.pricing.decisions import Status
from metering.core.pricing.terms import TermKind
from metering.core.sharing.splits import SHARE_METERS
from metering.reporting.focus.columns import (
    PRICE_SCALE,
)
from metering.reporting.focus.words import (
    Sku,
    service_name,
)

ADJUSTING: Final = frozenset((*TermKind, *SHARE_METERS, *MONEY_METERS, *ADJUSTMENT_METERS))
"""Meters of charges that adjust others: they have no price of a unit."""

_PRICE_OF_NANO: Final = 10 ** (PRICE_SCALE - NANO_DIGITS)
_TAX: Final = meter_of(AdjustmentKind.TRUE_UP, TieReason.TAX)
_CREDITS: Final = frozenset(
    (TermKind.CREDIT.value, meter_of(AdjustmentKind.TRUE_UP, TieReason.CREDIT))
)


def pricing_block(basis: Basis) -> int:
    """Return how many units of a meter the pricing unit is: of what a bill states, one in money.

    A bill counts nothing else, and FOCUS wants a quantity of all usage: there it is the amount, in
    units of its currency, each of which costs one.
    """
    return NANOS_PER_UNIT if basis.meter == Meter.BILLED_NANOS else basis.per or 1


def contracted_price(basis: Basis) -> int | None:
    """Return the price of a pricing unit at the contracted rate, in steps of the price's scale."""
    if basis.unit_price_nanos is None or basis.meter in ADJUSTING:
        return None
    scaled = basis.unit_price_nanos * _PRICE_OF_NANO * basis.factor_num
    return divide_half_even(scaled * pricing_block(basis), basis.factor_den * (basis.per or 1))


def list_price(basis: Basis) -> int | None:
    """Return the list price of the same pricing unit, whatever block the list quotes."""
    if basis.meter in ADJUSTING or basis.list_unit_price_nanos is None or basis.list_per is None:
        return None
    scaled = basis.list_unit_price_nanos * _PRICE_OF_NANO * basis.list_factor_num
    return divide_half_even(scaled * pricing_block(basis), basis.list_factor_den * basis.list_per)


def charge_category(basis: Basis) -> str:
    """Return the ChargeCategory: usage, a purchase, tax, a credit or another adjustment."""
    if basis.meter == _TAX:
        return "Tax"
    if basis.meter in _CREDITS:
        return "Credit"
    if basis.meter in SEAT_METERS:
        return "Purchase"
    return "Adjustment" if basis.meter in ADJUSTING else "Usage"


def pricing_category(basis: Basis) -> str | None:
    """Return the PricingCategory; None for what has no price of a unit."""
    if basis.meter in ADJUSTING:
        return None
    priced = basis.status != Status.UNPRICED and basis.meter != Meter.BILLED_NANOS
    return "Standard" if priced else "Other"


def charge_description(basis: Basis, sku: Sku) -> str:
    """Return the meter and the model of a charge, in words."""
    return f"{sku.meter}, {basis.model or basis.model_raw or service_name(basis.platform)}"


def region_of(basis: Basis) -> str | None:
    """Return the region that the price depends on; None where it depends on none."""
    region = json.loads(basis.conditions).get("region")
    return str(region) if region else None
