"""What of a FOCUS file is refused, and with which words.

What is no column of the specification is a step of `focus`.
"""

from typing import Final

from metering.ingest.bulk import checks as bulk_checks
from metering.ingest.bulk.layout import Check
from metering.ingest.bulk.numbers import approximate
from metering.ingest.formats.focus_columns import MONEY, NAMES


def _price(kind: str, product: str) -> Check:
    # Where a cost is 0 and its price is not, an export did not know the cost. The rate is printed
    # with fewer digits than it was applied with.
    converted = (
        f"coalesce(abs({product} * exchanged - {kind}Cost::DOUBLE)"
        f" <= 0.005 + abs({kind}Cost::DOUBLE) / 1000, false)"
    )
    return bulk_checks.price(
        f"{kind}Cost",
        f"{kind}Cost",
        product,
        f"{kind}UnitPrice x PricingQuantity",
        unless=f"ChargeClass IS NOT NULL OR {kind}Cost::DOUBLE = 0 OR {converted}",
    )


CHECKS: Final = (
    *(
        bulk_checks.missing(field, expected)
        for field, expected in (
            ("BilledCost", bulk_checks.AMOUNT),
            ("BillingAccountId", "the account that pays"),
            ("BillingCurrency", "a currency code"),
            ("BillingPeriodStart", bulk_checks.INSTANT),
            ("ChargeCategory", "Usage, Purchase, Tax, Credit or Adjustment"),
            ("ChargePeriodStart", bulk_checks.INSTANT),
            ("ChargePeriodEnd", bulk_checks.INSTANT),
            ("InvoiceIssuerName", "who bills"),
            ("ServiceCategory", "a category of the specification"),
        )
    ),
    *bulk_checks.texts_without_nul((field, field) for field in NAMES),
    *(
        bulk_checks.readable(field, field, read, "bad-instant", bulk_checks.INSTANT)
        for field, read in (("BillingPeriodStart", "period"), ("ChargePeriodStart", "started"))
    ),
    Check(
        fails="ended IS NULL OR ended <= started",
        code="bad-instant",
        field="ChargePeriodEnd",
        found="ChargePeriodEnd",
        expected=f"{bulk_checks.INSTANT}, after ChargePeriodStart",
    ),
    bulk_checks.currency("BillingCurrency", "BillingCurrency"),
    Check(
        fails=f"ChargeCategory NOT IN ('Usage', {', '.join(map(repr, MONEY))})",
        code="unknown-charge-type",
        field="ChargeCategory",
        found="ChargeCategory",
        expected="Usage, Purchase, Tax, Credit or Adjustment",
        remedy="correct the file, which is not of the specification; the row is not charged",
    ),
    *(
        bulk_checks.readable(field, field, read, code, expected)
        for field, read, code, expected in (
            ("BilledCost", "billed_nanos", "bad-amount", bulk_checks.AMOUNT),
            ("ListCost", approximate("ListCost"), "bad-amount", bulk_checks.AMOUNT),
            ("ContractedCost", approximate("ContractedCost"), "bad-amount", bulk_checks.AMOUNT),
            ("ListUnitPrice", "list_price", "bad-price", bulk_checks.AMOUNT),
            ("ContractedUnitPrice", "contracted_price", "bad-price", bulk_checks.AMOUNT),
            ("ConsumedQuantity", "consumed", "bad-quantity", bulk_checks.SIGNED_QUANTITY),
            ("PricingQuantity", "priced", "bad-quantity", bulk_checks.SIGNED_QUANTITY),
        )
    ),
    bulk_checks.tags("Tags", "tags_broken"),
    bulk_checks.tags("AllocatedTags", "allocated_broken"),
    bulk_checks.tags("SkuPriceDetails", "details_broken"),
    bulk_checks.taken_back(
        "PricingQuantity",
        "coalesce(PricingQuantity, ConsumedQuantity)",
        "counted AND takes_back",
        "billed_nanos",
    ),
    _price("List", "listed"),
    _price("Contracted", "contracted"),
    Check(
        fails=(
            "counted AND sku_class IS NOT NULL AND consumed_block IS NULL AND priced_block IS NULL"
        ),
        code="unknown-unit",
        field="PricingUnit",
        found="coalesce(PricingUnit, '')",
        expected="Tokens, or a number of them such as 1000000 Tokens",
        remedy="ask the provider what the row counts; it is not charged",
    ),
    Check(
        fails=(
            "counted AND NOT takes_back AND sku_class IS NOT NULL AND tokens IS NULL"
            " AND coalesce(consumed, priced) IS NOT NULL"
        ),
        code="bad-quantity",
        field="ConsumedQuantity",
        found="coalesce(ConsumedQuantity, PricingQuantity)",
        expected="whole tokens",
    ),
    Check(
        fails="counted AND sku_class IS NOT NULL AND consumed_tokens <> priced_tokens",
        code="tokens-do-not-add-up",
        field="ConsumedQuantity",
        found="ConsumedQuantity",
        expected="as many tokens as PricingQuantity of PricingUnit",
    ),
)
