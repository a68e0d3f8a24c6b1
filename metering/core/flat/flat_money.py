"""Flat money: what is charged by agreement and not by usage.

Seats, credit paid beforehand, commitments and own capacity have products and meters of their own
and no list price, so that they are never added to what usage is worth at list. What each is, and
how it is charged, is in `core.flat.seats`, `core.flat.prepaid` and `core.flat.capacity`; here is
what they share.

Source: design, "Money kinds kept apart".
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from metering.core.closing.invoices import InvoiceCategory
from metering.core.ledger import Account, Basis
from metering.core.pricing.decisions import Status


class FlatProduct(StrEnum):
    """What flat money is paid for; stands where the product of usage stands."""

    SEATS = "seats"
    PREPAID = "prepaid"
    COMMITMENT = "commitment"
    CAPACITY = "capacity"


class FlatMeter(StrEnum):
    """What a charge of flat money counts; never a meter of usage."""

    SEAT_DAY = "seat_day"  # a seat that somebody has, for a day
    UNUSED_SEAT_DAY = "unused_seat_day"  # a seat that is paid for and nobody has, for a day
    SEAT_TERM = "seat_term"  # a seat paid beforehand for what is left of its term
    CREDIT_PURCHASE = "credit_purchase"
    CREDIT_BONUS = "credit_bonus"  # what a block is worth beyond what was paid
    CREDIT_BONUS_EXPIRY = "credit_bonus_expiry"
    CREDIT_FEE = "credit_fee"
    CREDIT_DRAWDOWN = "credit_drawdown"
    CREDIT_EXPIRY = "credit_expiry"
    COMMITMENT_SHORTFALL = "commitment_shortfall"
    CAPACITY_TOKEN = "capacity_token"  # noqa: S105 - a meter, not a secret
    IDLE_CAPACITY_TOKEN = "idle_capacity_token"  # noqa: S105 - a meter, not a secret


FLAT_PRODUCTS: Final = frozenset(product.value for product in FlatProduct)
FLAT_METERS: Final = frozenset(meter.value for meter in FlatMeter)

SEAT_METERS: Final = frozenset((FlatMeter.SEAT_DAY.value, FlatMeter.UNUSED_SEAT_DAY.value))
"""What is bought for a stretch of time, whether it is used or not."""

MONEY_METERS: Final = frozenset(
    (
        FlatMeter.CREDIT_FEE.value,
        FlatMeter.CREDIT_EXPIRY.value,
        FlatMeter.COMMITMENT_SHORTFALL.value,
    )
)
"""Charges of money alone: there is no quantity of them."""

INVOICED_AS: Final[Mapping[str, InvoiceCategory]] = {
    FlatMeter.SEAT_DAY: InvoiceCategory.SEATS,
    FlatMeter.UNUSED_SEAT_DAY: InvoiceCategory.SEATS,
    FlatMeter.SEAT_TERM: InvoiceCategory.SEATS,
    FlatMeter.CREDIT_PURCHASE: InvoiceCategory.COMMITMENT,
    FlatMeter.CREDIT_FEE: InvoiceCategory.FEE,
    FlatMeter.COMMITMENT_SHORTFALL: InvoiceCategory.COMMITMENT,
    FlatMeter.CAPACITY_TOKEN: InvoiceCategory.COMMITMENT,
    FlatMeter.IDLE_CAPACITY_TOKEN: InvoiceCategory.COMMITMENT,
}
"""Under which category an invoice names what is owed to a provider by agreement."""


@dataclass(frozen=True, slots=True)
class Written:
    """Where an agreement stands in the file it was read from.

    Attributes:
        file: name of the file.
        line: of its first line, 1-based.
    """

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class FlatCharge:
    """One posting of flat money that ought to be booked.

    Attributes:
        day: the day it is charged on.
        debit, credit: who bears it, and whom it is owed to or whose balance it lessens.
        quantity: whole units of the meter of the basis; 0 for money alone.
        amount_nanos: of the basis' currency.
    """

    day: date
    debit: Account
    credit: Account
    basis: Basis
    quantity: int
    amount_nanos: int


def flat_basis(  # noqa: PLR0913 - every part of it is said by whoever charges
    product: FlatProduct,
    meter: FlatMeter,
    *,
    provider: str,
    billing_account: str,
    name: str,
    currency: str,
    file: str,
    entry_id: str,
    unit_price_nanos: int | None = None,
    per: int | None = None,
) -> Basis:
    """Return why a charge of flat money is what it is: which agreement, at which price.

    Args:
        product: what is paid for.
        meter: what is counted.
        provider: who is paid.
        billing_account: under which account.
        name: of the agreement; stands where the model of usage stands.
        currency: of the agreement.
        file: name of the file it stands in; not its version, so that a new version of the file
            changes the charges of what it changes, and no others.
        entry_id: digest of what the agreement says.
        unit_price_nanos: price of `per` units; None where there is no such price.
        per: units.
    """
    return Basis(
        provider=provider,
        platform=product.value,
        billing_account=billing_account,
        product=product.value,
        model_raw="",
        model=name,
        meter=meter.value,
        conditions="{}",
        status=Status.PRICED.value,
        reason="",
        currency=currency,
        card=file,
        rate_ids=(entry_id,),
        unit_price_nanos=unit_price_nanos,
        per=per,
    )


def together(charges: Iterable[FlatCharge]) -> tuple[FlatCharge, ...]:
    """Return charges with those of one day, accounts and basis added up, sorted; none is empty."""
    found: dict[tuple[date, str, str, str], list[FlatCharge]] = defaultdict(list)
    for charge in charges:
        key = (charge.day, charge.debit.name, charge.credit.name, charge.basis.digest)
        found[key].append(charge)
    added = (_added(found[key]) for key in sorted(found))
    return tuple(charge for charge in added if charge.quantity or charge.amount_nanos)


def _added(charges: list[FlatCharge]) -> FlatCharge:
    one = charges[0]
    return FlatCharge(
        one.day,
        one.debit,
        one.credit,
        one.basis,
        sum(charge.quantity for charge in charges),
        sum(charge.amount_nanos for charge in charges),
    )
