"""The columns of an AWS Cost and Usage Report, in the names of CUR 2.0, and its kinds of charge."""

from typing import Final

REQUIRED: Final = (
    "bill_payer_account_id",
    "bill_billing_period_start_date",
    "line_item_line_item_type",
    "line_item_product_code",
    "line_item_usage_type",
    "line_item_usage_start_date",
    "line_item_usage_amount",
    "line_item_unblended_rate",
    "line_item_unblended_cost",
    "line_item_currency_code",
    "pricing_unit",
)
OPTIONAL: Final = (
    "bill_billing_entity",
    "bill_billing_period_end_date",
    "bill_invoice_id",
    *("discount", "discount_total_discount"),
    "line_item_iam_principal",
    "line_item_line_item_description",
    "line_item_net_unblended_cost",
    "line_item_resource_id",
    "line_item_usage_account_id",
    "line_item_usage_end_date",
    "product",
    "product_region_code",
    "resource_tags",
    "tags",
)

COUNTED: Final = ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage")
# Money alone: their usage amounts, where they have any, are of rows that are counted already.
MONEY: Final = (
    *("SavingsPlanNegation", "SavingsPlanRecurringFee", "SavingsPlanUpfrontFee", "RIFee", "Fee"),
    *("FlatRateSubscription", "Credit", "Refund", "Discount", "EdpDiscount"),
    *("PrivateRateDiscount", "BundledDiscount", "SppDiscount", "RiVolumeDiscount"),
)


def listed(words: tuple[str, ...]) -> str:
    """Return words as a list of SQL."""
    return ", ".join(f"'{word}'" for word in words)
