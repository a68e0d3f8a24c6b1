"""Spans with the GenAI conventions of OpenTelemetry: OTLP as JSON Lines.

The rules, from the source formats note (sections 4.7 and 4.8, read 2026-11-21):

* Only inference is counted: `chat`, `generate_content`, `text_completion`, `embeddings`. A span of
  an agent or a workflow may carry the sum of its children, and is noise; so is any other span.
* A gateway and an SDK may both have a span for one answer: with `gen_ai.response.id` they are one
  event, and the one with more tokens is kept; without it a span is known by trace and span.
* `input_tokens` includes what was read from and written to a cache. Where more was cached than it
  says, the emitter left the cache out: the record carries the tag `input_tokens`, "without_cache".
* Reasoning lies inside the output.
* Names of older conventions are accepted. There is no attribute for a cost.
* Team and project come from the resource, or from named attributes of the span. Those of a parent
  span are not looked up. No other attribute is taken: some hold prompts.

Sampling may drop spans, so the sum is a lower bound; the role is `detail`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest import providers
from metering.ingest.bulk import request_logs
from metering.ingest.bulk import tags as bulk_tags
from metering.ingest.bulk.checks import missing, texts_without_nul
from metering.ingest.bulk.layout import Check, Fields, Layout, Shared, literal
from metering.ingest.bulk.layout import text as said
from metering.ingest.bulk.unfolding import ABOVE, Level
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.shapes import otlp

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_FIELDS: Final[Fields] = {
    "resourceSpans": (
        {
            "resource": {"attributes": otlp.ATTRIBUTES},
            "scopeSpans": (
                {
                    "scope": {"name": "VARCHAR"},
                    "spans": (
                        {
                            "traceId": "VARCHAR",
                            "spanId": "VARCHAR",
                            "startTimeUnixNano": "VARCHAR",
                            "endTimeUnixNano": "VARCHAR",
                            "attributes": otlp.ATTRIBUTES,
                            "status": {"code": "VARCHAR"},
                        },
                    ),
                },
            ),
        },
    )
}
_UNFOLD: Final = (
    Level(
        "within", "resourceSpans", {"resource_labels": otlp.labels("within.resource.attributes")}
    ),
    Level("scoped", f"{ABOVE}.scopeSpans", {"scope_name": "scoped.scope.name"}),
    Level("span", f"{ABOVE}.spans"),
)

_INFERENCE: Final = ("chat", "generate_content", "text_completion", "embeddings")
_ERROR: Final = ("2", "STATUS_CODE_ERROR")
_ERRORS: Final = ", ".join(map(literal, _ERROR))
_USAGE: Final = {
    "input": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    "output": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
    "read": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "gen_ai.usage.input_tokens.cached",
    ),
    "written": (
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.input_tokens.cache_write",
    ),
    "thought": ("gen_ai.usage.reasoning.output_tokens",),
}
_COUNTS: Final = {
    count: (names[0], otlp.whole(otlp.attribute("span", *names))) for count, names in _USAGE.items()
}
# Said by the service, and never what a person or a model wrote.
_OWN_LABELS: Final = (
    *("team", "team.id", "project", "project.id", "department", "cost_center", "workflow"),
    *("feature", "environment", "tenant.id", "user.id", "enduser.id"),
    *("gen_ai.agent.name", "gen_ai.agent.id"),
)
_HAS_USAGE: Final = (
    f"list_has_any(every_key, [{', '.join(map(literal, (*_USAGE['input'], *_USAGE['output'])))}])"
)

_STEPS: Final = (
    {"every_key": otlp.keys("span.attributes")},
    # Most spans are of other work than a model's: they are looked at no further.
    {
        "span_keys": f"CASE WHEN {_HAS_USAGE} THEN every_key END",
        "span_values": f"CASE WHEN {_HAS_USAGE} THEN {otlp.values('span.attributes')} END",
    },
    {
        "started": request_logs.since_1970("span.startTimeUnixNano", request_logs.EPOCH_NANOS),
        "ended": request_logs.since_1970("span.endTimeUnixNano", request_logs.EPOCH_NANOS),
        "operation": otlp.attribute("span", "gen_ai.operation.name"),
        "spelt_provider": otlp.attribute("span", *otlp.PROVIDER),
        "model": otlp.attribute("span", *otlp.MODEL),
        "response": otlp.attribute("span", "gen_ai.response.id"),
        "conversation": otlp.attribute("span", "gen_ai.conversation.id"),
        "workflow": otlp.attribute("span", "gen_ai.workflow.name"),
        "own_labels": otlp.named_labels("span", _OWN_LABELS),
        "trace": "lower(span.traceId)",
        "place_in_trace": "lower(span.spanId)",
    },
    *request_logs.counted(_COUNTS),
    {"cached_count": "coalesce(read_count, 0) + coalesce(written_count, 0)"},
    {"without_cache": "cached_count > input_count"},
)
_SHARED: Final = Shared(
    parts={
        "spelling": "spelt_provider",
        "name_of_model": "model",
        "of_resource": "resource_labels",
        "of_span": "own_labels",
        "of_scope": "scope_name",
        "left_out": "CASE WHEN without_cache THEN 'without_cache' END",
    },
    steps=({"spelt": providers.spelling("spelling")},),
    columns={
        **otlp.provider_columns("spelt"),
        "model_raw": "name_of_model",
        "tags": bulk_tags.merged(
            f"list_concat({otlp.entries('of_resource')}, {otlp.entries('of_span')},"
            f" {bulk_tags.given({'otel.scope': 'of_scope', 'input_tokens': 'left_out'})})"
        ),
    },
)
_COLUMNS: Final = {
    "event_id": (
        "CASE WHEN response <> '' THEN 'response/' || response"
        " ELSE 'span/' || trace || '/' || place_in_trace END"
    ),
    "start": "started",
    "end": "ended",
    "grain": "'request'",
    "product": "'api'",
    "prompt_tokens": "input_count + CASE WHEN without_cache THEN cached_count ELSE 0 END",
    "session": said("conversation"),
    "workflow_key": said("workflow"),
    "requests": "1",
    "failed_requests": f"coalesce(span.status.code IN ({_ERRORS}), false)::INT",
    "input_uncached": "input_count - CASE WHEN without_cache THEN 0 ELSE cached_count END",
    "cache_read": "read_count",
    "cache_write_unknown": "nullif(written_count, 0)",
    "output": "coalesce(output_count, 0)",
    "reasoning": "thought_count",
}
_NOISE: Final = f"""CASE
    WHEN span IS NULL THEN 'lines or scopes without spans'
    WHEN coalesce(input_text, output_text) IS NULL THEN 'spans without usage'
    WHEN operation NOT IN ({", ".join(map(literal, _INFERENCE))})
      THEN 'spans of ' || left(operation, 40)
    END"""
_SPAN_ID: Final = "16 hexadecimal digits"
_TRACE_ID: Final = "32 hexadecimal digits"


def _hexadecimal(field: str, value: str, digits: int, expected: str) -> Check:
    return Check(
        fails=f"NOT regexp_full_match({value}, '[0-9a-f]{{{digits}}}')",
        code="bad-text",
        field=field,
        found=value,
        expected=expected,
    )


_CHECKS: Final = (
    missing("gen_ai.operation.name", " or ".join(_INFERENCE), "operation"),
    missing("traceId", _TRACE_ID, "trace"),
    missing("spanId", _SPAN_ID, "place_in_trace"),
    _hexadecimal("traceId", "trace", 32, _TRACE_ID),
    _hexadecimal("spanId", "place_in_trace", 16, _SPAN_ID),
    *request_logs.when(
        "startTimeUnixNano",
        "span.startTimeUnixNano",
        "started",
        expected=request_logs.EPOCH_NANOS,
    ),
    Check(
        fails="nullif(span.endTimeUnixNano, '') IS NOT NULL AND (ended IS NULL OR ended < started)",
        code="bad-instant",
        field="endTimeUnixNano",
        found="span.endTimeUnixNano",
        expected=f"{request_logs.EPOCH_NANOS}, not before the start",
    ),
    *texts_without_nul(
        {
            "gen_ai.provider.name": "spelt_provider",
            "gen_ai.response.model": "model",
            "gen_ai.response.id": "response",
            "gen_ai.conversation.id": "conversation",
            "gen_ai.workflow.name": "workflow",
            "resource.attributes": "resource_labels",
            "attributes": "own_labels",
            "scope.name": "scope_name",
        }.items()
    ),
    missing("gen_ai.usage.input_tokens", request_logs.COUNT, "input_text"),
    *request_logs.count_checks(_COUNTS, request_logs.COUNT),
    Check(
        fails="thought_count > coalesce(output_count, 0)",
        code="tokens-do-not-add-up",
        field="gen_ai.usage.reasoning.output_tokens",
        found="thought_text",
        expected="at most gen_ai.usage.output_tokens",
    ),
)

_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=(),
    unfold=_UNFOLD,
    steps=_STEPS,
    columns=_COLUMNS,
    shared=(_SHARED,),
    checks=_CHECKS,
    noise=_NOISE,
    live=True,
)


class OtlpSpans:
    """One record per inference span; spans of agents, tools and workflows are noise."""

    name = "otlp-spans"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.EVENT
    repeat = Repeat.LARGEST
    describes = "OpenTelemetry traces with the GenAI conventions: OTLP as JSON Lines"
    export = "the file exporter of an OpenTelemetry collector, traces in a file of their own"
    cannot_tell = "money; what sampling dropped"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the signal and a name of the GenAI conventions."""
        return otlp.by_signal(sample, "resourceSpans", ('"gen_ai.',))

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read the usage of every inference once."""
        yield from reader.bulk(path, _LAYOUT)
