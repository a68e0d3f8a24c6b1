"""Pages of Anthropic's Messages usage report, as small as a test needs them."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

OPUS = "claude-opus-5"
OUTPUT_NANOS = 25_000
"""List price of one output token of `OPUS`: 25 USD per million."""

Tokens = Mapping[tuple[str, str], int]
"""Output tokens by API key and model."""


def messages_page(path: Path, days: Mapping[str, Tokens]) -> Path:
    """Write a page and return its path.

    Args:
        path: of the file.
        days: ISO day to what was used on it; an empty day says that nothing was.
    """
    buckets = [
        {
            "starting_at": f"{day}T00:00:00Z",
            "ending_at": f"{date.fromisoformat(day) + timedelta(days=1)}T00:00:00Z",
            "results": [_result(key, model, count) for (key, model), count in used.items()],
        }
        for day, used in sorted(days.items())
    ]
    path.write_text(json.dumps({"data": buckets, "has_more": False, "next_page": None}))
    return path


def _result(key: str, model: str, output: int) -> dict[str, Any]:
    return {
        "uncached_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output,
        "server_tool_use": {"web_search_requests": 0},
        "account_id": None,
        "api_key_id": key,
        "workspace_id": None,
        "service_account_id": None,
        "model": model,
        "service_tier": "standard",
        "context_window": "0-200k",
        "inference_geo": "global",
    }
