"""Record the providers' invoices, each file wholly or not at all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.books import invoices as invoice_book
from metering.books import sources as source_book
from metering.books.invoices import InvoiceState
from metering.books.migrations import open_books
from metering.books.runs import record_run
from metering.core.closing.invoices import Booking, Invoice, InvoiceCategory, InvoiceLine
from metering.core.money import decimal_text
from metering.core.periods import BillingPeriod
from metering.errors import MeteringError, SourceError, SourceRef
from metering.ingest.contract import Identity, SourceRole
from metering.ingest.invoices.invoice_csv import read_invoices
from metering.workflows.text_files import TextFile, read_text
from metering.workflows.transactions import transaction

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from metering.settings import Settings
    from metering.workflows.runs import Run

INGESTOR: Final = "invoice-csv"
INGESTOR_VERSION: Final = 1
_EVERY_ACCOUNT: Final = "*"


@dataclass(frozen=True, slots=True)
class InvoiceReceipt:
    """What became of one invoice of a file.

    Attributes:
        path: the file as the user named it.
        is_new: recorded now; otherwise the same invoice was recorded before.
        invoice: what it says.
        is_cancelled: it was recorded and cancelled; reading its file again changes nothing of that.
    """

    path: str
    is_new: bool
    invoice: Invoice
    is_cancelled: bool = False


def ingest_invoices(
    settings: "Settings", run: "Run", paths: Sequence[Path], *, dry_run: bool = False
) -> Iterator[InvoiceReceipt]:
    """Record the invoices of files and yield a receipt for each, in the order of the files.

    Args:
        settings: where the books are.
        run: who does this, when.
        paths: CSV files in the layout of `ingest.invoices.invoice_csv`.
        dry_run: read and check, record nothing.

    Raises:
        RefusedFileError: a file cannot be read, or its lines do not add up.
        SourceError: `conflicting-invoice`; the number is known with other content. Nothing of that
            file is recorded; files before it stay.
    """
    books = open_books(settings.books_url)
    for path in paths:
        yield from _recorded(books, run, path, dry_run=dry_run)


def ingest_each_invoices(
    settings: "Settings", run: "Run", paths: Sequence[Path]
) -> Iterator[list[InvoiceReceipt] | MeteringError]:
    """Record what can be recorded of files; a file that fails keeps no other from being recorded.

    Yields:
        For each file, in the order given, its receipts, or why nothing of it is recorded.

    Raises:
        BookError: there are no books, or they are of another schema; nothing is recorded.
    """
    books = open_books(settings.books_url)
    for path in paths:
        try:
            yield _recorded(books, run, path, dry_run=False)
        except MeteringError as error:
            yield error


def _recorded(books: "Engine", run: "Run", path: Path, *, dry_run: bool) -> list[InvoiceReceipt]:
    """Record one file wholly or not at all."""
    file = read_text(path)
    invoices = read_invoices(file.text, str(path))
    with transaction(books, dry_run=dry_run) as connection:
        receipts = [_receipt(connection, path, invoice) for invoice in invoices]
        if any(receipt.is_new for receipt in receipts):
            _record(connection, run, file, receipts)
    return receipts


def invoice_of_books(stored: invoice_book.NewInvoice) -> Invoice:
    """Return an invoice as the books keep it in the terms of `core.closing.invoices`."""
    return Invoice(
        invoice_id=stored.invoice_id,
        provider=stored.provider,
        billing_account=stored.billing_account,
        period=BillingPeriod.parse(stored.period),
        currency=stored.currency,
        lines=tuple(
            InvoiceLine(
                line=line.line,
                category=InvoiceCategory(line.category),
                description=line.description,
                amount_nanos=line.amount_nanos,
                booking=_booking(line),
            )
            for line in stored.lines
        ),
    )


def _booking(line: invoice_book.InvoiceLine) -> Booking | None:
    if line.booking_currency is None or line.booking_amount_nanos is None:
        return None
    return Booking(
        currency=line.booking_currency,
        amount_nanos=line.booking_amount_nanos,
        fx_rate=line.fx_rate or "",
        fx_date=date.fromisoformat(line.fx_date or ""),
    )


def _receipt(connection: "Connection", path: Path, invoice: Invoice) -> InvoiceReceipt:
    known = invoice_book.recordings(connection, invoice.provider, invoice.invoice_id)
    in_force = [one for one in known if one.state is InvoiceState.IN_FORCE]
    for one in in_force:
        _require_same(path, invoice_of_books(one.invoice), invoice)
    if in_force:
        return InvoiceReceipt(str(path), is_new=False, invoice=invoice)
    cancelled = any(invoice_of_books(one.invoice).content == invoice.content for one in known)
    return InvoiceReceipt(str(path), not cancelled, invoice, is_cancelled=cancelled)


def _require_same(path: Path, known: Invoice, invoice: Invoice) -> None:
    if known.content == invoice.content:
        return
    raise SourceError(
        SourceRef(str(path), invoice.lines[0].line),
        "conflicting-invoice",
        f"invoice {invoice.invoice_id} of {invoice.provider} is recorded with other content",
        details=(f"recorded: {_told(known)}", f"here:     {_told(invoice)}"),
        do="a recorded invoice never changes: where this one is right, cancel the other with "
        f"`metering invoices cancel {invoice.provider} {invoice.invoice_id}` and ingest this again",
    )


def _told(invoice: Invoice) -> str:
    total = f"{invoice.currency} {decimal_text(invoice.total_nanos)}"
    lines = "1 line" if len(invoice.lines) == 1 else f"{len(invoice.lines)} lines"
    return f"{invoice.billing_account}, {invoice.period}, {total}, {lines}"


def _record(
    connection: "Connection", run: "Run", file: TextFile, receipts: Sequence[InvoiceReceipt]
) -> None:
    run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
    source_id = _source_id(connection, run_id, file, receipts)
    for receipt in receipts:
        if receipt.is_new:
            invoice_book.add_invoice(connection, run_id, _for_books(receipt.invoice, source_id))


def _source_id(
    connection: "Connection", run_id: int, file: TextFile, receipts: Sequence[InvoiceReceipt]
) -> int:
    lines = sum(len(receipt.invoice.lines) for receipt in receipts)
    new = sum(len(receipt.invoice.lines) for receipt in receipts if receipt.is_new)
    periods = [receipt.invoice.period for receipt in receipts]
    return source_book.add_source(
        connection,
        run_id,
        source_book.NewSource(
            content_sha256=file.sha256,
            path=str(file.path),
            name=file.path.name,
            size_bytes=file.size_bytes,
            ingestor=INGESTOR,
            ingestor_version=INGESTOR_VERSION,
            role=SourceRole.INVOICE.value,
            identity=Identity.EVENT.value,
            billing_account=_EVERY_ACCOUNT,
            first_day=str(min(periods).first_day),
            last_day=str(max(periods).end_day - timedelta(days=1)),
            records_in=lines,
            recorded=new,
            already_known=lines - new,
            rejected=0,
        ),
    )


def _for_books(invoice: Invoice, source_id: int) -> invoice_book.NewInvoice:
    return invoice_book.NewInvoice(
        invoice_id=invoice.invoice_id,
        provider=invoice.provider,
        billing_account=invoice.billing_account,
        period=str(invoice.period),
        currency=invoice.currency,
        total_nanos=invoice.total_nanos,
        lines=tuple(
            invoice_book.InvoiceLine(
                line=place,
                category=line.category.value,
                description=line.description,
                amount_nanos=line.amount_nanos,
                booking_currency=line.booking.currency if line.booking else None,
                booking_amount_nanos=line.booking.amount_nanos if line.booking else None,
                fx_rate=line.booking.fx_rate if line.booking else None,
                fx_date=str(line.booking.fx_date) if line.booking else None,
            )
            for place, line in enumerate(invoice.lines, start=1)
        ),
        source_id=source_id,
    )
