"""Outcomes in our own layout: a table with one row per outcome, which any system can write.

`outcome_id, timestamp, kind` have to be there; `stage` (validated where it is left out), `weight`
(one), `as_of`, `reversal_of`, `reference`, `team`, `project` and the keys `workflow_key,
repository, branch, ticket, trace, session, queue, commit, assisted_by` may. Timestamps name their
zone.
"""

from typing import Final

from metering.ingest.outcomes.mapped import TEXT_COLUMNS, MappedOutcomes, OutcomeMapping

_REQUIRED: Final = ("outcome_id", "timestamp", "kind")


class OutcomeCsv(MappedOutcomes):
    """One outcome per row."""

    def __init__(self) -> None:
        super().__init__(
            OutcomeMapping(
                name="outcome-csv",
                describes="outcomes in metering's own layout, one per row (CSV or Parquet)",
                export="any system: outcome_id, timestamp, kind, stage, weight, team, project, …",
                cannot_tell="what its columns do not say",
                is_table=True,
                version=1,
                recognised_by=_REQUIRED,
                time_form="offset",
                constants={},
                columns={
                    **{column: column for column in TEXT_COLUMNS},
                    "instant": "timestamp",
                    "as_of": "as_of",
                    "weight": "weight",
                },
            )
        )
        self.name = self.system = "outcome-csv"
