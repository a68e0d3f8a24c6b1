"""Events of Claude Code and of Codex over OpenTelemetry: OTLP logs as JSON Lines.

The rules, from the source formats note (sections 3.3 and 4.3, read 2026-11-21):

* `api_request` of Claude Code and `codex.sse_event` of the kind `response.completed` are one answer
  of the model, with its tokens. Other events are noise: the sum of a subagent's event covers only
  its last request, and other events of a stream repeat nothing.
* The input of Claude Code leaves out what was read from and written to a cache, and does not say
  how long a cache write lives. That of Codex includes what was cached; reasoning is in the output.
* Numbers may arrive as text. The speed `normal` is what others call `standard`.
* An answer to Claude Code is known by `request_id`, else by `client_request_id`, else by session
  and sequence; one to Codex by conversation, time and counts, since it has no id.
* The cost is an approximation at list prices: an estimate. Codex signed in with ChatGPT uses
  credits of a plan, on the platform `chatgpt`.
* What Codex calls tokens of tools is not established, and is not added.

No prompt is taken: of an event's attributes only those that are named. The same traffic is in the
metrics, the transcripts and the provider's own reports; the role is `detail`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk import request_logs
from metering.ingest.bulk import tags as bulk_tags
from metering.ingest.bulk.checks import missing, texts_without_nul
from metering.ingest.bulk.layout import Check, Fields, Layout, Shared, instant, nanos
from metering.ingest.bulk.layout import text as said
from metering.ingest.bulk.unfolding import ABOVE, Level
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.shapes import otlp

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
_CODEX: Final = "codex.sse_event"
_COMPLETED: Final = "response.completed"
# As Claude Code spells what it counts, then as Codex does.
_SPELLINGS: Final = {
    "input": ("input_tokens", "input_token_count"),
    "output": ("output_tokens", "output_token_count"),
    "read": ("cache_read_tokens", "cached_token_count"),
    "written": ("cache_creation_tokens",),
    "thought": ("reasoning_token_count",),
    "micros": ("cost_usd_micros",),
}
_COUNTS: Final = {
    count: (names[0], otlp.whole(otlp.attribute("event", *names)))
    for count, names in _SPELLINGS.items()
}
_PERSON: Final = ("user.email", "user.account_id", "user.account_uuid", "user.id")
# Said by the client or its settings, and never what a person or a model wrote.
_OWN_LABELS: Final = (
    *("query_source", "effort", "agent.name", "skill.name", "plugin.name", "marketplace.name"),
    *("mcp_server.name", "mcp_tool.name", "organization.id", "app.version", "terminal.type"),
    *("team", "team.id", "project", "project.id", "department", "cost_center"),
)


def _of_codex(text: str) -> str:
    """Return what stands in a text of Codex; for Claude Code, something: it is checked apart."""
    return f"CASE WHEN is_codex THEN {text} ELSE '-' END"


def _counts_are_counts() -> Iterator[Check]:
    """Yield the check of each count under the name that the client gives it."""
    for count, names in _SPELLINGS.items():
        for field in names:
            whose = "is_codex" if field.endswith("_token_count") else "NOT is_codex"
            yield Check(
                fails=f"{whose} AND {count}_text IS NOT NULL AND {count}_count IS NULL",
                code="bad-quantity",
                field=field,
                found=f"{count}_text",
                expected=request_logs.COUNT,
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
        "of_session": otlp.attribute("event", "session.id", "conversation.id"),
        "event_kind": otlp.attribute("event", "event.kind"),
        "auth_mode": otlp.attribute("event", "auth_mode"),
        "nth": otlp.attribute("event", "event.sequence"),
        "model": otlp.attribute("event", "model"),
        "spoken_speed": otlp.attribute("event", "speed"),
        "person": otlp.attribute("event", *_PERSON),
        "cost_text": otlp.attribute("event", "cost_usd"),
        "own_labels": otlp.named_labels("event", _OWN_LABELS),
    },
    *request_logs.counted(_COUNTS),
    {
        "is_codex": f"coalesce(kind = '{_CODEX}', false)",
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
            f" WHEN kind = '{_CODEX}' THEN concat_ws('/', 'codex', of_session, stamp_text,"
            " input_text, read_text, output_text)"
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
    "provider": "CASE WHEN is_codex THEN 'openai' ELSE 'anthropic' END",
    "platform": (
        "CASE WHEN NOT is_codex THEN 'anthropic-api'"
        " WHEN lower(auth_mode) = 'chatgpt' THEN 'chatgpt' ELSE 'openai-api' END"
    ),
    "product": "CASE WHEN is_codex THEN 'codex' ELSE 'claude-code' END",
    "speed": "CASE spoken_speed WHEN 'normal' THEN 'standard' ELSE nullif(spoken_speed, '') END",
    "prompt_tokens": "input_count + CASE WHEN is_codex THEN 0 ELSE cached_count END",
    "principal": said("person"),
    "session": said("of_session"),
    "requests": "1",
    "input_uncached": "input_count - CASE WHEN is_codex THEN cached_count ELSE 0 END",
    "cache_read": "coalesce(read_count, 0)",
    "cache_write_unknown": "nullif(written_count, 0)",
    "output": "output_count",
    "reasoning": "thought_count",
    **request_logs.estimated("claimed_nanos"),
}
_NOISE: Final = f"""CASE
    WHEN event IS NULL THEN 'lines or scopes without events'
    WHEN is_codex AND event_kind IS DISTINCT FROM '{_COMPLETED}'
      THEN 'events of {_CODEX} before the answer is complete'
    WHEN kind NOT IN ('{_REQUEST}', '{_CODEX}') THEN 'events of ' || left(kind, 40)
    END"""
_CHECKS: Final = (
    missing("conversation.id", "the conversation that the answer is of", _of_codex("of_session")),
    missing("request_id", "the id of the request, or session.id with event.sequence", "id"),
    *request_logs.when("event.timestamp", "stamp_text", "started"),
    missing("input_token_count", request_logs.COUNT, _of_codex("input_text")),
    missing("output_token_count", request_logs.COUNT, _of_codex("output_text")),
    missing("input_tokens", request_logs.COUNT, "input_text"),
    missing("output_tokens", request_logs.COUNT, "output_text"),
    *texts_without_nul(
        {
            "request_id": "id",
            "model": "model",
            "speed": "spoken_speed",
            "session.id": "of_session",
            "event.kind": "event_kind",
            "user.id": "person",
            "resource.attributes": "resource_labels",
            "attributes": "own_labels",
        }.items()
    ),
    *_counts_are_counts(),
    Check(
        fails="is_codex AND cached_count > input_count",
        code="cached-exceeds-input",
        field="input_token_count",
        found="input_text",
        expected="at least the tokens that were cached",
        remedy="the event cannot be metered: ask the maintainers of Codex",
    ),
    Check(
        fails="thought_count > output_count",
        code="tokens-do-not-add-up",
        field="reasoning_token_count",
        found="thought_text",
        expected="at most output_token_count, which includes it",
    ),
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
    shared=(_SHARED,),
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
    describes = "Claude Code and Codex: events over OpenTelemetry, OTLP logs as JSON Lines"
    export = "the file exporter of an OpenTelemetry collector, logs in a file of their own"
    cannot_tell = "what is billed: its cost is an estimate; the lifetime of cache writes"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the signal and the name of an event."""
        telling = (f'"{_PREFIX}', f'"{_REQUEST}"', '"codex.')
        return otlp.by_signal(sample, "resourceLogs", telling)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read the usage of every answer."""
        yield from reader.bulk(path, _LAYOUT)
