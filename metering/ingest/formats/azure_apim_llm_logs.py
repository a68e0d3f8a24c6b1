"""Azure API Management's log of language model calls: rows of ApiManagementGatewayLlmLog.

JSON Lines, a JSON array or CSV, with the columns of the table. The rules, from the source formats
note (section 2.3, read 2026-11-21):

* A large body is split into several rows with one CorrelationId: its tokens count once.
* Prompt tokens include cached ones, and nobody says how many: the tag `cache_split` says so.
* Counts of streamed answers may be estimates.
* The gateway's subscription and product are in another table; where a query has joined them as
  `ApimSubscriptionId` and `ProductId`, they are taken.

The gateway bills nothing: the role is `detail`. The metrics of its policies say the same call
(`azure-apim-token-metrics`).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk import request_logs
from metering.ingest.bulk.checks import WHOLE, missing, texts_without_nul
from metering.ingest.bulk.layout import Fields, Layout, instant
from metering.ingest.bulk.layout import text as said
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.record_names import by_names

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_REQUIRED: Final = (
    "TimeGenerated",
    "CorrelationId",
    "ModelName",
    "PromptTokens",
    "CompletionTokens",
    "TotalTokens",
)
_TEXTS: Final = (
    "CorrelationId",
    "ModelName",
    "DeploymentName",
    "OperationName",
    "Region",
    "ApimSubscriptionId",
    "ProductId",
)
_FIELDS: Final[Fields] = dict.fromkeys((*_REQUIRED, *_TEXTS), "VARCHAR")

_COUNTS: Final = {
    "prompt": ("PromptTokens", "nullif(nullif(PromptTokens, ''), 'null')"),
    "answer": ("CompletionTokens", "nullif(nullif(CompletionTokens, ''), 'null')"),
    "total": ("TotalTokens", "nullif(nullif(TotalTokens, ''), 'null')"),
}
# The rows of one call repeat its counts or leave them out: the one with the most is the call.
_MERGE: Final = """
    SELECT records.* FROM records JOIN (
      SELECT arg_min(row_no, {'less': -(prompt_tokens + output), 'row_no': row_no}) AS row_no
      FROM records GROUP BY event_id) AS kept USING (row_no)"""

_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=_REQUIRED,
    steps=(
        {"started": instant("TimeGenerated", zoneless_is_utc=False)},
        *request_logs.counted(_COUNTS),
    ),
    columns={
        "event_id": "CorrelationId",
        "start": "started",
        "grain": "'request'",
        "provider": "'azure'",
        "platform": "'azure-openai'",
        "product": "'api'",
        "model_raw": "coalesce(nullif(ModelName, ''), nullif(DeploymentName, ''))",
        "prompt_tokens": "prompt_count",
        "api_key": said("ApimSubscriptionId"),
        "workspace": said("ProductId"),
        "tags": request_logs.tags(
            {
                request_logs.CACHE_SPLIT_UNKNOWN: "'unknown'",
                "deployment": "DeploymentName",
                "operation": "OperationName",
                "region": "Region",
            }
        ),
        "requests": "1",
        "failed_requests": "0",
        "input_uncached": "prompt_count",
        "output": "answer_count",
    },
    checks=(
        missing("CorrelationId", "the id that makes the rows of one call known"),
        *request_logs.when("TimeGenerated", "TimeGenerated", "started"),
        missing("PromptTokens", WHOLE, "prompt_text"),
        missing("CompletionTokens", WHOLE, "answer_text"),
        *texts_without_nul((field, field) for field in _TEXTS),
        *request_logs.count_checks(_COUNTS),
        request_logs.total_check(
            "TotalTokens",
            "total",
            "prompt_count + answer_count",
            "PromptTokens + CompletionTokens",
        ),
    ),
    noise=(
        "CASE WHEN coalesce(prompt_text, answer_text, total_text) IS NULL"
        " THEN 'rows without token counts' END"
    ),
    merge=_MERGE,
    merged_noise="further rows of one call",
)


class AzureApimLlmLogs:
    """One record per call through the gateway."""

    name = "azure-apim-llm-logs"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.EVENT
    repeat = Repeat.LARGEST
    describes = "Azure API Management: ApiManagementGatewayLlmLog, counts only (JSON, CSV)"
    export = "Log Analytics query over ApiManagementGatewayLlmLog, without the message columns"
    cannot_tell = "cached tokens; money; exact counts of streamed answers"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the columns of the table."""
        return by_names(sample, _REQUIRED, "it has the columns of ApiManagementGatewayLlmLog")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read the counts of every call; messages are passed over."""
        yield from reader.bulk(path, _LAYOUT)
