"""Token metrics of Claude Code, Codex and of the GenAI conventions: OTLP as JSON Lines.

The rules, from the source formats notes (sections 3.2 and 4.3 of one, 4.7 and 4.8 of the
other, read 2026-11-21):

* `aggregationTemporality` decides: 1 is an increase and is added, 2 is a sum since the start and is
  taken as differences (`counters`). It is read at every point and never assumed.
* Points that agree in everything but what they count are one record: `type` of Claude Code,
  `token_type` of Codex, `gen_ai.token.type` of the older histogram, one counter for each in the
  newer convention.
* The input of Claude Code leaves out what was cached. That of Codex and of the conventions includes
  it; where more was cached than it says, the emitter left it out.
* What Codex counts by turn is a histogram: its sum counts. Its `total` is input and output again.
* The older histogram knows nothing of caches. Beside the newer counters it says the same again, and
  is not counted.
* `claude_code.cost.usage` and `codex.turn.cost_microusd`, in millionths of a dollar, are
  approximations at list prices: an estimate. As a sum since the start
  it is noise, since an estimate is not worth differences.
* Tokens of audio, images and video cost something else; only text is read.
* Deliveries are repeated: a point is known by its series and its times.

There is no id of a request and no lifetime of what was written to a cache; the same traffic is in
the events, the transcripts and the provider's own reports. The role is `detail`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest import providers
from metering.ingest.bulk import request_logs
from metering.ingest.bulk import tags as bulk_tags
from metering.ingest.bulk.checks import missing, texts_without_nul
from metering.ingest.bulk.layout import (
    Check,
    Fields,
    Form,
    Layout,
    Shared,
    literal,
    nanos,
    whole_number,
)
from metering.ingest.bulk.layout import text as said
from metering.ingest.bulk.unfolding import ABOVE, Level
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.shapes import counters, otlp
from metering.ingest.shapes.counters import Kind

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_POINTS: Final[tuple[Form]] = (
    {
        "startTimeUnixNano": "VARCHAR",
        "timeUnixNano": "VARCHAR",
        "asInt": "VARCHAR",
        "asDouble": "VARCHAR",
        "sum": "VARCHAR",
        "attributes": otlp.ATTRIBUTES,
    },
)
_OF_METRIC: Final[Fields] = {"aggregationTemporality": "VARCHAR", "dataPoints": _POINTS}
_FIELDS: Final[Fields] = {
    "resourceMetrics": (
        {
            "resource": {"attributes": otlp.ATTRIBUTES},
            "scopeMetrics": (
                {
                    "scope": {"name": "VARCHAR"},
                    "metrics": ({"name": "VARCHAR", "sum": _OF_METRIC, "histogram": _OF_METRIC},),
                },
            ),
        },
    )
}

_CLAUDE_TOKENS: Final = "claude_code.token.usage"
_CLAUDE_COST: Final = "claude_code.cost.usage"
_CODEX_TOKENS: Final = "codex.turn.token_usage"
_CODEX_COST: Final = "codex.turn.cost_microusd"
_CODEX_TOTAL: Final = "total"
_HISTOGRAM: Final = "gen_ai.client.token.usage"
_COUNTER: Final = "gen_ai.client.inference.usage."
# What a point counts, by the name of its metric and, where one metric counts several, its type.
_KINDS: Final = {
    (_CLAUDE_TOKENS, "input"): Kind.INPUT,
    (_CLAUDE_TOKENS, "output"): Kind.OUTPUT,
    (_CLAUDE_TOKENS, "cacheRead"): Kind.READ,
    (_CLAUDE_TOKENS, "cacheCreation"): Kind.WRITTEN,
    (_CLAUDE_COST, ""): Kind.COST,
    (_CODEX_TOKENS, "input"): Kind.WHOLE_INPUT,
    (_CODEX_TOKENS, "cached_input"): Kind.READ,
    (_CODEX_TOKENS, "output"): Kind.OUTPUT,
    (_CODEX_TOKENS, "reasoning_output"): Kind.THOUGHT,
    (_CODEX_COST, ""): Kind.COST,
    (_HISTOGRAM, "input"): Kind.ROUGH_INPUT,
    (_HISTOGRAM, "output"): Kind.ROUGH_OUTPUT,
    (f"{_COUNTER}input_tokens", ""): Kind.WHOLE_INPUT,
    (f"{_COUNTER}output_tokens", ""): Kind.OUTPUT,
    (f"{_COUNTER}cache_read.input_tokens", ""): Kind.READ,
    (f"{_COUNTER}cache_write.input_tokens", ""): Kind.WRITTEN,
    (f"{_COUNTER}cache_creation.input_tokens", ""): Kind.WRITTEN,
    (f"{_COUNTER}reasoning.output_tokens", ""): Kind.THOUGHT,
}
_METRICS: Final = ", ".join(sorted({literal(metric) for metric, _ in _KINDS}))
_KIND: Final = (
    "CASE "
    + " ".join(
        f"WHEN metric.name = {literal(metric)}"
        + (f" AND counted_as = {literal(kind)}" if kind else "")
        + f" THEN {literal(found.value)}"
        for (metric, kind), found in _KINDS.items()
    )
    + " END"
)
_DELTA: Final = ("1", "AGGREGATION_TEMPORALITY_DELTA")
_CUMULATIVE: Final = ("2", "AGGREGATION_TEMPORALITY_CUMULATIVE")
# What parts the points of one series, and does not make another series.
_COUNTED_AS: Final = ("type", "token_type", "gen_ai.token.type")
_MODALITY: Final = "gen_ai.token.modality"
_PERSON: Final = ("user.email", "user.account_id", "user.account_uuid", "user.id")
_SAID_ELSEWHERE: Final = (
    *_COUNTED_AS,
    *(_MODALITY, "model", "session.id", "conversation.id", "speed", "user.", "gen_ai."),
)
_IS_CLAUDE: Final = "starts_with(metric.name, 'claude_code.')"
_IS_CODEX: Final = "starts_with(metric.name, 'codex.')"

_UNFOLD: Final = (
    Level(
        "within", "resourceMetrics", {"resource_labels": otlp.labels("within.resource.attributes")}
    ),
    Level("scoped", f"{ABOVE}.scopeMetrics", {"scope_name": "scoped.scope.name"}),
    Level("metric", f"{ABOVE}.metrics"),
    Level("point", f"coalesce({ABOVE}.sum.dataPoints, {ABOVE}.histogram.dataPoints)"),
)
_STEPS: Final = (
    {
        "point_keys": otlp.keys("point.attributes"),
        "point_values": otlp.values("point.attributes"),
        "from_text": "coalesce(nullif(point.startTimeUnixNano, '0'), '')",
        "at_text": "point.timeUnixNano",
        "temporality": (
            "coalesce(metric.sum.aggregationTemporality, metric.histogram.aggregationTemporality)"
        ),
        "number_text": "coalesce(point.asInt, point.asDouble, point.sum)",
        "is_claude": _IS_CLAUDE,
        "is_codex": _IS_CODEX,
    },
    {
        "since": request_logs.since_1970("from_text", request_logs.EPOCH_NANOS),
        "taken": request_logs.since_1970("at_text", request_logs.EPOCH_NANOS),
        "counted_as": otlp.attribute("point", *_COUNTED_AS),
        "model": (
            f"CASE WHEN is_claude OR is_codex THEN {otlp.attribute('point', 'model')}"
            f" ELSE {otlp.attribute('point', *otlp.MODEL)} END"
        ),
        "spelt_provider": (
            "CASE WHEN is_claude THEN 'anthropic' WHEN is_codex THEN 'openai' ELSE"
            f" {otlp.attribute('point', *otlp.PROVIDER)} END"
        ),
        "modality": otlp.attribute("point", _MODALITY),
        "spoken_speed": otlp.attribute("point", "speed"),
        "of_session": otlp.attribute(
            "point", "session.id", "conversation.id", "gen_ai.conversation.id"
        ),
        "person": otlp.attribute("point", *_PERSON),
        "point_labels": otlp.labels("point.attributes", but=_SAID_ELSEWHERE),
        "series_labels": otlp.labels("point.attributes", but=(*_COUNTED_AS, _MODALITY)),
        "is_delta": f"temporality IN ({', '.join(map(literal, _DELTA))})",
        "is_sum": f"temporality IN ({', '.join(map(literal, _CUMULATIVE))})",
    },
    {
        "kind": _KIND,
        "number_count": whole_number(otlp.whole("number_text")),
        "cost_nanos": (
            f"CASE WHEN metric.name = {literal(_CODEX_COST)} THEN CASE WHEN"
            f" {whole_number(otlp.whole('number_text'))} < 10**15 THEN"
            f" {whole_number(otlp.whole('number_text'))} * 1000 END"
            f" ELSE {nanos('number_text')} END"
        ),
        "series": "md5(concat_ws(chr(29), resource_labels, scope_name, series_labels))",
    },
    {"value": f"CASE WHEN kind = '{Kind.COST}' THEN cost_nanos ELSE number_count END"},
)
_SHARED: Final = Shared(
    parts={
        "spelling": "spelt_provider",
        "name_of_model": "model",
        "of_resource": "resource_labels",
        "of_point": "point_labels",
        "of_scope": "scope_name",
    },
    steps=({"spelt": providers.spelling("spelling")},),
    columns={
        **otlp.provider_columns("spelt"),
        "model_raw": "name_of_model",
        "tags": bulk_tags.merged(
            f"list_concat({otlp.entries('of_resource')}, {otlp.entries('of_point')},"
            f" {bulk_tags.given({'otel.scope': 'of_scope'})})"
        ),
    },
)
_COLUMNS: Final = {
    "event_id": counters.point_id("series", "kind", "from_text", "at_text", "is_sum"),
    "start": "coalesce(since, taken)",
    "end": "taken",
    "grain": "'minute'",
    "product": ("CASE WHEN is_claude THEN 'claude-code' WHEN is_codex THEN 'codex' ELSE 'api' END"),
    "speed": said("spoken_speed"),
    "principal": said("person"),
    "session": said("of_session"),
    counters.VALUE: "value",
}
_NOISE: Final = f"""CASE
    WHEN point IS NULL THEN 'lines, scopes or metrics without points'
    WHEN coalesce(metric.name NOT IN ({_METRICS}), true) THEN 'points of other metrics'
    WHEN kind = '{Kind.COST}' AND is_sum THEN 'estimated costs since a start'
    WHEN metric.name = '{_CODEX_TOKENS}' AND counted_as = '{_CODEX_TOTAL}'
      THEN 'totals of what is counted apart'
    WHEN value = 0 AND NOT is_sum THEN 'points that count nothing'
    END"""
_TEMPORALITY: Final = "1 for an increase, or 2 for a sum since the start"
_CHECKS: Final = (
    Check(
        fails="NOT coalesce(is_delta OR is_sum, false)",
        code="unknown-value",
        field="aggregationTemporality",
        found="coalesce(temporality, 'nothing')",
        expected=_TEMPORALITY,
    ),
    Check(
        fails="kind IS NULL",
        code="unknown-value",
        field="type",
        found="coalesce(counted_as, 'nothing')",
        expected="a kind of tokens that the metric is documented to count",
    ),
    Check(
        fails="modality <> 'text'",
        code="unknown-value",
        field=_MODALITY,
        found="modality",
        expected="text; tokens of another kind cost something else",
        remedy="take them from the provider's own usage report",
    ),
    *request_logs.when("timeUnixNano", "at_text", "taken", expected=request_logs.EPOCH_NANOS),
    Check(
        fails="(is_sum AND since IS NULL) OR (from_text <> '' AND since IS NULL) OR since > taken",
        code="bad-instant",
        field="startTimeUnixNano",
        found="from_text",
        expected=f"{request_logs.EPOCH_NANOS}, not after timeUnixNano",
    ),
    *texts_without_nul(
        {
            "model": "model",
            "gen_ai.provider.name": "spelt_provider",
            "session.id": "of_session",
            "user.id": "person",
            "speed": "spoken_speed",
            "scope.name": "scope_name",
            "resource.attributes": "resource_labels",
            "attributes": "point_labels",
        }.items()
    ),
    missing("asInt", request_logs.COUNT, "number_text"),
    Check(
        fails=f"value IS NULL AND kind <> '{Kind.COST}'",
        code="bad-quantity",
        field="asInt",
        found="number_text",
        expected=request_logs.COUNT,
    ),
    Check(
        fails="value IS NULL",
        code="bad-amount",
        field="asDouble",
        found="number_text",
        expected="US dollars as a decimal number, 0 or more",
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
    merge=counters.MERGE,
    merged_noise=counters.MERGED_NOISE,
)


class OtlpMetrics:
    """One record per series and minute, or per series and hour where sums are differenced."""

    name = "otlp-metrics"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.EVENT
    repeat = Repeat.LARGEST
    describes = "OpenTelemetry metrics of Claude Code, Codex and GenAI conventions: OTLP JSON Lines"
    export = "the file exporter of an OpenTelemetry collector, metrics in a file of their own"
    cannot_tell = "requests; what is billed; the lifetime of cache writes"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the signal and the name of a metric that counts tokens."""
        telling = ('"claude_code.', '"codex.', f'"{_HISTOGRAM}"', f'"{_COUNTER}')
        return otlp.by_signal(sample, "resourceMetrics", telling)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read every point of a known metric, and put together what belongs together."""
        yield from reader.bulk(path, _LAYOUT)
