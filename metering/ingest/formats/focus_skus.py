"""What a row of a FOCUS file says about tokens: which kind, of which model, how many.

FOCUS has no columns for it up to version 1.4 (formats note, sections 4.2 and 4.8, read 2026-11-21).
So it is taken from where it is established, in this order:

1. `SkuPriceDetails` with the keys of the 1.5 draft, with or without `x_`: TokenDirection,
   TokenCacheAction, ModelId;
2. `SkuMeter` as "Input Tokens", "Output Tokens", "Cache Read Input Tokens" or "Cache Write Input
   Tokens";
3. the usage type of an AWS export (`x_UsageType`, else `SkuMeter`);
4. the meter name of an Azure export (`x_SkuMeterName`, else `SkuMeter`).

The steps see `cloud` ("aws", "azure" or anything else) and the fields of the row.
"""

from collections.abc import Mapping
from typing import Final

from metering.ingest.bulk.layout import json_fields
from metering.ingest.bulk.numbers import whole
from metering.ingest.formats import aws_usage_types, azure_meters

FIELDS: Final = ("SkuPriceDetails", "SkuMeter", "x_UsageType", "x_SkuMeterName")

_KEYS: Final = ("TokenDirection", "TokenCacheAction", "ModelId")
_DETAILS: Final = json_fields(
    "SkuPriceDetails", dict.fromkeys((*_KEYS, *(f"x_{key}" for key in _KEYS)), "VARCHAR")
)


def _detail(key: str) -> str:
    return f"coalesce(nullif(details.{key}, ''), nullif(details.x_{key}, ''))"


STEPS: Final[tuple[Mapping[str, str], ...]] = (
    {
        "details": _DETAILS,
        "usage_type": "CASE WHEN cloud = 'aws' THEN coalesce(x_UsageType, SkuMeter) END",
        "meter_name": "CASE WHEN cloud = 'azure' THEN coalesce(x_SkuMeterName, SkuMeter) END",
    },
    {
        "direction": f"lower({_detail('TokenDirection')})",
        "cache_action": f"lower(coalesce({_detail('TokenCacheAction')}, 'uncached'))",
    },
    *aws_usage_types.STEPS,
    *azure_meters.STEPS,
    {
        "sku_class": (
            "CASE WHEN direction = 'output' THEN 'output'"
            " WHEN direction = 'input' THEN CASE"
            " WHEN cache_action IN ('uncached', 'none') THEN 'input'"
            " WHEN cache_action IN ('read', 'write') THEN 'cache_' || cache_action END"
            " ELSE coalesce(CASE lower(SkuMeter) WHEN 'input tokens' THEN 'input'"
            " WHEN 'output tokens' THEN 'output'"
            " WHEN 'cache read input tokens' THEN 'cache_read'"
            " WHEN 'cache write input tokens' THEN 'cache_write' END,"
            " token_class, CASE WHEN meter_modality = 'text' THEN meter_class END) END"
        ),
        "sku_model": (
            f"coalesce({_detail('ModelId')}, spelt_model, CASE WHEN is_understood THEN stem END)"
        ),
    },
)

TIER: Final = (
    f"coalesce(CASE WHEN token_class IS NOT NULL THEN {aws_usage_types.TIER} END,"
    f" CASE WHEN is_understood THEN {azure_meters.TIER} END)"
)
PROCESSING: Final = (
    f"coalesce(CASE WHEN token_class IS NOT NULL THEN {aws_usage_types.PROCESSING} END,"
    f" CASE WHEN is_understood THEN {azure_meters.PROCESSING} END)"
)
ENDPOINT_SCOPE: Final = (
    f"coalesce(CASE WHEN token_class IS NOT NULL THEN {aws_usage_types.ENDPOINT_SCOPE} END,"
    f" CASE WHEN is_understood THEN {azure_meters.ENDPOINT_SCOPE} END)"
)
CONTEXT: Final = (
    f"coalesce(CASE WHEN token_class IS NOT NULL THEN {aws_usage_types.CONTEXT} END,"
    f" CASE WHEN is_understood THEN {azure_meters.CONTEXT} END)"
)


def block(unit: str) -> str:
    """Return an expression for how many tokens a unit is; null for a unit that is not tokens.

    "Tokens", "1000 Tokens", "1000000 Tokens", and as AWS says it: "1K tokens", "1M tokens".
    """
    pattern = "^(?:([1-9]\\d{0,6})(k|m)? )?tokens?$"
    number = f"coalesce(nullif(regexp_extract(lower({unit}), '{pattern}', 1), ''), '1')::INT"
    scale = (
        f"CASE regexp_extract(lower({unit}), '{pattern}', 2)"
        " WHEN 'k' THEN 1000 WHEN 'm' THEN 1000000 ELSE 1 END"
    )
    return (
        f"CASE WHEN regexp_matches(lower({unit}), '{pattern}') AND {number} * {scale} <= 1000000"
        f" THEN {number} * {scale} END"
    )


# How many tokens the row is of, by what was consumed and by what was priced.
CONSUMED_TOKENS: Final = whole("ConsumedQuantity", "consumed_block")
PRICED_TOKENS: Final = whole("PricingQuantity", "priced_block")
