"""Charges of money alone: no quantity stands behind their amount, so that none is ever shown.

In the ledger the quantity of what a bill states is its amount in nanos, each of which costs one
nano; of the others it is zero. To a reader neither says anything.
"""

from typing import Final

from metering.core.closing.adjustments import ADJUSTMENT_METERS
from metering.core.flat.flat_money import MONEY_METERS
from metering.core.meters import Meter
from metering.core.pricing.terms import SETTLED_METERS

UNCOUNTED: Final = frozenset(
    (Meter.BILLED_NANOS.value, *SETTLED_METERS, *MONEY_METERS, *ADJUSTMENT_METERS)
)
"""Their meters."""
