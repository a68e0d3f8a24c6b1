"""How files are to be ingested."""

from collections.abc import Sequence
from dataclasses import dataclass

from metering.ingest.contract import Ingestor
from metering.workflows.intake.settling_snapshots import Said


@dataclass(frozen=True, slots=True)
class Order:
    """How files are to be ingested.

    Attributes:
        ingestors: those that may recognise a file.
        forced: name of the one to use whatever the content says, or None.
        account: billing account of records whose source does not name one, or None.
        dry_run: read and check, record nothing.
        all_or_nothing: one refused record refuses every file.
        said: what is known of exports beside what is in them.
        is_together: exports of one format count together, as if they were one.
    """

    ingestors: Sequence[Ingestor]
    forced: str | None = None
    account: str | None = None
    dry_run: bool = False
    all_or_nothing: bool = False
    said: Said = Said.NOTHING
    is_together: bool = False
