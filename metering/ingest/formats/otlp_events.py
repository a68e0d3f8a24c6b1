"""Events of Claude Code over OpenTelemetry: OTLP logs as JSON Lines.

The rules, from the source formats note (section 3.3, read 2026-11-21):

* `api_request` is one answer of the model, with its tokens. Other events are noise: the sum of a
  subagent's event covers only its last request.
* The input leaves out what was read from and written to a cache; how long a cache write lives is
  not said.
* Numbers may arrive as text. The speed `normal` is what others call `standard`.
* A record is known by `request_id`, else by `client_request_id`, else by session and sequence.
* The cost is an approximation at list prices: an estimate.

No prompt is taken: of an event's attributes only those that are named. The same traffic is in the
metrics, the transcripts and the provider's own reports; the role is `detail`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest import bulk_tags, otlp, request_logs
from metering.ingest.bulk import Check, Fields, Layout, Shared, instant, nanos
from metering.ingest.bulk import text as said
from metering.ingest.bulk_checks import missing, texts_without_nul
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.unfolding import ABOVE, Level

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_FIELDS: Final[Fields] = {
    "resourceLogs": (
        {
            "resource": {"attributes": otlp.ATTRIBUTES},
            "scopeLogs": (
                {
                    "logRecords": (
                        {
                            "timeUnixNano": "VARCHAR",
                            "eventName": "VARCHAR",
                            "body": {"stringValue": "VARCHAR"},
                            "attributes": otlp.ATTRIBUTES,
                        },
                    ),
                },
            ),
        },
    )
}
_UNFOLD: Final = (
    Level("within", "resourceLogs", {"resource_labels": otlp.labels("within.resource.attributes")}),
    Level("scoped", f"{ABOVE}.scopeLogs"),
    Level("event", f"{ABOVE}.logRecords"),
)

_PREFIX: Final = "claude_code."
_REQUEST: Final = "api_request"
_COUNTS: Final = {
    count: (field, otlp.whole(otlp.attribute("event", field)))
    for count, field in {
        "input": "input_tokens",
        "output": "output_tokens",
        "read": "cache_read_tokens",
        "written": "cache_creation_tokens",
        "micros": "cost_usd_micros",
    }.items()
}
_PERSON: Final = ("user.email", "user.account_id", "user.account_uuid", "user.id")
# Said by the client or its settings, and never what a person or a model wrote.
_OWN_LABELS: Final = (
    *("query_source", "effort", "agent.name", "skill.name", "plugin.name", "marketplace.name"),
    *("mcp_server.name", "mcp_tool.name", "organization.id", "app.version", "terminal.type"),
    *("team", "team.id", "project", "project.id", "department", "cost_center"),
)
_STEPS: Final = (
    {"event_keys": otlp.keys("event.attributes"), "event_values": otlp.values("event.attributes")},
    {
        "kind": (
            "regexp_replace(coalesce("
            f"{otlp.attribute('event', 'event.name')}, nullif(event.eventName, ''),"
            f" event.body.stringValue, 'no name'), '^{_PREFIX}', '')"
        ),
        "stamp": otlp.attribute("event", "event.timestamp"),
        "request": otlp.attribute("event", "request_id"),
        "client_request": otlp.attribute("event", "client_request_id"),
        "of_session": otlp.attribute("event", "session.id"),
        "nth": otlp.attribute("event", "event.sequence"),
        "model": otlp.attribute("event", "model"),
        "spoken_speed": otlp.attribute("event", "speed"),
        "person": otlp.attribute("event", *_PERSON),
        "cost_text": otlp.attribute("event", "cost_usd"),
        "own_labels": otlp.named_labels("event", _OWN_LABELS),
    },
    *request_logs.counted(_COUNTS),
    {
        "started": (
            f"CASE WHEN stamp IS NOT NULL THEN {instant('stamp', zoneless_is_utc=False)}"
            f" ELSE {request_logs.since_1970('event.timeUnixNano', request_logs.EPOCH_NANOS)} END"
        ),
        "stamp_text": "coalesce(stamp, event.timeUnixNano)",
        "claimed_nanos": f"CASE WHEN micros_count < 10**15 THEN micros_count * 1000"
        f" WHEN micros_text IS NULL THEN {nanos('cost_text')} END",
        "cached_count": "coalesce(read_count, 0) + coalesce(written_count, 0)",
        "id": (
            "CASE WHEN request <> '' THEN 'request/' || request"
            " WHEN client_request <> '' THEN 'client/' || client_request"
            f" ELSE 'session/' || of_session || '/' || nth || '/{_REQUEST}' END"
        ),
    },
)
_SHARED: Final = Shared(
    parts={"name_of_model": "model", "of_resource": "resource_labels", "of_event": "own_labels"},
    steps=(),
    columns={
        "model_raw": "name_of_model",
        "tags": bulk_tags.merged(
            f"list_concat({otlp.entries('of_resource')}, {otlp.entries('of_event')})"
        ),
    },
)
_COLUMNS: Final = {
    "event_id": "id",
    "start": "started",
    "grain": "'request'",
    "provider": "'anthropic'",
    "platform": "'anthropic-api'",
    "product": "'claude-code'",
    "speed": "CASE spoken_speed WHEN 'normal' THEN 'standard' ELSE nullif(spoken_speed, '') END",
    "prompt_tokens": "input_count + cached_count",
    "principal": said("person"),
    "session": said("of_session"),
    "requests": "1",
    "input_uncached": "input_count",
    "cache_read": "coalesce(read_count, 0)",
    "cache_write_unknown": "nullif(written_count, 0)",
    "output": "output_count",
    **request_logs.estimated("claimed_nanos"),
}
_NOISE: Final = f"""CASE
    WHEN event IS NULL THEN 'lines or scopes without events'
    WHEN kind <> '{_REQUEST}' THEN 'events of ' || left(kind, 40)
    END"""
_CHECKS: Final = (
    missing("request_id", "the id of the request, or session.id with event.sequence", "id"),
    *request_logs.when("event.timestamp", "stamp_text", "started"),
    missing("input_tokens", request_logs.COUNT, "input_text"),
    missing("output_tokens", request_logs.COUNT, "output_text"),
    *texts_without_nul(
        {
            "request_id": "id",
            "model": "model",
            "speed": "spoken_speed",
            "session.id": "of_session",
            "user.id": "person",
            "resource.attributes": "resource_labels",
            "attributes": "own_labels",
        }.items()
    ),
    *request_logs.count_checks(_COUNTS, request_logs.COUNT),
    Check(
        fails="coalesce(cost_text, micros_text) IS NOT NULL AND claimed_nanos IS NULL",
        code="bad-amount",
        field="cost_usd",
        found="coalesce(cost_text, micros_text)",
        expected="US dollars as a decimal number, 0 or more, less than a billion",
    ),
)

_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=(),
    unfold=_UNFOLD,
    steps=_STEPS,
    columns=_COLUMNS,
    shared=_SHARED,
    checks=_CHECKS,
    noise=_NOISE,
    live=True,
)


class OtlpEvents:
    """One record per answer of the model; all other events are noise."""

    name = "otlp-events"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.EVENT
    repeat = Repeat.REJECT
    describes = "Claude Code: events over OpenTelemetry, OTLP logs as JSON Lines"
    export = "OTEL_LOGS_EXPORTER=otlp, and the file exporter of a collector, logs in their own file"
    cannot_tell = "what is billed: its cost is an estimate; the lifetime of cache writes"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the signal and the name of an event."""
        telling = (f'"{_PREFIX}', f'"{_REQUEST}"')
        return otlp.by_signal(sample, "resourceLogs", telling)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read the usage of every answer."""
        yield from reader.bulk(path, _LAYOUT)
