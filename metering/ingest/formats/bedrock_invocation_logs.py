"""Model invocation logs of Amazon Bedrock: JSON Lines, one object per call.

Only identities and token counts are taken; what was asked and answered stands in the same object
and is never looked at. The rules, from the source formats note (section 1.2, read 2026-11-21):

* Input tokens leave out what was read from and written to the cache; the prompt is all three. How
  long a cache write lives is not said.
* A call is one account, region and request id, whether it came by S3 or by CloudWatch.
* A log shipper may have flattened the names: `input.inputTokenCount` as one name.
* `modelId` may be an inference profile or an ARN that hides the model; it stays as it is spelled.
* `requestMetadata` is said by the caller; it becomes tags.
* A call that failed has no counts. One that succeeded without any (images, some vendors) counts one
  `request` meter, so that it is seen.

The log knows no money, no discount and no route: the role is `detail`, which divides what the bill
says and never adds to it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk import request_logs
from metering.ingest.bulk.checks import missing, texts_without_nul
from metering.ingest.bulk.layout import Check, Fields, Layout, Shared, instant
from metering.ingest.bulk.layout import text as said
from metering.ingest.bulk.tags import json_tags
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.record_names import by_names

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_KIND: Final = "ModelInvocationLog"
_TELLING: Final = ("schemaType", "requestId", "modelId", "operation")
_FIELDS: Final[Fields] = {
    "schemaType": "VARCHAR",
    "timestamp": "VARCHAR",
    "accountId": "VARCHAR",
    "identity": {"arn": "VARCHAR"},
    "region": "VARCHAR",
    "inferenceRegion": "VARCHAR",
    "requestId": "VARCHAR",
    "operation": "VARCHAR",
    "modelId": "VARCHAR",
    "input": {
        "inputTokenCount": "JSON",
        "cacheReadInputTokenCount": "JSON",
        "cacheWriteInputTokenCount": "JSON",
    },
    "output": {"outputTokenCount": "JSON"},
    "requestMetadata": "VARCHAR",
    "errorCode": "VARCHAR",
    # As a log shipper flattens them.
    "identity.arn": "VARCHAR",
    "input.inputTokenCount": "JSON",
    "input.cacheReadInputTokenCount": "JSON",
    "input.cacheWriteInputTokenCount": "JSON",
    "output.outputTokenCount": "JSON",
}


def _nested_or_flat(part: str, field: str) -> tuple[str, str]:
    return f"{part}.{field}", f'coalesce({part}.{field}, "{part}.{field}")'


_COUNTS: Final = {
    "fresh": _nested_or_flat("input", "inputTokenCount"),
    "read": _nested_or_flat("input", "cacheReadInputTokenCount"),
    "written": _nested_or_flat("input", "cacheWriteInputTokenCount"),
    "answer": _nested_or_flat("output", "outputTokenCount"),
}
_NOISE: Final = (
    f"CASE WHEN nullif(schemaType, '') <> '{_KIND}' THEN 'records that are no model invocation' END"
)
_STEPS: Final = (
    {
        "started": instant('"timestamp"', zoneless_is_utc=False),
        "failed": "coalesce(errorCode <> '', false)",
        "arn": _nested_or_flat("identity", "arn")[1],
        "metadata_text": "nullif(requestMetadata, 'null')",
    },
    *request_logs.counted(_COUNTS),
    {
        "is_counted": "coalesce(fresh_count, read_count, written_count, answer_count) IS NOT NULL",
        "prompt_count": ("fresh_count + coalesce(read_count, 0) + coalesce(written_count, 0)"),
    },
)
_SHARED: Final = Shared(
    parts={
        "model": "modelId",
        "called": "region",
        "ran": "inferenceRegion",
        "account": "accountId",
        "caller": "arn",
        "labels": "metadata_text",
    },
    steps=(
        {"profile": r"regexp_extract(model, '^(us|eu|apac|jp|au|ca|in|global)\.', 1)"},
        # Where it ran is no condition of a price: the profile says whether it could be anywhere.
        {"tag_map": request_logs.tags({"region": "coalesce(ran, called)"}, json_tags("labels"))},
    ),
    columns={
        "model_raw": "model",
        "endpoint_scope": (
            "CASE WHEN profile = 'global' THEN 'global' WHEN profile <> '' THEN 'geo' END"
        ),
        "workspace": "account",
        "principal": "caller",
        "workflow_key": "tag_map['workflow']",
        "tags": "tag_map",
    },
)
_COLUMNS: Final = {
    "event_id": "concat_ws('/', accountId, region, requestId)",
    "start": "started",
    "grain": "'request'",
    "provider": "'aws'",
    "platform": "'bedrock'",
    "product": "'api'",
    "prompt_tokens": "prompt_count",
    "requests": "1",
    "failed_requests": "failed::INT",
    "input_uncached": "fresh_count",
    "cache_read": "read_count",
    "cache_write_unknown": "nullif(written_count, 0)",
    "output": "answer_count",
    "other_meters": request_logs.unseen("NOT failed AND NOT is_counted"),
}


def _id(field: str, value: str) -> Check:
    # The three parts of the id are joined by "/".
    return Check(
        fails=f"contains({value}, '/')",
        code="bad-text",
        field=field,
        found=value,
        expected="an id without '/'",
        empty_is_null=True,
    )


_CHECKS: Final = (
    missing("schemaType", _KIND),
    *(missing(field, "a part of the id of the call") for field in ("accountId", "region")),
    missing("requestId", "a part of the id of the call"),
    *(_id(field, field) for field in ("accountId", "region", "requestId")),
    *texts_without_nul(
        (
            *((field, field) for field in ("accountId", "region", "requestId", "modelId")),
            ("inferenceRegion", "inferenceRegion"),
            ("identity.arn", "arn"),
        )
    ),
    *request_logs.when("timestamp", '"timestamp"', "started"),
    missing("modelId", "the model or inference profile that was called", said("modelId")),
    request_logs.object_check("requestMetadata", "metadata_text"),
    *request_logs.count_checks(_COUNTS),
    Check(
        fails="fresh_count IS NULL AND (read_count > 0 OR written_count > 0)",
        code="missing-field",
        field="input.inputTokenCount",
        found="'nothing'",
        expected="a count, where cache tokens are counted",
        quotes=False,
    ),
)

_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=(),
    steps=_STEPS,
    columns=_COLUMNS,
    shared=(_SHARED,),
    checks=_CHECKS,
    noise=_NOISE,
)


class BedrockInvocationLogs:
    """One row per call of a model, failed ones included."""

    name = "bedrock-invocation-logs"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.EVENT
    repeat = Repeat.REJECT
    describes = "Amazon Bedrock: model invocation logs, counts only (JSON Lines)"
    export = "Bedrock > Settings > Model invocation logging to S3; BedrockModelInvocationLogs/**"
    cannot_tell = "money; the lifetime of cache writes; the model behind an inference profile"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the fields that stand on every line; what the schema is called is one."""
        return by_names(sample, _TELLING, "its objects are invocations of a model")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read the counts of every call; bodies are passed over."""
        yield from reader.bulk(path, _LAYOUT)
