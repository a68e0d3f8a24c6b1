"""The usage export of Anthropic's Console: tokens by day, model, workspace and key.

Input tokens are net of cached ones, so the columns are disjoint as they stand. Older exports do not
say how long a cache write lives. It is another view of what the Messages usage report says, so an
account that is metered by one of them is not metered by the other, too.

Workspace and key are names here, and no person is named.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.meters import Meter
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats import anthropic_console as console
from metering.ingest.marks import by_header
from metering.ingest.shapes.pages import Row
from metering.ingest.shapes.records import metered
from metering.ingest.shapes.tables import Table, count, read_table, readings_of
from metering.ingest.values.fields import Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_SCOPE: Final = "messages"
_USAGE_TYPES: Final = ("standard",)
_METERS: Final = {
    "usage_input_tokens_no_cache": Meter.INPUT_UNCACHED,
    "usage_input_tokens_cache_read": Meter.CACHE_READ,
    "usage_output_tokens": Meter.OUTPUT,
}
_WRITES_BY_AGE: Final = {
    "usage_input_tokens_cache_write_5m": Meter.CACHE_WRITE_5M,
    "usage_input_tokens_cache_write_1h": Meter.CACHE_WRITE_1H,
}
_WRITES: Final = {"usage_input_tokens_cache_write": Meter.CACHE_WRITE_UNKNOWN}
_SEARCHES: Final = {"web_search_count": Meter.WEB_SEARCH}
_REQUIRED: Final = (*console.COMMON_COLUMNS, "model_version", "context_window", *_METERS)
_MEANINGS: Final = dict.fromkeys((*_METERS, *_WRITES_BY_AGE, *_WRITES, *_SEARCHES), count)


class AnthropicConsoleUsageCsv:
    """One record per row; rows alike in every dimension are summed."""

    name = "anthropic-console-usage-csv"
    version = 1
    role = SourceRole.METERED
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "Anthropic Console usage export: tokens by day, workspace and key names (CSV)"
    export = "platform.claude.com, Usage, Export (CSV), all workspaces"
    cannot_tell = "persons; requests; ids: workspaces and keys have names, which may change"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the header alone: people rename the files they download."""
        return by_header(sample, _REQUIRED)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the slices of the file, then its rows in file order."""
        table = read_table(path, reader, _REQUIRED, _MEANINGS)
        yield from console.slices(table, _SCOPE, "width=day;dimensions=console", str(path))
        meters = {**_METERS, **_writes_of(table), **_searches_of(table)}

        def cells_of(row: Row) -> Mapping[str, object]:
            return {**console.cells_of(row), **_cells(row.fields, meters)}

        yield from readings_of(table, cells_of)


def _writes_of(table: Table) -> Mapping[str, Meter]:
    by_age = [column for column in _WRITES_BY_AGE if column in table.header]
    return _WRITES_BY_AGE if by_age else _WRITES


def _searches_of(table: Table) -> Mapping[str, Meter]:
    return {column: meter for column, meter in _SEARCHES.items() if column in table.header}


def _cells(row: Fields, meters: Mapping[str, Meter]) -> Mapping[str, object]:
    row.one_of("usage_type", _USAGE_TYPES)
    return {
        "model_raw": row.text("model_version"),
        "api_key": row.text_if_any("api_key"),
        **metered({meter: row.whole_number(column) for column, meter in meters.items()}),
    }
