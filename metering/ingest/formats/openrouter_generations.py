"""Answers of OpenRouter's generation endpoint, one request each, as JSON Lines.

`tokens_prompt` and `tokens_completion` are counted by a tokenizer that is the same for all models
and bills nothing: the native counts are read. Somebody who asks for single requests has not got all
of them, so they are detail.

Source: source formats note, section 3.5, read 2026-11-21.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk.layout import Fields, Layout
from metering.ingest.bulk.layout import text as said
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats import openrouter_requests as request
from metering.ingest.marks import by_keys

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_MARKS: Final = ("data", "native_tokens_prompt", "native_tokens_completion", "total_cost")
_TEXTS: Final = (
    *("id", "created_at", "model", "provider_name", "service_tier"),
    *("session_id", "external_user", "workspace_id"),
)
_NUMBERS: Final = (
    *(f"native_tokens_{count}" for count in request.COUNTS),
    *("total_cost", "is_byok", "cancelled", "upstream_inference_cost"),
)
_FIELDS: Final[Fields] = {
    "data": {**dict.fromkeys(_TEXTS, "VARCHAR"), **dict.fromkeys(_NUMBERS, "JSON")}
}
_NAMES: Final = {
    **{count: f"data.native_tokens_{count}" for count in request.COUNTS},
    "created": "data.created_at",
    "cost": "data.total_cost",
}


def _number(field: str) -> str:
    return f"nullif(({field})::VARCHAR, 'null')"


_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=(),
    steps=request.steps(
        {count: _number(_NAMES[count]) for count in request.COUNTS},
        _NAMES["created"],
        _number(_NAMES["cost"]),
        {
            "provider_name": "data.provider_name",
            "byok": f"nullif({_number('data.is_byok')}, 'false')",
            "byok_usage": f"nullif({_number('data.upstream_inference_cost')}, '0')",
            "cancelled": f"nullif({_number('data.cancelled')}, 'false')",
        },
    ),
    columns={
        **request.columns("data.id", "data.model", "NULL"),
        "service_tier": said("data.service_tier"),
        "workspace": said("data.workspace_id"),
        "principal": said("data.external_user"),
        "session": said("data.session_id"),
    },
    checks=request.checks(_NAMES, "data.id", {f"data.{text}": f"data.{text}" for text in _TEXTS}),
)


class OpenRouterGenerations:
    """One record per answer."""

    name = "openrouter-generations"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.EVENT
    repeat = Repeat.REJECT
    describes = "OpenRouter generation endpoint: single requests with native tokens (JSON Lines)"
    export = "GET /api/v1/generation?id=…, one answer on each line"
    cannot_tell = "the requests that nobody asked for by id"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the members of an answer."""
        return by_keys(sample, _MARKS, {}, "it holds generations of OpenRouter")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read every answer."""
        yield from reader.bulk(path, _LAYOUT)
