"""Logged responses of the Gemini API: JSON Lines, one response or chunk of one on each line.

What applications write when they log a response without its content: `responseId`, `modelVersion`,
`usageMetadata`, and when it was (`createTime` or `timestamp`). Labels, an object of texts, become
tags. How tokens are counted is said in `gemini_tokens`. Chunks of a streamed response repeat its id
with growing counts: the largest is the response. A tier in the metadata is not looked at, because
batch responses carry the standard one.

There is no money in it and no key: the role is `detail`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk import request_logs
from metering.ingest.bulk.checks import missing, texts_without_nul
from metering.ingest.bulk.layout import Fields, Layout, Shared, instant
from metering.ingest.bulk.tags import json_tags
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats import gemini_tokens
from metering.ingest.record_names import names_in

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_EITHER: Final = {
    "usageMetadata": "usage_metadata",
    "responseId": "response_id",
    "modelVersion": "model_version",
    "createTime": "create_time",
}
_FIELDS: Final[Fields] = dict.fromkeys(
    (*_EITHER, *_EITHER.values(), "model", "timestamp", "labels"), "VARCHAR"
)


def _spelt(field: str) -> str:
    return f"coalesce(nullif({field}, ''), nullif({_EITHER[field]}, ''))"


_STEPS: Final = (
    {
        "usage_text": f"nullif({_spelt('usageMetadata')}, 'null')",
        "id": _spelt("responseId"),
        "name_of_model": f"coalesce({_spelt('modelVersion')}, nullif(model, ''))",
        "when_text": f"coalesce({_spelt('createTime')}, nullif(\"timestamp\", ''))",
        "labels_text": "nullif(labels, 'null')",
    },
    {"started": instant("when_text", zoneless_is_utc=False)},
    *gemini_tokens.STEPS,
)
_SHARED: Final = Shared(
    parts={"of_model": "name_of_model", "of_labels": "labels_text"},
    steps=({"tag_map": request_logs.tags({}, json_tags("of_labels"))},),
    columns={
        # Vertex AI names its models by their path.
        "platform": (
            "CASE WHEN contains(of_model, 'publishers/') OR starts_with(of_model, 'projects/')"
            " THEN 'vertex-ai' ELSE 'gemini-api' END"
        ),
        "model_raw": "of_model",
        "workflow_key": "tag_map['workflow']",
        "tags": "tag_map",
    },
)

_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=(),
    steps=_STEPS,
    columns={
        "event_id": "id",
        "start": "started",
        "grain": "'request'",
        "provider": "'google'",
        "product": "'api'",
        "requests": "1",
        "failed_requests": "0",
        **gemini_tokens.COLUMNS,
    },
    shared=(_SHARED,),
    checks=(
        missing("responseId", "the id that makes a repeat of the response known", "id"),
        missing("modelVersion", "the model that answered", "name_of_model"),
        *request_logs.when("createTime", "when_text", "started"),
        *texts_without_nul((("responseId", "id"), ("modelVersion", "name_of_model"))),
        request_logs.object_check("labels", "labels_text"),
        *gemini_tokens.CHECKS,
    ),
    noise="CASE WHEN usage_text IS NULL THEN 'lines without usage' END",
)


class GeminiUsageLogs:
    """One record per response, from the largest of its chunks."""

    name = "gemini-usage-logs"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.EVENT
    repeat = Repeat.LARGEST
    describes = "Gemini API: logged responses, usageMetadata only (JSON Lines)"
    export = "log responseId, modelVersion, createTime and usageMetadata of each response"
    cannot_tell = "money; users; the service tier that was billed"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the usage and the id of a response, in either spelling."""
        names = names_in(sample)
        for field in ("usageMetadata", "responseId"):
            if names.isdisjoint((field, _EITHER[field])):
                return Verdict(matches=False, because=f"its objects lack {field!r}")
        return Verdict(matches=True, because="its objects are responses with their usage")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read the usage of every line; what was asked and answered is passed over."""
        yield from reader.bulk(path, _LAYOUT)
