"""Logs of the Kong AI Gateway: JSON Lines, as any log plugin of Kong writes them.

The rules, from the source formats note (section 4.5, read 2026-11-21):

* Usage stands under `ai` and the name of the plugin, which differs between versions: `proxy`,
  `ai-proxy` and `ai-proxy-advanced` are known. A request of another plugin, or of none, is noise.
* `prompt_tokens` includes what was read from a cache. The driver for Anthropic leaves it out and
  loses it: such a record carries the tag `cache_split`, "unknown".
* Usage that is missing is written as 0. A request that succeeded without tokens counts one
  `request` meter, so that it is seen.
* `cost` is 0 where no price was configured: only a cost above 0 is taken, as an estimate.
* Without `request.id` a record is known by its time, consumer, route, model and counts, and by
  which of such it is in its file.

The role is `detail`: the provider meters the same requests.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest import providers
from metering.ingest.bulk import request_logs
from metering.ingest.bulk.checks import WHOLE, missing, texts_without_nul
from metering.ingest.bulk.layout import Check, Fields, Layout, Shared, name, nanos
from metering.ingest.bulk.layout import text as said
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.record_names import first_object

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_PLUGINS: Final = ("proxy", "ai-proxy", "ai-proxy-advanced")
_PLUGIN: Final[Fields] = {
    "usage": {
        "prompt_tokens": "JSON",
        "completion_tokens": "JSON",
        "total_tokens": "JSON",
        "cost": "JSON",
        "prompt_tokens_details": {"cached_tokens": "JSON"},
        "completion_tokens_details": {"reasoning_tokens": "JSON"},
    },
    "meta": {
        "request_model": "VARCHAR",
        "response_model": "VARCHAR",
        "provider_name": "VARCHAR",
        "request_mode": "VARCHAR",
    },
}
_FIELDS: Final[Fields] = {
    "started_at": "VARCHAR",
    "request": {"id": "VARCHAR"},
    "response": {"status": "VARCHAR"},
    "consumer": {"username": "VARCHAR", "id": "VARCHAR"},
    "route": {"name": "VARCHAR"},
    "service": {"name": "VARCHAR"},
    "workspace_name": "VARCHAR",
    "ai": dict.fromkeys(_PLUGINS, _PLUGIN),
}
_COUNTS: Final = {
    "prompt": ("prompt_tokens", "plugin.usage.prompt_tokens"),
    "answer": ("completion_tokens", "plugin.usage.completion_tokens"),
    "total": ("total_tokens", "plugin.usage.total_tokens"),
    "read": ("cached_tokens", "plugin.usage.prompt_tokens_details.cached_tokens"),
    "thought": (
        "reasoning_tokens",
        "plugin.usage.completion_tokens_details.reasoning_tokens",
    ),
}

_STEPS: Final = (
    {
        "started": request_logs.since_1970("started_at", request_logs.EPOCH_MS),
        "plugin": f"coalesce({', '.join(f'ai.{name(plugin)}' for plugin in _PLUGINS)})",
        "failed": request_logs.failed("response.status"),
    },
    *request_logs.counted(_COUNTS),
    {
        "cost_text": "nullif(plugin.usage.cost::VARCHAR, 'null')",
        "model": "coalesce(nullif(plugin.meta.response_model, ''), plugin.meta.request_model)",
    },
    {
        "claimed_nanos": nanos("cost_text"),
        "content_id": request_logs.content_id(
            *("started_at", "consumer.username", "route.name", "model"),
            *("prompt_text", "answer_text", "read_text"),
        ),
    },
)
_SHARED: Final = Shared(
    parts={
        "spelt_provider": "plugin.meta.provider_name",
        "name_of_model": "model",
        "of_route": "route.name",
        "of_service": "service.name",
        "of_workspace": "workspace_name",
    },
    steps=(
        {"spelt": providers.spelling("spelt_provider")},
        {"without_cache": "CASE WHEN spelt = 'anthropic' THEN 'unknown' END"},
    ),
    columns={
        "provider": providers.provider("spelt"),
        "platform": providers.platform("spelt"),
        "model_raw": "name_of_model",
        "tags": request_logs.tags(
            {
                request_logs.CACHE_SPLIT_UNKNOWN: "without_cache",
                "route": "of_route",
                "service": "of_service",
                "workspace": "of_workspace",
            }
        ),
    },
)
_COLUMNS: Final = {
    "event_id": "coalesce(nullif(request.id, ''), content_id)",
    "start": "started",
    "grain": "'request'",
    "product": "'api'",
    "prompt_tokens": "prompt_count",
    "principal": said("coalesce(nullif(consumer.username, ''), consumer.id)"),
    "requests": "1",
    "failed_requests": "failed::INT",
    "input_uncached": "prompt_count - coalesce(read_count, 0)",
    "cache_read": "read_count",
    "output": "answer_count",
    "other_meters": request_logs.unseen("NOT failed AND prompt_count = 0 AND answer_count = 0"),
    "reasoning": "thought_count",
    **request_logs.estimated("nullif(claimed_nanos, 0)"),
}
_TEXTS: Final = {
    "request.id": "request.id",
    "consumer.username": "consumer.username",
    "consumer.id": "consumer.id",
    "route.name": "route.name",
    "service.name": "service.name",
    "workspace_name": "workspace_name",
    "provider_name": "plugin.meta.provider_name",
    "response_model": "model",
}
_CHECKS: Final = (
    *request_logs.when("started_at", "started_at", "started", expected=request_logs.EPOCH_MS),
    missing("prompt_tokens", WHOLE, "plugin.usage.prompt_tokens"),
    missing("completion_tokens", WHOLE, "plugin.usage.completion_tokens"),
    *texts_without_nul(_TEXTS.items()),
    *request_logs.count_checks(_COUNTS),
    request_logs.total_check(
        "total_tokens", "total", "prompt_count + answer_count", "prompt_tokens + completion_tokens"
    ),
    Check(
        fails="read_count > prompt_count",
        code="cached-exceeds-input",
        field="prompt_tokens",
        found="prompt_text",
        expected="at least the tokens read from the cache",
        remedy="the row cannot be metered: ask the gateway's operators, correct it, ingest again",
    ),
    Check(
        fails="thought_count > answer_count",
        code="tokens-do-not-add-up",
        field="reasoning_tokens",
        found="thought_text",
        expected="at most completion_tokens",
    ),
    request_logs.claim_check("cost", "cost_text", "claimed_nanos"),
)

_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=(),
    steps=_STEPS,
    columns=_COLUMNS,
    shared=(_SHARED,),
    checks=_CHECKS,
    noise="CASE WHEN plugin.usage IS NULL THEN 'requests without usage of a known AI plugin' END",
    merge=request_logs.NUMBERED,
)


class KongAiLogs:
    """One record per request that an AI plugin handled; all other requests are noise."""

    name = "kong-ai-logs"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.EVENT
    repeat = Repeat.REJECT
    describes = "Kong AI Gateway: request logs with usage (JSON Lines)"
    export = "what the file-log, http-log or another log plugin of Kong writes"
    cannot_tell = "what Anthropic cached; what is billed"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the time of a request and the usage of a known plugin."""
        first = first_object(sample)
        plugins = first.get("ai")
        if "started_at" not in first or not isinstance(plugins, dict):
            return Verdict(matches=False, because="its first line lacks 'started_at' or 'ai'")
        if not any(plugin in plugins for plugin in _PLUGINS):
            known = " or ".join(_PLUGINS)
            return Verdict(matches=False, because=f"its first line has no {known} below 'ai'")
        return Verdict(matches=True, because="it has requests with the usage of an AI plugin")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read the usage of every request."""
        yield from reader.bulk(path, _LAYOUT)
