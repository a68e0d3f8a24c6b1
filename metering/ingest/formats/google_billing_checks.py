"""What of a Google Cloud Billing export is refused, and with which words.

What is looked at beside the columns are steps of `google_cloud_billing`.
"""

from typing import Final

from metering.ingest.bulk import checks as bulk_checks
from metering.ingest.bulk.layout import Check
from metering.ingest.bulk.numbers import are_amounts, differ
from metering.ingest.formats.google_billing_columns import COST_TYPES, FLAT

CHECKS: Final = (
    *(
        bulk_checks.missing(said, expected, flat)
        for said, flat, expected in (
            ("billing_account_id", "billing_account_id", "the account that pays"),
            ("service.description", "service_description", "the name of a service"),
            ("sku.description", "sku_description", "what is billed"),
            ("usage_start_time", "usage_start_time", bulk_checks.INSTANT),
            ("invoice.month", "invoice_month", "the month of the invoice, as YYYYMM"),
            ("cost", "cost", bulk_checks.AMOUNT),
            ("currency", "currency", "a currency code"),
        )
    ),
    *bulk_checks.texts_without_nul((nested, flat) for flat, nested in FLAT.items()),
    Check(
        fails="scope IS NULL",
        code="bad-period",
        field="invoice.month",
        found="invoice_month",
        expected="the month of the invoice, as YYYYMM",
    ),
    bulk_checks.readable(
        "usage_start_time", "usage_start_time", "started", "bad-instant", bulk_checks.INSTANT
    ),
    Check(
        fails="nullif(usage_end_time, '') IS NOT NULL AND (ended IS NULL OR ended <= started)",
        code="bad-instant",
        field="usage_end_time",
        found="usage_end_time",
        expected=f"{bulk_checks.INSTANT}, after usage_start_time",
    ),
    bulk_checks.readable(
        "export_time", "export_time", "exported", "bad-instant", bulk_checks.INSTANT
    ),
    bulk_checks.currency("currency", "currency"),
    Check(
        fails=f"NOT counted AND cost_type NOT IN ({', '.join(map(repr, COST_TYPES))})",
        code="unknown-charge-type",
        field="cost_type",
        found="cost_type",
        expected="one of " + ", ".join((*COST_TYPES, "tax")),
        remedy="tell the maintainers what it is; the row is not charged",
    ),
    Check(
        fails="labels_broken",
        code="bad-json",
        field="labels",
        found="'text that is not a list of keys and values'",
        expected="a JSON list of objects with key and value, without NUL",
        quotes=False,
    ),
    Check(
        fails=(
            "nullif(credits, '') IS NOT NULL AND credits <> '[]' AND (credit_list IS NULL"
            " OR NOT starts_with(ltrim(credits), '[')"
            f" OR NOT {are_amounts('credited', 'credited_nanos')})"
        ),
        code="bad-amount",
        field="credits",
        found="'text that is not a list of amounts'",
        expected="a JSON list of objects, each with its amount",
        quotes=False,
    ),
    bulk_checks.readable("cost", "cost", "owed_nanos", "bad-amount", bulk_checks.AMOUNT),
    Check(
        fails="counted AND sku_class IN ('input', 'cache_read', 'output')"
        " AND coalesce(amount, 0) >= 0 AND tokens IS NULL",
        code="bad-quantity",
        field="usage.amount",
        found="coalesce(usage_amount, '')",
        expected="whole tokens",
    ),
    bulk_checks.taken_back("usage.amount", "usage_amount", "counted AND amount < 0", "owed_nanos"),
    bulk_checks.readable(
        "price.effective_price",
        "price_effective_price",
        "price",
        "bad-price",
        bulk_checks.AMOUNT,
    ),
    bulk_checks.price(
        "cost",
        "cost",
        "product_of_both",
        "usage.amount_in_pricing_units x price.effective_price",
        unless=(
            "NOT counted OR coalesce("
            f"NOT ({differ('(product_of_both / priced_for)', 'cost::DOUBLE')}), false)"
        ),
    ),
)
