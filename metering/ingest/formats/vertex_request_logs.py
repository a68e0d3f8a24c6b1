"""Request-response logs of Vertex AI, as exported from BigQuery: JSON Lines or a JSON array.

Only the counts in `full_response` are taken; requests and responses are never looked at. Of a
streamed response, which is a list of chunks, the last usage counts. What the note on source formats
knows of this log is the names of its columns (section 3.2, read 2026-11-21), from memory: a row
whose response has no `usageMetadata` in the place it has in the API is counted as noise. How tokens
are counted is said in `gemini_tokens`.

A log with a sampling rate below 1 holds a part of the requests and no sign of it: the role is
`detail`, which divides metered money and never adds to it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk import request_logs
from metering.ingest.bulk.checks import missing, texts_without_nul
from metering.ingest.bulk.layout import Fields, Layout, instant
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats import gemini_tokens
from metering.ingest.record_names import by_names

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_TELLING: Final = ("endpoint", "logging_time", "request_id", "full_response", "model")
_FIELDS: Final[Fields] = dict.fromkeys((*_TELLING, "model_version", "deployed_model_id"), "VARCHAR")

_OF_CHUNKS: Final = (
    "list_filter(try(json_extract(full_response, '$[*].usageMetadata')),"
    " lambda one: one IS NOT NULL AND one::VARCHAR <> 'null')[-1]::VARCHAR"
)
_STEPS: Final = (
    {
        "usage_text": (
            f"nullif(CASE WHEN starts_with(ltrim(full_response), '[') THEN {_OF_CHUNKS}"
            " ELSE try(json_extract(full_response, '$.usageMetadata'))::VARCHAR END, 'null')"
        ),
        "when_text": "replace(logging_time, ' UTC', 'Z')",
    },
    {"started": instant("when_text", zoneless_is_utc=False)},
    *gemini_tokens.STEPS,
)

_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=_TELLING,
    steps=_STEPS,
    columns={
        "event_id": "request_id",
        "start": "started",
        "grain": "'request'",
        "provider": "'google'",
        "platform": "'vertex-ai'",
        "product": "'api'",
        "model_raw": "coalesce(nullif(model, ''), nullif(model_version, ''))",
        "tags": request_logs.tags({"endpoint": "endpoint"}),
        "requests": "1",
        "failed_requests": "0",
        **gemini_tokens.COLUMNS,
    },
    checks=(
        missing("request_id", "the id that makes a repeat of the request known"),
        missing("model", "the model that answered", "concat(model, model_version)"),
        *request_logs.when("logging_time", "when_text", "started"),
        *texts_without_nul((field, field) for field in ("request_id", "model", "endpoint")),
        *gemini_tokens.CHECKS,
    ),
    noise="CASE WHEN usage_text IS NULL THEN 'responses without usageMetadata' END",
)


class VertexRequestLogs:
    """One row per logged request of a model of Google's."""

    name = "vertex-request-logs"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.EVENT
    repeat = Repeat.REJECT
    describes = "Vertex AI: request-response logs from BigQuery, counts only (JSON)"
    export = "bq extract of the request-response logging table, as newline-delimited JSON"
    cannot_tell = "money; users; what sampling left out"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the columns of the logging table."""
        return by_names(sample, _TELLING, "its rows are of the request-response log")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read the usage of every response; contents are passed over."""
        yield from reader.bulk(path, _LAYOUT)
