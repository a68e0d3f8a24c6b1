"""The columns of a FOCUS cost and usage file: which version has which, and what type each is of.

Source: FOCUS (FinOps Open Cost and Usage Specification) 1.2 and 1.4, Cost and Usage dataset.
ProviderName and PublisherName ended with 1.4; what came with 1.3 and 1.4 is marked so.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import pyarrow as pa

PRICE_SCALE: Final = 12
QUANTITY_SCALE: Final = 12
COST_SCALE: Final = PRICE_SCALE + QUANTITY_SCALE
"""Unit price times quantity is the cost, digit for digit, so its scale is the sum of theirs."""


class FocusVersion(StrEnum):
    """The versions we write."""

    V1_2 = "1.2"
    V1_4 = "1.4"


class FocusType(StrEnum):
    """Data types of the specification, as its metadata names them."""

    TEXT = "String"
    INSTANT = "Date/Time"
    JSON = "JSON"
    PRICE = "Decimal (unit price)"
    QUANTITY = "Decimal (quantity)"
    COST = "Decimal (cost)"


_PRECISION: Final = 38
_SCALES: Final = {
    FocusType.PRICE: PRICE_SCALE,
    FocusType.QUANTITY: QUANTITY_SCALE,
    FocusType.COST: COST_SCALE,
}
_BOTH: Final = frozenset(FocusVersion)
_UNTIL_1_3: Final = frozenset({FocusVersion.V1_2})
_SINCE_1_3: Final = frozenset({FocusVersion.V1_4})


@dataclass(frozen=True, slots=True)
class FocusColumn:
    """One column.

    Attributes:
        name: as the specification spells it; our own begin with `x_`.
        type: of its values.
        versions: those whose file has it.
    """

    name: str
    type: FocusType = FocusType.TEXT
    versions: frozenset[FocusVersion] = _BOTH

    @property
    def arrow(self) -> "pa.DataType":
        """Return the Arrow type: decimals keep every digit, instants are UTC."""
        if self.type is FocusType.INSTANT:
            return pa.timestamp("us", tz="UTC")
        if self.type in _SCALES:
            return pa.decimal128(_PRECISION, _SCALES[self.type])
        return pa.string()

    def described(self) -> dict[str, Any]:
        """Return the column as the metadata of a delivery describes it."""
        numeric = self.type in _SCALES
        return {
            "ColumnName": self.name,
            "DataType": "Decimal" if numeric else self.type.value,
            **(
                {"NumericPrecision": _PRECISION, "NumberScale": _SCALES[self.type]}
                if numeric
                else {}
            ),
            **({"StringEncoding": "UTF-8"} if self.type is FocusType.TEXT else {}),
        }


def _of(kind: FocusType, *names: str) -> tuple[FocusColumn, ...]:
    return tuple(FocusColumn(name, kind) for name in names)


_STANDARD: Final = (
    *_of(FocusType.TEXT, "AvailabilityZone"),
    *_of(FocusType.COST, "BilledCost"),
    *_of(
        FocusType.TEXT,
        "BillingAccountId",
        "BillingAccountName",
        "BillingAccountType",
        "BillingCurrency",
    ),
    *_of(FocusType.INSTANT, "BillingPeriodEnd", "BillingPeriodStart"),
    *_of(
        FocusType.TEXT,
        "CapacityReservationId",
        "CapacityReservationStatus",
        "ChargeCategory",
        "ChargeClass",
        "ChargeDescription",
        "ChargeFrequency",
    ),
    *_of(FocusType.INSTANT, "ChargePeriodEnd", "ChargePeriodStart"),
    *_of(
        FocusType.TEXT,
        "CommitmentDiscountCategory",
        "CommitmentDiscountId",
        "CommitmentDiscountName",
    ),
    *_of(FocusType.QUANTITY, "CommitmentDiscountQuantity"),
    *_of(
        FocusType.TEXT,
        "CommitmentDiscountStatus",
        "CommitmentDiscountType",
        "CommitmentDiscountUnit",
    ),
    *_of(FocusType.QUANTITY, "ConsumedQuantity"),
    *_of(FocusType.TEXT, "ConsumedUnit"),
    *_of(FocusType.COST, "ContractedCost"),
    *_of(FocusType.PRICE, "ContractedUnitPrice"),
    *_of(FocusType.COST, "EffectiveCost"),
    *_of(FocusType.TEXT, "InvoiceId", "InvoiceIssuerName"),
    *_of(FocusType.COST, "ListCost"),
    *_of(FocusType.PRICE, "ListUnitPrice"),
    *_of(FocusType.TEXT, "PricingCategory", "PricingCurrency"),
    *_of(FocusType.PRICE, "PricingCurrencyContractedUnitPrice"),
    *_of(FocusType.COST, "PricingCurrencyEffectiveCost"),
    *_of(FocusType.PRICE, "PricingCurrencyListUnitPrice"),
    *_of(FocusType.QUANTITY, "PricingQuantity"),
    *_of(FocusType.TEXT, "PricingUnit"),
    FocusColumn("ProviderName", versions=_UNTIL_1_3),
    FocusColumn("PublisherName", versions=_UNTIL_1_3),
    *_of(
        FocusType.TEXT,
        "RegionId",
        "RegionName",
        "ResourceId",
        "ResourceName",
        "ResourceType",
        "ServiceCategory",
        "ServiceName",
        "ServiceSubcategory",
        "SkuId",
        "SkuMeter",
    ),
    *_of(FocusType.JSON, "SkuPriceDetails"),
    *_of(FocusType.TEXT, "SkuPriceId", "SubAccountId", "SubAccountName", "SubAccountType"),
    *_of(FocusType.JSON, "Tags"),
    FocusColumn("AllocatedMethodDetails", FocusType.JSON, _SINCE_1_3),
    FocusColumn("AllocatedMethodId", versions=_SINCE_1_3),
    FocusColumn("AllocatedResourceId", versions=_SINCE_1_3),
    FocusColumn("AllocatedResourceName", versions=_SINCE_1_3),
    FocusColumn("AllocatedTags", FocusType.JSON, _SINCE_1_3),
    FocusColumn("CommitmentProgramEligibilityDetails", FocusType.JSON, _SINCE_1_3),
    FocusColumn("ContractApplied", FocusType.JSON, _SINCE_1_3),
    FocusColumn("HostProviderName", versions=_SINCE_1_3),
    FocusColumn("InvoiceDetailId", versions=_SINCE_1_3),
    FocusColumn("ServiceProviderName", versions=_SINCE_1_3),
)

_OURS: Final = _of(
    FocusType.TEXT,
    "x_AllocationType",
    "x_CorrectsPeriod",
    "x_CostCentre",
    "x_ListPrice",
    "x_PeriodStatus",
    "x_Project",
    "x_RateCard",
    "x_RatingReason",
    "x_RatingStatus",
    "x_SnapshotId",
    "x_Team",
    "x_TokenClass",
)


def focus_columns(version: FocusVersion) -> tuple[FocusColumn, ...]:
    """Return the columns of a version in the order of a file: the standard's by name, then ours."""
    standard = sorted((c for c in _STANDARD if version in c.versions), key=lambda c: c.name)
    return (*standard, *_OURS)
