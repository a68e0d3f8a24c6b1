"""The cost export of OpenAI's dashboard: what the provider charged, in dollars, day by day.

Three generations of the header are known; columns are found by name. The times in ISO form come
with an offset on some rows and without on others of one file, so the epoch columns are read.
`user_email` and `organization_name` may name whoever made the export: money is attributed by
`user_id`, and the address is kept only beside it. A row without amount and dimensions is a day
without costs. As with the costs API, nothing of it is charged, and one version of a day is live.

Source: source formats note, section 1.4, read 2026-11-21.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats.openai_costs import SCOPE
from metering.ingest.formats.openai_usage import span_of
from metering.ingest.marks import by_header
from metering.ingest.shapes.buckets import grouping, partial_day
from metering.ingest.shapes.pages import Row
from metering.ingest.shapes.records import given, reported
from metering.ingest.shapes.tables import count, covered_by, read_table, readings_of
from metering.ingest.values.amounts import currency, text_amount
from metering.ingest.values.fields import Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_TIMES: Final = ("start_time", "end_time")
_REQUIRED: Final = (
    *_TIMES,
    "amount_value",
    "amount_currency",
    "line_item",
    "project_id",
    "organization_id",
)
_ALWAYS_FILLED: Final = frozenset({*_TIMES, "start_time_iso", "end_time_iso"})
_TAGS: Final = (
    "line_item",
    "quantity_unit",
    "api_source",
    "project_name",
    "organization_name",
)


class OpenAiCostCsv:
    """One record per row with an amount; rows alike in every dimension are summed."""

    name = "openai-cost-csv"
    version = 1
    role = SourceRole.COST
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "OpenAI dashboard cost export: dollars by day and the chosen grouping (CSV)"
    export = "platform.openai.com, Usage, Costs, Export (CSV)"
    cannot_tell = "models and tiers: a line item is a text"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the header alone: people rename the files they download."""
        return by_header(sample, _REQUIRED)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the slices of the file, then its rows in file order."""
        table = read_table(path, reader, _REQUIRED, dict.fromkeys(_TIMES, count))
        covered, spans = covered_by(table.rows, span_of, str(path))
        yield from covered.slices(SCOPE, grouping(spans, ()))

        def cells_of(row: Row) -> Mapping[str, object]:
            span = span_of(row.fields)
            if span.day in covered.partial:
                raise partial_day(span, "start_time")
            return {**span.cells(), **_cells(row.fields)}

        yield from readings_of(table, cells_of, blank_but_for=_ALWAYS_FILLED)


def _cells(row: Fields) -> Mapping[str, object]:
    user = row.text_if_any("user_id")
    tags = {tag: row.text_if_any(tag) for tag in _TAGS}
    tags["quantity"] = row.decimal_text_if_any("quantity")
    if user is not None:
        tags["user_email"] = row.text_if_any("user_email")
    return {
        "provider": "openai",
        "platform": "openai-api",
        "billing_account": row.text_if_any("organization_id"),
        "product": "api",
        "api_key": row.text_if_any("api_key_id"),
        "workspace": row.text_if_any("project_id"),
        "principal": user,
        "tags": given(tags),
        **reported(text_amount(row, "amount_value"), currency(row, "amount_currency"), "billed"),
    }
