"""Periods stand as their last event says; invoices come back as they were written."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from metering.books.engine import begin_write
from metering.books.invoices import (
    CATEGORIES,
    InvoiceLine,
    NewInvoice,
    add_invoice,
    invoices_of,
    recordings,
)
from metering.books.periods import (
    PeriodState,
    Standing,
    add_period_event,
    closed_periods,
    period_states,
)
from tests.support.books_rows import NOW, a_run, a_source

_INVOICE = NewInvoice(
    invoice_id="INV-7",
    provider="openai",
    billing_account="default",
    period="2026-10",
    currency="USD",
    total_nanos=107 * 10**9,
    lines=(
        InvoiceLine(1, "usage", "API usage", 110 * 10**9),
        InvoiceLine(2, "credit", "Promotion", -(10**10), "EUR", -9 * 10**9, "0.9", "2026-11-01"),
        InvoiceLine(3, "tax", "VAT", 7 * 10**9),
    ),
)


def test_a_period_stands_as_its_last_event_says(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        assert period_states(connection) == {}

        run_id = a_run(connection, "period close")
        closed = add_period_event(connection, run_id, "2026-09", PeriodState.CLOSED, "tied out")
        add_period_event(connection, run_id, "2026-08", PeriodState.CLOSED, "tied out")
        again = add_period_event(
            connection, run_id, "2026-08", PeriodState.REOPENED, "late invoice"
        )

        assert closed_periods(connection) == {"2026-09"}
        assert period_states(connection) == {
            "2026-08": Standing(
                "2026-08", PeriodState.REOPENED, "late invoice", NOW, "nina", run_id, again
            ),
            "2026-09": Standing(
                "2026-09", PeriodState.CLOSED, "tied out", NOW, "nina", run_id, closed
            ),
        }


def test_an_invoice_comes_back_as_it_was(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        invoice = replace(_INVOICE, source_id=a_source(connection, run_id))
        number = add_invoice(connection, run_id, invoice)

        (found,) = recordings(connection, "openai", "INV-7")
        assert (found.id, found.run_id, found.invoice) == (number, run_id, invoice)
        assert recordings(connection, "azure", "INV-7") == ()


def test_invoices_of_a_period_are_in_the_order_of_provider_and_number(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        for provider, name, period in (
            ("openai", "b", "2026-10"),
            ("openai", "B", "2026-10"),
            ("anthropic", "z", "2026-10"),
            ("openai", "a", "2026-09"),
        ):
            changed = replace(_INVOICE, provider=provider, invoice_id=name, period=period)
            add_invoice(connection, run_id, changed)

        found = [
            (one.invoice.provider, one.invoice.invoice_id)
            for one in invoices_of(connection, "2026-10")
        ]
        assert found == [("anthropic", "z"), ("openai", "B"), ("openai", "b")]


def test_a_providers_number_is_recorded_once(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        add_invoice(connection, run_id, _INVOICE)

        with pytest.raises(IntegrityError):
            add_invoice(connection, run_id, _INVOICE)
        connection.rollback()


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_line_has_a_category_we_know(books: Engine, category: str) -> None:
    line = InvoiceLine(1, category, "", 1)
    with begin_write(books) as connection:
        run_id = a_run(connection)
        add_invoice(connection, run_id, replace(_INVOICE, lines=(line,)))

        with pytest.raises(IntegrityError, match="category_known"):
            add_invoice(
                connection,
                run_id,
                replace(_INVOICE, invoice_id="x", lines=(replace(line, category="gift"),)),
            )
