"""What is in the lake, in Arrow: the usage record, see `usage.columns`, and the outcome record.

Every instant is UTC in microseconds. The provenance columns `source_id` and `record_key` are given
by the lake; an ingestor fills `row_no` and, for events, `event_id`.
"""

from typing import Any, Final

import pyarrow as pa

from metering.usage.columns import NEVER_NULL, USAGE_COLUMNS

INSTANT: Final = pa.timestamp("us", tz="UTC")
TAGS: Final = pa.map_(pa.string(), pa.string())
METERS: Final = pa.map_(pa.string(), pa.int64())

# What DuckDB calls them.
SQL_TYPES: Final = {
    pa.int64(): "BIGINT",
    pa.string(): "VARCHAR",
    INSTANT: "TIMESTAMPTZ",
    TAGS: "MAP(VARCHAR, VARCHAR)",
    METERS: "MAP(VARCHAR, BIGINT)",
}
_ARROW_TYPES: Final = {kind: arrow for arrow, kind in SQL_TYPES.items()}

USAGE_SCHEMA: Final = pa.schema(
    pa.field(name, _ARROW_TYPES[kind], nullable=name not in NEVER_NULL)
    for name, kind in USAGE_COLUMNS.items()
)

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
