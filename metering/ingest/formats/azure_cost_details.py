"""Azure Cost Management exports of actual or amortized cost: CSV (or Parquet), EA and MCA.

Columns are found by their names in small letters, since casing and order differ between agreements
and versions. Only the rows of Azure's AI services and of models in the Marketplace are taken; all
others are noise. The rules, from the source formats note (section 2.1, read 2026-11-21):

* Quantities are blocks of the unit of measure or, in some rows, single units: the row's own price
  and cost decide which. Where neither gives the cost, the row is rejected.
* Classic files write US dates. A file in which no date tells month from day, or one does so the
  other way round, is refused whole.
* Rows have no id: an import replaces the days of its billing period.
* Actual and amortized cost are two views of one usage, and the columns of both are the same. A file
  counts as amortized when a row of these services carries amortized money; it is then never added
  to an actual one. Without such a row both say the same.
* A row of usage below 0 takes back what another has billed: its money counts, and no quantity.
* MCA prices are in the pricing currency; cost is charged in the billing currency.
* Tags stand without their braces in classic files.
* Claude on Foundry comes as Claude Consumption Units, without tokens. Tax comes with the invoice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk import tags as bulk_tags
from metering.ingest.bulk.layout import Aside, Fields, Keyed, Layout, Shared, Snapshot
from metering.ingest.bulk.numbers import approximate, differ, quantity, signed_nanos, whole
from metering.ingest.contract import Identity, Reading, Repeat, Sample, Slice, SourceRole, Verdict
from metering.ingest.formats import azure_dates
from metering.ingest.formats import azure_meters as meters
from metering.ingest.formats.azure_cost_checks import CHECKS
from metering.ingest.formats.azure_cost_columns import OPTIONAL, REQUIRED
from metering.ingest.marks import by_columns

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_FIELDS: Final[Fields] = dict.fromkeys((*REQUIRED, *OPTIONAL), "VARCHAR")

_SERVICE: Final = "microsoft.cognitiveservices"
_CATEGORIES: Final = "('cognitive services', 'foundry models')"
_COUNTED: Final = "usage"
_AMORTIZED: Final = "('unusedreservation', 'unusedsavingsplan')"
_TAX: Final = "tax, which comes with the invoice"
_OTHERS: Final = "rows of other services"

# An export of chosen columns may leave out who publishes a thing.
_IN_MARKETPLACE: Final = (
    "coalesce(lower(publishertype) = 'marketplace', false)"
    " OR (nullif(publishertype, '') IS NULL AND lower(metercategory) = 'saas')"
)

# Models of others that Foundry sells through the Marketplace.
_MODELS: Final = (
    r"claude|anthropic|\b(ai21|cohere|deepseek|grok|jamba|llama|mistral|nvidia nim|stability ai)\b"
)

_DATES: Final = ("date", "billingperiodstartdate", "billingperiodenddate")

_ASIDE: Final = Aside(
    fields=(
        *("chargetype", "consumedservice", "metercategory", "publishertype"),
        *(*_DATES, "invoiceid"),
    ),
    noise=f"""CASE
        WHEN lower(chargetype) = 'tax' THEN '{_TAX}'
        WHEN lower(consumedservice) = '{_SERVICE}' THEN NULL
        WHEN lower(metercategory) IN {_CATEGORIES} THEN NULL
        WHEN {_IN_MARKETPLACE} THEN NULL
        WHEN coalesce(consumedservice, '') || coalesce(metercategory, '') = '' THEN NULL
        ELSE '{_OTHERS}' END""",
)
_NOISE: Final = f"""CASE
    WHEN ({_IN_MARKETPLACE}) AND NOT is_ours AND NOT is_model THEN '{_OTHERS}'
    END"""

_KEYED: Final = (
    Keyed(
        fields=(
            *("metername", "metercategory", "consumedservice", "unitofmeasure", "chargetype"),
            *("effectiveprice", "pricingmodel", "product", "productname", "publishername"),
        ),
        steps=(
            {
                "meter_name": "metername",
                "unit": "lower(unitofmeasure)",
                "charge": "lower(chargetype)",
                "price": approximate("effectiveprice"),
                "about": "lower(concat_ws(' ', productname, product, publishername, metername))",
                "is_ours": (
                    f"coalesce(lower(consumedservice) = '{_SERVICE}', false)"
                    f" OR coalesce(lower(metercategory) IN {_CATEGORIES}, false)"
                ),
            },
            *meters.STEPS,
            {
                "counted": f"charge = '{_COUNTED}'",
                "is_model": f"regexp_matches(about, '{_MODELS}')",
                "in_units_of_consumption": (
                    "regexp_matches(concat_ws(' ', about, unit), 'consumption unit|\\bccus?\\b')"
                ),
                "is_reserved": "lower(pricingmodel) IN ('reservation', 'savingsplan')",
                "has_tokens": "ends_with(lower(metername), 'tokens')",
                "block": (
                    "CASE regexp_extract(unit, '^\\d+(k|m)?( tokens?)?$', 1) WHEN 'k' THEN 1000"
                    " WHEN 'm' THEN 1000000 ELSE 1 END * try_cast(CASE WHEN"
                    " regexp_matches(unit, '^\\d{1,4}(k|m)?( tokens?)?$')"
                    " THEN regexp_extract(unit, '^(\\d+)', 1) END AS INT)"
                ),
                "hours": "regexp_matches(unit, '^1 hours?$')",
            },
        ),
    ),
    Keyed(
        fields=(*_DATES, "invoiceid"),
        steps=(
            {
                "started": azure_dates.midnight("date"),
                "period": azure_dates.midnight("billingperiodstartdate"),
                "period_end": azure_dates.midnight("billingperiodenddate"),
                "date_order": azure_dates.order_of(_DATES),
            },
            {
                "used_on": "strftime(started, '%Y-%m-%d')",
                "scope": "strftime(coalesce(period, started), '%Y-%m')",
                "known_to": (
                    "strftime(INTERVAL 1 DAY + CASE WHEN invoiceid <> '' AND period_end IS NOT NULL"
                    " THEN period_end + INTERVAL 1 SECOND ELSE started END,"
                    " '%Y-%m-%dT%H:%M:%SZ')"
                ),
            },
        ),
    ),
    Keyed(
        fields=("tags",),
        steps=(
            {
                "tags_text": (
                    "CASE WHEN starts_with(ltrim(tags), '{') THEN tags"
                    " WHEN tags <> '' THEN '{' || tags || '}' END"
                ),
            },
            {"tag_list": bulk_tags.json_tags("tags_text")},
            {"tags_broken": bulk_tags.is_broken("tags_text", "tag_list")},
        ),
    ),
)

_STEPS: Final = (
    {
        "cost_text": "coalesce(nullif(costinbillingcurrency, ''), nullif(cost, ''))",
        "currency": "coalesce(nullif(billingcurrencycode, ''), nullif(billingcurrency, ''))",
        # What a price in the pricing currency multiplies to.
        "priced_text": (
            "coalesce(nullif(costinpricingcurrency, ''), nullif(costinbillingcurrency, ''),"
            " nullif(cost, ''))"
        ),
        "amount": quantity("quantity"),
    },
    {
        "billed_nanos": signed_nanos("cost_text"),
        "priced": approximate("priced_text"),
        "by_blocks": f"{approximate('quantity')} * price",
        "converted": (
            f"{approximate('costinpricingcurrency')}"
            f" * {approximate('exchangeratepricingtobilling')}"
        ),
    },
    {"by_units": "by_blocks / block"},
    {
        "fits_blocks": f"NOT ({differ('by_blocks', 'priced')})",
        "fits_units": f"block > 1 AND NOT ({differ('by_units', 'priced')})",
    },
    {
        # A cost too small to tell both apart goes to the nearer one, and a free row to blocks.
        "in_blocks": (
            "fits_blocks AND (NOT fits_units OR abs(by_blocks - priced) <= abs(by_units - priced))"
        ),
    },
    {
        "tokens": (
            "CASE WHEN counted AND amount >= 0 AND meter_class IS NOT NULL THEN CASE"
            f" WHEN in_blocks THEN {whole('quantity', 'block', 'amount')}"
            f" WHEN fits_units THEN {whole('quantity', '1', 'amount')} END END"
        ),
        "units": (
            f"CASE WHEN counted AND NOT has_tokens THEN {whole('quantity', '1', 'amount')} END"
        ),
        "view": (
            f"CASE WHEN charge IN {_AMORTIZED} OR counted AND is_reserved AND billed_nanos <> 0"
            " THEN 'amortized' ELSE 'actual' END"
        ),
    },
)


def _of_text(meter_class: str) -> str:
    return f"CASE WHEN meter_class = '{meter_class}' AND meter_modality = 'text' THEN tokens END"


_SHARED: Final = Shared(
    parts={
        "meter_name": "metername",
        "charge": "nullif(charge, 'usage')",
        "subscription": "lower(subscriptionid)",
        "place": ("lower(coalesce(nullif(resourcelocation, ''), nullif(location, '')))"),
        "of_resource": "lower(resourceid)",
        "of_group": "lower(coalesce(nullif(resourcegroup, ''), nullif(resourcegroupname, '')))",
        "of_tags": "tags_text",
        "consumed": "CASE WHEN in_units_of_consumption THEN 'true' END",
        "tokens_of_meter": "CASE WHEN has_tokens THEN 'true' END",
    },
    steps=(
        *meters.STEPS,
        {
            "tag_entries": "list_concat("
            + bulk_tags.given({"resource": "of_resource", "resource_group": "of_group"})
            + f", coalesce({bulk_tags.json_tags('of_tags')}, []))",
        },
    ),
    columns={
        "product": "CASE WHEN consumed IS NOT NULL THEN 'claude-on-foundry' ELSE 'api' END",
        # A meter of tokens that is not understood is shown under its own name.
        "model_raw": (
            "CASE WHEN is_understood THEN stem WHEN tokens_of_meter IS NOT NULL THEN meter_name END"
        ),
        "service_tier": f"CASE WHEN is_understood THEN {meters.TIER} END",
        "processing": f"CASE WHEN is_understood THEN {meters.PROCESSING} END",
        "region": "place",
        "endpoint_scope": f"CASE WHEN is_understood THEN {meters.ENDPOINT_SCOPE} END",
        "context_window": f"CASE WHEN is_understood THEN {meters.CONTEXT} END",
        "conditions": bulk_tags.canonical(
            {
                "charge": "charge",
                "meter": "CASE WHEN tokens_of_meter IS NULL THEN meter_name END",
                "unmapped_meter": (
                    "CASE WHEN tokens_of_meter IS NOT NULL AND meter_class IS NULL"
                    " THEN meter_name END"
                ),
                "variant": f"CASE WHEN is_understood THEN {meters.VARIANT} END",
            }
        ),
        "workspace": "subscription",
        "tags": bulk_tags.merged("tag_entries"),
    },
)

_COLUMNS: Final = {
    "start": "started",
    "end": "started + INTERVAL 1 DAY",
    "grain": "'day'",
    "provider": "'azure'",
    "platform": "'azure-openai'",
    "billing_account": "nullif(billingaccountid, '')",
    "input_uncached": _of_text("input"),
    "cache_read": _of_text("cache_read"),
    "cache_write_unknown": _of_text("cache_write"),
    "output": _of_text("output"),
    "other_meters": (
        "CASE WHEN tokens > 0 AND meter_modality <> 'text' THEN map_from_entries([{'name':"
        " CASE meter_class WHEN 'input' THEN 'input_' || meter_modality || '_uncached'"
        " ELSE meter_class || '_' || meter_modality END, 'quantity': tokens}])"
        " WHEN units > 0 AND in_units_of_consumption THEN map {'credit': units}"
        " WHEN units > 0 AND hours AND contains(about, 'provisioned')"
        " THEN map {'capacity_unit_hour': units} END"
    ),
    "reported_nanos": "billed_nanos",
    "reported_currency": "currency",
    "reported_kind": "'billed'",
}

_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=REQUIRED,
    steps=_STEPS,
    columns=_COLUMNS,
    shared=(_SHARED,),
    checks=CHECKS,
    keyed=_KEYED,
    aside=_ASIDE,
    noise=_NOISE,
    snapshot=Snapshot(
        scope="scope",
        day="used_on",
        # Told row by row; `_one_view` makes one answer of them.
        signature="CASE WHEN line_noise IS NULL THEN view ELSE 'actual' END || ',' || date_order",
        as_of="known_to",
    ),
    spelling=str.lower,
)


class AzureCostDetails:
    """One row per day, resource, meter and price."""

    name = "azure-cost-details"
    version = 1
    role = SourceRole.METERED
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "Azure Cost Management: actual or amortized cost, AI services (CSV, Parquet)"
    export = "Cost Management > Exports > Cost and usage details (actual), of the billing account"
    cannot_tell = "requests; users; tokens of Claude, which is billed in consumption units"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the columns, in whatever case they are written."""
        return by_columns(sample, REQUIRED, spelling=str.lower)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read every row; a row whose price and quantity do not give its cost is rejected.

        Raises:
            SourceError: `ambiguous-date`.
        """
        slices: list[Slice] = []
        readings = reader.bulk(path, _LAYOUT)
        for reading in readings:
            if not isinstance(reading, Slice):
                yield from _one_view(slices, path)
                yield from chain([reading], readings)
                return
            slices.append(reading)


def _one_view(slices: Sequence[Slice], path: Path) -> Iterator[Slice]:
    """Yield the slices of a file, of which rows say which view they show and how they write dates.

    Raises:
        SourceError: `ambiguous-date`: month and day cannot be told apart, or stand in both orders.
    """
    told = [piece.signature.split(",") for piece in slices]
    azure_dates.refuse_doubt({order for _, order in told}, path)
    view = "amortized" if any(said == "amortized" for said, _ in told) else "actual"
    for scope in sorted({piece.scope for piece in slices}):
        of_scope = [piece for piece in slices if piece.scope == scope]
        yield replace(
            of_scope[0],
            signature=f"{view} cost",
            first_day=min(piece.first_day for piece in of_scope),
            last_day=max(piece.last_day for piece in of_scope),
            as_of=max(piece.as_of for piece in of_scope),
        )
