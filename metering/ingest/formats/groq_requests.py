"""Answers of Groq's API as a gateway or a program logged them, one request each, as JSON Lines.

Groq has no usage export: of what it bills, single answers are all that can be had. They look like
OpenAI's but for `x_groq`.

* What was read from the cache is inside the prompt; reasoning is inside the completion.
* Of a streamed answer only the last chunk has usage, inside `x_groq`; the others are noise.
* The tier `on_demand` is what everybody pays; others are kept as they are spelled.
* Whoever logs may add `user`, `api_key` and `metadata` (an object, which becomes tags).

A log holds what went through one program, so it is detail; where nothing else is to be had of an
account, `[roles]` in metering.toml makes it metered.

Source: Groq's own client libraries, "CompletionUsage" and "XGroq", read 2026-11-21.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk import request_logs
from metering.ingest.bulk.checks import WHOLE, missing, texts_without_nul
from metering.ingest.bulk.layout import Check, Fields, Layout, Shared, name
from metering.ingest.bulk.layout import text as said
from metering.ingest.bulk.tags import json_tags
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.marks import by_keys

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_MARK: Final = "x_groq"
_USAGE: Final[Fields] = {
    "prompt_tokens": "JSON",
    "completion_tokens": "JSON",
    "total_tokens": "JSON",
    "prompt_tokens_details": {"cached_tokens": "JSON"},
    "completion_tokens_details": {"reasoning_tokens": "JSON"},
}
_FIELDS: Final[Fields] = {
    "id": "VARCHAR",
    "created": "VARCHAR",
    "model": "VARCHAR",
    "service_tier": "VARCHAR",
    "user": "VARCHAR",
    "api_key": "VARCHAR",
    "metadata": "VARCHAR",
    "usage": _USAGE,
    _MARK: {"usage": _USAGE},
}
_COUNTED: Final = {
    "prompt": ("usage.prompt_tokens", "prompt_tokens"),
    "answer": ("usage.completion_tokens", "completion_tokens"),
    "total": ("usage.total_tokens", "total_tokens"),
    "read": ("usage.cached_tokens", "prompt_tokens_details.cached_tokens"),
    "thought": ("usage.reasoning_tokens", "completion_tokens_details.reasoning_tokens"),
}
_COUNTS: Final = {
    count: (field, f"coalesce(usage.{place}, {_MARK}.usage.{place})")
    for count, (field, place) in _COUNTED.items()
}
_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=(),
    steps=(
        {
            "started": request_logs.since_1970("created", request_logs.EPOCH_SECONDS),
            "labels_text": "nullif(nullif(metadata, ''), 'null')",
        },
        *request_logs.counted(_COUNTS),
    ),
    columns={
        "event_id": "id",
        "start": "started",
        "grain": "'request'",
        "provider": "'groq'",
        "platform": "'groq-api'",
        "product": "'api'",
        "service_tier": "nullif(nullif(service_tier, ''), 'on_demand')",
        "prompt_tokens": "prompt_count",
        "api_key": said("api_key"),
        "principal": said('"user"'),
        "requests": "1",
        "input_uncached": "prompt_count - coalesce(read_count, 0)",
        "cache_read": "coalesce(read_count, 0)",
        "output": "answer_count",
        "reasoning": "thought_count",
    },
    shared=(
        Shared(
            parts={"name_of_model": "model", "labels": "labels_text"},
            steps=(),
            columns={
                "model_raw": "name_of_model",
                "tags": request_logs.tags({}, json_tags("labels")),
            },
        ),
    ),
    checks=(
        missing("id", "the id that makes a repeat of the answer known"),
        *request_logs.when("created", "created", "started", expected=request_logs.EPOCH_SECONDS),
        missing("usage.prompt_tokens", WHOLE, "prompt_text"),
        missing("usage.completion_tokens", WHOLE, "answer_text"),
        *texts_without_nul(
            (field, name(field))
            for field in ("id", "model", "service_tier", "user", "api_key", "metadata")
        ),
        request_logs.object_check("metadata", "labels_text"),
        *request_logs.count_checks(_COUNTS),
        request_logs.total_check(
            "usage.total_tokens",
            "total",
            "prompt_count + answer_count",
            "prompt_tokens + completion_tokens",
        ),
        Check(
            fails="read_count > prompt_count",
            code="cached-exceeds-input",
            field="usage.prompt_tokens",
            found="prompt_text",
            expected="at least the tokens read from the cache",
        ),
        Check(
            fails="thought_count > answer_count",
            code="tokens-do-not-add-up",
            field="usage.reasoning_tokens",
            found="thought_text",
            expected="at most usage.completion_tokens, which includes it",
        ),
    ),
    noise=(
        f"CASE WHEN coalesce(usage.prompt_tokens, {_MARK}.usage.prompt_tokens) IS NULL"
        f" AND coalesce(usage.completion_tokens, {_MARK}.usage.completion_tokens) IS NULL"
        " THEN 'answers and chunks without usage' END"
    ),
    live=True,
)


class GroqRequests:
    """One record per answer with usage; chunks of a stream before it are noise."""

    name = "groq-requests"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.EVENT
    repeat = Repeat.REJECT
    describes = "Groq answers as logged by a program, since Groq exports nothing (JSON Lines)"
    export = "log every answer of api.groq.com: id, created, model, usage, x_groq, one on each line"
    cannot_tell = "money; what went past the program that logged; seconds of audio"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the member that only Groq adds to an answer."""
        marks = (_MARK, "created", "model")
        return by_keys(sample, marks, {}, "its answers are of Groq")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read the usage of every answer."""
        yield from reader.bulk(path, _LAYOUT)
