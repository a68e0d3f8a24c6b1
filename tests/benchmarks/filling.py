"""Fill a lake with millions of records without a file of JSON in between."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from metering.ingest.contract import (
    Identity,
    Reading,
    Repeat,
    Sample,
    SourceRole,
    UsageBatch,
    Verdict,
)
from metering.ingest.readers import Reader
from metering.settings import Settings
from metering.workflows.intake.ingest import ingest_files
from metering.workflows.intake.order import Order
from metering.workflows.runs import Run
from tests.benchmarks import corpus


class BenchRecords:
    """Gives the records of the corpus, whatever the file holds."""

    name = "bench-records"
    version = 1
    role = SourceRole.METERED
    identity = Identity.EVENT
    repeat = Repeat.REJECT
    describes = "records of the benchmark"
    export = "none"
    cannot_tell = "anything"

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def identify(self, sample: Sample) -> Verdict:
        del sample
        return Verdict(matches=True, because="the benchmark says so")

    def read(self, path: Path, reader: Reader) -> Iterator[Reading]:
        del path
        yield UsageBatch(reader.connection.sql(corpus.usage_rows(reader.connection, self._rows)))


def record_relation(settings: Settings, rows: int) -> None:
    """Record the corpus as the usage of one source."""
    placeholder = settings.home / "corpus.txt"
    placeholder.write_text("made by the benchmark\n", encoding="utf-8")
    run = Run("bench", "bench", datetime.now(UTC))
    list(ingest_files(settings, run, [placeholder], Order((BenchRecords(rows),))))
