"""What of an Azure cost export is refused, and with which words.

What is looked at beside the columns are steps of `azure_cost_details`.
"""

from typing import Final

from metering.ingest.bulk import checks as bulk_checks
from metering.ingest.bulk.layout import Check
from metering.ingest.formats import azure_dates
from metering.ingest.formats.azure_cost_columns import MONEY, OPTIONAL, REQUIRED

CHECKS: Final = (
    *(
        bulk_checks.missing(field, expected, value)
        for field, expected, value in (
            ("date", azure_dates.EXPECTED, "date"),
            ("chargeType", "the kind of charge", "chargetype"),
            ("meterName", "what is billed", "metername"),
            ("costInBillingCurrency", bulk_checks.AMOUNT, "cost_text"),
            ("billingCurrency", "a currency code", "currency"),
            (
                "consumedService",
                "the service, or meterCategory",
                "concat(consumedservice, metercategory)",
            ),
        )
    ),
    *bulk_checks.texts_without_nul((field, field) for field in (*REQUIRED, *OPTIONAL)),
    bulk_checks.readable("date", "date", "started", "bad-date", azure_dates.EXPECTED),
    bulk_checks.readable(
        "billingPeriodStartDate",
        "billingperiodstartdate",
        "period",
        "bad-date",
        azure_dates.EXPECTED,
    ),
    bulk_checks.currency("billingCurrency", "currency"),
    bulk_checks.readable(
        "costInBillingCurrency", "cost_text", "billed_nanos", "bad-amount", bulk_checks.AMOUNT
    ),
    bulk_checks.readable(
        "costInPricingCurrency", "priced_text", "priced", "bad-amount", bulk_checks.AMOUNT
    ),
    Check(
        fails=f"NOT counted AND charge NOT IN ({', '.join(map(repr, MONEY))})",
        code="unknown-charge-type",
        field="chargeType",
        found="chargetype",
        expected=(
            "Usage, Purchase, Refund, Tax, UnusedReservation, UnusedSavingsPlan or"
            " RoundingAdjustment"
        ),
        remedy="tell the maintainers what it is; the row is not charged",
    ),
    bulk_checks.tags("tags", "tags_broken"),
    Check(
        fails="counted AND amount IS NULL",
        code="bad-quantity",
        field="quantity",
        found="coalesce(quantity, '')",
        expected=bulk_checks.SIGNED_QUANTITY,
    ),
    bulk_checks.taken_back("quantity", "quantity", "counted AND amount < 0", "billed_nanos"),
    bulk_checks.readable(
        "effectivePrice", "effectiveprice", "price", "bad-price", bulk_checks.AMOUNT
    ),
    Check(
        fails="counted AND has_tokens AND block IS NULL",
        code="unknown-unit",
        field="unitOfMeasure",
        found="coalesce(unitofmeasure, '')",
        expected="a number of units, such as 1K or 1M",
        remedy="ask Microsoft what the row counts; it is not charged",
    ),
    Check(
        fails="counted AND has_tokens AND billed_nanos <> 0 AND price IS NULL",
        code="missing-field",
        field="effectivePrice",
        found="'nothing'",
        expected="the price of one unit of measure",
        quotes=False,
    ),
    bulk_checks.price(
        "costInBillingCurrency",
        "priced_text",
        "by_blocks",
        "quantity x effectivePrice, or that divided by the unit of measure",
        unless="NOT counted OR coalesce(fits_units, false)",
    ),
    Check(
        # The rate is printed with fewer digits than it was applied with.
        fails="abs(converted - cost_text::DOUBLE) > 0.005 + abs(cost_text::DOUBLE) / 1000",
        code="price-does-not-multiply",
        field="costInBillingCurrency",
        found="cost_text || ', and not ' || printf('%.9g', converted)",
        expected="costInPricingCurrency x exchangeRatePricingToBilling, to a thousandth",
        remedy="find out which of them is wrong with the provider; the row is not charged",
        quotes=False,
    ),
    Check(
        fails=(
            "counted AND amount >= 0 AND meter_class IS NOT NULL AND tokens IS NULL"
            " AND price IS NOT NULL"
        ),
        code="bad-quantity",
        field="quantity",
        found="quantity || ' ' || unitofmeasure",
        expected="whole tokens",
    ),
)
