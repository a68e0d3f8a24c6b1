"""An example of a format that comes as a distribution of its own: Acme's usage export.

It is a table with a row per day, team and model: `day,team,model,input,output`, for a model server
of the house. What a format has to say and to do is written in `metering.ingest.contract`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.meters import Meter
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.marks import by_header
from metering.ingest.shapes import tables
from metering.ingest.shapes.buckets import Span
from metering.ingest.shapes.pages import Row
from metering.ingest.shapes.records import metered
from metering.ingest.shapes.reports import report_of

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_COLUMNS: Final = ("day", "team", "model", "acme_input", "acme_output")


class AcmeUsage:
    """One record per row; a row that cannot be read is refused alone, with its line."""

    name = "acme-usage"
    version = 1
    role = SourceRole.METERED
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "Acme model server: tokens by day, team and model (CSV)"
    export = "acme usage --csv"
    cannot_tell = "persons; requests"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the header alone: people rename the files they download."""
        return by_header(sample, _COLUMNS)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield every row in file order, then the days of the report."""
        counts = dict.fromkeys(("acme_input", "acme_output"), tables.count)
        table = tables.read_table(path, reader, _COLUMNS, counts)
        yield from report_of(
            table.rows,
            _cells,
            view=("*", "width=day;dimensions=model,team"),
            refused=table.refused,
            noise={"empty line": table.empty_lines},
        )


def _cells(row: Row) -> Mapping[str, object]:
    fields = row.fields
    return {
        **Span.of_day(fields.day("day")).cells(),
        "provider": "acme",
        "platform": "acme-api",
        "product": "api",
        "model_raw": fields.text("model"),
        "workspace": fields.text_if_any("team"),
        **metered(
            {
                Meter.INPUT_UNCACHED: fields.whole_number("acme_input"),
                Meter.OUTPUT: fields.whole_number("acme_output"),
            }
        ),
    }
