"""The columns of FOCUS cost and usage that are looked at, and its kinds of charge without usage."""

from typing import Final

from metering.ingest.formats import focus_skus

REQUIRED: Final = (
    "BilledCost",
    "BillingAccountId",
    "BillingCurrency",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "InvoiceIssuerName",
    "PricingQuantity",
    "PricingUnit",
    "ServiceCategory",
    "ServiceName",
)
OPTIONAL: Final = (
    *("AllocatedResourceId", "AllocatedTags"),
    *("BillingPeriodEnd", "ChargeClass", "ChargeDescription", "CommitmentDiscountStatus"),
    *("ConsumedQuantity", "ConsumedUnit", "ContractedCost", "ContractedUnitPrice"),
    *("InvoiceId", "ListCost", "ListUnitPrice", "PrincipalId", "RegionId", "ResourceId"),
    *("ServiceProviderName", "SkuId", "SubAccountId", "Tags"),
    *("x_BillingExchangeRate", "x_ConsumerId", "x_ExportTime", "x_PrincipalId"),
    "x_PricingBlockSize",
    *focus_skus.FIELDS,
)
NAMES: Final = (*REQUIRED, *OPTIONAL)

MONEY: Final = ("Purchase", "Credit", "Adjustment")
