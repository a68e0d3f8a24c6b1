"""OpenAI's organization usage and costs, by day and by every dimension that each kind has.

Batch and tier are asked for together: without both, cheap and dear tokens are merged. Source:
OpenAI's API reference, "Admin > Organization > Usage" and "Costs"; source formats note, 1.1, 1.2.
"""

from collections.abc import Iterator
from typing import Final

from metering.connectors.caller import Caller
from metering.connectors.contract import Answer, Connector, Days, Export, Pages, Parameter, bearer

_KEY: Final = ("project_id", "user_id", "api_key_id", "model")
_USAGE: Final = {
    "completions": (*_KEY, "batch", "service_tier"),
    "decisions": (*_KEY, "batch", "service_tier"),
    "embeddings": _KEY,
    "moderations": _KEY,
    "images": (*_KEY, "size", "source"),
    "audio_speeches": _KEY,
    "audio_transcriptions": _KEY,
    "vector_stores": ("project_id",),
    "code_interpreter_sessions": ("project_id",),
    "file_search_calls": ("project_id", "user_id", "api_key_id", "vector_store_id"),
    "web_search_calls": (*_KEY, "context_level"),
}
_COSTS: Final = ("project_id", "line_item")
_BUCKETS: Final = 31  # the most days in one page of usage
_COST_BUCKETS: Final = 180


def _by_day(path: str, group_by: tuple[str, ...], limit: int) -> Pages:
    def pages(caller: Caller, days: Days) -> Iterator[Answer]:
        asked: dict[str, Parameter] = {
            "start_time": int(days.start.timestamp()),
            "end_time": int(days.end.timestamp()),
            "bucket_width": "1d",
            "limit": limit,
            "group_by": group_by,
        }
        yield from caller.follow(f"/organization/{path}", asked)

    return pages


OPENAI: Final = Connector(
    name="openai",
    base_url="https://api.openai.com/v1",
    key_from="OPENAI_ADMIN_KEY",
    asks="an admin key (sk-admin-…) that may read usage; owners of the organization make it",
    headers=bearer,
    exports=(
        *(
            Export(kind, _by_day(f"usage/{kind}", group_by, _BUCKETS), "openai-usage")
            for kind, group_by in _USAGE.items()
        ),
        Export("costs", _by_day("costs", _COSTS, _COST_BUCKETS), "openai-costs"),
    ),
    restated=35,
    options={},
)
