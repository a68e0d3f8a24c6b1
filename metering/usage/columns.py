"""Columns of the usage record: one wide table for every source, and what its columns are for.

A source leaves null what it cannot tell, and never fills a column with a guess.

They stand by themselves, since most who name a column never touch Arrow, which takes a tenth of a
second to import; `usage.schema` has them as an Arrow schema.
"""

from typing import Final

from metering.core.meters import TOKEN_METERS

# What kind of usage it was: every one of these may change the price.
CONDITION_COLUMNS: Final = (
    "service_tier",
    "processing",
    "speed",
    "region",
    "endpoint_scope",
    "context_window",
    "conditions",
)

# Whom the provider saw: every one of these may decide the owner.
IDENTITY_COLUMNS: Final = ("api_key", "workspace", "principal", "workflow_key")

METER_COLUMNS: Final = tuple(meter.value for meter in TOKEN_METERS)

_TEXT: Final = "VARCHAR"
_COUNT: Final = "BIGINT"
_INSTANT: Final = "TIMESTAMPTZ"  # UTC in microseconds
_TAGS: Final = "MAP(VARCHAR, VARCHAR)"
_METERS: Final = "MAP(VARCHAR, BIGINT)"

# What an ingestor emits, in this order, with its type in DuckDB's words.
USAGE_COLUMNS: Final = {
    # provenance
    "row_no": _COUNT,  # see `place_of`; in the lake null where it is the row's place there
    "event_id": _TEXT,  # the provider's id; null for snapshots
    # when
    "start": _INSTANT,
    "end": _INSTANT,  # exclusive; null for a request without an end
    "grain": _TEXT,  # request, minute, hour, day, range
    # who bills
    "provider": _TEXT,
    "platform": _TEXT,
    "billing_account": _TEXT,  # null: the file does not say
    "product": _TEXT,  # api, claude-code, cursor, …
    # what
    "model_raw": _TEXT,  # as the source spells it; null: it does not say
    "service_tier": _TEXT,
    "processing": _TEXT,
    "speed": _TEXT,
    "region": _TEXT,
    "endpoint_scope": _TEXT,
    "context_window": _TEXT,
    "prompt_tokens": _COUNT,  # of one request; null for any other grain
    "conditions": _TEXT,  # the rest, canonical JSON; null when there are none
    # who used
    "api_key": _TEXT,
    "workspace": _TEXT,
    "principal": _TEXT,
    "session": _TEXT,
    "workflow_key": _TEXT,
    "tags": _TAGS,
    # how much
    "requests": _COUNT,
    "failed_requests": _COUNT,
    "distinct_prompts": _COUNT,
    **dict.fromkeys(METER_COLUMNS, _COUNT),
    "other_meters": _METERS,
    "reasoning": _COUNT,  # inside output; never added
    # what the source says it cost
    "reported_nanos": _COUNT,
    "reported_currency": _TEXT,
    "reported_kind": _TEXT,  # billed, list, estimate, credits
}

NEVER_NULL: Final = frozenset({"row_no", "start", "grain", "provider", "platform", "product"})

# A file has fewer lines than these bits tell, and a line fewer records than the rest of them.
_LINE_BITS: Final = 40
_LINES: Final = (1 << _LINE_BITS) - 1
# The line alone of a place, in SQL.
LINE_SQL: Final = f"(row_no & {_LINES})"


def place_of(line: int, nth: int) -> int:
    """Return the `row_no` of a record on a line that holds many: the line, and above it which."""
    return line | nth << _LINE_BITS


def line_and_record(row_no: int) -> tuple[int, int | None]:
    """Return the physical line of a record, and which of many on it; None for the only one."""
    return row_no & _LINES, row_no >> _LINE_BITS or None


# Under which names one piece of work is known: what ties an outcome to the usage it cost.
WORK_KEYS: Final = ("workflow_key", "session", "branch", "ticket", "trace")
