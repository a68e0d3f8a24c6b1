"""What an ingestor reads from a file, as text that a person can check against the source.

The test kit for formats, ours and those of plug-ins: put a source file under
`tests/golden/<ingestor_name>/`, render it into `<file>.expected`, and check that text by hand,
line numbers included. It holds, in this order:

- one JSON object per usage record or outcome, with the columns that are not null, in the order of
  the schema, and which record of its line it is where that holds many;
- the message of every rejection, under the bare name of the file;
- one `slice` line per slice that a snapshot replaces;
- one `noise` line per kind of thing that is known to carry no usage, with its count.

A file that cannot be read at all renders as its error message alone.

A distribution that brings an ingestor tests it so, for each file:

    from metering.ingest.golden import check

    def test_it_reads_what_we_checked_by_hand(tmp_path):
        check(AcmeUsage(), Path("tests/golden/good.csv"), tmp_path)

and writes the expected text the first time with `check(..., update=True)`.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from metering.errors import SourceError
from metering.ingest.contract import Noise, OutcomeBatch, Rejections, Slice, UsageBatch
from metering.ingest.detection import sample_of
from metering.ingest.readers import Reader
from metering.ingest.registry import flaws
from metering.usage.columns import line_and_record

if TYPE_CHECKING:
    from metering.ingest.contract import Ingestor, Reading


def render(ingestor: "Ingestor", path: Path, reader: "Reader") -> str:
    """Return everything an ingestor reads from a file, as text that ends in a line end.

    Args:
        ingestor: any ingestor.
        path: the file; its folder is left out of messages, so that the text is the same anywhere.
        reader: open for as long as the reading takes.
    """
    try:
        readings = tuple(ingestor.read(path, reader))
        lines = [*_records(readings), *_rest(readings, path.name)]
    except SourceError as error:
        lines = [str(error).replace(str(path), path.name)]
    return "".join(f"{line}\n" for line in lines)


def check(ingestor: "Ingestor", source: Path, scratch: Path, *, update: bool = False) -> None:
    """Check that an ingestor is one, recognises a file, and reads of it what is expected.

    Args:
        ingestor: any ingestor, ours or that of a plug-in.
        source: the file; beside it stands `<file>.expected`.
        scratch: an empty folder for what the reader writes.
        update: write the expected text instead of comparing it; then check it by hand.

    Raises:
        AssertionError: with the reason, or with the lines that differ.
    """
    for flaw in flaws(ingestor):
        raise AssertionError(flaw)
    verdict = ingestor.identify(sample_of(source))
    if not verdict.matches:
        raise AssertionError(f"{source.name} is not recognised: {verdict.because}")
    with Reader(scratch, "256MB", 1) as reader:
        actual = render(ingestor, source, reader)
    expected = source.with_name(f"{source.name}.expected")
    if update:
        expected.write_text(actual, encoding="utf-8")
        return
    wanted = expected.read_text(encoding="utf-8").splitlines()
    found = "\n".join(
        unified_diff(wanted, actual.splitlines(), "expected", "actual", n=0, lineterm="")
    )
    if found:
        raise AssertionError(f"{source.name} is read otherwise:\n{found}")


def _records(readings: "tuple[Reading, ...]") -> Iterator[str]:
    for reading in readings:
        if isinstance(reading, UsageBatch | OutcomeBatch):
            for record in _table(reading).to_pylist(maps_as_pydicts="strict"):
                line, nth = line_and_record(record.pop("row_no"))
                cells = {"row_no": line, "record": nth, **record}
                given = {name: _plain(cell) for name, cell in cells.items() if cell is not None}
                yield json.dumps(given, ensure_ascii=False)


def _rest(readings: "tuple[Reading, ...]", name: str) -> Iterator[str]:
    for reading in readings:
        if isinstance(reading, Rejections):
            yield from (rejection.message(name) for rejection in reading.items)
    for reading in readings:
        if isinstance(reading, Slice):
            days = f"{reading.first_day}..{reading.last_day}"
            as_of = f" as of {reading.as_of}" if reading.as_of else ""
            yield f"slice {reading.scope} {days} {reading.signature}{as_of}"
    for reading in readings:
        if isinstance(reading, Noise):
            yield from (f"noise {count} {what}" for what, count in sorted(reading.counts.items()))


def _table(batch: UsageBatch | OutcomeBatch) -> pa.Table:
    if isinstance(batch.rows, pa.Table):
        return batch.rows
    # A line may hold many records, and an engine gives them in any order: their ids decide.
    order = ", ".join(batch.rows.columns[:2])
    table: pa.Table = batch.rows.order(order).to_arrow_table()
    return table


def _plain(cell: object) -> object:
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return dict(sorted(cell.items())) if isinstance(cell, dict) else cell
