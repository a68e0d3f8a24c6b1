"""Requests exported from Helicone: JSON Lines, a JSON array, or the CSV of its export tool.

The rules, from the source formats note (section 4.3, read 2026-11-21):

* The CSV has neither provider nor cache columns: its provider is "unknown", all of its prompt
  counts as uncached, and the tag `cache_split` says that this is not known.
* The CSV doubles the quotes of JSON cells twice, so one pair is left after it was read.
* The JSON counts what was read from and written to a cache, and does not say whether the prompt
  includes it. The total decides, or that more was cached than the prompt has; a row of which
  neither decides is rejected, since either guess would count tokens twice or not at all.
* The database's own cost column is in billionths of a dollar. A request of more than ten thousand
  dollars is taken for one, and rejected.
* Properties and the user's id are said by the caller; they become tags.

The role is `detail`: the provider meters the same requests.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.money import NANOS_PER_UNIT
from metering.ingest import providers
from metering.ingest.bulk import request_logs
from metering.ingest.bulk.checks import WHOLE, missing, texts_without_nul
from metering.ingest.bulk.layout import Check, Fields, Layout, Shared, instant, nanos
from metering.ingest.bulk.tags import json_tags
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.record_names import by_names, names_in

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_REQUIRED: Final = ("request_created_at", "prompt_tokens", "completion_tokens")
# One of these tells Helicone from any other log of requests.
_TELLING: Final = ("helicone_user", "request_properties", "prompt_cache_read_tokens")
_FIELDS: Final[Fields] = {
    "response_id": "VARCHAR",
    "request_id": "VARCHAR",
    "request_created_at": "VARCHAR",
    "response_created_at": "VARCHAR",
    "response_status": "VARCHAR",
    "provider": "VARCHAR",
    "model": "VARCHAR",
    "response_model": "VARCHAR",
    "request_model": "VARCHAR",
    "prompt_tokens": "JSON",
    "completion_tokens": "JSON",
    "prompt_cache_read_tokens": "JSON",
    "prompt_cache_write_tokens": "JSON",
    "prompt_audio_tokens": "JSON",
    "total_tokens": "JSON",
    "cost": "JSON",
    "request_properties": "VARCHAR",
    "properties": "VARCHAR",
    "request_user_id": "VARCHAR",
    "helicone_user": "VARCHAR",
}
_COUNTS: Final = {
    "prompt": ("prompt_tokens", "prompt_tokens"),
    "answer": ("completion_tokens", "completion_tokens"),
    "read": ("prompt_cache_read_tokens", "nullif(prompt_cache_read_tokens::VARCHAR, 'null')"),
    "written": ("prompt_cache_write_tokens", "nullif(prompt_cache_write_tokens::VARCHAR, 'null')"),
    "audio": ("prompt_audio_tokens", "nullif(prompt_audio_tokens::VARCHAR, 'null')"),
    "total": ("total_tokens", "nullif(total_tokens::VARCHAR, 'null')"),
}
_MOST_DOLLARS: Final = 10_000

_STEPS: Final = (
    {
        "started": instant("request_created_at", zoneless_is_utc=False),
        "ended": instant("response_created_at", zoneless_is_utc=False),
        "labels_text": (
            "nullif(coalesce(nullif(properties, ''), CASE"
            " WHEN starts_with(request_properties, '{\"\"')"
            " THEN replace(request_properties, '\"\"', '\"') ELSE request_properties END), '')"
        ),
        "failed": request_logs.failed("response_status"),
        "cost_text": "nullif(nullif(cost::VARCHAR, ''), 'null')",
    },
    *request_logs.counted(_COUNTS),
    {
        "claimed_nanos": nanos("cost_text"),
        "cached_count": "coalesce(read_count, 0) + coalesce(written_count, 0)",
        "billed_count": "prompt_count + answer_count",
    },
    {
        "included": (
            "CASE WHEN cached_count = 0 THEN true"
            " WHEN cached_count > prompt_count THEN false"
            " WHEN total_count = billed_count + cached_count THEN false END"
        ),
    },
)
_SHARED: Final = Shared(
    parts={
        "spelt_provider": "provider",
        "name_of_model": (
            "coalesce(nullif(response_model, ''), nullif(model, ''), nullif(request_model, ''))"
        ),
        "split_unknown": "CASE WHEN read_text IS NULL AND written_text IS NULL THEN 'unknown' END",
        "said_user": "coalesce(nullif(helicone_user, ''), nullif(request_user_id, ''))",
        "labels": "labels_text",
    },
    steps=({"spelt": providers.spelling("spelt_provider")},),
    columns={
        "provider": providers.provider("spelt"),
        "platform": providers.platform("spelt"),
        "model_raw": "name_of_model",
        "tags": request_logs.tags(
            {request_logs.CACHE_SPLIT_UNKNOWN: "split_unknown", "end_user": "said_user"},
            json_tags("labels"),
        ),
    },
)
_COLUMNS: Final = {
    "event_id": "coalesce(nullif(response_id, ''), request_id)",
    "start": "started",
    "end": "ended",
    "grain": "'request'",
    "product": "'api'",
    "prompt_tokens": "prompt_count + CASE WHEN included THEN 0 ELSE cached_count END",
    "requests": "1",
    "failed_requests": "failed::INT",
    "input_uncached": "prompt_count - coalesce(audio_count, 0)",
    "cache_read": "read_count",
    "cache_write_unknown": "nullif(written_count, 0)",
    "output": "answer_count",
    "other_meters": (
        "CASE WHEN audio_count > 0"
        " THEN map_from_entries([{'name': 'input_audio_uncached', 'quantity': audio_count}])"
        f" ELSE {request_logs.unseen('NOT failed AND billed_count + cached_count = 0')} END"
    ),
    **request_logs.estimated("claimed_nanos"),
}
_CHECKS: Final = (
    missing(
        "response_id",
        "the id that makes a repeat of the row known, or a request_id",
        "coalesce(nullif(response_id, ''), request_id)",
    ),
    *request_logs.when("request_created_at", "request_created_at", "started"),
    missing("prompt_tokens", WHOLE),
    missing("completion_tokens", WHOLE),
    *texts_without_nul(
        (field, field)
        for field in (
            *("response_id", "request_id", "provider", "model", "response_model"),
            *("request_model", "helicone_user", "request_user_id", "labels_text"),
        )
    ),
    request_logs.not_before("response_created_at", "response_created_at", "ended", "started"),
    request_logs.object_check("properties", "labels_text"),
    *request_logs.count_checks(_COUNTS),
    Check(
        fails="included IS NULL",
        code="cache-split-unknown",
        field="prompt_cache_read_tokens",
        found="cached_count || ' of a prompt of ' || prompt_count",
        expected="a total_tokens that says whether the prompt includes what was cached",
        remedy="ask the gateway's operators; the provider's own usage report has these tokens",
        quotes=False,
    ),
    Check(
        fails=(
            "total_count > 0 AND total_count <> billed_count"
            " AND total_count <> billed_count + cached_count"
        ),
        code="tokens-do-not-add-up",
        field="total_tokens",
        found="total_text",
        expected="prompt_tokens + completion_tokens, with or without what was cached",
    ),
    Check(
        fails="audio_count > prompt_count",
        code="tokens-do-not-add-up",
        field="prompt_audio_tokens",
        found="audio_text",
        expected="at most prompt_tokens",
    ),
    request_logs.claim_check("cost", "cost_text", "claimed_nanos"),
    Check(
        fails=f"claimed_nanos > {_MOST_DOLLARS * NANOS_PER_UNIT}",
        code="bad-amount",
        field="cost",
        found="cost_text",
        expected=f"US dollars, at most {_MOST_DOLLARS} for one request; this looks like billionths",
    ),
)

_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=_REQUIRED,
    steps=_STEPS,
    columns=_COLUMNS,
    shared=(_SHARED,),
    checks=_CHECKS,
)


class HeliconeRequests:
    """One record per request; a row of which the cache split cannot be told is rejected."""

    name = "helicone-requests"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.EVENT
    repeat = Repeat.REJECT
    describes = "Helicone gateway: exported requests (JSON Lines, JSON array, CSV)"
    export = "npx @helicone/export, or POST /v1/request/query and one row per line"
    cannot_tell = "what is billed; in the CSV, provider and cached tokens"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the names of the fields, whichever of the forms they come in."""
        verdict = by_names(sample, _REQUIRED, "it has the fields of an exported request")
        if verdict.matches and names_in(sample).isdisjoint(_TELLING):
            return Verdict(matches=False, because=f"it has none of {', '.join(_TELLING)}")
        return verdict

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read every row; what cannot be told is rejected, never guessed."""
        yield from reader.bulk(path, _LAYOUT)
