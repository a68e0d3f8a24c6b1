"""What is in the lake: the usage record, one wide schema for every source, and the outcome record.

Types are Arrow types; every instant is UTC in microseconds. Columns are cheap in Parquet, so a
source leaves null what it cannot tell, and never fills a column with a guess.

The provenance columns `source_id` and `record_key` are given by the lake; an ingestor fills
`row_no` and, for events, `event_id`.
"""

from typing import Any, Final

import pyarrow as pa

from metering.usage.columns import METER_COLUMNS

INSTANT: Final = pa.timestamp("us", tz="UTC")
TAGS: Final = pa.map_(pa.string(), pa.string())
METERS: Final = pa.map_(pa.string(), pa.int64())

# What an ingestor emits, in this order.
_FIELDS: Final[list["pa.Field[Any]"]] = [
    # provenance
    pa.field("row_no", pa.int64(), nullable=False),  # physical line, or ordinal in a page
    pa.field("event_id", pa.string()),  # the provider's id; null for snapshots
    # when
    pa.field("start", INSTANT, nullable=False),
    pa.field("end", INSTANT),  # exclusive; null for a request without an end
    pa.field("grain", pa.string(), nullable=False),  # request, minute, hour, day, range
    # who bills
    pa.field("provider", pa.string(), nullable=False),
    pa.field("platform", pa.string(), nullable=False),
    pa.field("billing_account", pa.string()),  # null: the file does not say
    pa.field("product", pa.string(), nullable=False),  # api, claude-code, cursor, …
    # what
    pa.field("model_raw", pa.string()),  # as the source spells it; null: it does not say
    pa.field("service_tier", pa.string()),
    pa.field("processing", pa.string()),
    pa.field("speed", pa.string()),
    pa.field("region", pa.string()),
    pa.field("endpoint_scope", pa.string()),
    pa.field("context_window", pa.string()),
    pa.field("prompt_tokens", pa.int64()),  # of one request; null for any other grain
    pa.field("conditions", pa.string()),  # the rest, canonical JSON; null when there are none
    # who used
    pa.field("api_key", pa.string()),
    pa.field("workspace", pa.string()),
    pa.field("principal", pa.string()),
    pa.field("session", pa.string()),
    pa.field("workflow_key", pa.string()),
    pa.field("tags", TAGS),
    # how much
    pa.field("requests", pa.int64()),
    pa.field("failed_requests", pa.int64()),
    pa.field("distinct_prompts", pa.int64()),
    *(pa.field(name, pa.int64()) for name in METER_COLUMNS),
    pa.field("other_meters", METERS),
    pa.field("reasoning", pa.int64()),  # inside output; never added
    # what the source says it cost
    pa.field("reported_nanos", pa.int64()),
    pa.field("reported_currency", pa.string()),
    pa.field("reported_kind", pa.string()),  # billed, list, estimate, credits
]

USAGE_SCHEMA: Final = pa.schema(_FIELDS)

# One row per fact a system of record confirms; a reversal is a row of its own. No title, no text,
# no person: what is not needed to count an outcome and to find its spend is not read.
_OUTCOME_FIELDS: Final[list["pa.Field[Any]"]] = [
    pa.field("row_no", pa.int64(), nullable=False),  # physical line, or that of the JSON object
    # what
    pa.field("outcome_id", pa.string(), nullable=False),  # the source's; unique with its stage
    pa.field("reference", pa.string()),  # how people call it: acme/billing#412, PAY-142
    pa.field("instant", INSTANT, nullable=False),  # when it reached its stage
    pa.field("as_of", INSTANT),  # when the source last changed it; null: it never changes
    pa.field("kind", pa.string(), nullable=False),  # pull_request, ticket, deploy, …
    pa.field("stage", pa.string(), nullable=False),  # attempted, completed, validated, settled
    pa.field("weight_e4", pa.int64(), nullable=False),  # ten-thousandths; negative: a reversal
    pa.field("reversal_of", pa.string()),  # id or reference of what it takes back
    # whose
    pa.field("team", pa.string()),  # null: found by the attribution rules
    pa.field("project", pa.string()),
    # under which keys its work was paid for
    pa.field("workflow_key", pa.string()),
    pa.field("repository", pa.string()),
    pa.field("branch", pa.string()),
    pa.field("ticket", pa.string()),
    pa.field("trace", pa.string()),
    pa.field("session", pa.string()),
    pa.field("queue", pa.string()),  # group, agent or environment it came through, for its owner
    pa.field("commit", pa.string()),  # what it became in its repository: full hash
    pa.field("assisted_by", pa.string()),  # the tool that signed it: claude-code, …; a lower bound
]

OUTCOME_SCHEMA: Final = pa.schema(_OUTCOME_FIELDS)
