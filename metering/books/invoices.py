"""Providers' invoices, line by line, in the currency they were written in."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Final

from sqlalchemy import CheckConstraint, Connection, UniqueConstraint, func, insert, select

from metering.books.schema import (
    BookTable,
    inserted_id,
    reference,
    row_id,
    strict,
    table_of,
    whole,
    words,
)

CATEGORIES: Final = (
    "usage",
    "tax",
    "credit",
    "discount",
    "seats",
    "commitment",
    "rounding",
    "fee",
    "other",
)


class InvoiceRow(BookTable, table=True):
    """One invoice."""

    __tablename__: ClassVar[Any] = "invoice"
    __table_args__ = strict(UniqueConstraint("provider", "invoice_id"))

    id: int | None = row_id()
    run_id: int = reference("run.id")
    source_id: int | None = reference("source.id")
    invoice_id: str = words()
    provider: str = words()
    billing_account: str = words()
    period: str = words(index=True)
    currency: str = words()
    total_nanos: int = whole()


class InvoiceLineRow(BookTable, table=True):
    """One line of an invoice."""

    __tablename__: ClassVar[Any] = "invoice_line"
    __table_args__ = strict(
        UniqueConstraint("invoice_row_id", "line"),
        CheckConstraint(
            "category IN ('usage', 'tax', 'credit', 'discount', 'seats', 'commitment',"
            " 'rounding', 'fee', 'other')",
            name="category_known",
        ),
        CheckConstraint(
            "(booking_currency IS NULL) = (booking_amount_nanos IS NULL)",
            name="booking_amount_has_currency",
        ),
    )

    id: int | None = row_id()
    invoice_row_id: int = reference("invoice.id")
    line: int = whole()
    category: str = words()
    description: str = words()
    amount_nanos: int = whole()
    booking_currency: str | None = words()
    booking_amount_nanos: int | None = whole()
    fx_rate: str | None = words()
    fx_date: str | None = words()


_INVOICE: Final = table_of(InvoiceRow)
_LINE: Final = table_of(InvoiceLineRow)


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line of an invoice.

    Attributes:
        line: its place in the invoice, 1-based.
        category: one of `CATEGORIES`.
        amount_nanos: in the invoice's currency; negative for what is given back.
        booking_currency, booking_amount_nanos: what finance booked it as, where that differs.
        fx_rate, fx_date: the rate that was used, as decimal text, and its ISO day.
    """

    line: int
    category: str
    description: str
    amount_nanos: int
    booking_currency: str | None = None
    booking_amount_nanos: int | None = None
    fx_rate: str | None = None
    fx_date: str | None = None


@dataclass(frozen=True, slots=True)
class NewInvoice:
    """One invoice.

    Attributes:
        invoice_id: the provider's number; unique per provider.
        period: YYYY-MM.
        total_nanos: as the invoice states it, which need not be the sum of its lines.
        source_id: the file it came from, when that is recorded.
    """

    invoice_id: str
    provider: str
    billing_account: str
    period: str
    currency: str
    total_nanos: int
    lines: tuple[InvoiceLine, ...] = ()
    source_id: int | None = None


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice in the books; `invoice` says the rest."""

    id: int
    run_id: int
    invoice: NewInvoice


def add_invoice(connection: Connection, run_id: int, invoice: NewInvoice) -> int:
    """Record an invoice with its lines and return its id.

    Raises:
        sqlalchemy.exc.IntegrityError: the provider's number is known; the caller asks
            `find_invoice` first.
    """
    heading = {name: value for name, value in asdict(invoice).items() if name != "lines"}
    row_number = inserted_id(connection, insert(_INVOICE).values(run_id=run_id, **heading))
    if invoice.lines:
        connection.execute(
            insert(_LINE), [{"invoice_row_id": row_number, **asdict(one)} for one in invoice.lines]
        )
    return row_number


def find_invoice(connection: Connection, provider: str, invoice_id: str) -> Invoice | None:
    """Return the invoice of a provider with this number, or None."""
    statement = select(_INVOICE).where(
        _INVOICE.c.provider == provider, _INVOICE.c.invoice_id == invoice_id
    )
    found = _invoices(connection, connection.execute(statement))
    return found[0] if found else None


def invoices_of(connection: Connection, period: str) -> tuple[Invoice, ...]:
    """Return the invoices of a billing period with their lines, by provider and number."""
    statement = select(_INVOICE).where(_INVOICE.c.period == period)
    found = _invoices(connection, connection.execute(statement))
    return tuple(sorted(found, key=lambda one: (one.invoice.provider, one.invoice.invoice_id)))


def last_invoiced_period(connection: Connection) -> str | None:
    """Return the last period that any invoice bills, YYYY-MM; None without invoices."""
    found: str | None = connection.execute(select(func.max(_INVOICE.c.period))).scalar_one()
    return found


def invoice_lines(connection: Connection, invoice_row_id: int) -> tuple[InvoiceLine, ...]:
    """Return the lines of one invoice in its order."""
    statement = (
        select(*(_LINE.c[field.name] for field in fields(InvoiceLine)))
        .where(_LINE.c.invoice_row_id == invoice_row_id)
        .order_by(_LINE.c.line)
    )
    return tuple(InvoiceLine(*row) for row in connection.execute(statement))


def _invoices(connection: Connection, rows: Iterable[Any]) -> tuple[Invoice, ...]:
    return tuple(
        Invoice(
            row.id,
            row.run_id,
            NewInvoice(
                invoice_id=row.invoice_id,
                provider=row.provider,
                billing_account=row.billing_account,
                period=row.period,
                currency=row.currency,
                total_nanos=row.total_nanos,
                lines=invoice_lines(connection, row.id),
                source_id=row.source_id,
            ),
        )
        for row in list(rows)
    )
