"""Session transcripts of Claude Code: JSON Lines, one line per content block of an answer.

Only the usage of assistant lines is taken; what people and the model wrote is never looked at.
The rules, from the source formats note (section 3.1, read 2026-11-21):

* Every line of one answer repeats its usage, and the output count grows: the largest snapshot is
  the answer, not the sum and not the first.
* One answer is one `message.id` with one `requestId`. A side question replays the answers of its
  parent under new request ids and with larger cache reads: beside an answer of the main chain, in
  the same file or another, it adds nothing.
* `cache_creation` says how long a cache write lives and replaces the flat total; where it is
  missing, the lifetime is not known.
* The last line of a session that is still running may be cut.

The numbers are an estimate, whose output may be low, and no person, key or team is named: the role
is `detail`, which divides metered money and never adds to it.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk.layout import Check, Fields, Layout, Shared, instant, nanos, whole_number
from metering.ingest.bulk.layout import text as said
from metering.ingest.contract import (
    Identity,
    Pack,
    Reading,
    Repeat,
    Sample,
    SourceRole,
    Verdict,
)

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_FIELDS: Final[Fields] = {
    "type": "VARCHAR",
    "timestamp": "VARCHAR",
    "sessionId": "VARCHAR",
    "requestId": "VARCHAR",
    "cwd": "VARCHAR",
    "gitBranch": "VARCHAR",
    "version": "VARCHAR",
    "isSidechain": "JSON",
    "isApiErrorMessage": "JSON",
    "costUSD": "JSON",
    "message": {
        "id": "VARCHAR",
        "model": "VARCHAR",
        "usage": {
            "input_tokens": "JSON",
            "cache_read_input_tokens": "JSON",
            "cache_creation_input_tokens": "JSON",
            "cache_creation": {
                "ephemeral_5m_input_tokens": "JSON",
                "ephemeral_1h_input_tokens": "JSON",
            },
            "output_tokens": "JSON",
            "output_tokens_details": {"thinking_tokens": "JSON", "reasoning_tokens": "JSON"},
            "server_tool_use": {"web_search_requests": "JSON"},
            "service_tier": "VARCHAR",
            "speed": "VARCHAR",
            "inference_geo": "VARCHAR",
        },
    },
}
# What tells a transcript from other JSON Lines: these stand on every line of a conversation.
_TELLING: Final = ("type", "uuid", "sessionId", "timestamp")

_DETAILS: Final = "used.output_tokens_details"
# What is counted and where it stands, as a reader of the file would look for it.
_COUNTS: Final = {
    "input": ("message.usage.input_tokens", "used.input_tokens"),
    "output": ("message.usage.output_tokens", "used.output_tokens"),
    "read": ("message.usage.cache_read_input_tokens", "used.cache_read_input_tokens"),
    "written": ("message.usage.cache_creation_input_tokens", "used.cache_creation_input_tokens"),
    "written_5m": (
        "message.usage.cache_creation.ephemeral_5m_input_tokens",
        "used.cache_creation.ephemeral_5m_input_tokens",
    ),
    "written_1h": (
        "message.usage.cache_creation.ephemeral_1h_input_tokens",
        "used.cache_creation.ephemeral_1h_input_tokens",
    ),
    "searches": (
        "message.usage.server_tool_use.web_search_requests",
        "used.server_tool_use.web_search_requests",
    ),
    "thought": (
        "message.usage.output_tokens_details",
        f"coalesce({_DETAILS}.thinking_tokens, {_DETAILS}.reasoning_tokens)",
    ),
}

_STEPS: Final = (
    {
        "used": "message.usage",
        "started": instant('"timestamp"', zoneless_is_utc=False),
        "side": "coalesce(isSidechain::VARCHAR = 'true', false)",
        "claimed_nanos": nanos("costUSD::VARCHAR"),
    },
    {f"{count}_text": f"({source})::VARCHAR" for count, (_, source) in _COUNTS.items()},
    {f"{count}_count": whole_number(f"{count}_text") for count in _COUNTS},
    {
        "aged": "written_5m_count IS NOT NULL OR written_1h_count IS NOT NULL",
        "aged_count": "coalesce(written_5m_count, 0) + coalesce(written_1h_count, 0)",
    },
    {"all_written_count": "CASE WHEN aged THEN aged_count ELSE coalesce(written_count, 0) END"},
)

_NOISE: Final = """CASE
    WHEN type IS NULL THEN 'lines without a type'
    WHEN type <> 'assistant' THEN 'lines of type ' || left(type, 40)
    WHEN isApiErrorMessage::VARCHAR = 'true' THEN 'error messages of the client'
    WHEN message.model = '<synthetic>' THEN 'answers the client made itself'
    WHEN used IS NULL THEN 'assistant lines without usage'
    END"""

_COLUMNS: Final = {
    "event_id": "message.id || '/' || coalesce(nullif(requestId, ''), 'none')",
    "start": "started",
    "grain": "'request'",
    "provider": "'anthropic'",
    "platform": "'anthropic-api'",
    "product": "'claude-code'",
    "model_raw": said("message.model"),
    "service_tier": said("used.service_tier"),
    "speed": said("used.speed"),
    "prompt_tokens": "input_count + coalesce(read_count, 0) + all_written_count",
    "session": said("sessionId"),
    "requests": "1",
    "input_uncached": "input_count",
    "cache_read": "coalesce(read_count, 0)",
    "cache_write_5m": "nullif(written_5m_count, 0)",
    "cache_write_1h": "nullif(written_1h_count, 0)",
    "cache_write_unknown": "CASE WHEN NOT aged THEN nullif(written_count, 0) END",
    "output": "output_count",
    "other_meters": (
        "CASE WHEN searches_count > 0"
        " THEN map_from_entries([{'name': 'web_search', 'quantity': searches_count}]) END"
    ),
    "reasoning": "thought_count",
    "reported_nanos": "claimed_nanos",
    "reported_currency": "CASE WHEN claimed_nanos IS NOT NULL THEN 'USD' END",
    "reported_kind": "CASE WHEN claimed_nanos IS NOT NULL THEN 'estimate' END",
}

_SHARED: Final = Shared(
    parts={
        "folder": "cwd",
        "branch": "gitBranch",
        "program": "version",
        "geo": "used.inference_geo",
        "aside": "CASE WHEN side THEN 'true' END",
    },
    # The folder's name as a person says it, on any system.
    steps=({"repo": r"regexp_extract(folder, '([^/\\]+)[/\\]*$', 1)"},),
    columns={
        "conditions": (
            "CASE WHEN geo IS NOT NULL THEN to_json({'inference_geo': geo})::VARCHAR END"
        ),
        "tags": (
            "map_from_entries(list_filter(["
            "{'name': 'branch', 'value': branch}, {'name': 'cwd', 'value': folder},"
            " {'name': 'repo', 'value': repo}, {'name': 'sidechain', 'value': aside},"
            " {'name': 'version', 'value': program}], lambda entry: entry.value <> ''))"
        ),
    },
)

_WHOLE: Final = "a whole number, 0 or more, of at most 18 digits, without quotes or separators"
_INSTANT: Final = "an instant as YYYY-MM-DDTHH:MM:SSZ, from 2000 to 2099"
_ID: Final = "an id of the provider, without '/' or NUL"


def _missing(field: str, value: str, expected: str) -> Check:
    return Check(
        fails=f"nullif({value}, '') IS NULL",
        code="missing-field",
        field=field,
        found="'nothing'",
        expected=expected,
        quotes=False,
    )


def _unfit_id(field: str, value: str) -> Check:
    # The two ids are joined by "/": within one it would make two answers look like one.
    return Check(
        fails=f"contains({value}, '/') OR contains({value}, chr(0))",
        code="bad-text",
        field=field,
        found=value,
        expected=_ID,
    )


def _nul(field: str) -> Check:
    return Check(
        fails=f"contains({field}, chr(0))",
        code="bad-text",
        field=field,
        found=field,
        expected="text without NUL",
    )


_CHECKS: Final = (
    _missing("message.id", "message.id", _ID),
    _unfit_id("message.id", "message.id"),
    _unfit_id("requestId", "requestId"),
    *(
        _nul(field)
        for field in (
            "message.model",
            "sessionId",
            "cwd",
            "gitBranch",
            "version",
            "message.usage.inference_geo",
        )
    ),
    _missing("timestamp", '"timestamp"', _INSTANT),
    Check(
        # Only of a time that is refused is it asked what it lacks.
        fails=(
            "CASE WHEN started IS NULL"
            f" THEN {instant('timestamp', zoneless_is_utc=True)} IS NOT NULL END"
        ),
        code="naive-timestamp",
        field="timestamp",
        found='"timestamp"',
        expected=f"{_INSTANT}: the offset is missing",
    ),
    Check(
        fails="started IS NULL",
        code="bad-instant",
        field="timestamp",
        found='"timestamp"',
        expected=_INSTANT,
    ),
    _missing("message.usage.input_tokens", "input_text", _WHOLE),
    _missing("message.usage.output_tokens", "output_text", _WHOLE),
    *(
        Check(
            fails=f"{count}_text IS NOT NULL AND {count}_count IS NULL",
            code="bad-quantity",
            field=field,
            found=f"{count}_text",
            expected=_WHOLE,
        )
        for count, (field, _) in _COUNTS.items()
    ),
    Check(
        fails="aged AND written_count <> aged_count",
        code="tokens-do-not-add-up",
        field="message.usage.cache_creation_input_tokens",
        found="written_text",
        expected="the sum of ephemeral_5m_input_tokens and ephemeral_1h_input_tokens",
    ),
    Check(
        fails="costUSD IS NOT NULL AND claimed_nanos IS NULL",
        code="bad-amount",
        field="costUSD",
        found="costUSD::VARCHAR",
        expected="US dollars as a decimal number, 0 or more",
    ),
)

# Of one answer in a file the row that comes first in this order is kept: main chain first, then
# the largest count, then one that says its speed. The earliest time of an answer is its start, so
# that a later import cannot move it across midnight. Answers of which only side chains are known
# are one answer per message, whatever their request ids; its id ends before the request, so that it
# gives way to the answer of the main chain in another file.
_MERGE: Final = """
    SELECT records.* REPLACE (kept.first_seen AS "start", kept.event_id AS event_id)
    FROM records JOIN (
      SELECT file_no, event_id, best.row_no AS row_no, first_seen FROM answers WHERE NOT only_side
      UNION ALL
      SELECT file_no, message_id || '/', min(best).row_no, min(first_seen) FROM answers
      GROUP BY file_no, message_id HAVING bool_and(only_side)
    ) AS kept USING (file_no, row_no)"""
_ANSWERS: Final = """
    SELECT file_no, event_id, any_value(split_part(event_id, '/', 1)) AS message_id,
      bool_and(side) AS only_side, min("start") AS first_seen,
      min({'side': side, 'less': -tokens, 'no_speed': speed IS NULL, 'start': "start",
        'row_no': row_no}) AS best
    FROM (SELECT *, prompt_tokens + output AS tokens FROM records)
    GROUP BY file_no, event_id"""

_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=(),
    steps=_STEPS,
    columns=_COLUMNS,
    shared=(_SHARED,),
    checks=_CHECKS,
    noise=_NOISE,
    telling='"usage"',
    live=True,
    merge=f"WITH answers AS ({_ANSWERS}) {_MERGE}",
    kept=("side",),
    merged_noise="repeated snapshots of one answer",
)


class ClaudeCodeTranscripts:
    """One record per answer of the model; all else in a transcript is counted as noise."""

    name = "claude-code-transcripts"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.EVENT
    repeat = Repeat.LARGEST_MAIN
    describes = "Claude Code: session transcripts, usage fields only (JSON Lines)"
    export = "~/.claude/projects/**/*.jsonl, collected at least weekly"
    cannot_tell = "persons, keys and money; all of the output, which some versions write too low"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the fields that stand on every line of a conversation."""
        lines = sample.lines or (sample.head or "",)
        if any(_is_of_conversation(line) for line in lines):
            return Verdict(matches=True, because="it has the lines of a conversation")
        return Verdict(matches=False, because="no line has 'sessionId', 'uuid' and 'timestamp'")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read the usage of every answer once, from the largest of its snapshots."""
        yield from reader.bulk(path, _LAYOUT)

    def read_pack(self, paths: Sequence[Path], reader: "Reader") -> Pack | None:
        """Read the usage of many sessions at once."""
        return reader.pack(paths, _LAYOUT)


def _is_of_conversation(line: str) -> bool:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        # A first line longer than the sample: a long question, or a picture.
        return all(f'"{field}"' in line for field in _TELLING) and line.startswith("{")
    return isinstance(fields, dict) and all(field in fields for field in _TELLING)
