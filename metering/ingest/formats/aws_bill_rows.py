"""The rows of an AWS Cost and Usage Report, in the names of CUR 2.0: what is made of them.

Only the rows of Amazon Bedrock and of Claude in the AWS Marketplace are taken; all others are
counted as noise. The rules, from the source formats note (section 1.1, read 2026-11-21):

* The usage amount is in blocks of a thousand or a million tokens, as the pricing unit says.
* No row has a durable id, and the report is restated for weeks: an import replaces the days of its
  billing period. A report with invoice numbers is later than any without.
* `line_item_unblended_cost` of all rows, credits included, is what is invoiced, where discounts are
  rows of their own: always in the first report, and in the second with "manual discount
  compatibility". Without it a discount stands in the columns of the row it is given on, and
  `line_item_net_unblended_cost` is what is left to pay (AWS Data Exports user guide, "Discount
  columns", read 2026-11-21). Prices are held against what the row costs before.
* A row of usage below 0 takes back what another has billed: its money counts, and no quantity, as
  with credits and refunds.
* Tax comes with the invoice; here its rows are noise.
* One tag has four spellings: `user_team`, `user:team`, `resourceTags/team`, `iamPrincipal/team`.
* Claude Platform on AWS is billed in Claude Consumption Units, without tokens.

The first report and the second differ in the names of their columns alone; the format of each says
how its columns become these.
"""

from typing import Final

from metering.ingest.bulk import tags as bulk_tags
from metering.ingest.bulk.layout import (
    Aside,
    Fields,
    Keyed,
    Layout,
    Shared,
    Snapshot,
    instant,
)
from metering.ingest.bulk.layout import text as said
from metering.ingest.bulk.numbers import approximate, quantity, signed_nanos, whole
from metering.ingest.formats import aws_usage_types as usage_types
from metering.ingest.formats.aws_bill_checks import CHECKS
from metering.ingest.formats.aws_bill_columns import COUNTED, OPTIONAL, REQUIRED, listed

_FIELDS: Final[Fields] = dict.fromkeys((*REQUIRED, *OPTIONAL), "VARCHAR")

# AmazonBedrock, AmazonBedrockService, AmazonBedrockFoundationModels, AmazonBedrockAgentCore …
_BEDROCK: Final = "starts_with(line_item_product_code, 'AmazonBedrock')"
_MARKETPLACE: Final = "AWS Marketplace"
_EDITION: Final = " (Amazon Bedrock Edition)"

_ABOUT: Final = "lower(concat_ws(' ', product, line_item_line_item_description))"
_PRODUCT_NAME: Final = (
    "coalesce(try(json_extract_string(product, '$.product_name')),"
    " try(json_extract_string(product, '$.model')))"
)
_TAX: Final = "tax, which comes with the invoice"
_OTHERS: Final = "rows of other services"

# What may be taken, as two columns show.
OF_INTEREST: Final = f"({_BEDROCK} OR bill_billing_entity = '{_MARKETPLACE}')"
# Most rows of a bill: told by two columns, in which there are few different values.
_ASIDE: Final = Aside(
    fields=(
        "line_item_line_item_type",
        "line_item_product_code",
        "bill_billing_entity",
        "line_item_usage_start_date",
        "line_item_usage_end_date",
        "bill_billing_period_start_date",
        "bill_billing_period_end_date",
        "bill_invoice_id",
    ),
    noise=f"""CASE
        WHEN line_item_line_item_type = 'Tax' THEN '{_TAX}'
        WHEN nullif(line_item_product_code, '') IS NULL THEN NULL
        WHEN {_BEDROCK} THEN NULL
        WHEN bill_billing_entity = '{_MARKETPLACE}' THEN NULL
        ELSE '{_OTHERS}' END""",
)
# What is left of the Marketplace without Claude, and without the models of Bedrock, which a report
# without product names still shows by how it spells their tokens.
_NOISE: Final = f"""CASE
    WHEN NOT {_BEDROCK} AND bill_billing_entity = '{_MARKETPLACE}'
      AND NOT is_of_market AND token_class IS NULL THEN '{_OTHERS}' END"""

_KEYED: Final = (
    Keyed(
        fields=(
            "line_item_usage_type",
            "line_item_line_item_type",
            "line_item_line_item_description",
            "line_item_unblended_rate",
            "pricing_unit",
            "product",
        ),
        steps=(
            {
                "usage_type": "line_item_usage_type",
                "unit": "lower(pricing_unit)",
                "about": _ABOUT,
                "product_name": _PRODUCT_NAME,
                "counted": f"line_item_line_item_type IN ({listed(COUNTED)})",
                "rate": approximate("line_item_unblended_rate"),
            },
            *usage_types.STEPS,
            {
                "is_of_market": "contains(about, 'bedrock edition') OR contains(about, 'claude')",
                "in_units_of_consumption": (
                    "regexp_matches(concat_ws(' ', about, unit), 'consumption unit|\\bccus?\\b')"
                ),
                "block": (
                    "CASE WHEN unit = '1k tokens' THEN 1000 WHEN unit = '1m tokens' THEN 1000000"
                    " WHEN unit = 'units' AND is_market THEN 1000000 END"
                ),
            },
        ),
    ),
    Keyed(
        fields=(
            "line_item_usage_start_date",
            "line_item_usage_end_date",
            "bill_billing_period_start_date",
            "bill_billing_period_end_date",
            "bill_invoice_id",
        ),
        steps=(
            {
                "started": instant("line_item_usage_start_date", zoneless_is_utc=True),
                "ended": instant("line_item_usage_end_date", zoneless_is_utc=True),
                "period": instant("bill_billing_period_start_date", zoneless_is_utc=True),
                "period_end": instant("bill_billing_period_end_date", zoneless_is_utc=True),
            },
            {
                "scope": "strftime(period, '%Y-%m')",
                "used_on": "strftime(started, '%Y-%m-%d')",
                # Usage is known up to where its rows end; once invoiced, the whole period is.
                "known_to": (
                    "strftime(CASE WHEN bill_invoice_id <> ''"
                    " THEN period_end + INTERVAL 1 SECOND ELSE ended END,"
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
        fields=("resource_tags", "tags"),
        steps=(
            {
                "own_tags": bulk_tags.json_tags("resource_tags"),
                "all_tags": bulk_tags.json_tags("tags"),
            },
            {
                "own_broken": bulk_tags.is_broken(said("resource_tags"), "own_tags"),
                "all_broken": bulk_tags.is_broken(said("tags"), "all_tags"),
            },
        ),
    ),
)

_STEPS: Final = (
    {
        "amount": quantity("line_item_usage_amount"),
        "is_discounted": (
            "CASE WHEN nullif(discount_total_discount, '') IS NOT NULL"
            f" THEN coalesce({approximate('discount_total_discount')} <> 0, true)"
            " ELSE coalesce(discount, '') NOT IN ('', '{}', 'null') END"
        ),
        "cost_nanos": signed_nanos("line_item_unblended_cost"),
        "net_nanos": signed_nanos("line_item_net_unblended_cost"),
        "product_of_both": f"{approximate('line_item_usage_amount')} * rate",
    },
    {
        "billed_nanos": "CASE WHEN is_discounted THEN net_nanos ELSE cost_nanos END",
        "tokens": (
            "CASE WHEN counted AND amount >= 0 AND token_class IS NOT NULL"
            f" THEN {whole('line_item_usage_amount', 'block', 'amount')} END"
        ),
        "units": (
            "CASE WHEN counted AND token_class IS NULL"
            f" THEN {whole('line_item_usage_amount', '1', 'amount')} END"
        ),
    },
)


def _of_class(token_class: str, *, age: str = "") -> str:
    older = f" AND write_age = '{age}'" if age else ""
    return f"CASE WHEN token_class = '{token_class}'{older} THEN tokens END"


_TOKEN_ROW: Final = "token_class IS NOT NULL AND line_type IN (" + listed(COUNTED) + ")"

_SHARED: Final = Shared(
    parts={
        "usage_type": "line_item_usage_type",
        "line_type": "line_item_line_item_type",
        "model": "CASE WHEN is_market THEN product_name END",
        "code": "product_region_code",
        "account": "line_item_usage_account_id",
        "caller": "line_item_iam_principal",
        "resource": "line_item_resource_id",
        "of_resource": "resource_tags",
        "of_all": "tags",
        "consumed": "CASE WHEN in_units_of_consumption THEN 'true' END",
    },
    steps=(
        *usage_types.STEPS,
        {
            "tag_entries": "list_concat("
            + bulk_tags.given({"resource": "resource"})
            + ", "
            + bulk_tags.renamed(
                f"coalesce({bulk_tags.json_tags('of_resource')}, [])",
                "regexp_replace(entry.name, '^user[:_]', '')",
            )
            + ", "
            + bulk_tags.renamed(
                f"coalesce({bulk_tags.json_tags('of_all')}, [])",
                "regexp_replace(entry.name, '^(resourceTags|iamPrincipal)/(user:)?', '')",
            )
            + ")",
        },
    ),
    columns={
        "product": "CASE WHEN consumed IS NOT NULL THEN 'claude-platform' ELSE 'api' END",
        "model_raw": f"coalesce(spelt_model, replace(model, '{_EDITION}', ''))",
        "region": "coalesce(code, spelt_region)",
        "service_tier": f"CASE WHEN {_TOKEN_ROW} THEN {usage_types.TIER} END",
        "processing": f"CASE WHEN {_TOKEN_ROW} THEN {usage_types.PROCESSING} END",
        "endpoint_scope": f"CASE WHEN {_TOKEN_ROW} THEN {usage_types.ENDPOINT_SCOPE} END",
        "context_window": f"CASE WHEN {_TOKEN_ROW} THEN {usage_types.CONTEXT} END",
        "conditions": bulk_tags.canonical(
            {
                "charge": f"CASE WHEN line_type NOT IN ({listed(COUNTED)}) THEN line_type END",
                "usage_type": "CASE WHEN token_class IS NULL THEN usage_type END",
                "usage_type_suffix": (
                    f"CASE WHEN token_class IS NOT NULL THEN {usage_types.UNEXPLAINED} END"
                ),
            }
        ),
        "workspace": "account",
        "principal": "caller",
        "tags": bulk_tags.merged("tag_entries"),
    },
)

_COLUMNS: Final = {
    "start": "started",
    "end": "ended",
    "grain": "stretch",
    "provider": "'aws'",
    "platform": "'bedrock'",
    "billing_account": "bill_payer_account_id",
    "input_uncached": _of_class("input"),
    "cache_read": _of_class("cache_read"),
    "cache_write_5m": _of_class("cache_write", age="5m"),
    "cache_write_30m": _of_class("cache_write", age="30m"),
    "cache_write_1h": _of_class("cache_write", age="1h"),
    "cache_write_unknown": (
        "CASE WHEN token_class = 'cache_write' AND write_age IS NULL THEN tokens END"
    ),
    "output": _of_class("output"),
    # A quantity of anything else is kept where it is whole units of something we measure.
    "other_meters": (
        "CASE WHEN units > 0 THEN CASE"
        " WHEN in_units_of_consumption THEN map {'credit': units}"
        " WHEN unit IN ('hrs', 'hour', 'hours') AND contains(usage_type, 'ProvisionedThroughput')"
        " THEN map {'capacity_unit_hour': units} END END"
    ),
    "reported_nanos": "billed_nanos",
    "reported_currency": "line_item_currency_code",
    "reported_kind": "'billed'",
}

LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=REQUIRED,
    steps=_STEPS,
    columns=_COLUMNS,
    shared=(_SHARED,),
    checks=CHECKS,
    keyed=_KEYED,
    aside=_ASIDE,
    noise=_NOISE,
    snapshot=Snapshot(scope="scope", day="used_on", signature="'unblended cost'", as_of="known_to"),
)
