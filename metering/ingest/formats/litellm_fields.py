"""What a row of LiteLLM's spend logs holds, and what is read out of it before it is judged.

The rules are those of the spend logs (`litellm_spend_logs`); here is where each count may stand.
"""

from typing import Final

from metering.ingest.bulk.layout import Fields, instant, json_fields, nanos, whole_number

FIELDS: Final[Fields] = {
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
        f" WHEN {field} NOT IN ('', 'null') THEN {field} END"
    )


# What is counted, and where the count may stand. The text is checked before it becomes a number.
COUNTS: Final = {
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

STEPS: Final = (
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
    {f"{count}_text": f"({source})::VARCHAR" for count, (_, source) in COUNTS.items()},
    {f"{count}_count": whole_number(f"{count}_text") for count in COUNTS},
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
