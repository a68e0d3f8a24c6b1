"""The recorded invoices: list them, cancel one that ought not to be there, and take that back."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from metering.books import invoices as invoice_book
from metering.books.engine import begin_write
from metering.books.invoices import InvoiceState
from metering.books.migrations import open_books
from metering.books.runs import record_run
from metering.errors import BookError, shown
from metering.workflows.reading import reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metering.core.periods import BillingPeriod
    from metering.settings import Settings
    from metering.workflows.runs import Run


@dataclass(frozen=True, slots=True)
class Cancelling:
    """Which invoice is cancelled.

    Attributes:
        provider, invoice_id: the provider and its number.
        reason: why, for the audit log.
        undo: put it in force again instead.
    """

    provider: str
    invoice_id: str
    reason: str
    undo: bool = False


def list_invoices(
    settings: "Settings", period: "BillingPeriod | None" = None, *, as_of: str | None = None
) -> tuple[invoice_book.Invoice, ...]:
    """Return the recorded invoices of a month or of all, by month, provider and number."""
    with reading(settings, as_of=as_of) as connection:
        return invoice_book.recorded_invoices(connection, str(period) if period else None)


def cancel_invoice(settings: "Settings", run: "Run", said: Cancelling) -> invoice_book.Invoice:
    """Cancel an invoice, or put the last of its number in force again; return it.

    Its lines stay in the books and count nowhere. What was trued up to it is charged until somebody
    trues up again, as with an invoice that comes.

    Raises:
        BookError: `unknown-invoice`: none in force, or none cancelled, has that number;
            `conflicting-invoice`: another has taken the number of the one to be in force again.
    """
    books = open_books(settings.books_url)
    wanted = InvoiceState.CANCELLED if said.undo else InvoiceState.IN_FORCE
    state = InvoiceState.IN_FORCE if said.undo else InvoiceState.CANCELLED
    with begin_write(books) as connection:
        known = invoice_book.recordings(connection, said.provider, said.invoice_id)
        found = [one for one in known if one.state is wanted]
        _require_one(said, found, known)
        run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
        invoice_book.add_invoice_event(connection, run_id, found[-1].id, state, said.reason)
        return replace(found[-1], state=state, reason=said.reason)


def _require_one(
    said: Cancelling,
    found: "Sequence[invoice_book.Invoice]",
    known: "Sequence[invoice_book.Invoice]",
) -> None:
    if not found:
        kind = "a cancelled invoice" if said.undo else "an invoice in force"
        raise BookError(
            "unknown-invoice",
            f"{shown(said.invoice_id)} is not the number of {kind} of {shown(said.provider)}",
            do="see `metering invoices list`",
        )
    if said.undo and any(one.state is InvoiceState.IN_FORCE for one in known):
        raise BookError(
            "conflicting-invoice",
            f"another invoice {shown(said.invoice_id)} of {shown(said.provider)} is in force",
            do="cancel it first, or leave it as it is: see `metering invoices list`",
        )
