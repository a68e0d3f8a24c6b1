"""Rows of a schema, as the batch that says which one it is."""

from typing import TYPE_CHECKING

from metering.ingest.contract import OutcomeBatch, UsageBatch
from metering.usage.schema import OUTCOME_SCHEMA

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def batch_of(
    rows: "pa.Table | duckdb.DuckDBPyRelation", count: int | None, schema: "pa.Schema"
) -> UsageBatch | OutcomeBatch:
    """Return rows of a schema as a batch of usage or of outcomes.

    Args:
        rows: as `contract.UsageBatch` has them.
        count: how many; None where only running the relation tells.
        schema: of the rows.
    """
    return (OutcomeBatch if schema is OUTCOME_SCHEMA else UsageBatch)(rows, count)
