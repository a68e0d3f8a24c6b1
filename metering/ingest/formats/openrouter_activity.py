"""Pages of OpenRouter's activity endpoint: usage by day, model and endpoint, with its cost.

It holds the last 30 completed days and names neither keys nor users, and not what was read from the
cache: its tokens are shown, and what OpenRouter took is charged. The activity CSV is the finer view
of the same usage. What a company's own keys paid to providers is outside of `usage`, and a tag.

Source: source formats note, section 3.5, read 2026-11-21; OpenRouter, "Get user activity".
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.meters import Meter
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.marks import by_keys
from metering.ingest.shapes.buckets import Span
from metering.ingest.shapes.pages import read_row_pages
from metering.ingest.shapes.records import given, metered, reported
from metering.ingest.shapes.reports import report_of
from metering.ingest.values.exact_decimals import amount, nanos, plain
from metering.ingest.values.fields import Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_SCOPE: Final = "activity"
_MARKS: Final = ("data", "model_permaslug", "endpoint_id", "byok_usage_inference", "usage")
_WORKSPACE: Final = "workspace_id"
_DAY: Final = re.compile(r"(20\d\d-\d\d-\d\d)( 00:00:00)?", re.ASCII)


class OpenRouterActivity:
    """One record per row."""

    name = "openrouter-activity"
    version = 1
    role = SourceRole.METERED
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "OpenRouter activity endpoint: cost by day, model and endpoint (JSON pages)"
    export = "GET /api/v1/activity with a management key, at least every 30 days"
    cannot_tell = "keys, persons and cached tokens"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the members of a row."""
        return by_keys(sample, _MARKS, {}, "its pages list activity of OpenRouter")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield every row at what OpenRouter took for it, then the days that the file covers."""
        rows = [row for page in read_row_pages(path, reader) for row in page.rows]
        grouped = any(row.member(_WORKSPACE) is not None for row in rows)
        yield from report_of(
            rows,
            lambda row: _cells(row.fields),
            view=(_SCOPE, f"dimensions={_WORKSPACE if grouped else ''}"),
        )


def _cells(row: Fields) -> Mapping[str, object]:
    own_keys = amount(row, "byok_usage_inference")
    return {
        **Span.of_day(_day(row)).cells(),
        "provider": "openrouter",
        "platform": "openrouter-api",
        "product": "api",
        "model_raw": row.text_if_any("model_permaslug"),
        "workspace": row.text_if_any(_WORKSPACE),
        "tags": given(
            {
                "endpoint": row.text_if_any("endpoint_id"),
                "provider_name": row.text_if_any("provider_name"),
                "byok_usage": plain(own_keys) if own_keys else None,
                "cache_split": "unknown",
            }
        ),
        "requests": row.whole_number("requests"),
        "reasoning": row.whole_number_if_any("reasoning_tokens"),
        **metered(
            {
                Meter.INPUT_UNCACHED: row.whole_number("prompt_tokens"),
                Meter.OUTPUT: row.whole_number("completion_tokens"),
            }
        ),
        **reported(nanos(amount(row, "usage")), "USD", "billed"),
    }


def _day(row: Fields) -> date:
    match = _DAY.fullmatch(row.text("date"))
    try:
        if match:
            return date.fromisoformat(match[1])
    except ValueError:
        pass
    raise row.refused("bad-date", "date", "a UTC day as YYYY-MM-DD")
