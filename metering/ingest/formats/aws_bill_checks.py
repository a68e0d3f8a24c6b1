"""What of an AWS Cost and Usage Report is refused, and with which words.

The columns that are no columns of the report are steps of `aws_bill_rows`.
"""

from typing import Final

from metering.ingest.bulk import checks as bulk_checks
from metering.ingest.bulk.layout import Check
from metering.ingest.formats.aws_bill_columns import COUNTED, MONEY, OPTIONAL, REQUIRED, listed

CHECKS: Final = (
    *(
        bulk_checks.missing(field, expected)
        for field, expected in (
            ("bill_payer_account_id", "the account that pays"),
            ("bill_billing_period_start_date", bulk_checks.INSTANT),
            ("line_item_product_code", "the code of a service"),
            ("line_item_line_item_type", "the kind of charge"),
            ("line_item_usage_start_date", bulk_checks.INSTANT),
            ("line_item_unblended_cost", bulk_checks.AMOUNT),
            ("line_item_currency_code", "a currency code"),
        )
    ),
    *bulk_checks.texts_without_nul((field, field) for field in (*REQUIRED, *OPTIONAL)),
    bulk_checks.readable(
        "bill_billing_period_start_date",
        "bill_billing_period_start_date",
        "period",
        "bad-instant",
        bulk_checks.INSTANT,
    ),
    bulk_checks.readable(
        "line_item_usage_start_date",
        "line_item_usage_start_date",
        "started",
        "bad-instant",
        bulk_checks.INSTANT,
    ),
    Check(
        fails=(
            "nullif(line_item_usage_end_date, '') IS NOT NULL"
            " AND (ended IS NULL OR ended <= started)"
        ),
        code="bad-instant",
        field="line_item_usage_end_date",
        found="line_item_usage_end_date",
        expected=f"{bulk_checks.INSTANT}, after line_item_usage_start_date",
    ),
    bulk_checks.currency("line_item_currency_code", "line_item_currency_code"),
    bulk_checks.readable(
        "line_item_unblended_cost",
        "line_item_unblended_cost",
        "cost_nanos",
        "bad-amount",
        bulk_checks.AMOUNT,
    ),
    bulk_checks.readable(
        "line_item_net_unblended_cost",
        "line_item_net_unblended_cost",
        "net_nanos",
        "bad-amount",
        bulk_checks.AMOUNT,
    ),
    Check(
        fails="is_discounted AND nullif(line_item_net_unblended_cost, '') IS NULL",
        code="missing-field",
        field="line_item_net_unblended_cost",
        found="'nothing'",
        expected="what is left to pay after the discounts of the row",
        remedy="export this column, too, and ingest the file; the row is not charged",
        quotes=False,
    ),
    Check(
        fails=f"NOT counted AND line_item_line_item_type NOT IN ({listed(MONEY)})",
        code="unknown-charge-type",
        field="line_item_line_item_type",
        found="line_item_line_item_type",
        expected="one of " + ", ".join((*COUNTED, *MONEY)),
        remedy="tell the maintainers what it is; the row is not charged",
    ),
    bulk_checks.tags("resource_tags", "own_broken"),
    bulk_checks.tags("tags", "all_broken"),
    Check(
        fails="counted AND amount IS NULL",
        code="bad-quantity",
        field="line_item_usage_amount",
        found="coalesce(line_item_usage_amount, '')",
        expected=bulk_checks.SIGNED_QUANTITY,
    ),
    bulk_checks.taken_back(
        "line_item_usage_amount", "line_item_usage_amount", "counted AND amount < 0", "billed_nanos"
    ),
    Check(
        fails="counted AND nullif(pricing_unit, '') IS NULL",
        code="missing-field",
        field="pricing_unit",
        found="'nothing'",
        expected="the unit of line_item_usage_amount",
        quotes=False,
    ),
    Check(
        fails="counted AND token_class IS NOT NULL AND block IS NULL",
        code="unknown-unit",
        field="pricing_unit",
        found="pricing_unit",
        expected="1K tokens or 1M tokens, or Units for a model of the Marketplace",
        remedy="ask AWS what the row counts; it is not charged",
    ),
    Check(
        fails="counted AND token_class IS NULL AND unit IN ('1k tokens', '1m tokens')",
        code="unknown-usage-type",
        field="line_item_usage_type",
        found="coalesce(usage_type, '')",
        expected="a usage type that says which kind of tokens they are",
        remedy="tell the maintainers what it is; the row is not charged",
    ),
    Check(
        fails="counted AND amount >= 0 AND token_class IS NOT NULL AND tokens IS NULL",
        code="bad-quantity",
        field="line_item_usage_amount",
        found="line_item_usage_amount || ' ' || pricing_unit",
        expected="whole tokens",
    ),
    Check(
        fails=(
            "counted AND token_class IS NOT NULL AND cost_nanos <> 0"
            " AND nullif(line_item_unblended_rate, '') IS NULL"
        ),
        code="missing-field",
        field="line_item_unblended_rate",
        found="'nothing'",
        expected="the price of one unit",
        quotes=False,
    ),
    Check(
        fails="counted AND nullif(line_item_unblended_rate, '') IS NOT NULL AND rate IS NULL",
        code="bad-price",
        field="line_item_unblended_rate",
        found="line_item_unblended_rate",
        expected=bulk_checks.AMOUNT,
    ),
    bulk_checks.price(
        "line_item_unblended_cost",
        "line_item_unblended_cost",
        "product_of_both",
        "line_item_usage_amount x line_item_unblended_rate",
        unless="NOT counted",
    ),
)
