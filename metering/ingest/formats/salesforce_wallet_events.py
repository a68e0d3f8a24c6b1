"""Consumption of Agentforce and Data 360, event by event, out of the Digital Wallet: CSV, Parquet.

The rules, from the source formats note (section 6.1, read 2026-11-21):

* `UnitsConsumed` is what was drawn from the card, after the multiplier; it is checked against
  `UsageValue` times `Multiplier`, and not multiplied again.
* Credits are no money: they are the meter `credit_micro` of provider `salesforce`, with the card as
  the model, and unpriced until a rate card has the contract's price.
* Sandboxes are in the same rows; the tag `environment` tells them apart.
* The daily and hourly objects say the same again (`salesforce-wallet-totals`), and an account takes
  one of the two. The raw billing events have no credits and are not read.
* A row without an id is known by its content, and by which of such it is in its file.
* Salesforce counts agentic work units elsewhere; credits are no outcome, and not labelled as one.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk import request_logs
from metering.ingest.bulk.checks import texts_without_nul
from metering.ingest.bulk.layout import Check, Fields, Layout, Shared, instant
from metering.ingest.bulk.layout import text as said
from metering.ingest.bulk.numbers import approximate, shown_product
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats import salesforce_wallet_names as wallet
from metering.ingest.marks import by_columns

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_REQUIRED: Final = (
    "eventtime",
    wallet.CARD,
    "usagetypedevelopername",
    "usagevalue",
    wallet.UNITS,
)
_OPTIONAL: Final = (
    *("id", "featuredevelopername", "resourceidorapiname", "usagebusinessenvtype", "multiplier"),
    *("unit", "useridentifier", "correlationidentifier", "usagereportingorgidentifier"),
    *("usagesubtype0", "usagesubtype1"),
)
_FIELDS: Final[Fields] = dict.fromkeys((*_REQUIRED, *_OPTIONAL), "VARCHAR")
_TEXTS: Final = (
    *("id", wallet.CARD, "usagetypedevelopername", "featuredevelopername", "resourceidorapiname"),
    *("usagebusinessenvtype", "useridentifier", "correlationidentifier"),
    *("usagereportingorgidentifier", "usagesubtype0", "usagesubtype1"),
)
# Of a product with a price the tolerance is fractions of a cent; here it is of a credit.
_TOLERANCE: Final = "0.000001 * (1 + abs(consumed))"

_STEPS: Final = (
    *wallet.STEPS,
    {
        "started": instant("eventtime", zoneless_is_utc=False),
        "product": f"{approximate('usagevalue')} * {approximate('multiplier')}",
        "consumed": approximate(wallet.UNITS),
        "content_id": request_logs.content_id(*_REQUIRED, *_OPTIONAL[1:]),
    },
)
_SHARED: Final = Shared(
    parts={
        "card": wallet.CARD,
        "of_type": "usagetypedevelopername",
        "of_feature": "featuredevelopername",
        "of_environment": "usagebusinessenvtype",
        "part_0": "usagesubtype0",
        "part_1": "usagesubtype1",
    },
    steps=(),
    columns={
        "model_raw": "card",
        "tags": request_logs.tags(
            {
                "environment": "of_environment",
                "feature": "of_feature",
                "usage_subtype_0": "part_0",
                "usage_subtype_1": "part_1",
                "usage_type": "of_type",
            }
        ),
    },
)
_COLUMNS: Final = {
    "event_id": "coalesce(nullif(id, ''), content_id)",
    "start": "started",
    "grain": "'request'",
    **wallet.PROVIDER_COLUMNS,
    "workspace": said("usagereportingorgidentifier"),
    "principal": said("useridentifier"),
    "session": said("correlationidentifier"),
    "workflow_key": said("resourceidorapiname"),
    **wallet.CREDIT_COLUMNS,
}
_CHECKS: Final = (
    *request_logs.when("eventtime", "eventtime", "started"),
    *texts_without_nul((field, field) for field in _TEXTS),
    *wallet.credit_checks(),
    Check(
        fails="lower(unit) NOT IN ('', 'credit', 'credits')",
        code="unknown-value",
        field="unit",
        found="unit",
        expected="credits",
        remedy="ask Salesforce what the unit is; the row stays in quarantine",
    ),
    Check(
        fails=f"abs(product - consumed) > {_TOLERANCE}",
        code="units-do-not-multiply",
        field=wallet.UNITS,
        found=shown_product(wallet.UNITS, "product"),
        expected="UsageValue times Multiplier",
        remedy="ask Salesforce which of the three is wrong; the row stays in quarantine",
        quotes=False,
    ),
)
_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=_REQUIRED,
    steps=_STEPS,
    columns=_COLUMNS,
    shared=(_SHARED,),
    checks=_CHECKS,
    merge=request_logs.NUMBERED,
    spelling=wallet.spelling,
)


class SalesforceWalletEvents:
    """One record per event that drew credits from a card."""

    name = "salesforce-wallet-events"
    version = 1
    role = SourceRole.METERED
    identity = Identity.EVENT
    repeat = Repeat.REJECT
    describes = "Salesforce Digital Wallet: consumption of credits event by event (CSV, Parquet)"
    export = "Data 360 query of TenantConsumptionInsights or TenantEnrichedUsageEvent, as CSV"
    cannot_tell = "dollars: the price of a credit stands in the contract; models and tokens"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the columns, however the object and the org spell them."""
        return by_columns(sample, _REQUIRED, spelling=wallet.spelling)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read every event; one whose credits contradict its usage is rejected."""
        yield from reader.bulk(path, _LAYOUT)
