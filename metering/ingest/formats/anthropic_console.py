"""What the usage and the cost export of Anthropic's Console have in common.

Both are tables without an official description, read as they were seen: by day, with the *names* of
workspace and key, which are not unique and can be changed. Spellings that nobody has seen are
refused, since they may stand for another price.

Source: source formats note, section 2.3, read 2026-11-21.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from metering.ingest.contract import Slice
from metering.ingest.shapes.buckets import Span
from metering.ingest.shapes.pages import Row
from metering.ingest.shapes.records import canonical
from metering.ingest.shapes.tables import Table, covered_by
from metering.ingest.values.fields import Fields

DAY: Final = "usage_date_utc"
COMMON_COLUMNS: Final = (DAY, "api_key", "workspace", "usage_type")

# The sign and the space are the Console's. How it spells longer contexts has not been seen.
_CONTEXTS: Final = {"≤ 200k": "0-200k"}


def span_of(row: Fields) -> Span:
    """Return the day of a row.

    Raises:
        FieldRefused: it names no day.
    """
    return Span.of_day(row.day(DAY))


def slices(table: Table, scope: str, signature: str, path: str) -> Iterator[Slice]:
    """Yield the days of an export; days without rows are not known to be without usage."""
    covered, _ = covered_by(table.rows, span_of, path)
    yield from covered.slices(scope, signature)


def cells_of(row: Row) -> Mapping[str, object]:
    """Return the cells that both exports fill in the same way.

    Raises:
        FieldRefused: a cell cannot be used.
    """
    fields = row.fields
    context = fields.one_of("context_window", tuple(_CONTEXTS))
    return {
        **span_of(fields).cells(),
        "provider": "anthropic",
        "platform": "anthropic-api",
        "product": "api",
        "speed": fields.text_if_any("speed"),
        "context_window": _CONTEXTS.get(context) if context else None,
        "conditions": canonical({"inference_geo": fields.text_if_any("inference_geo")}),
        "workspace": fields.text_if_any("workspace"),
    }
