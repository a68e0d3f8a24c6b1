"""Output files of OpenAI's Batch API: JSON Lines, one answer to a line.

The usage of an answer has the form of its endpoint: `prompt_tokens` of chat completions or
`input_tokens` of responses. Cached and cache-write tokens are inside input, reasoning is inside
output. The same requests are in the usage API (`batch` true), so the role is `detail`, which
divides that money by `custom_id`.

An answer says when it was made in `created` or `created_at`; those of embeddings do not, and are
refused. A request that failed has no usage and is counted as noise. What was asked and answered is
never looked at.

Source: source formats note, section 1.5, read 2026-11-21; OpenAI's API reference, "Batch".
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk.checks import WHOLE, missing, readable, texts_without_nul
from metering.ingest.bulk.layout import Check, Fields, Layout, whole_number
from metering.ingest.bulk.layout import text as said
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_INPUT_PARTS: Final = {
    "cached_tokens": "JSON",
    "cache_write_tokens": "JSON",
    "audio_tokens": "JSON",
    "image_tokens": "JSON",
}
_OUTPUT_PARTS: Final = {"reasoning_tokens": "JSON", "audio_tokens": "JSON"}
_FIELDS: Final[Fields] = {
    "id": "VARCHAR",
    "custom_id": "VARCHAR",
    "error": "JSON",
    "response": {
        "status_code": "JSON",
        "body": {
            "created": "JSON",
            "created_at": "JSON",
            "model": "VARCHAR",
            "service_tier": "VARCHAR",
            "usage": {
                "prompt_tokens": "JSON",
                "completion_tokens": "JSON",
                "input_tokens": "JSON",
                "output_tokens": "JSON",
                "prompt_tokens_details": _INPUT_PARTS,
                "input_tokens_details": _INPUT_PARTS,
                "completion_tokens_details": _OUTPUT_PARTS,
                "output_tokens_details": _OUTPUT_PARTS,
            },
        },
    },
}
_TELLING: Final = ("id", "custom_id", "response", "error")


def _either(chat: str, responses: str) -> str:
    return f"coalesce(used.{chat}, used.{responses})"


def _part(side: tuple[str, str], name: str) -> str:
    return _either(*(f"{one}_tokens_details.{name}" for one in side))


_IN: Final = ("prompt", "input")
_OUT: Final = ("completion", "output")
# What is counted: as a reader of the file would look for it, and where it stands.
_COUNTS: Final = {
    "input": ("usage.input_tokens", _either("prompt_tokens", "input_tokens")),
    "output": ("usage.output_tokens", _either("completion_tokens", "output_tokens")),
    "cached": ("input_tokens_details.cached_tokens", _part(_IN, "cached_tokens")),
    "written": ("input_tokens_details.cache_write_tokens", _part(_IN, "cache_write_tokens")),
    "audio_in": ("input_tokens_details.audio_tokens", _part(_IN, "audio_tokens")),
    "image_in": ("input_tokens_details.image_tokens", _part(_IN, "image_tokens")),
    "reasoned": ("output_tokens_details.reasoning_tokens", _part(_OUT, "reasoning_tokens")),
    "audio_out": ("output_tokens_details.audio_tokens", _part(_OUT, "audio_tokens")),
}
_CREATED: Final = "response.body.created"
_UNIX_SECONDS: Final = "whole seconds since 1970, from 2000 to 2099"
_EARLIEST, _LATEST = 946_684_800, 4_102_444_800

_STEPS: Final = (
    {
        "used": "response.body.usage",
        "created_text": "coalesce(response.body.created, response.body.created_at)::VARCHAR",
        "has_failed": (
            "coalesce(error::VARCHAR, 'null') <> 'null'"
            " OR coalesce(response.status_code::VARCHAR, '200') <> '200'"
        ),
    },
    {
        **{f"{count}_text": f"({value})::VARCHAR" for count, (_, value) in _COUNTS.items()},
        "created": whole_number("created_text"),
    },
    {
        **{count: whole_number(f"{count}_text") for count in _COUNTS},
        "started": (
            f"CASE WHEN created >= {_EARLIEST} AND created < {_LATEST} THEN to_timestamp(created)"
            " END"
        ),
    },
    {
        "spent": "coalesce(cached, 0) + coalesce(written, 0)",
        "is_mixed": "coalesce(audio_in, 0) + coalesce(image_in, 0) + coalesce(audio_out, 0) > 0",
    },
)

_COLUMNS: Final = {
    "event_id": "id",
    "start": "started",
    "grain": "'request'",
    "provider": "'openai'",
    "platform": "'openai-api'",
    "product": "'api'",
    "model_raw": said("response.body.model"),
    "service_tier": said("response.body.service_tier"),
    "processing": "'batch'",
    "prompt_tokens": "input",
    # Audio and image tokens are not told apart by cached and new, so no rate for text applies.
    "conditions": """CASE WHEN is_mixed THEN '{"modality":"mixed"}' END""",
    "tags": "CASE WHEN custom_id <> '' THEN map(['custom_id'], [custom_id]) END",
    "requests": "1",
    "input_uncached": "input - spent",
    "cache_read": "coalesce(cached, 0)",
    "cache_write_30m": "nullif(written, 0)",
    "output": "output",
    "reasoning": "reasoned",
}

_CHECKS: Final = (
    missing("id", "the id of the answer"),
    missing(_CREATED, _UNIX_SECONDS, "created_text"),
    readable(_CREATED, "created_text", "started", "bad-instant", _UNIX_SECONDS),
    *texts_without_nul((field, field) for field in ("id", "custom_id", "response.body.model")),
    missing(_COUNTS["input"][0], WHOLE, "input_text"),
    missing(_COUNTS["output"][0], WHOLE, "output_text"),
    *(
        readable(field, f"{count}_text", count, "bad-quantity", WHOLE)
        for count, (field, _) in _COUNTS.items()
    ),
    Check(
        fails="spent > input",
        code="cached-exceeds-input",
        field=_COUNTS["cached"][0],
        found="spent || ' with cache writes'",
        expected="at most the input",
        quotes=False,
    ),
)

_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=(),
    steps=_STEPS,
    columns=_COLUMNS,
    checks=_CHECKS,
    noise=(
        "CASE WHEN has_failed THEN 'requests that failed'"
        " WHEN response IS NOT NULL AND used IS NULL THEN 'answers without usage' END"
    ),
)


class OpenAiBatchOutput:
    """One record per answer."""

    name = "openai-batch-output"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.EVENT
    repeat = Repeat.REJECT
    describes = "OpenAI Batch API output files: usage of each answer (JSON Lines)"
    export = "GET /v1/files/{output_file_id}/content of a finished batch"
    cannot_tell = "keys, projects and money; when an embedding was made"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the fields of every line."""
        if any(_is_answer(line) for line in (sample.lines or (sample.head or "",))[:1]):
            return Verdict(matches=True, because="its lines are answers of a batch")
        return Verdict(matches=False, because="its first line has no 'custom_id' and 'response'")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read the usage of every answer."""
        yield from reader.bulk(path, _LAYOUT)


def _is_answer(line: str) -> bool:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return line.startswith("{") and all(f'"{field}"' in line for field in _TELLING[:3])
    return isinstance(fields, dict) and all(field in fields for field in _TELLING)
