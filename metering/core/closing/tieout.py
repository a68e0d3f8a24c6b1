"""Tying the ledger to the providers' invoices: every difference has a reason, or is unexplained.

For each provider, billing account, period and currency:

    invoiced = usage in the ledger + what only the invoice knows (tax, credits, seats …)
             + rounding + unexplained

to the nano. `usage` lines are compared with what usage is charged; lines of seats, commitments
and fees with what is agreed on, as far as the ledger has any of the category. Where the provider's
own cost report agrees with the invoice, the reasons it gives by family and day are the invoice's
(`cost_report`). A difference is called rounding when it is at most half a minor unit for each line
of the invoice, which is as far as printing in cents can move it; anything larger is unexplained,
and nothing is guessed.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from metering.core.closing.cost_report import CostComparison, Difference
from metering.core.closing.invoices import Invoice, InvoiceCategory, InvoiceLine
from metering.core.money import decimal_text, minor_unit
from metering.core.periods import BillingPeriod
from metering.errors import first_of

_NAMES_TOLD: Final = 3


class Reason(StrEnum):
    """Why an invoice is not the usage in the ledger."""

    USAGE = "usage"  # priced from usage: on both sides
    TAX = "tax"
    CREDIT = "credit"
    DISCOUNT = "discount"
    SEATS = "seats"
    COMMITMENT = "commitment"
    FEE = "fee"
    OTHER = "other"
    ROUNDING = "rounding"
    FREE_TIER = "free-tier"  # these five as the provider's cost report shows them
    PRIORITY_TIER = "priority-tier"
    LATE_USAGE = "late-usage"
    PRICE_DRIFT = "price-drift"
    NAMED_OTHERWISE = "named-otherwise"
    NOT_REPORTED = "not-reported"
    NOT_INVOICED = "not-invoiced"  # the ledger has usage, and no invoice has come
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class LedgerSide:
    """What the ledger holds for one billing account in one currency and period.

    Attributes:
        provider, billing_account, currency: what is compared with invoices of the same.
        billed_nanos: net charges from usage that has a rate, suspense included.
        unattributed_nanos: the part of them nobody owns.
        settled: the part of them that allowances and contract terms took off or put on top, by
            the category under which an invoice would name it; nanos, negative for a discount.
        drawn_nanos: what credit paid beforehand pays of the charges, below 0; also in `settled`.
        agreed: what is owed beside it by agreement (seats, credit bought, capacity), by the
            category under which an invoice names it.
        unpriced: meter and quantity of usage that has no rate, and so no amount.
        adjusted_nanos: what true-ups and disputes added since; it is compared with nothing, and
            told.
    """

    provider: str
    billing_account: str
    currency: str
    billed_nanos: int
    unattributed_nanos: int = 0
    settled: tuple[tuple[InvoiceCategory, int], ...] = ()
    drawn_nanos: int = 0
    agreed: tuple[tuple[InvoiceCategory, int], ...] = ()
    unpriced: tuple[tuple[str, int], ...] = ()
    adjusted_nanos: int = 0

    @property
    def owed_nanos(self) -> int:
        """What the provider ought to ask for: charges and agreements, less what was paid before."""
        return self.billed_nanos + self.drawn_nanos + sum(nanos for _, nanos in self.agreed)


@dataclass(frozen=True, slots=True)
class TieOutLine:
    """One part of what is invoiced.

    Attributes:
        label: in words, for the screen.
        reason: the code that scripts read.
        nanos: of the tie-out's currency.
    """

    label: str
    reason: Reason
    nanos: int


@dataclass(frozen=True, slots=True)
class TieOut:
    """The invoices of one billing account and period against the ledger.

    Attributes:
        currency: of every amount; the one the provider prices in.
        invoice_ids: empty while no invoice has come.
        invoiced_nanos: sum of the invoices.
        ledger: the ledger's side; zero where it holds nothing.
        lines: they sum to `invoiced_nanos`, the unexplained one included when there is any.
        notes: what else a reader should know, a sentence each; `unpriced_note` is one more.
        costs: the provider's own cost report against the same usage, where there is one.
    """

    provider: str
    billing_account: str
    period: BillingPeriod
    currency: str
    invoice_ids: tuple[str, ...]
    invoiced_nanos: int
    ledger: LedgerSide
    lines: tuple[TieOutLine, ...]
    notes: tuple[str, ...] = ()
    costs: CostComparison | None = None

    @property
    def unexplained_nanos(self) -> int:
        """What no reason covers; zero when the account ties."""
        return sum(line.nanos for line in self.lines if line.reason is Reason.UNEXPLAINED)

    @property
    def unpriced_note(self) -> str:
        """What the ledger holds and cannot put an amount to, in a sentence; empty for nothing."""
        if not self.ledger.unpriced:
            return ""
        told = (f"{quantity:,} {meter}" for meter, quantity in sorted(self.ledger.unpriced))
        return f"the ledger holds usage without a rate: {', '.join(told)}"

    @property
    def is_invoiced(self) -> bool:
        """Whether an invoice has come."""
        return bool(self.invoice_ids)

    @property
    def ties(self) -> bool:
        """Whether an invoice has come and every nano of it has a reason."""
        return self.is_invoiced and self.unexplained_nanos == 0


def tie_out(
    period: BillingPeriod,
    ledger: Iterable[LedgerSide],
    invoices: Iterable[Invoice],
    costs: Mapping[tuple[str, str, str], CostComparison] | None = None,
) -> tuple[TieOut, ...]:
    """Return one tie-out per provider, billing account and currency, in that order.

    Args:
        period: the month; invoices of other months are left out.
        ledger: at most one side per provider, billing account and currency.
        invoices: in any order, each in the currency the provider prices in. They are compared in
            that currency; what finance booked in another one is told, and not compared.
        costs: cost reports by provider, billing account and currency.
    """
    costs = costs or {}
    sides = {(side.provider, side.billing_account, side.currency): side for side in ledger}
    billed: dict[tuple[str, str, str], list[Invoice]] = {}
    for invoice in sorted(invoices, key=lambda found: found.invoice_id):
        if invoice.period == period:
            key = (invoice.provider, invoice.billing_account, invoice.currency)
            billed.setdefault(key, []).append(invoice)
    keys = sorted({*sides, *billed, *costs})
    currencies: dict[tuple[str, str], list[str]] = {}
    for provider, account, currency in keys:
        currencies.setdefault((provider, account), []).append(currency)
    return tuple(
        _account(
            period,
            sides.get(key) or LedgerSide(*key, billed_nanos=0),
            billed.get(key, []),
            currencies[key[:2]],
            costs.get(key),
        )
        for key in keys
    )


def _account(
    period: BillingPeriod,
    ledger: LedgerSide,
    invoices: Sequence[Invoice],
    currencies: Sequence[str],
    costs: CostComparison | None,
) -> TieOut:
    lines = [line for invoice in invoices for line in invoice.lines]
    settled = _settled_here(ledger, lines)
    usage = ledger.billed_nanos + ledger.drawn_nanos - sum(nanos for _, nanos in ledger.settled)
    compared = usage + sum(line.nanos for line in settled)
    parts = [
        TieOutLine("priced from usage", Reason.USAGE, usage),
        *settled,
        *_agreed(ledger, lines),
        *_invoice_only(lines, {category for category, _ in ledger.agreed}),
        *(_usage_difference(ledger, compared, lines, costs) if invoices else _not_invoiced(ledger)),
    ]
    return TieOut(
        provider=ledger.provider,
        billing_account=ledger.billing_account,
        period=period,
        currency=ledger.currency,
        invoice_ids=tuple(invoice.invoice_id for invoice in invoices),
        invoiced_nanos=sum(line.amount_nanos for line in lines),
        ledger=ledger,
        lines=tuple(part for part in parts if part.nanos),
        notes=(
            *_bookings(invoices),
            *_came_twice(invoices, parts),
            *_settled_otherwise(ledger, lines),
            *_elsewhere(ledger, currencies),
            *_reported_otherwise(ledger, lines, costs),
            *_adjusted(ledger, sum(line.amount_nanos for line in lines)),
        ),
        costs=costs,
    )


def _came_twice(invoices: Sequence[Invoice], parts: Sequence[TieOutLine]) -> Iterator[str]:
    """Yield the invoices that say what another one says, where the account does not tie."""
    if not any(part.reason is Reason.UNEXPLAINED and part.nanos for part in parts):
        return
    first: dict[tuple[tuple[str, int], ...], str] = {}
    taken_back = {_amounts(invoice, sign=-1) for invoice in invoices}
    for invoice in invoices:
        amounts = _amounts(invoice)
        other = first.setdefault(amounts, invoice.invoice_id)
        if other != invoice.invoice_id and amounts not in taken_back:
            yield (
                f"{invoice.invoice_id} has the lines of {other}; if it is the same invoice: "
                f"metering invoices cancel {invoice.provider} {invoice.invoice_id}"
            )


def _amounts(invoice: Invoice, sign: int = 1) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((line.category.value, sign * line.amount_nanos) for line in invoice.lines))


def _settled_here(ledger: LedgerSide, lines: Sequence[InvoiceLine]) -> tuple[TieOutLine, ...]:
    """Return what the ledger settles and no invoice names: its usage lines are net of it.

    Where an invoice names it, the invoice's line is shown, and usage is compared before it.
    """
    named = {line.category for line in lines}
    return tuple(
        TieOutLine(f"{category}: settled by rate card", Reason(category.value), nanos)
        for category, nanos in ledger.settled
        if category not in named
    )


def _settled_otherwise(ledger: LedgerSide, lines: Sequence[InvoiceLine]) -> Iterator[str]:
    for category, nanos in ledger.settled:
        found = [line.amount_nanos for line in lines if line.category is category]
        if found and abs(sum(found) - nanos) > len(found) * minor_unit(ledger.currency):
            yield (
                f"the ledger settles {decimal_text(nanos)} of {category}, "
                f"the invoice {decimal_text(sum(found))}"
            )


def _agreed(ledger: LedgerSide, lines: Sequence[InvoiceLine]) -> Iterator[TieOutLine]:
    """Yield what is agreed on, and how the invoice's lines of the category differ from it."""
    for category, nanos in ledger.agreed:
        found = [line for line in lines if line.category is category]
        yield TieOutLine(_label(category, found), Reason(category.value), nanos)
        difference = sum(line.amount_nanos for line in found) - nanos
        if not lines:
            continue
        if not found:
            yield TieOutLine(f"{category}: not on the invoice", Reason.NOT_INVOICED, difference)
        elif 2 * abs(difference) <= len(found) * minor_unit(ledger.currency):
            yield TieOutLine(f"{category}: rounding on the invoice", Reason.ROUNDING, difference)
        else:
            yield TieOutLine(f"{category}: unexplained", Reason.UNEXPLAINED, difference)


def _invoice_only(
    lines: Sequence[InvoiceLine], compared: Collection[InvoiceCategory]
) -> Iterator[TieOutLine]:
    for category in InvoiceCategory:
        if category is InvoiceCategory.USAGE or category in compared:
            continue
        found = [line for line in lines if line.category is category]
        amount = sum(line.amount_nanos for line in found)
        yield TieOutLine(_label(category, found), Reason(category.value), amount)


def _label(category: InvoiceCategory, lines: Sequence[InvoiceLine]) -> str:
    words = lines[0].description if len(lines) == 1 else f"{len(lines)} lines" if lines else ""
    return f"{category}: {words}" if words else str(category)


def _usage_difference(
    ledger: LedgerSide, compared: int, lines: Sequence[InvoiceLine], costs: CostComparison | None
) -> Iterator[TieOutLine]:
    usage = [line.amount_nanos for line in lines if line.category is InvoiceCategory.USAGE]
    slack = len(usage) * minor_unit(ledger.currency)
    difference = sum(usage) - compared
    if 2 * abs(difference) > slack and costs is not None and _agrees(costs, usage, slack):
        for line in _as_reported(costs):
            difference -= line.nanos
            yield line
    if 2 * abs(difference) <= slack:
        yield TieOutLine("rounding on the invoice", Reason.ROUNDING, difference)
    else:
        yield TieOutLine("unexplained", Reason.UNEXPLAINED, difference)


def _agrees(costs: CostComparison, usage: Sequence[int], slack: int) -> bool:
    """Say whether the invoice is what the cost report says: then its reasons are the invoice's."""
    rows = sum(day.rows for day in costs.report.days)
    return 2 * abs(sum(usage) - costs.report.nanos) <= slack + rows * costs.report.step_nanos


def _as_reported(costs: CostComparison) -> Iterator[TieOutLine]:
    for reason, nanos in costs.by_reason().items():
        if reason in (Difference.ROUNDING, Difference.UNEXPLAINED):
            continue
        names = [
            family.name or "no model"
            for family in costs.families
            if any(part.reason is reason for part in family.differences)
        ]
        told = ", ".join(first_of(names, _NAMES_TOLD))
        label = f"{reason.replace('-', ' ')}, by the cost report: {told}"
        yield TieOutLine(label, Reason(reason.value), nanos)


def _adjusted(ledger: LedgerSide, invoiced: int) -> Iterator[str]:
    if not ledger.adjusted_nanos:
        return
    held = ledger.owed_nanos + ledger.adjusted_nanos
    told = f"trued up by {decimal_text(ledger.adjusted_nanos)}: the book holds "
    yield told + ("what is invoiced" if held == invoiced else decimal_text(held))


def _reported_otherwise(
    ledger: LedgerSide, lines: Sequence[InvoiceLine], costs: CostComparison | None
) -> Iterator[str]:
    usage = [line.amount_nanos for line in lines if line.category is InvoiceCategory.USAGE]
    slack = len(usage) * minor_unit(ledger.currency)
    if usage and costs is not None and not _agrees(costs, usage, slack):
        yield (
            f"the provider's cost report says {decimal_text(costs.report.nanos)}, "
            f"the usage lines of the invoice {decimal_text(sum(usage))}"
        )


def _not_invoiced(ledger: LedgerSide) -> Iterator[TieOutLine]:
    yield TieOutLine("not invoiced yet", Reason.NOT_INVOICED, -ledger.owed_nanos)


def _bookings(invoices: Sequence[Invoice]) -> Iterator[str]:
    booked: dict[tuple[str, str, str, str], int] = {}
    for invoice in invoices:
        for booking in (line.booking for line in invoice.lines if line.booking is not None):
            key = (invoice.invoice_id, booking.currency, booking.fx_rate, str(booking.fx_date))
            booked[key] = booked.get(key, 0) + booking.amount_nanos
    for (invoice_id, currency, rate, day), nanos in booked.items():
        yield f"{invoice_id} is booked as {currency} {decimal_text(nanos)}, at {rate} of {day}"


def _elsewhere(ledger: LedgerSide, currencies: Sequence[str]) -> Iterator[str]:
    others = ", ".join(currency for currency in currencies if currency != ledger.currency)
    if others:
        yield f"this account also has amounts in {others}; they are not converted"
