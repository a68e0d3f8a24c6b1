"""The activity export of OpenAI's dashboard: completions, in buckets of time.

The columns are the fields of the usage API's completions, and mean the same; so the two are two
views of one usage, and an account that is metered by one of them is not metered by the other, too.
Counts are spelled 8.0, truth values False or FALSE. Two rows alike in every dimension are legal and
both count. A row without dimensions and measures is a bucket without usage.

An export without any usage has the four time columns alone, whichever export it was: it is read as
buckets without usage and replaces nothing. The exports of the other capabilities have columns that
nobody has documented, and are refused, see `unread_exports`.

Source: source formats note, section 1.3, read 2026-11-21.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats.openai_usage import (
    DIMENSIONS_OF_ALL_USAGE,
    completion_cells,
    span_of,
)
from metering.ingest.marks import by_header, header_of
from metering.ingest.shapes.buckets import grouping, partial_day
from metering.ingest.shapes.pages import Row
from metering.ingest.shapes.tables import count, covered_by, flag, read_table, readings_of

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_SCOPE: Final = "completions"
_TIMES: Final = ("start_time", "end_time", "start_time_iso", "end_time_iso")
_REQUIRED: Final = ("start_time", "end_time")
_MEASURES: Final = ("num_model_requests", "input_tokens", "output_tokens", "input_cached_tokens")
_PARTS: Final = (
    *(f"input_cache_write_{age}tokens" for age in ("", "30m_", "12h_")),
    "input_uncached_tokens",
    *(
        f"{side}{modality}_tokens"
        for side in ("input_", "input_cached_", "output_")
        for modality in ("text", "audio", "image")
    ),
)
_MEANINGS: Final = {
    **dict.fromkeys((*_REQUIRED, *_MEASURES, *_PARTS), count),
    "batch": flag,
}


class OpenAiActivityCsv:
    """One record per row with usage; rows alike in every dimension are summed."""

    name = "openai-activity-csv"
    version = 1
    role = SourceRole.METERED
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "OpenAI dashboard activity export: completions by time bucket (CSV)"
    export = "platform.openai.com, Usage, Export, activity data of completions (CSV)"
    cannot_tell = "names: projects, users and keys have ids; reasoning; money"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the header alone: people rename the files they download."""
        if set(header_of(sample)) == set(_TIMES):
            because = "it has time columns alone: a dashboard export without usage"
            return Verdict(matches=True, because=because)
        return by_header(sample, (*_TIMES, *_MEASURES))

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the slices of the file, then its rows in file order."""
        table = read_table(path, reader, _REQUIRED, _MEANINGS)
        covered, spans = covered_by(table.rows, span_of, str(path))
        if set(_MEASURES) <= set(table.header):
            yield from covered.slices(_SCOPE, grouping(spans, _dimensions(table.rows)))

        def cells_of(row: Row) -> Mapping[str, object]:
            span = span_of(row.fields)
            if span.day in covered.partial:
                raise partial_day(span, "start_time")
            return {**span.cells(), **completion_cells(row.fields, span)}

        yield from readings_of(table, cells_of, blank_but_for=frozenset(_TIMES))


def _dimensions(rows: tuple[Row, ...]) -> set[str]:
    return {
        name
        for name in DIMENSIONS_OF_ALL_USAGE
        if any(row.member(name) is not None for row in rows)
    }
