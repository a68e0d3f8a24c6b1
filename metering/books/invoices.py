"""Providers' invoices, line by line, in the currency they were written in.

A recorded invoice never changes. One that ought not to be there is cancelled by an event: it stays,
its amounts count nowhere, and its number may be recorded again with other content.
"""

from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, ClassVar, Final

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Connection,
    UniqueConstraint,
    func,
    insert,
    select,
    true,
)

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


class InvoiceState(StrEnum):
    """Whether what an invoice says counts."""

    IN_FORCE = "in-force"
    CANCELLED = "cancelled"


class InvoiceRow(BookTable, table=True):
    """One invoice; of one number there is another version for each that was cancelled."""

    __tablename__: ClassVar[Any] = "invoice"
    __table_args__ = strict(UniqueConstraint("provider", "invoice_id", "version"))

    id: int | None = row_id()
    run_id: int = reference("run.id")
    source_id: int | None = reference("source.id")
    invoice_id: str = words()
    version: int = whole()
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


class InvoiceEventRow(BookTable, table=True):
    """One step in the life of an invoice; one without any is in force."""

    __tablename__: ClassVar[Any] = "invoice_event"
    __table_args__ = strict(
        CheckConstraint("state IN ('cancelled', 'in-force')", name="state_known")
    )

    id: int | None = row_id()
    run_id: int = reference("run.id")
    invoice_row_id: int = reference("invoice.id", index=True)
    state: str = words()
    reason: str = words()


_INVOICE: Final = table_of(InvoiceRow)
_LINE: Final = table_of(InvoiceLineRow)
_EVENT: Final = table_of(InvoiceEventRow)
_CANCELLED: Final = select(_EVENT.c.invoice_row_id).where(
    _EVENT.c.state == InvoiceState.CANCELLED.value,
    _EVENT.c.id.in_(select(func.max(_EVENT.c.id)).group_by(_EVENT.c.invoice_row_id)),
)


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
        invoice_id: the provider's number; one of each is in force.
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
    """An invoice in the books; `invoice` says the rest.

    Attributes:
        reason: why it was cancelled, or put in force again; empty for one that never was.
    """

    id: int
    run_id: int
    invoice: NewInvoice
    state: InvoiceState
    reason: str


def add_invoice(connection: Connection, run_id: int, invoice: NewInvoice) -> int:
    """Record an invoice with its lines, in force, and return its id.

    Raises:
        sqlalchemy.exc.IntegrityError: an invoice of the number is in force; the caller asks
            `recordings` first.
    """
    heading = {name: value for name, value in asdict(invoice).items() if name != "lines"}
    known = recordings(connection, invoice.provider, invoice.invoice_id)
    version = 1 + sum(not _is_in_force(one) for one in known)
    row_number = inserted_id(
        connection, insert(_INVOICE).values(run_id=run_id, version=version, **heading)
    )
    if invoice.lines:
        connection.execute(
            insert(_LINE), [{"invoice_row_id": row_number, **asdict(one)} for one in invoice.lines]
        )
    return row_number


def add_invoice_event(
    connection: Connection, run_id: int, invoice_row_id: int, state: InvoiceState, reason: str
) -> None:
    """Cancel an invoice, or put a cancelled one in force again."""
    connection.execute(
        insert(_EVENT).values(
            run_id=run_id, invoice_row_id=invoice_row_id, state=state.value, reason=reason
        )
    )


def recordings(connection: Connection, provider: str, invoice_id: str) -> tuple[Invoice, ...]:
    """Return every invoice that was recorded under a provider's number, oldest first."""
    return _invoices(
        connection,
        (_INVOICE.c.provider == provider) & (_INVOICE.c.invoice_id == invoice_id),
    )


def invoices_of(connection: Connection, period: str) -> tuple[Invoice, ...]:
    """Return the invoices of a billing period in force, by provider and number."""
    return tuple(filter(_is_in_force, recorded_invoices(connection, period)))


def recorded_invoices(connection: Connection, period: str | None = None) -> tuple[Invoice, ...]:
    """Return the invoices of a billing period or of all, cancelled ones too.

    They are in the order of period, provider and number, and of one number the older first.
    """
    found = _invoices(connection, true() if period is None else _INVOICE.c.period == period)
    return tuple(
        sorted(
            found,
            key=lambda one: (one.invoice.period, one.invoice.provider, one.invoice.invoice_id),
        )
    )


def last_invoiced_period(connection: Connection) -> str | None:
    """Return the last period that an invoice in force bills, YYYY-MM; None without invoices."""
    statement = select(func.max(_INVOICE.c.period)).where(_INVOICE.c.id.not_in(_CANCELLED))
    found: str | None = connection.execute(statement).scalar_one()
    return found


def invoice_lines(connection: Connection, invoice_row_id: int) -> tuple[InvoiceLine, ...]:
    """Return the lines of one invoice in its order."""
    statement = (
        select(*(_LINE.c[field.name] for field in fields(InvoiceLine)))
        .where(_LINE.c.invoice_row_id == invoice_row_id)
        .order_by(_LINE.c.line)
    )
    return tuple(InvoiceLine(*row) for row in connection.execute(statement))


def _is_in_force(invoice: Invoice) -> bool:
    return invoice.state is InvoiceState.IN_FORCE


def _invoices(connection: Connection, condition: ColumnElement[bool]) -> tuple[Invoice, ...]:
    rows = connection.execute(select(_INVOICE).where(condition).order_by(_INVOICE.c.id)).all()
    last = {
        event.invoice_row_id: event
        for event in connection.execute(select(_EVENT).order_by(_EVENT.c.id))
    }
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
            InvoiceState(last[row.id].state) if row.id in last else InvoiceState.IN_FORCE,
            last[row.id].reason if row.id in last else "",
        )
        for row in rows
    )
