"""What Agentforce agents did, event by event, out of the Digital Wallet: CSV or Parquet.

Salesforce exports no agentic work units: its count of them is not public. What it does export is
every action that draws credits, in the same rows that `metering ingest` takes credits from. Such an
action is the agent's own word that it did something: it is `agent_action`, stands beside outcomes
and never among them, and is not labelled as an AWU. Figures that Salesforce itself calls AWUs come
as `outcome-csv` with the kind `awu`.

Sandboxes are in the same rows, as are usage types that are no actions: both are passed over.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.outcomes.stages import WEIGHT_UNIT, OutcomeKind, Stage
from metering.ingest.bulk import request_logs
from metering.ingest.bulk.checks import missing, texts_without_nul
from metering.ingest.bulk.layout import Check, Fields, Layout, instant, literal
from metering.ingest.bulk.layout import text as said
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats import salesforce_wallet_names as wallet
from metering.ingest.marks import by_columns
from metering.usage.schema import OUTCOME_SCHEMA

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_KIND: Final = "agent_action"
_TYPE: Final = "usagetypedevelopername"
_VALUE: Final = "usagevalue"
_REQUIRED: Final = ("eventtime", wallet.CARD, _TYPE, _VALUE, wallet.UNITS)
_TEXTS: Final = (
    *("id", _TYPE, "resourceidorapiname", "usagebusinessenvtype", "correlationidentifier"),
)
_FIELDS: Final[Fields] = dict.fromkeys((*_REQUIRED, *_TEXTS), "VARCHAR")
# Without an id an event is known by its content, and by which of such it is in its file.
_WITHOUT_ID: Final = "no-id/"
_NUMBERED: Final = f"""
    SELECT * REPLACE (CASE WHEN starts_with(outcome_id, '{_WITHOUT_ID}') THEN outcome_id || '/' ||
        row_number() OVER (PARTITION BY outcome_id ORDER BY row_no) ELSE outcome_id END
        AS outcome_id)
    FROM records"""  # noqa: S608 - our own names
_CONTENT: Final = ", ".join(f"coalesce({field}, '')" for field in (*_REQUIRED, *_TEXTS[1:]))
_WEIGHT: Final = r"\d{1,9}(\.\d{1,4})?0*"
_SANDBOX: Final = "in a sandbox"
_OTHER_TYPE: Final = "of a usage type that is no action"

_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=_REQUIRED,
    steps=(
        {
            "done_at": instant("eventtime", zoneless_is_utc=False),
            "actions": (
                f"CASE WHEN regexp_full_match({_VALUE}, '{_WEIGHT}')"
                f" THEN ({_VALUE}::DECIMAL(18, 4) * {WEIGHT_UNIT})::BIGINT END"
            ),
            "content_id": f"'{_WITHOUT_ID}' || md5(concat_ws(chr(31), {_CONTENT}))",
        },
    ),
    columns={
        "outcome_id": "coalesce(nullif(id, ''), content_id)",
        "instant": "done_at",
        "kind": literal(_KIND),
        "stage": literal(Stage.COMPLETED.value),
        "weight_e4": "actions",
        "workflow_key": said("resourceidorapiname"),
        "queue": said("resourceidorapiname"),
        "session": said("correlationidentifier"),
    },
    checks=(
        *request_logs.when("eventtime", "eventtime", "done_at"),
        missing(_VALUE, "how many actions it was"),
        Check(
            fails="actions IS NULL",
            code="bad-quantity",
            field=_VALUE,
            found=_VALUE,
            expected="a number of at most nine digits and four decimals",
        ),
        *texts_without_nul((field, field) for field in _TEXTS),
    ),
    noise=(
        f"CASE WHEN NOT regexp_matches(lower({_TYPE}), 'action$') THEN {literal(_OTHER_TYPE)}"
        f" WHEN lower(usagebusinessenvtype) = 'sandbox' THEN {literal(_SANDBOX)} END"
    ),
    merge=_NUMBERED,
    spelling=wallet.spelling,
    schema=OUTCOME_SCHEMA,
)


class AgentforceActions:
    """One row per event in which an agent did something."""

    name = "agentforce-actions"
    version = 1
    role = SourceRole.OUTCOME
    identity = Identity.EVENT
    repeat = Repeat.LATEST
    system = "agentforce"
    kinds: tuple[OutcomeKind, ...] = (
        OutcomeKind(_KIND, Stage.COMPLETED, settles_after_days=0, reversed_by="nothing"),
    )
    describes = "Salesforce Digital Wallet: the actions of Agentforce agents (CSV, Parquet)"
    export = "Data 360 query of TenantConsumptionInsights or TenantEnrichedUsageEvent, as CSV"
    cannot_tell = "whether an action was of use; AWUs, which Salesforce counts and does not export"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the columns, however the object and the org spell them."""
        return by_columns(sample, _REQUIRED, spelling=wallet.spelling)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read every event; what is no action is counted as noise."""
        yield from reader.bulk(path, _LAYOUT)
