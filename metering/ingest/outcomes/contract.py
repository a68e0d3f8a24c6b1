"""What an ingestor of outcomes is: an ingestor whose records are outcomes.

It is recognised, read, rejected, tested and plugged in like any other (`ingest.contract`), with the
role `outcome`, and yields `OutcomeBatch`es in `usage.schema.OUTCOME_SCHEMA`. Beside that it
declares what it gives (`kinds`). What one has to know to write one:

- A row is one piece of work at one stage: a pull request that was opened and merged gives a row
  `completed` and a row `validated`. An outcome is known again by `system`, id and stage.
- `as_of` is when the source last changed what the row says. Of several states of one outcome the
  latest stands, in whatever order the files came; two undated states that differ are a conflict,
  and the second goes to quarantine. A row that weighs nothing says "no longer".
- A reversal (reverted, refunded) is a row of its own: a negative weight, the instant at which it
  was taken back, and in `reversal_of` the id or reference of what it takes back.
- Keys alone are read: repository, branch, ticket keys out of branch names, trailers, sessions. No
  title, no text of a ticket, no name of a person enters a row.
- Team and project stay null unless the source is told by its owners what they are: the attribution
  rules find them by repository, branch, ticket and workflow key.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Protocol, runtime_checkable

from metering.core.outcomes.stages import WEIGHT_UNIT, OutcomeKind, SystemWords
from metering.errors import Rejection
from metering.ingest.contract import Ingestor, Reading
from metering.ingest.shapes.pages import Row, rows_as_several
from metering.ingest.shapes.records import readings
from metering.usage.schema import OUTCOME_SCHEMA


@runtime_checkable
class OutcomeIngestor(Ingestor, Protocol):
    """Reads one source of outcomes.

    Attributes:
        system: of record; formats that export the same one say the same, so that an outcome that
            both tell is one.
        kinds: what it gives, with stage, settlement window and how it is reversed; none where the
            file itself says.
    """

    system: str
    kinds: tuple[OutcomeKind, ...]


@runtime_checkable
class Worded(Protocol):
    """An ingestor of a system that each house sets up in its own way."""

    def saying(self, words: SystemWords) -> OutcomeIngestor:
        """Return one that knows what the house says."""
        ...


def outcomes_of(
    rows: Iterable[Row],
    cells_of: Callable[[Row], Sequence[Mapping[str, object]]],
    *,
    refused: Iterable[Rejection] = (),
    noise: Mapping[str, int] | None = None,
) -> Iterator[Reading]:
    """Yield the outcomes of rows that are decoded in Python: batches, rejections, noise.

    Args:
        rows: those that may hold outcomes, in file order.
        cells_of: turns a row into the cells of its outcomes, or raises `FieldRefused`; the line
            is filled in here, and a weight that is left out is that of one ordinary outcome.
        refused: rows that could not be read.
        noise: what else the file holds, in words, and how many.
    """

    def weighed(row: Row) -> Sequence[Mapping[str, object]]:
        return tuple({"weight_e4": WEIGHT_UNIT, **cells} for cells in cells_of(row))

    yield from readings(chain(rows_as_several(rows, weighed), refused), noise or {}, OUTCOME_SCHEMA)
