"""What a provider's invoice says, line by line."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from metering.core.periods import BillingPeriod


class InvoiceCategory(StrEnum):
    """What a line of an invoice is for; only `usage` is compared with the ledger."""

    USAGE = "usage"
    TAX = "tax"
    CREDIT = "credit"
    DISCOUNT = "discount"
    SEATS = "seats"
    COMMITMENT = "commitment"
    ROUNDING = "rounding"
    FEE = "fee"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Booking:
    """What finance booked for a line, in the currency of its own books.

    Attributes:
        currency: ISO 4217.
        amount_nanos: whole nanos of `currency`.
        fx_rate: units of `currency` per unit of the invoice's, decimal text as it was given.
        fx_date: the day of that rate.
    """

    currency: str
    amount_nanos: int
    fx_rate: str
    fx_date: date


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line of an invoice.

    Attributes:
        line: physical line in the file it came from, 1-based.
        category: what it is for.
        description: as the invoice words it.
        amount_nanos: whole nanos of the invoice's currency; negative for what is given back.
        booking: None when finance booked the invoice in its own currency.
    """

    line: int
    category: InvoiceCategory
    description: str
    amount_nanos: int
    booking: Booking | None = None


@dataclass(frozen=True, slots=True)
class Invoice:
    """One invoice of one billing account for one period.

    Attributes:
        invoice_id: the provider's number; unique per provider.
        provider, billing_account: as the usage names them.
        period: the month it bills.
        currency: ISO 4217, of every amount but bookings.
        lines: in file order, at least one.
    """

    invoice_id: str
    provider: str
    billing_account: str
    period: BillingPeriod
    currency: str
    lines: tuple[InvoiceLine, ...]

    @property
    def total_nanos(self) -> int:
        """The sum of the lines."""
        return sum(line.amount_nanos for line in self.lines)

    @property
    def content(self) -> tuple[object, ...]:
        """What the invoice says, wherever it was typed: equal content is the same invoice."""
        header = (self.invoice_id, self.provider, self.billing_account, self.period, self.currency)
        said = ((x.category, x.description, x.amount_nanos, x.booking) for x in self.lines)
        return (*header, *said)
