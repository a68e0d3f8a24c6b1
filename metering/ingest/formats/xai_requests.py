"""Answers of xAI's API as a gateway or a program logged them, one request each, as JSON Lines.

`cost_in_usd_ticks` is what xAI charged, fees of its tools included, in units of 10⁻¹⁰ dollars. What
was read from the cache is inside the prompt. Reasoning is inside the completion, or beside it where
the total says so. A log holds what went through one program, so it is detail.

Source: source formats note, sections 0.1 and 3.1, read 2026-11-21; xAI's `usage.proto`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk.checks import WHOLE, missing, readable, texts_without_nul
from metering.ingest.bulk.layout import Check, Fields, Layout, whole_number
from metering.ingest.bulk.layout import text as said
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.marks import by_keys

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_FIELDS: Final[Fields] = {
    "id": "VARCHAR",
    "created": "JSON",
    "model": "VARCHAR",
    "usage": {
        "prompt_tokens": "JSON",
        "completion_tokens": "JSON",
        "reasoning_tokens": "JSON",
        "total_tokens": "JSON",
        "cached_prompt_text_tokens": "JSON",
        "prompt_tokens_details": {"cached_tokens": "JSON"},
        "completion_tokens_details": {"reasoning_tokens": "JSON"},
        "cost_in_usd_ticks": "JSON",
    },
}
# What is counted, what a message calls it, and where it may stand.
_COUNTS: Final = {
    "created": ("created", "created"),
    "prompt": ("usage.prompt_tokens", "usage.prompt_tokens"),
    "completion": ("usage.completion_tokens", "usage.completion_tokens"),
    "reasoning": (
        "usage.reasoning_tokens",
        "coalesce(usage.reasoning_tokens, usage.completion_tokens_details.reasoning_tokens)",
    ),
    "total": ("usage.total_tokens", "usage.total_tokens"),
    "cached": (
        "usage.cached_prompt_text_tokens",
        "coalesce(usage.cached_prompt_text_tokens, usage.prompt_tokens_details.cached_tokens)",
    ),
    "ticks": ("usage.cost_in_usd_ticks", "usage.cost_in_usd_ticks"),
}
_TEXTS: Final = ("id", "model")
_EARLIEST, _LATEST = 946_684_800, 4_102_444_800  # 2000 to 2099, in seconds
_SECONDS: Final = "whole seconds since 1970, from 2000 to 2099"

_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=(),
    steps=(
        {
            f"{count}_text": f"nullif(({source})::VARCHAR, 'null')"
            for count, (_, source) in _COUNTS.items()
        },
        {f"{count}_count": whole_number(f"{count}_text") for count in _COUNTS},
        {
            "is_beside": (
                "coalesce(total_count = prompt_count + completion_count + reasoning_count, false)"
            ),
            "started": (
                f"CASE WHEN created_count BETWEEN {_EARLIEST} AND {_LATEST - 1}"
                " THEN to_timestamp(created_count) END"
            ),
        },
        {"written_count": "completion_count + CASE WHEN is_beside THEN reasoning_count ELSE 0 END"},
    ),
    columns={
        "event_id": "id",
        "start": "started",
        "grain": "'request'",
        "provider": "'xai'",
        "platform": "'xai-api'",
        "product": "'api'",
        "model_raw": said("model"),
        "prompt_tokens": "prompt_count",
        "requests": "1",
        "input_uncached": "prompt_count - coalesce(cached_count, 0)",
        "cache_read": "coalesce(cached_count, 0)",
        "output": "written_count",
        "reasoning": "reasoning_count",
        # Ten ticks are a nano; the rest is rounded half to even.
        "reported_nanos": (
            "ticks_count // 10 + (ticks_count % 10 > 5"
            " OR ticks_count % 10 = 5 AND (ticks_count // 10) % 2 = 1)::INT"
        ),
        "reported_currency": "CASE WHEN ticks_count IS NOT NULL THEN 'USD' END",
        "reported_kind": "CASE WHEN ticks_count IS NOT NULL THEN 'billed' END",
    },
    checks=(
        missing("id", "the id that makes a repeat of the row known"),
        *(
            missing(_COUNTS[count][0], WHOLE, f"{count}_text")
            for count in ("created", "prompt", "completion")
        ),
        *texts_without_nul((text, text) for text in _TEXTS),
        *(
            readable(field, f"{count}_text", f"{count}_count", "bad-quantity", WHOLE)
            for count, (field, _) in _COUNTS.items()
        ),
        Check(
            fails="started IS NULL",
            code="bad-instant",
            field="created",
            found="created_text",
            expected=_SECONDS,
        ),
        Check(
            fails="coalesce(cached_count, 0) > prompt_count",
            code="cached-exceeds-input",
            field="usage.cached_prompt_text_tokens",
            found="cached_text",
            expected="at most usage.prompt_tokens",
        ),
        Check(
            fails="NOT is_beside AND total_count <> prompt_count + completion_count",
            code="tokens-do-not-add-up",
            field="usage.total_tokens",
            found="total_text",
            expected="prompt and completion, with or without reasoning",
        ),
        Check(
            fails="coalesce(reasoning_count, 0) > written_count",
            code="tokens-do-not-add-up",
            field="usage.reasoning_tokens",
            found="reasoning_text",
            expected="at most usage.completion_tokens, or beside it in usage.total_tokens",
        ),
    ),
)


class XaiRequests:
    """One record per answer."""

    name = "xai-requests"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.EVENT
    repeat = Repeat.REJECT
    describes = "xAI answers as logged by a program, with what each was charged (JSON Lines)"
    export = "log every answer of api.x.ai: id, created, model and usage, one on each line"
    cannot_tell = "what went past the program that logged"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the cost in ticks, which nobody else gives."""
        marks = ("usage", "created", "cost_in_usd_ticks")
        return by_keys(sample, marks, {}, "its answers have a cost in ticks")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read the usage of every answer."""
        yield from reader.bulk(path, _LAYOUT)
