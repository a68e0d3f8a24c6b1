"""FOCUS cost and usage files, versions 1.0 to 1.4, of any provider: CSV or Parquet.

Also the FOCUS exports of AWS (1.0, 1.2), Azure (1.0 to 1.2) and Google (1.2, a table of BigQuery).
Only rows of AI services, and rows in tokens, are taken; all others are noise. The rules, from the
source formats note (sections 2.2 and 4, read 2026-11-21):

* `BilledCost` is what is charged. A purchase of prepaid credits is billed when it is made, and the
  usage it covers is billed at 0.
* Rows have no id: an import replaces the days of its billing period for its issuer and account.
* List and contracted price times quantity must be the cost, but for corrections; and Azure writes
  costs of 0 where it does not know them. It may say prices in the currency that they are listed in,
  with the rate to the one that is billed.
* A correction changes money and no quantity here: its quantities are differences of another row's.
  So does a row of an open period that takes back another, as deliveries of differences have them.
* Null may be written as an empty cell or as NULL. Times are UTC, also where they do not say so.
* Tax comes with the invoice; here its rows are noise.
* A table of BigQuery has tags as a list of keys and values, and says when a row was exported.
* What a provider divides among resources (1.3 on) has the tags of whom it was divided among beside
  those of the whole: `AllocatedTags` stand above `Tags`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest import providers
from metering.ingest.bulk import tags as bulk_tags
from metering.ingest.bulk.layout import (
    Aside,
    Fields,
    Keyed,
    Layout,
    Shared,
    Snapshot,
    instant,
    json_fields,
)
from metering.ingest.bulk.numbers import approximate, quantity, signed_nanos, whole
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats import aws_usage_types, focus_skus
from metering.ingest.formats.focus_checks import CHECKS
from metering.ingest.formats.focus_columns import NAMES, REQUIRED
from metering.ingest.marks import by_columns

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_FIELDS: Final[Fields] = dict.fromkeys(NAMES, "VARCHAR")

_TAX: Final = "tax, which comes with the invoice"
_OTHERS: Final = "rows of other services"
_CATEGORY: Final = "AI and Machine Learning"
# Services sold through a marketplace stand in whatever category it chose, and coding assistants
# among the developer tools.
_SERVICES: Final = (
    "bedrock|claude|anthropic|openai|vertex ai|gemini|foundry models|\\b(agentforce|chatgpt|codex"
    "|cohere|copilot|cursor|deepseek|grok|llama|mistral)\\b"
)

_ASIDE: Final = Aside(
    fields=(
        *("ChargeCategory", "ServiceCategory", "ServiceName", "ConsumedUnit", "PricingUnit"),
        *("ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart", "BillingPeriodEnd"),
        *("InvoiceId", "x_ExportTime"),
    ),
    noise=f"""CASE
        WHEN ChargeCategory = 'Tax' THEN '{_TAX}'
        WHEN ServiceCategory IS NULL OR ServiceCategory = '{_CATEGORY}' THEN NULL
        WHEN contains(lower(concat_ws(' ', ConsumedUnit, PricingUnit)), 'token') THEN NULL
        WHEN regexp_matches(lower(ServiceName), '{_SERVICES}') THEN NULL
        ELSE '{_OTHERS}' END""",
)

_ISSUER: Final = "lower(InvoiceIssuerName)"
_KEYED: Final = (
    Keyed(
        fields=(
            *("InvoiceIssuerName", "ServiceName", "ChargeCategory", "ChargeClass"),
            *("CommitmentDiscountStatus", "ConsumedUnit", "PricingUnit", "x_PricingBlockSize"),
            *("BillingAccountId", "BillingCurrency", "ServiceCategory"),
            *focus_skus.FIELDS,
        ),
        steps=(
            {
                "cloud": (
                    f"CASE WHEN regexp_matches({_ISSUER}, '\\b(amazon|aws)\\b') THEN 'aws'"
                    f" WHEN regexp_matches({_ISSUER}, '\\b(microsoft|azure)\\b') THEN 'azure'"
                    f" WHEN regexp_matches({_ISSUER}, '\\bgoogle\\b') THEN 'google' END"
                ),
                # Without what its law adds to a company's name.
                "issuer": providers.spelling(
                    "regexp_replace(InvoiceIssuerName, '(?i),? +(inc|llc|ltd|pbc|gmbh)\\.?$', '')"
                ),
            },
            *focus_skus.STEPS,
            {
                "provider_of": f"coalesce(cloud, {providers.provider('issuer')})",
                "platform_of": (
                    "CASE cloud WHEN 'aws' THEN 'bedrock' WHEN 'azure' THEN 'azure-openai'"
                    " WHEN 'google' THEN CASE WHEN contains(lower(ServiceName), 'gemini api')"
                    " THEN 'gemini-api' ELSE 'vertex-ai' END"
                    f" ELSE {providers.platform('issuer')} END"
                ),
                "counted": (
                    "ChargeCategory = 'Usage' AND ChargeClass IS NULL"
                    " AND coalesce(CommitmentDiscountStatus <> 'Unused', true)"
                ),
                "consumed_block": focus_skus.block("ConsumedUnit"),
                "priced_block": (
                    f"coalesce({focus_skus.block('PricingUnit')},"
                    " CASE WHEN is_market AND lower(PricingUnit) = 'units' THEN 1000000 END,"
                    " CASE WHEN meter_class IS NOT NULL"
                    f" THEN {whole('x_PricingBlockSize', '1')}::INT END)"
                ),
                "details_broken": bulk_tags.is_broken("SkuPriceDetails", "details"),
            },
        ),
    ),
    Keyed(
        fields=(
            *("ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart", "BillingPeriodEnd"),
            *("InvoiceId", "x_ExportTime"),
        ),
        steps=(
            {
                "exported": instant("replace(x_ExportTime, ' UTC', 'Z')", zoneless_is_utc=True),
                "started": instant("ChargePeriodStart", zoneless_is_utc=True),
                "ended": instant("ChargePeriodEnd", zoneless_is_utc=True),
                "period": instant("BillingPeriodStart", zoneless_is_utc=True),
                "period_end": instant("BillingPeriodEnd", zoneless_is_utc=True),
            },
            {
                "scope": "strftime(period, '%Y-%m')",
                "used_on": "strftime(started, '%Y-%m-%d')",
                "known_to": (
                    "strftime(coalesce(exported, CASE WHEN InvoiceId IS NOT NULL"
                    " THEN period_end + INTERVAL 1 SECOND END, ended),"
                    " '%Y-%m-%dT%H:%M:%SZ')"
                ),
                "stretch": (
                    "CASE ended - started WHEN INTERVAL 1 HOUR THEN 'hour'"
                    " WHEN INTERVAL 1 DAY THEN 'day' ELSE 'range' END"
                ),
            },
        ),
    ),
    Keyed(
        fields=("ListUnitPrice", "ContractedUnitPrice"),
        steps=(
            {
                "list_price": approximate("ListUnitPrice"),
                "contracted_price": approximate("ContractedUnitPrice"),
            },
        ),
    ),
    Keyed(
        fields=("Tags", "AllocatedTags"),
        steps=(
            {
                "tag_list": bulk_tags.json_tags("Tags"),
                "allocated_list": bulk_tags.json_tags("AllocatedTags"),
            },
            {
                "tags_broken": bulk_tags.is_broken("Tags", "tag_list"),
                "allocated_broken": bulk_tags.is_broken("AllocatedTags", "allocated_list"),
            },
        ),
    ),
)

_STEPS: Final = (
    {
        "billed_nanos": signed_nanos("BilledCost"),
        "consumed": quantity("ConsumedQuantity"),
        "priced": quantity("PricingQuantity"),
        "takes_back": (
            f"coalesce({approximate('PricingQuantity')}, {approximate('ConsumedQuantity')}, 0) < 0"
        ),
        "exchanged": approximate("x_BillingExchangeRate"),
        "listed": f"list_price * {approximate('PricingQuantity')}",
        "contracted": f"contracted_price * {approximate('PricingQuantity')}",
        "consumed_tokens": focus_skus.CONSUMED_TOKENS,
        "priced_tokens": focus_skus.PRICED_TOKENS,
    },
    {
        "tokens": (
            "CASE WHEN counted AND NOT takes_back AND sku_class IS NOT NULL"
            " THEN coalesce(consumed_tokens, priced_tokens) END"
        ),
    },
)


def _of_class(sku_class: str, *, age: str = "") -> str:
    older = f" AND write_age = '{age}'" if age else ""
    return f"CASE WHEN sku_class = '{sku_class}'{older} THEN tokens END"


_SHARED: Final = Shared(
    parts={
        "cloud": "cloud",
        "category": "nullif(ChargeCategory, 'Usage')",
        "correction": "ChargeClass",
        "place": "RegionId",
        "account": "SubAccountId",
        "caller": "coalesce(PrincipalId, x_PrincipalId)",
        "consumer": "x_ConsumerId",
        "of_resource": "ResourceId",
        "of_sku": "coalesce(SkuMeter, x_UsageType, x_SkuMeterName, SkuId, ChargeDescription)",
        "of_tags": "Tags",
        "allocated_to": "AllocatedResourceId",
        "of_allocated": "AllocatedTags",
        **{field: field for field in focus_skus.FIELDS},
    },
    steps=(
        *focus_skus.STEPS,
        {
            "own_tags": f"coalesce({bulk_tags.json_tags('of_tags')}, [])",
            "allocated_tags": f"coalesce({bulk_tags.json_tags('of_allocated')}, [])",
        },
        {
            "tag_entries": "list_concat("
            + bulk_tags.given(
                {
                    "allocated_resource": "allocated_to",
                    "consumer": "consumer",
                    "resource": "of_resource",
                }
            )
            + ", allocated_tags, list_filter(own_tags, lambda entry: NOT list_contains("
            "list_transform(allocated_tags, lambda given: given.name), entry.name)))",
        },
    ),
    columns={
        "model_raw": "sku_model",
        "service_tier": focus_skus.TIER,
        "processing": focus_skus.PROCESSING,
        "region": "place",
        "endpoint_scope": focus_skus.ENDPOINT_SCOPE,
        "context_window": focus_skus.CONTEXT,
        "conditions": bulk_tags.canonical(
            {
                "charge": "coalesce(correction, category)",
                "sku": "CASE WHEN sku_class IS NULL OR sku_model IS NULL THEN of_sku END",
                "usage_type_suffix": (
                    f"CASE WHEN token_class IS NOT NULL THEN {aws_usage_types.UNEXPLAINED} END"
                ),
            }
        ),
        "workspace": "account",
        "principal": "caller",
        "tags": bulk_tags.merged("tag_entries"),
    },
)

# Azure may write an account by its full path, and its other exports by the last part of it. Where a
# billing profile is invoiced, and not the account as a whole, its path goes on to the profile.
_PATH: Final = "^/providers/microsoft[.]billing/billingaccounts/([^/]+)"
_ACCOUNT: Final = (
    "CASE WHEN starts_with(BillingAccountId, '/') THEN"
    f" regexp_replace(regexp_replace(BillingAccountId, '{_PATH}$', '\\1', 'i'),"
    f" '{_PATH}/billingprofiles/([^/]+)$', '\\1/\\2', 'i')"
    " ELSE BillingAccountId END"
)
_COLUMNS: Final = {
    "start": "started",
    "end": "ended",
    "grain": "stretch",
    "provider": "provider_of",
    "platform": "platform_of",
    "billing_account": _ACCOUNT,
    "product": "'api'",
    "input_uncached": _of_class("input"),
    "cache_read": _of_class("cache_read"),
    "cache_write_5m": _of_class("cache_write", age="5m"),
    "cache_write_30m": _of_class("cache_write", age="30m"),
    "cache_write_1h": _of_class("cache_write", age="1h"),
    "cache_write_unknown": (
        "CASE WHEN sku_class = 'cache_write' AND write_age IS NULL THEN tokens END"
    ),
    "output": _of_class("output"),
    "reported_nanos": "billed_nanos",
    "reported_currency": "BillingCurrency",
    "reported_kind": "'billed'",
}


def _text(field: str) -> str:
    return f"nullif(nullif({field}, ''), 'NULL')"


def _as_object(field: str) -> str:
    """Return an expression for tags as an object where they are a list of keys and values.

    A list that is none of these, or names a key twice, stays as it is, and is refused as tags.
    """
    entries = json_fields(field, ({"Key": "VARCHAR", "Value": "VARCHAR"},))
    pairs = f"list_transform({entries}, lambda one: {{'name': one.Key, 'value': one.Value}})"
    listed = f"try(to_json(map_from_entries({pairs}))::VARCHAR)"
    return (
        f"CASE WHEN starts_with({field}, '[') THEN coalesce({listed}, {field})"
        f" ELSE {_text(field)} END"
    )


_PLAIN: Final = {"Tags": _as_object("Tags")}

_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=REQUIRED,
    steps=_STEPS,
    columns=_COLUMNS,
    shared=(_SHARED,),
    checks=CHECKS,
    flattened={field: _PLAIN.get(field, _text(field)) for field in NAMES},
    keyed=_KEYED,
    aside=_ASIDE,
    snapshot=Snapshot(
        scope="scope", day="used_on", signature="'FOCUS cost and usage'", as_of="known_to"
    ),
)


class Focus:
    """One row per charge, of whatever grain the file has."""

    name = "focus"
    version = 1
    role = SourceRole.METERED
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "FOCUS 1.0 to 1.4 cost and usage, AI services: AWS, Azure and others (CSV, Parquet)"
    export = (
        "AWS Data Exports: FOCUS 1.2; Azure Cost Management: FOCUS cost; Google: FOCUS, BigQuery"
    )
    cannot_tell = "requests; users; tokens, where the issuer bills in other units"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the mandatory columns of the specification."""
        return by_columns(sample, REQUIRED)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read every row; a row whose price and quantity do not give its cost is rejected."""
        yield from reader.bulk(path, _LAYOUT)
