"""Token metrics that policies of Azure API Management send: rows of AppMetrics, JSON Lines or CSV.

The policies `llm-emit-token-metric` and `azure-openai-emit-token-metric` send three metrics a call
to Application Insights. The rules:

* `Prompt Tokens` and `Completion Tokens` are recorded, each on its own row; `Total Tokens` is their
  sum again and is not counted. A row may stand for several calls: `ItemCount` says how many.
* Prompt tokens include cached ones, and nobody says how many: the tag `cache_split` says so. Counts
  of streamed answers may be estimates.
* The policy's dimensions become tags; `Subscription ID`, `Product ID`, `User ID` and, where the
  house sends one, `Model` say who used what. Without `Model` the model cannot be told.
* A row is known by its operation, its time and its dimensions; where those agree, two are two.

The log `ApiManagementGatewayLlmLog` of the same gateway says the same call by call, and better: of
the two, ingest one.

Source: source formats note, section 2.3; Microsoft, "Emit metrics for consumption of large language
model tokens" and "AppMetrics", read 2026-11-21.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk import request_logs
from metering.ingest.bulk.checks import WHOLE, missing, texts_without_nul
from metering.ingest.bulk.layout import Fields, Layout, Shared, instant, literal
from metering.ingest.bulk.tags import json_tags
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.record_names import by_names
from metering.ingest.shapes import otlp

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_PROMPT: Final = "Prompt Tokens"
_ANSWER: Final = "Completion Tokens"
_TOTAL: Final = "Total Tokens"
_REQUIRED: Final = ("TimeGenerated", "Name", "Sum", "ItemCount", "Properties")
_FIELDS: Final[Fields] = dict.fromkeys((*_REQUIRED, "OperationId"), "VARCHAR")
_COUNTS: Final = {
    "tokens": ("Sum", otlp.whole("nullif(nullif(\"Sum\", ''), 'null')")),
    "calls": ("ItemCount", otlp.whole("nullif(nullif(ItemCount, ''), 'null')")),
}


def _dimension(name: str) -> str:
    """Return an expression for a dimension of the policy; null where there is none."""
    path = literal(f'$."{name}"')
    return f"nullif(try(json_extract_string(labels, {path})), '')"


_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=_REQUIRED,
    steps=(
        {
            "started": instant("TimeGenerated", zoneless_is_utc=False),
            "labels_text": "nullif(nullif(Properties, ''), 'null')",
        },
        *request_logs.counted(_COUNTS),
    ),
    columns={
        "event_id": request_logs.content_id(
            "OperationId", "TimeGenerated", '"Name"', "tokens_text", "labels_text"
        ),
        "start": "started",
        "grain": "CASE WHEN coalesce(calls_count, 1) = 1 THEN 'request' ELSE 'minute' END",
        "provider": "'azure'",
        "platform": "'azure-openai'",
        "product": "'api'",
        "requests": f"CASE WHEN \"Name\" = '{_PROMPT}' THEN coalesce(calls_count, 1) END",
        "input_uncached": f"CASE WHEN \"Name\" = '{_PROMPT}' THEN tokens_count END",
        "output": f"CASE WHEN \"Name\" = '{_ANSWER}' THEN tokens_count END",
    },
    shared=(
        Shared(
            parts={"labels": "labels_text"},
            steps=(),
            columns={
                "model_raw": _dimension("Model"),
                "api_key": _dimension("Subscription ID"),
                "workspace": _dimension("Product ID"),
                "principal": _dimension("User ID"),
                "tags": request_logs.tags(
                    {request_logs.CACHE_SPLIT_UNKNOWN: "'unknown'"}, json_tags("labels")
                ),
            },
        ),
    ),
    checks=(
        *request_logs.when("TimeGenerated", "TimeGenerated", "started"),
        missing("Sum", WHOLE, "tokens_text"),
        *texts_without_nul((("OperationId", "OperationId"),)),
        request_logs.object_check("Properties", "labels_text"),
        *request_logs.count_checks(_COUNTS),
    ),
    noise=f"""CASE
        WHEN "Name" = '{_TOTAL}' THEN 'totals of what is counted apart'
        WHEN "Name" IS NULL OR "Name" NOT IN ('{_PROMPT}', '{_ANSWER}')
          THEN 'rows of other metrics'
        END""",
    merge=request_logs.NUMBERED,
)


class AzureApimTokenMetrics:
    """One record for the prompts of a row, and one for the answers."""

    name = "azure-apim-token-metrics"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.EVENT
    repeat = Repeat.REJECT
    describes = "Azure API Management: token metrics of its policies, AppMetrics (JSON, CSV)"
    export = "Log Analytics query over AppMetrics for the three token metrics, exported whole"
    cannot_tell = "the model, unless the policy sends it as Model; cached tokens; money"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the columns of the table and the name of a metric."""
        because = "it has the columns of AppMetrics, with token metrics"
        columns = by_names(sample, _REQUIRED, because)
        if not columns.matches:
            return columns
        if not any(name in (sample.head or "") for name in (_PROMPT, _ANSWER, _TOTAL)):
            return Verdict(matches=False, because=f"its first rows have no metric {_TOTAL!r}")
        return columns

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read the counts of every row."""
        yield from reader.bulk(path, _LAYOUT)
