"""Observations exported from Langfuse: JSON Lines, a JSON array, CSV or Parquet, in snake case.

The rules, from the source formats note (section 4.4, read 2026-11-21), and of times from Langfuse's
"Blob storage export field reference", read 2026-11-22:

* The scheduled export writes times without an offset. They are UTC.
* Only generations and embeddings carry usage; spans and events around them are noise.
* `usage_details` is an open map of disjoint parts. A part that nobody has documented is rejected,
  since it may be inside another; where a `total` is given, it must be the sum of the parts. A raw
  map of an SDK, whose prompt includes what was cached, is so refused and not counted twice.
* Parts of the output (reasoning) are added to it: all of it is billed as output.
* No provider is named: it is "unknown", and so is its platform.
* `total_cost` is Langfuse's estimate, or whatever the caller said.
* An observation may be updated: of two with one id, the one with more tokens is the final one.
* The user and the tags are said by the caller. Metadata may hold anything and is not looked at.

The role is `detail`: the provider meters the same requests.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest import providers
from metering.ingest.bulk import request_logs
from metering.ingest.bulk.checks import missing, texts_without_nul
from metering.ingest.bulk.layout import (
    Check,
    Fields,
    Layout,
    Shared,
    instant,
    json_fields,
    literal,
    name,
    names_one_twice,
    nanos,
)
from metering.ingest.bulk.layout import text as said
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.record_names import by_names

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_REQUIRED: Final = ("id", "trace_id", "type", "start_time", "provided_model_name", "usage_details")
_FIELDS: Final[Fields] = {
    "id": "VARCHAR",
    "trace_id": "VARCHAR",
    "project_id": "VARCHAR",
    "environment": "VARCHAR",
    "type": "VARCHAR",
    "start_time": "VARCHAR",
    "end_time": "VARCHAR",
    "name": "VARCHAR",
    "trace_name": "VARCHAR",
    "level": "VARCHAR",
    "provided_model_name": "VARCHAR",
    "usage_details": "VARCHAR",
    "total_cost": "JSON",
    "user_id": "VARCHAR",
    "session_id": "VARCHAR",
    "tags": "VARCHAR",
}

# The parts of a usage map, by the meter they are; parts of one meter are disjoint, too.
_PARTS: Final = {
    "input": ("input",),
    "read": (
        *("input_cached_tokens", "input_cache_read", "input_cache_read_tokens"),
        "cache_read_input_tokens",
    ),
    "written": (
        "input_cache_creation",
        "input_cache_creation_tokens",
        "cache_creation_input_tokens",
    ),
    "audio_in": ("input_audio_tokens",),
    "output": ("output",),
    "thought": ("output_reasoning", "output_reasoning_tokens"),
    "audio_out": ("output_audio_tokens",),
}
_KNOWN_PARTS: Final = tuple(part for parts in _PARTS.values() for part in parts)
_COUNTS: Final = {
    part: (f"usage_details.{part}", f"used.{name(part)}") for part in (*_KNOWN_PARTS, "total")
}
_KEYS: Final = "try(json_keys(usage_text))"
_UNKNOWN: Final = (
    f"list_filter({_KEYS}, lambda key: key NOT IN ("
    + ", ".join(literal(part) for part in (*_KNOWN_PARTS, "total"))
    + "))"
)
_GENERATIONS: Final = ("GENERATION", "EMBEDDING")


def _sum(meter: str) -> str:
    """Return the sum of the parts of a meter; null if the map has none of them."""
    counts = ", ".join(f"{part}_count" for part in _PARTS[meter])
    return f"list_sum([{counts}])::BIGINT"


_STEPS: Final = (
    {
        "started": instant("start_time", zoneless_is_utc=True),
        "ended": instant("end_time", zoneless_is_utc=True),
        "usage_text": "nullif(nullif(nullif(usage_details, ''), '{}'), 'null')",
        "cost_text": "nullif(nullif(total_cost::VARCHAR, ''), 'null')",
        "labels_text": "nullif(nullif(nullif(tags, ''), '[]'), 'null')",
        "failed": "coalesce(level = 'ERROR', false)",
    },
    {"used": json_fields("usage_text", dict.fromkeys((*_KNOWN_PARTS, "total"), "JSON"))},
    *request_logs.counted(_COUNTS),
    {"claimed_nanos": nanos("cost_text"), **{f"all_{meter}": _sum(meter) for meter in _PARTS}},
    {
        "sum_count": "list_sum([" + ", ".join(f"all_{meter}" for meter in _PARTS) + "])::BIGINT",
        "asked_count": "list_sum([all_input, all_read, all_written, all_audio_in])::BIGINT",
    },
)
_LABELS: Final = "try(json_transform(labels, '[\"VARCHAR\"]'))"
_SHARED: Final = Shared(
    parts={
        "model": "provided_model_name",
        "of_environment": "environment",
        "of_name": '"name"',
        "of_trace": "trace_name",
        "of_user": "user_id",
        "labels": "labels_text",
    },
    steps=(
        {
            "said": (
                f"list_transform({_LABELS}, lambda label: {{'name': split_part(label, ':', 1),"
                " 'value': CASE WHEN contains(label, ':')"
                " THEN substr(label, strpos(label, ':') + 1) ELSE 'true' END})"
            )
        },
    ),
    columns={
        "model_raw": "model",
        "tags": request_logs.tags(
            {
                "end_user": "of_user",
                "environment": "of_environment",
                "name": "of_name",
                "trace_name": "of_trace",
            },
            "said",
        ),
    },
)
_COLUMNS: Final = {
    "event_id": "concat_ws('/', nullif(project_id, ''), id)",
    "start": "started",
    "end": "ended",
    "grain": "'request'",
    "provider": literal(providers.UNKNOWN),
    "platform": literal(f"{providers.UNKNOWN}-api"),
    "product": "'api'",
    "prompt_tokens": "coalesce(asked_count, 0)",
    "session": said("session_id"),
    "requests": "1",
    "failed_requests": "failed::INT",
    "input_uncached": "all_input",
    "cache_read": "all_read",
    "cache_write_unknown": "nullif(all_written, 0)",
    "output": "list_sum([all_output, all_thought])::BIGINT",
    "other_meters": (
        "CASE WHEN all_audio_in > 0 OR all_audio_out > 0 THEN map_from_entries(list_filter(["
        "{'name': 'input_audio_uncached', 'quantity': all_audio_in},"
        " {'name': 'output_audio', 'quantity': all_audio_out}],"
        " lambda entry: entry.quantity > 0)) END"
    ),
    "reasoning": "all_thought",
    **request_logs.estimated("claimed_nanos"),
}
_NOISE: Final = f"""CASE
    WHEN type NOT IN ({", ".join(map(literal, _GENERATIONS))})
      THEN 'observations of type ' || left(type, 40)
    WHEN usage_text IS NULL THEN 'generations without usage'
    END"""
_CHECKS: Final = (
    missing("type", "the type of the observation"),
    missing("id", "the id that makes a repeat of the observation known"),
    *request_logs.when("start_time", "start_time", "started"),
    *texts_without_nul(
        (field, name(field))
        for field in (
            *("id", "project_id", "environment", "name", "trace_name", "provided_model_name"),
            *("user_id", "session_id"),
        )
    ),
    request_logs.not_before("end_time", "end_time", "ended", "started"),
    Check(
        fails="used IS NULL OR NOT starts_with(ltrim(usage_text), '{')",
        code="bad-json",
        field="usage_details",
        found="'text that is not a JSON object'",
        expected="a JSON object of counts",
        quotes=False,
    ),
    Check(
        fails=names_one_twice(_KEYS),
        code="duplicate-key",
        field="usage_details",
        found="'two values of one name'",
        expected="each name once in an object",
        quotes=False,
    ),
    Check(
        fails=f"len({_UNKNOWN}) > 0",
        code="unknown-meter",
        field="usage_details",
        found=f"({_UNKNOWN})[1]",
        expected="input, output, their documented parts, and total",
        remedy="send usage through an integration of Langfuse that splits it",
    ),
    Check(
        fails=(
            "labels_text IS NOT NULL AND (NOT json_valid(labels_text)"
            " OR NOT starts_with(ltrim(labels_text), '[') OR contains(labels_text, '\\u0000'))"
        ),
        code="bad-json",
        field="tags",
        found="'text that is not a JSON list'",
        expected="a JSON list of texts without NUL",
        quotes=False,
    ),
    *request_logs.count_checks(_COUNTS),
    request_logs.total_check(
        "usage_details.total", "total", "sum_count", "the sum of its parts, each counted once"
    ),
    request_logs.claim_check("total_cost", "cost_text", "claimed_nanos"),
)

_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=_REQUIRED,
    steps=_STEPS,
    columns=_COLUMNS,
    shared=(_SHARED,),
    checks=_CHECKS,
    noise=_NOISE,
)


class LangfuseObservations:
    """One record per generation or embedding that has usage; all else is counted as noise."""

    name = "langfuse-observations"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.EVENT
    repeat = Repeat.LARGEST
    describes = "Langfuse: exported observations (JSON Lines, JSON array, CSV, Parquet)"
    export = "Tracing > Observations > Export, or the scheduled export to blob storage"
    cannot_tell = "the provider; what is billed"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the names of the fields, whichever of the forms they come in."""
        return by_names(sample, _REQUIRED, "it has the fields of an observation")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read the usage of every generation, its parts taken apart as they are named."""
        yield from reader.bulk(path, _LAYOUT)
