"""Logs exported from Portkey: JSON Lines, one row per request through the gateway.

The rules, from the source formats note (section 4.2, read 2026-11-21):

* `req_units` and `res_units` are tokens. There is no split of what came from a cache, so all of
  the prompt counts as uncached: the tag `cache_split` says that this is not known.
* `cost` is said to be in cents by the documentation and looks like dollars in the vendor's own
  sample. What is off by a factor of a hundred is not taken.
* `metadata` is said by the caller; it becomes tags. The metric files of a private cloud keep it as
  two lists, `{"key": […], "value": […]}`, and write counts as 200.0.
* A response from the gateway's cache cost nothing at the provider: it counts as a request, has no
  tokens and carries the tag `gateway_cache_hit`.

The role is `detail`: the provider meters the same requests, with the cache.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest import providers
from metering.ingest.bulk import request_logs
from metering.ingest.bulk.checks import WHOLE, missing, texts_without_nul
from metering.ingest.bulk.layout import Fields, Layout, Shared, instant, json_fields
from metering.ingest.bulk.layout import text as said
from metering.ingest.bulk.tags import json_tags
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.record_names import by_names

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_TELLING: Final = ("id", "ai_org", "ai_model", "req_units", "res_units")
_FIELDS: Final[Fields] = {
    "id": "VARCHAR",
    "trace_id": "VARCHAR",
    "created_at": "VARCHAR",
    "ai_org": "VARCHAR",
    "ai_model": "VARCHAR",
    "req_units": "JSON",
    "res_units": "JSON",
    "total_units": "JSON",
    "response_status_code": "VARCHAR",
    "cache_status": "VARCHAR",
    "prompt_slug": "VARCHAR",
    "metadata": "VARCHAR",
}


def _whole(field: str) -> str:
    """Return an expression for the text of a count, without the zero behind its point."""
    return f"regexp_replace({field}::VARCHAR, '^([0-9]+)[.]0+$', '\\1')"


_COUNTS: Final = {
    name: (field, _whole(field))
    for name, field in (("prompt", "req_units"), ("answer", "res_units"), ("total", "total_units"))
}
_LISTED: Final = json_fields("metadata", {"key": ("VARCHAR",), "value": ("VARCHAR",)})

_STEPS: Final = (
    {
        "started": instant("created_at", zoneless_is_utc=False),
        "hit": "coalesce(lower(cache_status) IN ('hit', 'semantic hit', 'semantic_hit'), false)",
        "failed": request_logs.failed("response_status_code"),
        "listed": f"CASE WHEN try(json_keys(metadata)) = ['key', 'value'] THEN {_LISTED} END",
    },
    {
        "labels": (
            "CASE WHEN len(listed.key) = len(listed.value)"
            " AND len(listed.key) = len(list_distinct(listed.key))"
            " THEN to_json(map(listed.key, listed.value))::VARCHAR ELSE metadata END"
        ),
    },
    *request_logs.counted(_COUNTS),
)
_SHARED: Final = Shared(
    parts={
        "org": "ai_org",
        "model": "ai_model",
        "from_cache": "CASE WHEN hit THEN 'true' END",
        "slug": "prompt_slug",
        "said": "labels",
    },
    steps=({"spelt": providers.spelling("org")},),
    columns={
        "provider": providers.provider("spelt"),
        "platform": providers.platform("spelt"),
        "model_raw": "model",
        "tags": request_logs.tags(
            {
                request_logs.CACHE_SPLIT_UNKNOWN: "'unknown'",
                "gateway_cache_hit": "from_cache",
                "prompt_slug": "slug",
            },
            json_tags("said"),
        ),
    },
)
_COLUMNS: Final = {
    "event_id": "id",
    "start": "started",
    "grain": "'request'",
    "product": "'api'",
    "prompt_tokens": "prompt_count",
    "session": said("trace_id"),
    "requests": "1",
    "failed_requests": "failed::INT",
    "input_uncached": "CASE WHEN NOT hit THEN prompt_count END",
    "output": "CASE WHEN NOT hit THEN answer_count END",
    "other_meters": request_logs.unseen(
        "NOT hit AND NOT failed AND prompt_count = 0 AND answer_count = 0"
    ),
}
_CHECKS: Final = (
    missing("id", "the id that makes a repeat of the row known"),
    *request_logs.when("created_at", "created_at", "started"),
    missing("req_units", WHOLE),
    missing("res_units", WHOLE),
    *texts_without_nul(
        (field, field)
        for field in ("id", "trace_id", "ai_org", "ai_model", "prompt_slug", "metadata")
    ),
    request_logs.object_check("metadata", "metadata"),
    *request_logs.count_checks(_COUNTS),
    request_logs.total_check(
        "total_units", "total", "prompt_count + answer_count", "req_units + res_units"
    ),
)

_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=(),
    steps=_STEPS,
    columns=_COLUMNS,
    shared=(_SHARED,),
    checks=_CHECKS,
)


class PortkeyLogs:
    """One record per request, failed ones and hits of the gateway's cache included."""

    name = "portkey-logs"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.EVENT
    repeat = Repeat.REJECT
    describes = "Portkey gateway: exported logs, one row per request (JSON Lines)"
    export = "POST /v1/logs/exports, start it, and download what it names"
    cannot_tell = "cached tokens; money: its cost may be cents or dollars, and is not taken"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the names of the fields that an export asks for."""
        return by_names(sample, _TELLING, "it has the fields of a log export")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read every row; one whose counts contradict each other is rejected."""
        yield from reader.bulk(path, _LAYOUT)
