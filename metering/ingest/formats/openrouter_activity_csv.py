"""OpenRouter's activity export: one row per request, with what it took from the credits.

`created_at` names no zone; OpenRouter reports by UTC days, and so it is read. Exports before the
cache was counted lack `tokens_cached`; blank token counts are unknown ones. The columns of partial
costs are inside `cost_total`, or of a sign that nobody has documented, and are never added to it.
A cancelled request may cost something, and is charged then.

The activity export that is grouped by model has other columns, which are not documented.

Source: source formats note, section 3.5, read 2026-11-21.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk.layout import Fields, Layout, name
from metering.ingest.bulk.layout import text as said
from metering.ingest.bulk.request_logs import CACHE_SPLIT_UNKNOWN
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats import openrouter_requests as request
from metering.ingest.marks import by_header

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_REQUIRED: Final = (
    *("generation_id", "created_at", "cost_total", "tokens_prompt", "tokens_completion"),
    *("model_permaslug", "provider_name", "api_key_name"),
)
_TAGS: Final = {
    "app": "app_name",
    "byok_usage": "byok_usage_inference",
    "cancelled": "cancelled",
    "finish_reason": "finish_reason_normalized",
    "provider_name": "provider_name",
    "variant": "variant",
}
_NAMES: Final = {
    **{count: f"tokens_{count}" for count in request.COUNTS},
    "created": "created_at",
    "cost": "cost_total",
}
_TEXTS: Final = ("generation_id", "model_permaslug", "user", "api_key_name", *_TAGS.values())
_FIELDS: Final[Fields] = dict.fromkeys((*_REQUIRED, *_NAMES.values(), *_TEXTS), "VARCHAR")
# Zero says what a request without these says, and would be a tag on every row.
_NOTHING: Final = ("0", "0.0", "false", "False")

_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=_REQUIRED,
    steps=request.steps(
        {count: said(name(_NAMES[count])) for count in request.COUNTS},
        "created_at",
        "cost_total",
        {
            **{
                tag: f"CASE WHEN {name(column)} NOT IN {_NOTHING} THEN {name(column)} END"
                for tag, column in _TAGS.items()
            },
            # Older exports do not say how much of the prompt came from a cache.
            CACHE_SPLIT_UNKNOWN: (
                "CASE WHEN nullif(tokens_cached, '') IS NULL AND tokens_prompt <> ''"
                " THEN 'unknown' END"
            ),
        },
    ),
    columns={
        **request.columns(
            "generation_id", "model_permaslug", "(finish_reason_normalized = 'error')::INT"
        ),
        "api_key": said("api_key_name"),
        "principal": said('"user"'),
    },
    checks=request.checks(_NAMES, "generation_id", {text: name(text) for text in _TEXTS}),
)


class OpenRouterActivityCsv:
    """One record per request."""

    name = "openrouter-activity-csv"
    version = 1
    role = SourceRole.METERED
    identity = Identity.EVENT
    repeat = Repeat.REJECT
    describes = "OpenRouter activity export, one row per request with its cost (CSV)"
    export = "openrouter.ai/activity, Export, ungrouped (CSV)"
    cannot_tell = "cache writes; what own keys paid elsewhere is a tag"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the header alone: people rename the files they download."""
        return by_header(sample, _REQUIRED)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read every request at what OpenRouter took for it."""
        yield from reader.bulk(path, _LAYOUT)
