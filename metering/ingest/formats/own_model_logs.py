"""Answers of own OpenAI-compatible servers (vLLM, SGLang, NIM, llama.cpp), logged one on each line.

The rules, from the source formats note (section 5.1 and the table of 0.1, read 2026-11-21):

* `prompt_tokens` includes what came from the cache; `cached_tokens` is there only where the server
  was told to say it. Reasoning lies inside the completion.
* Of a streamed answer only chunks with `usage` count; the others are noise, and so is an answer
  without usage. Where every chunk has it, the largest is the answer's.
* A server may write zeros: such a request counts one `request` meter, to be seen.
* Whoever logs may add `user`, `api_key` and `metadata` (an object, which becomes tags).
* An answer of OpenAI itself looks the same but for its tier and fingerprint: it is rejected, since
  it was billed by OpenAI and not by us.

The role is `metered`, like that of the servers' counters (`inference-server-metrics`): of the two,
one has to be set to `detail`. Nothing has a price until a rate card of the house prices provider
`own` on platform `own-capacity`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk import request_logs
from metering.ingest.bulk.checks import WHOLE, missing, texts_without_nul
from metering.ingest.bulk.layout import Check, Fields, Layout, Shared, literal, name
from metering.ingest.bulk.tags import json_tags
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.marks import has_key
from metering.ingest.record_names import first_object

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_ANSWERS: Final = ("chat.completion", "chat.completion.chunk", "text_completion")
_FOREIGN: Final = {"cost_in_usd_ticks": "xAI", "x_groq": "Groq"}
_FIELDS: Final[Fields] = {
    "id": "VARCHAR",
    "object": "VARCHAR",
    "created": "VARCHAR",
    "model": "VARCHAR",
    "service_tier": "VARCHAR",
    "system_fingerprint": "VARCHAR",
    "user": "VARCHAR",
    "api_key": "VARCHAR",
    "metadata": "VARCHAR",
    "usage": {
        "prompt_tokens": "JSON",
        "completion_tokens": "JSON",
        "total_tokens": "JSON",
        "prompt_tokens_details": {"cached_tokens": "JSON"},
        "completion_tokens_details": {"reasoning_tokens": "JSON"},
    },
}
_COUNTS: Final = {
    "prompt": ("usage.prompt_tokens", "usage.prompt_tokens"),
    "answer": ("usage.completion_tokens", "usage.completion_tokens"),
    "total": ("usage.total_tokens", "usage.total_tokens"),
    "read": ("usage.cached_tokens", "usage.prompt_tokens_details.cached_tokens"),
    "thought": (
        "usage.reasoning_tokens",
        "usage.completion_tokens_details.reasoning_tokens",
    ),
}
_STEPS: Final = (
    {
        "started": request_logs.since_1970("created", request_logs.EPOCH_SECONDS),
        "labels_text": "nullif(nullif(metadata, ''), 'null')",
    },
    *request_logs.counted(_COUNTS),
)
_SHARED: Final = Shared(
    parts={
        "name_of_model": "model",
        "labels": "labels_text",
        "caller": '"user"',
        "key_of_caller": "api_key",
    },
    steps=(),
    columns={
        "model_raw": "name_of_model",
        "api_key": "key_of_caller",
        "principal": "caller",
        "tags": request_logs.tags({}, json_tags("labels")),
    },
)
_COLUMNS: Final = {
    "event_id": "id",
    "start": "started",
    "grain": "'request'",
    "provider": "'own'",
    "platform": "'own-capacity'",
    "product": "'own-capacity'",
    "prompt_tokens": "prompt_count",
    "requests": "1",
    "input_uncached": "prompt_count - coalesce(read_count, 0)",
    "cache_read": "read_count",
    "output": "coalesce(answer_count, 0)",
    "other_meters": request_logs.unseen("prompt_count = 0 AND coalesce(answer_count, 0) = 0"),
    "reasoning": "thought_count",
}
_NOISE: Final = f"""CASE
    WHEN "object" NOT IN ({", ".join(map(literal, _ANSWERS))})
      THEN 'objects of kind ' || left("object", 40)
    WHEN usage IS NULL THEN 'answers and chunks without usage'
    END"""
_CHECKS: Final = (
    missing("object", " or ".join(_ANSWERS)),
    missing("id", "the id that makes a repeat of the answer known"),
    *request_logs.when("created", "created", "started", expected=request_logs.EPOCH_SECONDS),
    missing("usage.prompt_tokens", WHOLE, "usage.prompt_tokens"),
    *texts_without_nul(
        (field, name(field)) for field in ("id", "model", "user", "api_key", "metadata")
    ),
    Check(
        fails="nullif(service_tier, '') IS NOT NULL OR starts_with(system_fingerprint, 'fp_')",
        code="not-an-own-model",
        field="service_tier",
        found="coalesce(nullif(service_tier, ''), system_fingerprint)",
        expected="an answer of an own server, which has neither a tier nor a fingerprint of OpenAI",
        remedy="take it from the provider's usage report; a gateway's log may divide it",
    ),
    request_logs.object_check("metadata", "labels_text"),
    *request_logs.count_checks(_COUNTS),
    request_logs.total_check(
        "usage.total_tokens",
        "total",
        "prompt_count + coalesce(answer_count, 0)",
        "prompt_tokens + completion_tokens",
    ),
    Check(
        fails="read_count > prompt_count",
        code="cached-exceeds-input",
        field="usage.prompt_tokens",
        found="prompt_text",
        expected="at least the tokens read from the cache",
        remedy="the row cannot be metered: ask the operators of the server",
    ),
    Check(
        fails="thought_count > coalesce(answer_count, 0)",
        code="tokens-do-not-add-up",
        field="usage.reasoning_tokens",
        found="thought_text",
        expected="at most completion_tokens",
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
    live=True,
)


class OwnModelLogs:
    """One record per answer with usage; chunks of a stream before it are noise."""

    name = "own-model-logs"
    version = 1
    role = SourceRole.METERED
    identity = Identity.EVENT
    repeat = Repeat.LARGEST
    describes = "OpenAI-compatible answers of own models, one on each line (JSON Lines)"
    export = (
        "what stands in front of the servers logs each answer, with stream_options.include_usage"
    )
    cannot_tell = "money: the house says what its capacity costs; answers that were not logged"

    def identify(self, sample: Sample) -> Verdict:
        """Match on what every answer says of itself."""
        first = first_object(sample)
        for field in ("id", "object", "created", "model"):
            if field not in first:
                return Verdict(matches=False, because=f"its first line has no {field!r}")
        if first["object"] not in _ANSWERS:
            return Verdict(matches=False, because=f"its first line is not {' or '.join(_ANSWERS)}")
        for field, owner in _FOREIGN.items():
            if has_key(sample.head or "", field):
                return Verdict(matches=False, because=f"{field!r} is of {owner}")
        return Verdict(matches=True, because=f"its first line is a {first['object']}")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read the usage of every answer."""
        yield from reader.bulk(path, _LAYOUT)
