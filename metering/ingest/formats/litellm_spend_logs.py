"""Spend logs of the LiteLLM proxy: one row per request, as JSON Lines, a JSON array or a CSV table.

The rules, from the source formats note (section 4.1, read 2026-11-21) and LiteLLM's schema:

* `prompt_tokens` includes cache reads and cache writes, for every provider. What was read and
  written stands in `metadata` alone; uncached input is what is left.
* `metadata` and `request_tags` are JSON or JSON inside a string, depending on the route.
* A time without an offset is UTC.
* `spend` is what LiteLLM's price map made of it at the time: an estimate, never a bill.
* `api_key` and `team_id` are given by the gateway; `end_user` and the tags are said by the caller,
  so `end_user` is a tag, and a tag of the caller cannot take the name of one of the gateway's.
* A response from the gateway's own cache cost nothing at the provider: it counts as a request, has
  no tokens and carries the tag `gateway_cache_hit`.
* A request that succeeded and has no tokens (images, speech, transcription) counts one `request`
  meter, so that it is unpriced and seen, instead of free and invisible.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk.checks import missing, texts_without_nul
from metering.ingest.bulk.layout import Check, Layout, name
from metering.ingest.bulk.layout import text as said
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats.litellm_fields import COUNTS, FIELDS, STEPS
from metering.ingest.formats.litellm_identity import SHARED
from metering.ingest.record_names import by_names

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_REQUIRED: Final = (
    "request_id",
    "call_type",
    "startTime",
    "model",
    "prompt_tokens",
    "completion_tokens",
    "custom_llm_provider",
    "metadata",
)

_INSTANT: Final = "an instant as YYYY-MM-DD HH:MM:SS, in UTC or with its offset, from 2000 to 2099"
_WHOLE: Final = "a whole number, 0 or more, of at most 18 digits, without quotes or separators"

# OpenAI keeps what was written for half an hour; others say how long, or it is not known.
_WRITES_FOR_30M: Final = "custom_llm_provider IN ('openai', 'azure')"

_COLUMNS: Final = {
    "event_id": "request_id",
    "start": "started",
    "end": "ended",
    "grain": "'request'",
    "product": "'api'",
    "service_tier": said("coalesce(used.service_tier, facts.service_tier)"),
    "speed": said("used.speed"),
    "prompt_tokens": "prompt_count",
    "conditions": (
        "CASE WHEN used.inference_geo <> ''"
        " THEN to_json({'inference_geo': used.inference_geo})::VARCHAR END"
    ),
    "principal": said('"user"'),
    "session": said("session_id"),
    "requests": "1",
    "failed_requests": "failed::INT",
    "input_uncached": (
        "CASE WHEN metered THEN prompt_count - cached_count - coalesce(audio_in_count, 0) END"
    ),
    "cache_read": "CASE WHEN metered THEN coalesce(read_count, 0) END",
    "cache_write_5m": "CASE WHEN metered THEN nullif(written_5m_count, 0) END",
    "cache_write_1h": "CASE WHEN metered THEN nullif(written_1h_count, 0) END",
    "cache_write_30m": (
        f"CASE WHEN metered AND NOT written_by_age AND {_WRITES_FOR_30M}"
        " THEN nullif(written_count, 0) END"
    ),
    "cache_write_unknown": (
        f"CASE WHEN metered AND NOT written_by_age AND NOT ({_WRITES_FOR_30M})"
        " THEN nullif(written_count, 0) END"
    ),
    "output": "CASE WHEN metered THEN output_count - coalesce(audio_out_count, 0) END",
    "other_meters": (
        "CASE WHEN metered AND"
        " (audio_in_count > 0 OR audio_out_count > 0 OR searches_count > 0 OR unseen_request)"
        " THEN map_from_entries(list_filter(["
        "{'name': 'input_audio_uncached', 'quantity': audio_in_count},"
        " {'name': 'output_audio', 'quantity': audio_out_count},"
        " {'name': 'web_search', 'quantity': searches_count},"
        " {'name': 'request', 'quantity': unseen_request::BIGINT}],"
        " lambda entry: entry.quantity > 0)) END"
    ),
    "reasoning": "CASE WHEN metered THEN thought_count END",
    "reported_nanos": "spent_nanos",
}

# Columns of the row that become identity or tags: what is stored there must be storable anywhere.
_TEXTS: Final = (
    "request_id",
    "model",
    "custom_llm_provider",
    "api_key",
    "user",
    "team_id",
    "end_user",
    "session_id",
)


def _count_checks() -> Iterator[Check]:
    for count, (field, _) in COUNTS.items():
        yield Check(
            fails=f"{count}_text IS NOT NULL AND {count}_count IS NULL",
            code="bad-quantity",
            field=field,
            found=f"{count}_text",
            expected=_WHOLE,
        )


def _bad_tags(fails: str, *, empty_is_null: bool = False) -> Check:
    return Check(
        fails=fails,
        code="bad-json",
        field="request_tags",
        found="'text that is not a JSON list'",
        expected="a JSON list of texts without NUL, or one inside a string",
        quotes=False,
        empty_is_null=empty_is_null,
    )


_CHECKS: Final = (
    missing("request_id", "the id that makes a repeat of the row known"),
    missing("startTime", _INSTANT),
    missing("prompt_tokens", _WHOLE),
    missing("completion_tokens", _WHOLE),
    *texts_without_nul((field, name(field)) for field in _TEXTS),
    Check(
        fails="started IS NULL",
        code="bad-instant",
        field="startTime",
        found='"startTime"',
        expected=_INSTANT,
    ),
    Check(
        fails="nullif(endTime, '') IS NOT NULL AND (ended IS NULL OR ended < started)",
        code="bad-instant",
        field="endTime",
        found='"endTime"',
        expected=f"{_INSTANT}, not before startTime",
    ),
    Check(
        fails=(
            "facts IS NULL AND metadata_text IS NOT NULL OR metadata_text IS NULL"
            " AND starts_with(metadata, '\"')"
            " OR CASE WHEN NOT starts_with(metadata_text, '{')"
            " THEN NOT starts_with(ltrim(metadata_text), '{') END"
        ),
        code="bad-json",
        field="metadata",
        found="'text that is not a JSON object'",
        expected="a JSON object, or one inside a string",
        quotes=False,
    ),
    _bad_tags(
        "tags_text IN ('{}', '') IS FALSE AND"
        " (NOT ((starts_with(tags_text, '[') OR starts_with(ltrim(tags_text), '['))"
        " AND json_valid(tags_text)) OR contains(tags_text, '\\u0000'))",
        empty_is_null=True,
    ),
    _bad_tags(
        "tags_text = '' OR tags_text IS NULL AND starts_with(request_tags, '\"')"
        " OR contains(metadata_text, '\\u0000')",
    ),
    *_count_checks(),
    Check(
        fails=(
            "total_count > 0 AND total_count <> prompt_count + completion_count"
            " AND total_count <> output_count + prompt_count"
        ),
        code="tokens-do-not-add-up",
        field="total_tokens",
        found="total_text",
        expected="prompt_tokens + completion_tokens",
    ),
    Check(
        fails="cached_count > prompt_count",
        code="cached-exceeds-input",
        field="prompt_tokens",
        found="prompt_text",
        expected="at least the tokens read from and written to the cache",
        remedy="the row cannot be metered: ask the gateway's operators, correct it, ingest again",
    ),
    Check(
        fails=(
            "written_by_age AND coalesce(written_5m_count, 0) + coalesce(written_1h_count, 0)"
            " <> coalesce(written_count, 0)"
        ),
        code="tokens-do-not-add-up",
        field="cache_creation_input_tokens",
        found="coalesce(written_text, '0')",
        expected="the sum of ephemeral_5m_input_tokens and ephemeral_1h_input_tokens",
    ),
    Check(
        fails="audio_in_count > prompt_count - cached_count OR audio_out_count > output_count",
        code="tokens-do-not-add-up",
        field="audio_tokens",
        found="coalesce(audio_in_text, audio_out_text)",
        expected="at most the tokens it is a part of, without those from the cache",
    ),
    Check(
        fails="thought_count > output_count",
        code="tokens-do-not-add-up",
        field="reasoning_tokens",
        found="thought_text",
        expected="at most completion_tokens",
    ),
    Check(
        fails="spend IS NOT NULL AND spent_nanos IS NULL",
        code="bad-amount",
        field="spend",
        found="spend::VARCHAR",
        expected="US dollars as a decimal number, 0 or more",
    ),
)

_LAYOUT: Final = Layout(
    fields=FIELDS,
    required=_REQUIRED,
    steps=STEPS,
    columns=_COLUMNS,
    checks=_CHECKS,
    shared=SHARED,
)


class LiteLlmSpendLogs:
    """One row per request that went through the gateway, failed ones included."""

    name = "litellm-spend-logs"
    version = 1
    role = SourceRole.METERED
    identity = Identity.EVENT
    repeat = Repeat.REJECT
    describes = "LiteLLM proxy: spend logs, one row per request (JSON Lines, JSON array, CSV)"
    export = "GET /spend/logs?summarize=false, or a dump of the table LiteLLM_SpendLogs"
    cannot_tell = "what is billed: its cost is LiteLLM's own price list"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the column names of the table, whichever of the three forms they come in."""
        return by_names(sample, _REQUIRED, "it has the columns of LiteLLM_SpendLogs")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read every row; a row whose counts contradict each other is rejected, not repaired."""
        yield from reader.bulk(path, _LAYOUT)
