"""Google Cloud Billing export from BigQuery, standard or detailed: JSON, CSV or Parquet.

JSON and Parquet are nested as BigQuery has them. A flat table names the same columns with `_` or
`.` between the levels (`service_description`), and has the lists as JSON texts. Only the rows of
Vertex AI, of Gemini and of Claude are taken; all others are noise. The rules, from the source
formats note (section 3.1, read 2026-11-21):

* What is owed is the cost and the sum of its credits, which are negative.
* `invoice.month` is the billing period; late rows of one month are on the invoice of the next. An
  import replaces the days of its invoice month, and of two the one exported later is in force.
* Whether the quantity is tokens shows in the SKU; the unit says `count` or `requests`.
* A row of usage below 0 takes back what another has billed: its money counts, and no quantity.
* Cache storage is in token-hours and grounding in queries: both are kept apart from tokens.
* Thinking tokens that have a SKU of their own are output and reasoning.
* Tax comes with the invoice; here its rows are noise.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk import tags as bulk_tags
from metering.ingest.bulk.layout import (
    Aside,
    Keyed,
    Layout,
    Shared,
    Snapshot,
    instant,
    json_fields,
)
from metering.ingest.bulk.numbers import (
    approximate,
    nanos_of_each,
    nanos_of_sum,
    quantity,
    signed_nanos,
    whole,
)
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats import google_skus as skus
from metering.ingest.formats.google_billing_checks import CHECKS
from metering.ingest.formats.google_billing_columns import FLAT, NESTED, REQUIRED, TELLING
from metering.ingest.marks import by_columns
from metering.ingest.record_names import names_in

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

# Vertex AI and its search, the Gemini API, Gemini in other products; models of the Marketplace.
_OURS: Final = r"(?i)^(anthropic|claude|gemini|vertex ai)\b"
_VERTEX: Final = "C7E2-9256-1C43"
_TAX: Final = "tax, which comes with the invoice"
_OTHERS: Final = "rows of other services"

_ASIDE: Final = Aside(
    fields=(
        "service_id",
        "service_description",
        "cost_type",
        "usage_start_time",
        "invoice_month",
        "export_time",
    ),
    noise=f"""CASE
        WHEN cost_type = 'tax' THEN '{_TAX}'
        WHEN service_id = '{_VERTEX}' OR nullif(service_description, '') IS NULL THEN NULL
        WHEN regexp_matches(service_description, '{_OURS}') THEN NULL
        ELSE '{_OTHERS}' END""",
)

_KEYED: Final = (
    Keyed(
        fields=(
            *("sku_description", "service_description", "cost_type", "invoice_month"),
            *("billing_account_id", "currency"),
        ),
        steps=(
            *skus.STEPS,
            {
                "counted": "coalesce(nullif(cost_type, ''), 'regular') = 'regular'",
                "scope": (
                    "CASE WHEN regexp_full_match(invoice_month, '20[0-9]{2}(0[1-9]|1[0-2])')"
                    " THEN left(invoice_month, 4) || '-' || right(invoice_month, 2) END"
                ),
                "platform_of": (
                    "CASE WHEN lower(service_description) = 'gemini api'"
                    " THEN 'gemini-api' ELSE 'vertex-ai' END"
                ),
            },
        ),
    ),
    Keyed(
        fields=("usage_start_time", "usage_end_time"),
        steps=(
            {
                "started": instant("replace(usage_start_time, ' UTC', 'Z')", zoneless_is_utc=True),
                "ended": instant("replace(usage_end_time, ' UTC', 'Z')", zoneless_is_utc=True),
            },
            {
                "used_on": "strftime(started, '%Y-%m-%d')",
                "stretch": (
                    "CASE ended - started WHEN INTERVAL 1 HOUR THEN 'hour'"
                    " WHEN INTERVAL 1 DAY THEN 'day' ELSE 'range' END"
                ),
            },
        ),
    ),
    Keyed(
        fields=("labels",),
        steps=(
            {"label_list": json_fields("labels", ({"key": "VARCHAR", "value": "VARCHAR"},))},
            {
                "labels_broken": (
                    "nullif(labels, '') IS NOT NULL AND (label_list IS NULL"
                    " OR NOT starts_with(ltrim(labels), '[') OR contains(labels, '\\u0000'))"
                ),
            },
        ),
    ),
    Keyed(
        fields=("export_time",),
        steps=(
            {"exported": instant("replace(export_time, ' UTC', 'Z')", zoneless_is_utc=True)},
            {"known_to": "strftime(exported, '%Y-%m-%dT%H:%M:%SZ')"},
        ),
    ),
    Keyed(
        fields=("price_effective_price", "price_pricing_unit_quantity"),
        steps=(
            {
                "price": approximate("price_effective_price"),
                "priced_for": f"nullif({approximate('price_pricing_unit_quantity')}, 0)",
            },
        ),
    ),
)

_CREDITS: Final = json_fields("credits", ({"amount": "VARCHAR"},))
_STEPS: Final = (
    {
        "amount": quantity("usage_amount"),
        # Most rows have none.
        "credit_list": f"CASE WHEN nullif(credits, '') <> '[]' THEN {_CREDITS} END",
        "product_of_both": f"{approximate('usage_amount_in_pricing_units')} * price",
    },
    {"credited": "list_transform(credit_list, lambda given: given.amount)"},
    {"credited_nanos": nanos_of_each("credited")},
    {
        "owed_nanos": (
            "CASE WHEN len(credited) > 0"
            f" THEN {nanos_of_sum('cost', 'credited', 'credited_nanos')}"
            f" ELSE {signed_nanos('cost')} END"
        ),
        "units": (
            "CASE WHEN counted AND amount >= 0 AND sku_class IS NOT NULL"
            f" THEN {whole('usage_amount', '1', 'amount')} END"
        ),
    },
    {"tokens": "CASE WHEN sku_class NOT IN ('storage', 'grounding') THEN units END"},
)


def _of_text(sku_class: str) -> str:
    return f"CASE WHEN sku_class = '{sku_class}' AND sku_modality = 'text' THEN tokens END"


_SHARED: Final = Shared(
    parts={
        "sku_description": "sku_description",
        "kind_of_cost": "cost_type",
        "place": "location_location",
        "of_project": "project_id",
        "of_resource": "resource_name",
        "of_labels": "labels",
    },
    steps=(
        *skus.STEPS,
        {
            "label_list": json_fields("of_labels", ({"key": "VARCHAR", "value": "VARCHAR"},)),
            "is_regular": "coalesce(kind_of_cost, 'regular') = 'regular'",
        },
        {
            "tag_entries": (
                "list_concat(" + bulk_tags.given({"resource": "of_resource"}) + ","
                " list_transform(list_filter(coalesce(label_list, []),"
                " lambda label: label.key <> '' AND label.value <> ''),"
                " lambda label: {'name': label.key, 'value': label.value}))"
            ),
        },
    ),
    columns={
        "model_raw": "sku_model",
        "service_tier": skus.TIER,
        "processing": skus.PROCESSING,
        "region": "place",
        "endpoint_scope": skus.ENDPOINT_SCOPE,
        "context_window": skus.CONTEXT,
        "conditions": bulk_tags.canonical(
            {
                "charge": "CASE WHEN NOT is_regular THEN kind_of_cost END",
                "sku": "CASE WHEN sku_class IS NULL THEN sku_description END",
                "sku_suffix": f"CASE WHEN sku_model IS NOT NULL THEN {skus.UNEXPLAINED} END",
            }
        ),
        "workspace": "of_project",
        "tags": bulk_tags.merged("tag_entries"),
    },
)

_COLUMNS: Final = {
    "start": "started",
    "end": "ended",
    "grain": "stretch",
    "provider": "'google'",
    "platform": "platform_of",
    "billing_account": "billing_account_id",
    "product": "'api'",
    "input_uncached": _of_text("input"),
    "cache_read": _of_text("cache_read"),
    "output": _of_text("output"),
    "other_meters": (
        "CASE WHEN units > 0 AND (tokens IS NULL OR sku_modality <> 'text') THEN"
        " map_from_entries([{'name': CASE sku_class WHEN 'storage' THEN 'cache_storage_token_hour'"
        " WHEN 'grounding' THEN 'grounded_query'"
        " WHEN 'input' THEN 'input_' || sku_modality || '_uncached'"
        " ELSE sku_class || '_' || sku_modality END, 'quantity': units}]) END"
    ),
    "reasoning": f"CASE WHEN {skus.THINKING} AND sku_class = 'output' THEN tokens END",
    "reported_nanos": "owed_nanos",
    "reported_currency": "currency",
    "reported_kind": "'billed'",
}


def _spelling(column: str) -> str:
    return column.lower().replace(".", "_")


_TABLE: Final = Layout(
    fields=dict.fromkeys(FLAT, "VARCHAR"),
    required=REQUIRED,
    steps=_STEPS,
    columns=_COLUMNS,
    shared=(_SHARED,),
    checks=CHECKS,
    keyed=_KEYED,
    aside=_ASIDE,
    snapshot=Snapshot(
        scope="scope", day="used_on", signature="'cost and credits'", as_of="known_to"
    ),
    spelling=_spelling,
)
_LAYOUT: Final = replace(
    _TABLE, fields=NESTED, required=(), flattened=FLAT, spelling=str, table=_TABLE
)


class GoogleCloudBilling:
    """One row per SKU, project, hour and set of labels."""

    name = "google-cloud-billing"
    version = 1
    role = SourceRole.METERED
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "Google Cloud Billing export: Vertex AI and Gemini API (JSON, CSV, Parquet)"
    export = "Billing > Billing export to BigQuery; export the table, or rows by invoice.month"
    cannot_tell = "requests; users; the keys of the Gemini API"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the columns of the export, nested or flat."""
        if names_in(sample).issuperset(TELLING):
            return Verdict(matches=True, because="its rows are nested as in BigQuery")
        return by_columns(sample, REQUIRED, spelling=_spelling)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read every row; a row whose price and quantity do not give its cost is rejected."""
        yield from reader.bulk(path, _LAYOUT)
