"""Tie out: the ledger of a period against the invoices of its providers."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from metering.books import billed as billed_book
from metering.books import invoices as invoice_book
from metering.core.closing.adjustments import ADJUSTMENT_METERS
from metering.core.closing.invoices import InvoiceCategory
from metering.core.closing.tieout import LedgerSide, TieOut, tie_out
from metering.core.flat.flat_money import INVOICED_AS, FlatMeter
from metering.core.ledger import UNATTRIBUTED
from metering.core.periods import BillingPeriod
from metering.core.pricing.decisions import Status
from metering.core.pricing.terms import TermKind
from metering.workflows.closing.cost_reports import cost_comparisons
from metering.workflows.closing.invoices import invoice_of_books
from metering.workflows.reading import reading

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings


# How an invoice would name what was settled for a period as a whole.
_NAMED_AS: Final[Mapping[str, InvoiceCategory]] = {
    TermKind.ALLOWANCE: InvoiceCategory.DISCOUNT,
    TermKind.VOLUME_TIER: InvoiceCategory.DISCOUNT,
    TermKind.COMMITMENT: InvoiceCategory.COMMITMENT,
    TermKind.MINIMUM: InvoiceCategory.COMMITMENT,
    TermKind.CREDIT: InvoiceCategory.CREDIT,
    FlatMeter.CREDIT_DRAWDOWN: InvoiceCategory.CREDIT,
}


def tie_out_period(
    settings: "Settings", period: BillingPeriod, *, as_of: str | None = None
) -> tuple[TieOut, ...]:
    """Return the tie-outs of a period, one per provider, billing account and currency.

    Args:
        settings: where the books are.
        period: the month.
        as_of: a run or a moment, see `workflows.reading`; None for now.
    """
    with reading(settings, as_of=as_of) as connection:
        return tie_outs(connection, settings, period)


def tie_outs(
    connection: "Connection", settings: "Settings", period: BillingPeriod
) -> tuple[TieOut, ...]:
    """Return the tie-outs of a period from an open transaction.

    The ledger's side is what usage of the period's days is charged, whichever period it was
    booked in: a correction posted in November for usage of October belongs to October's invoice.
    """
    first, last = days_of(period)
    invoices = (found.invoice for found in invoice_book.invoices_of(connection, str(period)))
    return tie_out(
        period,
        ledger_sides(billed_book.billed_lines(connection, first, last)),
        [invoice_of_books(invoice) for invoice in invoices],
        cost_comparisons(connection, settings, period),
    )


def days_of(period: BillingPeriod) -> tuple[str, str]:
    """Return the first and last charge day of a period, ISO."""
    return str(period.first_day), str(period.end_day - timedelta(days=1))


def ledger_sides(lines: Iterable[billed_book.BilledLine]) -> tuple[LedgerSide, ...]:
    """Return the ledger's side of each billing account and currency.

    Usage without a rate has no amount and so no currency of its own; it is told on every side of
    its account, and makes a side only where the account has no other.
    """
    amounts: dict[tuple[str, str, str], list[int]] = {}
    unpriced: dict[tuple[str, str], dict[str, int]] = {}
    fallback: dict[tuple[str, str], str] = {}
    settled: dict[tuple[str, str, str], Counter[InvoiceCategory]] = defaultdict(Counter)
    agreed: dict[tuple[str, str, str], Counter[InvoiceCategory]] = defaultdict(Counter)
    adjusted: Counter[tuple[str, str, str]] = Counter()
    for line in lines:
        account = (line.provider, line.billing_account)
        if line.meter in ADJUSTMENT_METERS:
            adjusted[*account, line.currency] += line.amount_nanos
            continue
        if line.status == Status.UNPRICED.value:
            meters = unpriced.setdefault(account, {})
            meters[line.meter] = meters.get(line.meter, 0) + line.quantity
            fallback.setdefault(account, line.currency)
            continue
        sums = amounts.setdefault((*account, line.currency), [0, 0, 0])
        if line.meter in INVOICED_AS:
            agreed[*account, line.currency][INVOICED_AS[line.meter]] += line.amount_nanos
            continue
        sums[2 if line.meter == FlatMeter.CREDIT_DRAWDOWN else 0] += line.amount_nanos
        if line.meter in _NAMED_AS:
            settled[*account, line.currency][_NAMED_AS[line.meter]] += line.amount_nanos
        sums[1] += line.amount_nanos if line.debit == UNATTRIBUTED.name else 0
    priced = {key[:2] for key in amounts}
    for account, currency in fallback.items():
        if account not in priced:
            amounts[*account, currency] = [0, 0, 0]
    for key, nanos in adjusted.items():
        if nanos:
            amounts.setdefault(key, [0, 0, 0])
    return tuple(
        LedgerSide(
            *key,
            billed_nanos=billed,
            unattributed_nanos=unattributed,
            settled=tuple(sorted(settled[key].items())),
            drawn_nanos=drawn,
            agreed=tuple(sorted(agreed[key].items())),
            unpriced=tuple(sorted(unpriced.get(key[:2], {}).items())),
            adjusted_nanos=adjusted[key],
        )
        for key, (billed, unattributed, drawn) in sorted(amounts.items())
    )
