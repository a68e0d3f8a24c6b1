"""Invoices as FOCUS and as JSON say what the typed CSV says."""

import json

import pytest

from metering.core.closing.invoices import InvoiceCategory
from metering.core.money import nanos_from_decimal_text
from metering.errors import RefusedFileError
from metering.ingest.invoices.invoice_csv import read_invoices
from metering.ingest.invoices.layouts import provider_of

_FOCUS = """\
BilledCost,BillingAccountId,BillingCurrency,BillingPeriodStart,ChargeCategory,InvoiceId,\
InvoiceIssuerName,InvoiceDetailDescription
1200.10,org-7,USD,2026-10-01T00:00:00Z,Usage,INV-9,"Anthropic, PBC",Claude API
35.2E-1,org-7,USD,2026-10-01T00:00:00Z,Usage,INV-9,"Anthropic, PBC",Claude API
228.70,org-7,USD,2026-10-01T00:00:00Z,Tax,INV-9,"Anthropic, PBC",VAT 19 %
456.00,org-7,USD,2026-10-01T00:00:00Z,Purchase,INV-9,"Anthropic, PBC",24 seats
99.00,org-7,USD,2026-10-01T00:00:00Z,Usage,,"Anthropic, PBC",Claude API
"""
_JSON = {
    "invoices": [
        {
            "invoice_id": "INV-9",
            "provider": "anthropic",
            "billing_account": "org-7",
            "period": "2026-10",
            "currency": "USD",
            "invoice_total": 1888.32,
            "lines": [
                {"category": "usage", "description": "Claude API", "amount": "1203.62"},
                {"category": "tax", "description": "VAT 19 %", "amount": 228.70},
                {"category": "seats", "description": "24 seats", "amount": 456},
            ],
        }
    ]
}


@pytest.mark.parametrize("text", [_FOCUS, "\ufeff" + _FOCUS, json.dumps(_JSON)])
def test_every_layout_says_the_same(text: str) -> None:
    (invoice,) = read_invoices(text, "invoice")
    assert (invoice.invoice_id, invoice.provider) == ("INV-9", "anthropic")
    assert (invoice.billing_account, str(invoice.period)) == ("org-7", "2026-10")
    assert [(line.category, line.amount_nanos) for line in invoice.lines] == [
        (InvoiceCategory.USAGE, nanos_from_decimal_text("1203.62")),
        (InvoiceCategory.TAX, nanos_from_decimal_text("228.70")),
        (InvoiceCategory.SEATS, nanos_from_decimal_text("456")),
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[1]", "bad-json"),
        ('{"invoices": 3}', "bad-json"),
        ('[{"invoice_id": ', "bad-json"),
        ("[" * 5000, "bad-json"),
        ('[{"invoice_id": "A", "lines": 3}]', "bad-amount"),
        (_FOCUS.replace("35.2E-1", "1,2"), "bad-row"),
        (_FOCUS.replace("35.2E-1", "abc"), "bad-amount"),
        (_FOCUS.replace(",Tax,", ",Levy,"), "unknown-category"),
        (_FOCUS.replace(",INV-9,", ",,"), "no-rows"),
        (json.dumps(_JSON).replace("1888.32", "1888.33"), "invoice-does-not-add-up"),
    ],
)
def test_what_cannot_be_read_is_refused_whole(text: str, code: str) -> None:
    with pytest.raises(RefusedFileError, match=f"error\\[{code}\\]"):
        read_invoices(text, "invoice")


@pytest.mark.parametrize(
    ("issuer", "provider"),
    [
        ("OpenAI, LLC", "openai"),
        ("Anthropic, PBC", "anthropic"),
        ("Amazon Web Services, Inc.", "aws"),
        ("Microsoft Corporation", "azure"),
        ("Google Cloud", "google"),
        ("Mistral AI", "mistral"),
        ("Lindqvist GmbH", "lindqvist"),
    ],
)
def test_an_issuer_is_one_of_our_providers(issuer: str, provider: str) -> None:
    assert provider_of(issuer) == provider


_XAI_LINES = [
    {
        "clusterName": "us-east-1",
        "description": "grok-4 prompt text",
        "unitType": "tokens",
        "unitPrice": "300",
        "numUnits": "41000000",
        "amount": "12300",
    },
    {"description": "grok-4 completion", "unitPrice": "1500", "numUnits": "1001", "amount": "2"},
]
_XAI = {
    "invoices": [
        {
            "teamId": "team-1",
            "invoiceId": "in-1",
            "invoiceNumber": "XAI-0001",
            "createTime": "2026-11-01T00:12:00Z",
            "invoiceStatus": "PAID",
            "lines": _XAI_LINES,
            "subtotal": "12302",
            "tax": "2337",
            "total": "14639",
            "monthly": {"billingCycle": {"year": 2026, "month": 10}},
        },
        {
            "teamId": "team-1",
            "invoiceId": "in-2",
            "createTime": "2026-10-04T08:00:00Z",
            "invoiceStatus": "PAID",
            "lines": [
                {"description": "Credit", "unitPrice": "1000000", "numUnits": "9", "amount": "9"}
            ],
            "total": "9",
            "prepaid": {},
        },
        {"teamId": "team-1", "invoiceId": "in-3", "invoiceStatus": "WILL_NEVER_BE_CHARGED"},
    ]
}


def test_the_invoices_that_xai_lists_are_read_in_their_three_units() -> None:
    monthly, credit = read_invoices(json.dumps(_XAI), "invoices.json")

    assert (monthly.invoice_id, monthly.provider, monthly.billing_account) == (
        "XAI-0001",
        "xai",
        "default",
    )
    assert str(monthly.period) == "2026-10"
    assert [(line.category, line.description, line.amount_nanos) for line in monthly.lines] == [
        (InvoiceCategory.USAGE, "grok-4 prompt text, tokens, us-east-1", 123 * 10**9),
        (InvoiceCategory.USAGE, "grok-4 completion", 2 * 10**7),
        (InvoiceCategory.TAX, "Tax", 23_370_000_000),
    ]
    assert (credit.invoice_id, str(credit.period)) == ("in-2", "2026-10")
    assert [line.category for line in credit.lines] == [InvoiceCategory.COMMITMENT]


@pytest.mark.parametrize(
    ("found", "instead", "code"),
    [
        ('"numUnits": "41000000"', '"numUnits": "42000000"', "price-does-not-multiply"),
        ('"amount": "12300"', '"amount": "123.00"', "bad-amount"),
        ('"PAID"', '"INVALID"', "unknown-value"),
        ('"monthly"', '"weekly"', "missing-field"),
        ('"month": 10', '"month": 13', "bad-period"),
        ('"total": "14639"', '"total": "14640"', "invoice-does-not-add-up"),
        ('"createTime": "2026-10-04T08:00:00Z", ', "", "bad-instant"),
        ('"lines": [{"desc', '"lines": [4, {"desc', "bad-record"),
    ],
)
def test_an_invoice_of_xai_that_contradicts_itself_is_refused(
    found: str, instead: str, code: str
) -> None:
    text = json.dumps(_XAI)
    assert found in text

    with pytest.raises(RefusedFileError, match=f"error\\[{code}\\]"):
        read_invoices(text.replace(found, instead, 1), "invoices.json")
