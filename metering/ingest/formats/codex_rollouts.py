"""Session files of Codex (rollouts): JSON Lines, one session to a file, cumulative token counts.

Only usage fields are taken; what people and the model wrote is never looked at. The rules, from the
source formats note (section 4.1, read 2026-11-21):

* Newer files have a ledger: one `token_usage_record` per response, with an id. Then each of them is
  a record, and every `token_count` of the file is passed over.
* Older files have `token_count` events with the sum of the session so far. A record is what the sum
  has grown by. An event that repeats the sum adds nothing. When a counter has fallen (the context
  was compacted, or the session resumed), the record is the last response, and counting goes on from
  there. Adding up the last responses instead counts repeated events twice.
* When the context is full, the client writes zeros and the size of the window: no usage.
* A fork, or the session of a subagent, begins with what its parent had used: the events of its
  first second, where there are several or the first does not begin at nothing, only set the sum.
* The model is that of the turn before; without one it is unknown, and is not guessed.
* Cached and cache-write tokens are inside input, reasoning is inside output.
* The last line of a session that is still running may be cut.

No person, key or team is named, and a plan is paid in credits: the role is `detail`, which divides
metered money and never adds to it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk.checks import INSTANT, WHOLE, missing, readable, texts_without_nul
from metering.ingest.bulk.layout import Check, Fields, Layout, instant, whole_number
from metering.ingest.bulk.layout import text as said
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.marks import has_key

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

# What is counted, as Codex spells it; the first two are always there.
_COUNTS: Final = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cached": "cached_input_tokens",
    "written": "cache_write_input_tokens",
    "reasoned": "reasoning_output_tokens",
}
_REQUIRED: Final = ("input", "output")
_USAGE: Final[Fields] = dict.fromkeys((*_COUNTS.values(), "total_tokens"), "JSON")
_FIELDS: Final[Fields] = {
    "timestamp": "VARCHAR",
    "type": "VARCHAR",
    "payload": {
        "type": "VARCHAR",
        "id": "VARCHAR",
        "cwd": "VARCHAR",
        "cli_version": "VARCHAR",
        "source": "VARCHAR",
        "model_provider": "VARCHAR",
        "forked_from_id": "VARCHAR",
        "model": "VARCHAR",
        "session_id": "VARCHAR",
        "thread_id": "VARCHAR",
        "response_id": "VARCHAR",
        "usage": _USAGE,
        "info": {"model": "VARCHAR", "total_token_usage": _USAGE, "last_token_usage": _USAGE},
    },
}
# What tells a rollout from other JSON Lines: every line is an envelope of these.
_ENVELOPE: Final = ("timestamp", "type", "payload")
_TYPES: Final = (
    "compacted",
    "event_msg",
    "response_item",
    "session_meta",
    "token_usage_record",
    "turn_context",
)

_SO_FAR: Final = "OVER (ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
_BEFORE: Final = "OVER (ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
_EVER: Final = "OVER (ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)"


def _at(kind: str, value: str) -> str:
    return f"CASE WHEN kind = '{kind}' THEN nullif({value}, '') END"


def _of_session(value: str) -> str:
    """Return an expression for what the first session line says: a fork may repeat its parent's."""
    return f"first_value({_at('session', value)} IGNORE NULLS) {_EVER}"


def _grown(count: str) -> str:
    """Return an expression for how much a count is more than before, or of the last response."""
    return (
        f"CASE WHEN kind = 'ledger' THEN {count} WHEN has_fallen THEN {count}_last"
        f" ELSE {count} - coalesce(before.{count}, 0) END"
    )


_SUM: Final = "{" + ", ".join(f"'{count}': coalesce({count}, 0)" for count in _COUNTS) + "}"
_LAST: Final = "{" + ", ".join(f"'{count}': coalesce({count}_last, 0)" for count in _COUNTS) + "}"
_STEPS: Final = (
    {
        # The lines of a file build on each other, so each needs its place among them.
        "place": "row_number() OVER ()",
        "kind": (
            "CASE WHEN type = 'token_usage_record' THEN 'ledger'"
            " WHEN type = 'event_msg' AND payload.type = 'token_count' THEN 'count'"
            " WHEN type = 'session_meta' THEN 'session'"
            " WHEN type = 'turn_context' THEN 'turn' END"
        ),
        "started": instant('"timestamp"', zoneless_is_utc=False),
    },
    {
        **{
            f"{count}_text": (
                f"(CASE kind WHEN 'ledger' THEN payload.usage.{field}"
                f" WHEN 'count' THEN payload.info.total_token_usage.{field} END)::VARCHAR"
            )
            for count, field in _COUNTS.items()
        },
        **{
            f"{count}_last_text": f"(payload.info.last_token_usage.{field})::VARCHAR"
            for count, field in _COUNTS.items()
        },
        "all_text": "(payload.info.total_token_usage.total_tokens)::VARCHAR",
        "thread": _of_session("payload.id"),
        "has_parent": _of_session(
            "CASE WHEN payload.forked_from_id <> '' OR starts_with(payload.source, '{')"
            " THEN 'yes' ELSE 'no' END"
        ),
        "served_by": _of_session("payload.model_provider"),
        "version": _of_session("payload.cli_version"),
        "origin": _of_session(
            "CASE WHEN starts_with(payload.source, '{') THEN 'subagent' ELSE payload.source END"
        ),
        "folder": (
            "last_value(CASE WHEN kind IN ('session', 'turn')"
            f" THEN nullif(payload.cwd, '') END IGNORE NULLS) {_SO_FAR}"
        ),
        "turn_model": f"last_value({_at('turn', 'payload.model')} IGNORE NULLS) {_SO_FAR}",
        "has_ledger": "bool_or(coalesce(kind = 'ledger', false)) OVER ()",
    },
    {
        **{count: whole_number(f"{count}_text") for count in _COUNTS},
        **{f"{count}_last": whole_number(f"{count}_last_text") for count in _COUNTS},
        "says_nothing": "kind = 'count' AND payload.info.total_token_usage IS NULL",
        "repo": r"regexp_extract(folder, '([^/\\]+)[/\\]*$', 1)",
    },
    {
        "is_full": (
            "kind = 'count' AND coalesce(all_text <> '0', false) AND "
            + " AND ".join(f"coalesce({count}, 0) = 0" for count in _COUNTS)
        ),
    },
    {
        "sum": (
            f"CASE WHEN kind = 'count' AND NOT is_full AND started IS NOT NULL"
            f" AND input IS NOT NULL AND output IS NOT NULL THEN {_SUM} END"
        ),
        "last_sum": (
            f"CASE WHEN input_last IS NOT NULL AND output_last IS NOT NULL THEN {_LAST} END"
        ),
    },
    {
        "before": f"last_value(sum IGNORE NULLS) {_BEFORE}",
        "first_second": (
            "first_value(CASE WHEN sum IS NOT NULL THEN date_trunc('second', started) END"
            f" IGNORE NULLS) {_EVER}"
        ),
    },
    {
        "is_first_second": "sum IS NOT NULL AND date_trunc('second', started) = first_second",
        "has_fallen": "kind = 'count' AND coalesce("
        + " OR ".join(f"coalesce({count}, 0) < before.{count}" for count in _COUNTS)
        + ", false)",
    },
    {"is_burst": "bool_or(is_first_second AND before IS NOT NULL) OVER ()"},
    {
        "is_inherited": (
            "has_parent = 'yes' AND is_first_second AND (is_burst"
            " OR before IS NULL AND last_sum IS NOT NULL AND last_sum <> sum)"
        ),
        **{f"new_{count}": _grown(count) for count in _COUNTS},
    },
    {"spent": "coalesce(new_cached, 0) + coalesce(new_written, 0)"},
)

_NOISE: Final = """CASE
    WHEN type IS NULL THEN 'lines without a type'
    WHEN kind IS NULL OR kind IN ('session', 'turn') THEN 'lines of type ' || left(type, 40)
    WHEN kind = 'ledger' THEN NULL
    WHEN has_ledger THEN 'token counts beside the ledger'
    WHEN says_nothing THEN 'token counts without usage'
    WHEN is_full THEN 'marks of a full context'
    WHEN is_inherited THEN 'token counts that a fork inherits'
    WHEN sum = before THEN 'repeated token counts'
    END"""

_COLUMNS: Final = {
    "event_id": (
        "CASE kind WHEN 'ledger' THEN"
        " coalesce(nullif(payload.thread_id, ''), nullif(payload.session_id, ''), thread)"
        " || '/' || payload.response_id"
        """ ELSE thread || '/' || "timestamp" || '/' || """
        + " || '-' || ".join(f"sum.{count}" for count in _COUNTS)
        + " END"
    ),
    "start": "started",
    "grain": "'request'",
    "provider": "coalesce(served_by, 'openai')",
    "platform": "coalesce(served_by, 'openai') || '-api'",
    "product": "'codex'",
    "model_raw": f"coalesce(turn_model, {said('payload.info.model')}, {said('payload.model')})",
    # What the sum has grown by may be more than one response; the last one tells.
    "prompt_tokens": "CASE WHEN kind = 'ledger' OR new_input = input_last THEN new_input END",
    "session": "coalesce(thread, nullif(payload.thread_id, ''))",
    "tags": (
        "map_from_entries(list_filter([{'name': 'cwd', 'value': folder},"
        " {'name': 'origin', 'value': origin}, {'name': 'repo', 'value': repo},"
        " {'name': 'version', 'value': version}], lambda entry: entry.value <> ''))"
    ),
    "requests": "1",
    "input_uncached": "new_input - spent",
    "cache_read": "coalesce(new_cached, 0)",
    "cache_write_30m": "nullif(new_written, 0)",
    "output": "new_output",
    "reasoning": "new_reasoned",
}


def _spelled(count: str) -> str:
    return f"token usage: {_COUNTS[count]}"


_CHECKS: Final = (
    missing("timestamp", INSTANT),
    Check(
        fails=f"started IS NULL AND {instant('timestamp', zoneless_is_utc=True)} IS NOT NULL",
        code="naive-timestamp",
        field="timestamp",
        found='"timestamp"',
        expected=f"{INSTANT}: the offset is missing",
    ),
    readable("timestamp", '"timestamp"', "started", "bad-instant", INSTANT),
    Check(
        fails="thread IS NULL AND (kind = 'count' OR coalesce(payload.thread_id,"
        " payload.session_id, '') = '')",
        code="missing-field",
        field="session_meta.id",
        found="'nothing'",
        expected="the file to begin with its session_meta line",
        remedy="ingest the whole file of the session",
        quotes=False,
    ),
    Check(
        fails="kind = 'ledger' AND coalesce(payload.response_id, '') = ''",
        code="missing-field",
        field="payload.response_id",
        found="'nothing'",
        expected="the id of the response",
        quotes=False,
    ),
    *texts_without_nul(
        (field, field)
        for field in (
            "thread",
            "payload.response_id",
            "folder",
            "turn_model",
            "served_by",
            "origin",
        )
    ),
    *(
        Check(
            fails=f"nullif({count}_text, 'null') IS NULL",
            code="missing-field",
            field=_spelled(count),
            found="'nothing'",
            expected=WHOLE,
            quotes=False,
        )
        for count in _REQUIRED
    ),
    *(
        readable(_spelled(count), f"nullif({count}_text, 'null')", count, "bad-quantity", WHOLE)
        for count in _COUNTS
    ),
    Check(
        fails="has_fallen AND last_sum IS NULL",
        code="missing-field",
        field="payload.info.last_token_usage",
        found="'nothing'",
        expected="the last response, where a counter has fallen",
        quotes=False,
    ),
    Check(
        fails="spent > new_input",
        code="cached-exceeds-input",
        field=_spelled("cached"),
        found="spent || ' with cache writes'",
        expected="at most the input that was used since",
        quotes=False,
    ),
)

_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=(),
    steps=_STEPS,
    columns=_COLUMNS,
    checks=_CHECKS,
    noise=_NOISE,
    live=True,
)


class CodexRollouts:
    """One record per response, or per growth of the session's sum; all else is noise."""

    name = "codex-rollouts"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.EVENT
    repeat = Repeat.LARGEST
    describes = "Codex session files, usage fields only (rollout JSON Lines)"
    export = "~/.codex/sessions/**/rollout-*.jsonl, each file whole"
    cannot_tell = "persons, keys, plans and money"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the envelope that every line is."""
        head = sample.head or ""
        is_likely = all(has_key(head, field) for field in _ENVELOPE)
        if is_likely and any(_is_envelope(line) for line in sample.lines or (head,)):
            return Verdict(matches=True, because="its lines are those of a Codex session")
        return Verdict(matches=False, because="no line has a 'payload' of a Codex 'type'")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read what was used, once."""
        yield from reader.bulk(path, _LAYOUT)


def _is_envelope(line: str) -> bool:
    if not all(f'"{name}"' in line for name in _ENVELOPE):
        return False
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        # A first line longer than the sample: the instructions of a session.
        return line.startswith("{")
    return (
        isinstance(fields, dict)
        and all(name in fields for name in _ENVELOPE)
        and fields["type"] in _TYPES
    )
