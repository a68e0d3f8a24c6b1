"""Records built one by one, handed over in columns.

For formats of megabytes that are decoded in Python. Formats of gigabytes are read as relations.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import pyarrow as pa

from metering.core.meters import TOKEN_METERS, Meter
from metering.errors import Rejection
from metering.ingest.batches import batch_of
from metering.ingest.contract import Noise, OutcomeBatch, Reading, Rejections, UsageBatch
from metering.ingest.shapes.arrays import array_of
from metering.usage.schema import USAGE_SCHEMA

BATCH_RECORDS: Final = 65_536


class RecordColumns:
    """Records of one schema that wait to become one batch, column by column."""

    def __init__(self, schema: pa.Schema = USAGE_SCHEMA) -> None:
        self._schema = schema
        self._columns: dict[str, list[object]] = {name: [] for name in schema.names}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, cells: Mapping[str, object]) -> None:
        """Add one record; a column of the schema that `cells` leaves out is null.

        Raises:
            KeyError: a cell has no column, which is a defect of the format.
        """
        if not cells.keys() <= self._columns.keys():
            raise KeyError(*sorted(cells.keys() - self._columns.keys()))
        for name, column in self._columns.items():
            column.append(cells.get(name))
        self._count += 1

    def batch(self) -> UsageBatch | OutcomeBatch:
        """Return the records added so far; the next batch begins empty."""
        arrays = [array_of(self._columns[field.name], field.type) for field in self._schema]
        table = pa.Table.from_arrays(arrays, schema=self._schema)
        batch = batch_of(table, self._count, self._schema)
        self._columns = {name: [] for name in self._schema.names}
        self._count = 0
        return batch


def readings(
    records: Iterable[Mapping[str, object] | Rejection],
    noise: Mapping[str, int],
    schema: pa.Schema = USAGE_SCHEMA,
) -> Iterator[Reading]:
    """Yield records as batches, then the refused ones by line, then what carries no record.

    Args:
        records: the cells of each record, or why it is refused; records in file order.
        noise: what was found beside the records, and how many; what is zero is left out.
        schema: of the records.
    """
    columns = RecordColumns(schema)
    refused: list[Rejection] = []
    for record in records:
        if isinstance(record, Rejection):
            refused.append(record)
            continue
        columns.add(record)
        if len(columns) == BATCH_RECORDS:
            yield columns.batch()
    if len(columns):
        yield columns.batch()
    if refused:
        yield Rejections(tuple(sorted(refused)))
    counts = {what: count for what, count in noise.items() if count}
    if counts:
        yield Noise(counts)


def metered(quantities: Mapping[Meter, int]) -> dict[str, object]:
    """Return the cells of quantities: a column for each token meter, the others in one map.

    A meter that `quantities` leaves out is null, which says that the source does not count it. Of
    the other meters only those that were used are kept.
    """
    tokens = {meter.value: quantities[meter] for meter in TOKEN_METERS if meter in quantities}
    others = {
        meter.value: quantity
        for meter, quantity in quantities.items()
        if meter not in TOKEN_METERS and quantity
    }
    return {**tokens, "other_meters": others or None}


def canonical(values: Mapping[str, str | None]) -> str | None:
    """Return conditions as canonical JSON, without those that are None; None if none is left.

    Equal conditions give equal text, since text is what rating keys are compared by.
    """
    given = {name: value for name, value in values.items() if value is not None}
    if not given:
        return None
    return json.dumps(given, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def given(values: Mapping[str, str | None]) -> dict[str, str] | None:
    """Return tags without those that are None; None if none is left."""
    return {name: value for name, value in values.items() if value is not None} or None


def reported(nanos: int, currency: str, kind: str) -> dict[str, object]:
    """Return the cells of what the source says it cost.

    Args:
        nanos: of the currency; negative for what is given back.
        currency: code of three letters, or "credits".
        kind: billed, list, estimate or credits.
    """
    return {"reported_nanos": nanos, "reported_currency": currency, "reported_kind": kind}
