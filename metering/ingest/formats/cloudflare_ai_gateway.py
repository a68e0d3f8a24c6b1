"""Logs of the Cloudflare AI Gateway: JSON Lines, each an answer of its API or one log entry of it.

The rules, from the source formats note (section 4.6, read 2026-11-21):

* A line that has `result` is a page of entries; any other is an entry. A record has the number of
  its page's line.
* There is no split of what came from a cache of the provider, so all of the prompt counts as
  uncached: the tag `cache_split` says that this is not known.
* `cached` is the gateway's own cache: such a request cost nothing at the provider, has no tokens
  and carries the tag `gateway_cache_hit`.
* `step` above 0 is an attempt that fell back from another; each was billed, so each is a record.
* `metadata` is JSON in a string, said by the caller; it becomes tags.
* `cost` is an estimate, or what somebody configured.

Logpush is not read: its token fields are not established. Stored logs are capped, so that a gap is
possible; the role is `detail`, which divides metered money and never adds to it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest import providers
from metering.ingest.bulk import request_logs
from metering.ingest.bulk.checks import WHOLE, missing, texts_without_nul
from metering.ingest.bulk.layout import Fields, Layout, Shared, instant, nanos
from metering.ingest.bulk.tags import json_tags
from metering.ingest.bulk.unfolding import Level
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.record_names import first_object

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_ENTRY: Final = {
    "id": "VARCHAR",
    "created_at": "VARCHAR",
    "provider": "VARCHAR",
    "model": "VARCHAR",
    "path": "VARCHAR",
    "success": "VARCHAR",
    "cached": "VARCHAR",
    "step": "VARCHAR",
    "tokens_in": "JSON",
    "tokens_out": "JSON",
    "cost": "JSON",
    "metadata": "VARCHAR",
}
_FIELDS: Final[Fields] = {**_ENTRY, "result": (_ENTRY,)}
_TELLING: Final = ("id", "created_at", "provider", "model", "cached", "tokens_in", "tokens_out")
_ONE_ENTRY: Final = "{" + ", ".join(f"'{field}': {field}" for field in _ENTRY) + "}"

_COUNTS: Final = {
    "prompt": ("tokens_in", "entry.tokens_in"),
    "answer": ("tokens_out", "entry.tokens_out"),
}
_STEPS: Final = (
    {
        "started": instant("entry.created_at", zoneless_is_utc=False),
        "hit": "coalesce(entry.cached = 'true', false)",
        "failed": "coalesce(entry.success = 'false', false)",
        "cost_text": "nullif(entry.cost::VARCHAR, 'null')",
        "metadata_text": "nullif(nullif(entry.metadata, ''), 'null')",
    },
    *request_logs.counted(_COUNTS),
    {"claimed_nanos": nanos("cost_text")},
)
_SHARED: Final = Shared(
    parts={
        "spelt_provider": "entry.provider",
        "name_of_model": "entry.model",
        "from_cache": "CASE WHEN hit THEN 'true' END",
        "of_path": "entry.path",
        "attempt": "nullif(entry.step, '0')",
        "labels": "metadata_text",
    },
    steps=({"spelt": providers.spelling("spelt_provider")},),
    columns={
        "provider": providers.provider("spelt"),
        "platform": providers.platform("spelt"),
        "model_raw": "name_of_model",
        "tags": request_logs.tags(
            {
                request_logs.CACHE_SPLIT_UNKNOWN: "'unknown'",
                "fallback_step": "attempt",
                "gateway_cache_hit": "from_cache",
                "path": "of_path",
            },
            json_tags("labels"),
        ),
    },
)
_COLUMNS: Final = {
    "event_id": "entry.id",
    "start": "started",
    "grain": "'request'",
    "product": "'api'",
    "prompt_tokens": "prompt_count",
    "requests": "1",
    "failed_requests": "failed::INT",
    "input_uncached": "CASE WHEN NOT hit THEN prompt_count END",
    "output": "CASE WHEN NOT hit THEN answer_count END",
    "other_meters": request_logs.unseen(
        "NOT hit AND NOT failed AND prompt_count = 0 AND answer_count = 0"
    ),
    **request_logs.estimated("claimed_nanos"),
}
_CHECKS: Final = (
    missing("id", "the id that makes a repeat of the entry known", "entry.id"),
    *request_logs.when("created_at", "entry.created_at", "started"),
    missing("tokens_in", WHOLE, "entry.tokens_in"),
    missing("tokens_out", WHOLE, "entry.tokens_out"),
    *texts_without_nul(
        (field, f"entry.{field}")
        for field in ("id", "provider", "model", "path", "step", "metadata")
    ),
    request_logs.object_check("metadata", "metadata_text"),
    *request_logs.count_checks(_COUNTS),
    request_logs.claim_check("cost", "cost_text", "claimed_nanos"),
)

_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=(),
    unfold=(Level("entry", f"CASE WHEN result IS NULL THEN [{_ONE_ENTRY}] ELSE result END"),),
    steps=_STEPS,
    columns=_COLUMNS,
    shared=(_SHARED,),
    checks=_CHECKS,
    noise="CASE WHEN entry IS NULL THEN 'pages without entries' END",
)


class CloudflareAiGateway:
    """One record per request, failed ones and hits of the gateway's cache included."""

    name = "cloudflare-ai-gateway"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.EVENT
    repeat = Repeat.REJECT
    describes = "Cloudflare AI Gateway: stored logs, a page or an entry per line (JSON Lines)"
    export = "GET /accounts/{account}/ai-gateway/gateways/{gateway}/logs, each answer on a line"
    cannot_tell = "cached tokens; what the provider bills; what a full log dropped"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the names of an entry's fields, in a page or alone."""
        first = first_object(sample)
        listed = first.get("result")
        entry = next(iter(listed), None) if isinstance(listed, list) else first
        if not isinstance(entry, dict):
            return Verdict(matches=False, because="its first line holds no entry")
        for field in _TELLING:
            if field not in entry:
                return Verdict(matches=False, because=f"its first entry lacks {field!r}")
        return Verdict(matches=True, because="its first entry is of the gateway's log")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read every entry of every page."""
        yield from reader.bulk(path, _LAYOUT)
