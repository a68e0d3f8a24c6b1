"""Invoices typed into CSV are taken whole or refused with every place named."""

from datetime import date
from pathlib import Path

import pytest

from metering.core.closing.invoices import Booking, InvoiceCategory, InvoiceLine
from metering.core.periods import BillingPeriod
from metering.errors import RefusedFileError
from metering.ingest.invoices.invoice_csv import read_invoices

ERRORS = Path(__file__).parent.parent / "errors"
REFUSED = sorted(ERRORS.glob("*/invoices.csv"))
HEADER = "invoice_id,provider,billing_account,period,category,description,amount,currency"
TWO = (
    f"{HEADER},invoice_total\n"
    "INV-1,openai,default,2026-10,usage,API usage,1502.57,USD,1352.57\n"
    "INV-2,anthropic,,2026-10,usage,Claude API,10.5,USD,\n"
    'INV-1,openai,default,2026-10,credit,"Incident, 9 October",-150.00,USD,1352.57\n'
)


@pytest.mark.parametrize("source", REFUSED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_refused_file_is_told_place_by_place(source: Path) -> None:
    with pytest.raises(RefusedFileError) as caught:
        read_invoices(source.read_text(encoding="utf-8"), source.name)

    expected = source.with_name(source.name + ".expected").read_text(encoding="utf-8")
    assert f"{caught.value}\n" == expected
    assert f"error[{source.parent.name}]" in expected


def test_a_file_holds_several_invoices_in_any_order_of_lines() -> None:
    first, second = read_invoices(TWO, "f")

    assert (first.invoice_id, first.provider, first.billing_account) == (
        "INV-1",
        "openai",
        "default",
    )
    assert first.period == BillingPeriod(2026, 10)
    assert first.lines == (
        InvoiceLine(2, InvoiceCategory.USAGE, "API usage", 1502_570_000_000),
        InvoiceLine(4, InvoiceCategory.CREDIT, "Incident, 9 October", -150_000_000_000),
    )
    assert first.total_nanos == 1352_570_000_000
    assert (second.billing_account, second.total_nanos) == ("default", 10_500_000_000)


def test_the_same_number_of_two_providers_is_two_invoices() -> None:
    rows = "1,openai,,2026-10,usage,,1.00,USD\n1,xai,,2026-10,usage,,2.00,USD\n"

    assert [i.provider for i in read_invoices(f"{HEADER}\n{rows}", "f")] == ["openai", "xai"]


def test_equal_content_is_equal_wherever_it_was_typed() -> None:
    moved = TWO.replace("INV-1,openai", "\nINV-1,openai", 1)

    assert read_invoices(moved, "g")[0] != read_invoices(TWO, "f")[0]
    assert read_invoices(moved, "g")[0].content == read_invoices(TWO, "f")[0].content


def test_a_booking_keeps_its_rate_as_written() -> None:
    text = (
        f"{HEADER},booking_currency,booking_amount,fx_rate,fx_date\n"
        "ANT-1,anthropic,,2026-10,usage,x,7070.59,USD,EUR,6108.99,0.8640,2026-11-04\n"
    )

    (invoice,) = read_invoices(text, "f")

    assert invoice.lines[0].booking == Booking("EUR", 6108_990_000_000, "0.8640", date(2026, 11, 4))


@pytest.mark.parametrize(
    "amount",
    ["", "1,204.00", "1.204,00", "USD 5", "$5", "5.", ".5", "+5", "1e3", "NaN", "\u0665", "--5"],
)
def test_an_amount_is_a_plain_decimal_or_refused(amount: str) -> None:
    assert refused_amount(amount) == (2, "bad-amount")


@pytest.mark.parametrize("amount", ["0x10", "1.0000000001", "9999999999"])
def test_an_amount_beyond_nanos_or_the_books_is_refused(amount: str) -> None:
    assert refused_amount(amount) == (2, "bad-amount")


def refused_amount(amount: str) -> tuple[int, str]:
    text = f'{HEADER}\nINV-1,openai,,2026-10,usage,x,"{amount}",USD\n'
    with pytest.raises(RefusedFileError) as caught:
        read_invoices(text, "f")
    (rejection,) = caught.value.rejections
    return rejection.line, rejection.code
