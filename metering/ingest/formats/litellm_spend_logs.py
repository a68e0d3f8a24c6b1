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

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk import (
    Check,
    Fields,
    Layout,
    instant,
    json_fields,
    name,
    nanos,
    whole_number,
)
from metering.ingest.bulk import text as said
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats.litellm_identity import SHARED

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
_FIELDS: Final[Fields] = {
    "request_id": "VARCHAR",
    "call_type": "VARCHAR",
    "api_key": "VARCHAR",
    "spend": "JSON",
    "total_tokens": "JSON",
    "prompt_tokens": "JSON",
    "completion_tokens": "JSON",
    "startTime": "VARCHAR",
    "endTime": "VARCHAR",
    "model": "VARCHAR",
    "custom_llm_provider": "VARCHAR",
    "user": "VARCHAR",
    "metadata": "VARCHAR",
    "cache_hit": "VARCHAR",
    "request_tags": "VARCHAR",
    "team_id": "VARCHAR",
    "end_user": "VARCHAR",
    "session_id": "VARCHAR",
    "status": "VARCHAR",
}

_TTL_FIELDS: Final = {"ephemeral_5m_input_tokens": "JSON", "ephemeral_1h_input_tokens": "JSON"}
_USAGE_FIELDS: Final[Fields] = {
    "cache_read_input_tokens": "JSON",
    "cache_creation_input_tokens": "JSON",
    "cache_creation": _TTL_FIELDS,
    "prompt_tokens_details": {
        "cached_tokens": "JSON",
        "cache_creation_tokens": "JSON",
        "cache_write_tokens": "JSON",
        "cache_creation_token_details": _TTL_FIELDS,
        "audio_tokens": "JSON",
    },
    "completion_tokens_details": {"reasoning_tokens": "JSON", "audio_tokens": "JSON"},
    "server_tool_use": {"web_search_requests": "JSON"},
    "service_tier": "VARCHAR",
    "speed": "VARCHAR",
    "inference_geo": "VARCHAR",
}
_METADATA_FIELDS: Final[Fields] = {
    "user_api_key_alias": "VARCHAR",
    "user_api_key_team_alias": "VARCHAR",
    "service_tier": "VARCHAR",
    "spend_logs_metadata": {"workflow": "VARCHAR"},
    "usage_object": _USAGE_FIELDS,
    "additional_usage_values": "JSON",
}

_INSTANT: Final = "an instant as YYYY-MM-DD HH:MM:SS, in UTC or with its offset, from 2000 to 2099"
_WHOLE: Final = "a whole number, 0 or more, of at most 18 digits, without quotes or separators"


def _first_given(*counts: str) -> str:
    """Return an expression for the first count that says more than nothing, else 0 or null.

    LiteLLM fills a field it did not learn with 0, also where the same number stands elsewhere.
    """
    spoken = ", ".join(f"nullif({count}, '0')" for count in counts)
    return f"coalesce({spoken}, {', '.join(counts)})"


def _decoded(field: str) -> str:
    """Return an expression for a JSON text that may have been put into a JSON string."""
    return (
        f"CASE WHEN starts_with({field}, '\"') THEN try(json_extract_string({field}, '$'))"
        f" ELSE nullif(nullif({field}, ''), 'null') END"
    )


# What is counted, and where the count may stand. The text is checked before it becomes a number.
_COUNTS: Final = {
    "prompt": ("prompt_tokens", "prompt_tokens"),
    "completion": ("completion_tokens", "completion_tokens"),
    "total": ("total_tokens", "total_tokens"),
    "read": (
        "cache_read_input_tokens",
        _first_given("used.cache_read_input_tokens", "used.prompt_tokens_details.cached_tokens"),
    ),
    "written": (
        "cache_creation_input_tokens",
        _first_given(
            "used.cache_creation_input_tokens",
            "used.prompt_tokens_details.cache_creation_tokens",
            "used.prompt_tokens_details.cache_write_tokens",
        ),
    ),
    "written_5m": (
        "ephemeral_5m_input_tokens",
        _first_given(
            "used.cache_creation.ephemeral_5m_input_tokens",
            "used.prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens",
        ),
    ),
    "written_1h": (
        "ephemeral_1h_input_tokens",
        _first_given(
            "used.cache_creation.ephemeral_1h_input_tokens",
            "used.prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens",
        ),
    ),
    "audio_in": (
        "prompt_tokens_details.audio_tokens",
        "used.prompt_tokens_details.audio_tokens",
    ),
    "audio_out": (
        "completion_tokens_details.audio_tokens",
        "used.completion_tokens_details.audio_tokens",
    ),
    "thought": (
        "completion_tokens_details.reasoning_tokens",
        "used.completion_tokens_details.reasoning_tokens",
    ),
    "searches": ("web_search_requests", "used.server_tool_use.web_search_requests"),
}

_STEPS: Final = (
    {"metadata_text": _decoded("metadata"), "tags_text": _decoded("request_tags")},
    {
        "facts": json_fields("metadata_text", _METADATA_FIELDS),
        "started": instant("startTime", zoneless_is_utc=True),
        "ended": instant("endTime", zoneless_is_utc=True),
        "metered": "coalesce(lower(cache_hit) <> 'true', true)",
        "failed": "coalesce(status = 'failure', false)",
        "spent_nanos": nanos("spend::VARCHAR"),
    },
    {
        # The same usage under another name, in rows of some routes.
        "used": (
            "CASE WHEN facts.usage_object IS NULL AND facts.additional_usage_values IS NOT NULL"
            f" THEN {json_fields('facts.additional_usage_values', _USAGE_FIELDS)}"
            " ELSE facts.usage_object END"
        ),
    },
    {f"{count}_text": f"({source})::VARCHAR" for count, (_, source) in _COUNTS.items()},
    {f"{count}_count": whole_number(f"{count}_text") for count in _COUNTS},
    {
        "cached_count": "coalesce(read_count, 0) + coalesce(written_count, 0)",
        "written_by_age": "coalesce(written_5m_count, 0) + coalesce(written_1h_count, 0) > 0",
        # xAI counts reasoning beside the completion, all others inside it; the total tells which.
        "output_count": (
            "completion_count + CASE WHEN thought_count > 0"
            " AND total_count = prompt_count + completion_count + thought_count"
            " THEN thought_count ELSE 0 END"
        ),
        "unseen_request": (
            "NOT failed AND prompt_count = 0 AND completion_count = 0"
            " AND coalesce(searches_count, 0) = 0"
        ),
    },
)

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
    "api_key": said("api_key"),
    "workspace": said("team_id"),
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
    "reported_currency": "CASE WHEN spent_nanos IS NOT NULL THEN 'USD' END",
    "reported_kind": "CASE WHEN spent_nanos IS NOT NULL THEN 'estimate' END",
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


def _missing(field: str, expected: str) -> Check:
    return Check(
        fails=f"nullif({name(field)}::VARCHAR, '') IS NULL",
        code="missing-field",
        field=field,
        found="'nothing'",
        expected=expected,
        quotes=False,
    )


def _count_checks() -> Iterator[Check]:
    for count, (field, _) in _COUNTS.items():
        yield Check(
            fails=f"{count}_text IS NOT NULL AND {count}_count IS NULL",
            code="bad-quantity",
            field=field,
            found=f"{count}_text",
            expected=_WHOLE,
        )


_CHECKS: Final = (
    _missing("request_id", "the id that makes a repeat of the row known"),
    _missing("startTime", _INSTANT),
    _missing("prompt_tokens", _WHOLE),
    _missing("completion_tokens", _WHOLE),
    *(
        Check(
            fails=f"contains({name(field)}, chr(0))",
            code="bad-text",
            field=field,
            found=name(field),
            expected="text without NUL",
        )
        for field in _TEXTS
    ),
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
    Check(
        fails=(
            "tags_text <> '{}' AND NOT (starts_with(ltrim(tags_text), '[') AND json_valid(tags_text))"
            " OR tags_text IS NULL AND starts_with(request_tags, '\"')"
            " OR contains(tags_text, '\\u0000') OR contains(metadata_text, '\\u0000')"
        ),
        code="bad-json",
        field="request_tags",
        found="'text that is not a JSON list'",
        expected="a JSON list of texts without NUL, or one inside a string",
        quotes=False,
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
    fields=_FIELDS,
    required=_REQUIRED,
    steps=_STEPS,
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

    def identify(self, sample: Sample) -> Verdict:
        """Match on the column names of the table, whichever of the three forms they come in."""
        names = _field_names(sample)
        if not names:
            return Verdict(matches=False, because="it is neither a table nor JSON objects")
        missing = [field for field in _REQUIRED if field not in names]
        if missing:
            return Verdict(matches=False, because=f"it lacks the field {missing[0]!r}")
        return Verdict(matches=True, because="it has the columns of LiteLLM_SpendLogs")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read every row; a row whose counts contradict each other is rejected, not repaired."""
        yield from reader.bulk(path, _LAYOUT)


def _field_names(sample: Sample) -> frozenset[str]:
    """Return the names of the first record that can be read, or of a table's header."""
    start = (sample.head or "").lstrip()
    if start.startswith("["):
        first = _object_at(start.removeprefix("[").lstrip())
        return frozenset(first or ())
    if start.startswith("{"):
        objects = (_object_at(line) for line in (*sample.lines, start))
        return frozenset(next((fields for fields in objects if fields), ()))
    try:
        return frozenset(next(csv.reader(sample.lines[:1]), ()))
    except csv.Error:  # a bare carriage return, for one
        return frozenset()


def _object_at(text: str) -> Mapping[str, object] | None:
    try:
        value, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
