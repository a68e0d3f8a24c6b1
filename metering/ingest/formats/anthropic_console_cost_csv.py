"""The cost export of Anthropic's Console: dollars by day, model, workspace, key and token type.

Four generations of the header are known; columns are found by name. Every row is rounded to cents,
so that the sum drifts from the invoice by up to half a cent a row: good for a tie-out, not for
charging. Models are display names: "Claude Opus 4.5" is the model `claude-opus-4-5`, as every other
export calls it, and a name of another form is kept as it is spelled.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats import anthropic_console as console
from metering.ingest.formats.anthropic_cost_report import SCOPE
from metering.ingest.marks import by_header
from metering.ingest.shapes.pages import Row
from metering.ingest.shapes.records import given, reported
from metering.ingest.shapes.tables import read_table, readings_of
from metering.ingest.values.amounts import text_amount
from metering.ingest.values.fields import Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_REQUIRED: Final = (*console.COMMON_COLUMNS, "model", "token_type", "cost_usd")
_TAGS: Final = ("usage_type", "cost_type", "token_type", "list_price_usd", "api_key_status")
_DISPLAY_NAME: Final = re.compile(r"Claude( [A-Z][a-z]+)?( \d+(\.\d+)?)( [A-Z][a-z]+)?", re.ASCII)


class AnthropicConsoleCostCsv:
    """One record per row, with its amount and without meters."""

    name = "anthropic-console-cost-csv"
    version = 1
    role = SourceRole.COST
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "Anthropic Console cost export: dollars by day and token type, to the cent (CSV)"
    export = "platform.claude.com, Cost, Export (CSV), all workspaces"
    cannot_tell = "tokens; persons; less than a cent, to which each row is rounded"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the header alone: people rename the files they download."""
        return by_header(sample, _REQUIRED)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the slices of the file, then its rows in file order."""
        table = read_table(path, reader, _REQUIRED, {})
        yield from console.slices(table, SCOPE, "width=day;dimensions=", str(path))

        def cells_of(row: Row) -> Mapping[str, object]:
            return {**console.cells_of(row), **_cells(row.fields)}

        yield from readings_of(table, cells_of)


def _cells(row: Fields) -> Mapping[str, object]:
    tags = {tag: row.text_if_any(tag) for tag in _TAGS}
    key_id, key_name = row.text_if_any("api_key_id"), row.text_if_any("api_key")
    return {
        "model_raw": _model(row.text_if_any("model")),
        # A name can be given to another key; where the export has the id, that is the key.
        "api_key": key_id or key_name,
        "tags": given({**tags, "api_key_name": key_name if key_id else None}),
        **reported(text_amount(row, "cost_usd"), "USD", "billed"),
    }


def _model(name: str | None) -> str | None:
    """Return a model by the name that the API calls it."""
    if name is None or not _DISPLAY_NAME.fullmatch(name):
        return name
    return name.lower().replace(" ", "-").replace(".", "-")
