"""Reports without buckets: dated rows, and the days that an import of them replaces."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from itertools import chain

from metering.errors import Rejection
from metering.ingest.contract import Reading, Slice
from metering.ingest.shapes.pages import Row, rows_as_records
from metering.ingest.shapes.records import readings

CellsOfRow = Callable[[Row], Mapping[str, object]]


def report_of(
    rows: Iterable[Row],
    cells_of: CellsOfRow,
    *,
    view: tuple[str, str],
    refused: Iterable[Rejection] = (),
    noise: Mapping[str, int] | None = None,
) -> Iterator[Reading]:
    """Yield the rows of a report as records and rejections, then the slice that they cover.

    The slice reaches from the first to the last day that has a record: such a report is made for
    a stretch of days, and a day inside it without a row is one without usage. What lies outside
    stays as it was.

    Args:
        rows: those that may hold usage, in file order.
        cells_of: turns a row into the cells of a usage record, its time included, or raises
            `FieldRefused`.
        view: scope and signature of the slice.
        refused: rows that could not be read.
        noise: what else is known to carry no usage.
    """
    days: set[date] = set()

    def noted() -> Iterator[Mapping[str, object] | Rejection]:
        for record in rows_as_records(rows, cells_of):
            if isinstance(record, dict) and isinstance(start := record["start"], datetime):
                days.add(start.date())
            yield record

    yield from readings(chain(noted(), refused), noise or {})
    if days:
        yield Slice(*view, min(days).isoformat(), max(days).isoformat())
