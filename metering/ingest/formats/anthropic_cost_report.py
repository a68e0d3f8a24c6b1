"""Pages of Anthropic's cost report: what the provider charged, in cents, day by day.

`amount` is a decimal text in cents: "123.45" is $1.23. Reading it as dollars is the classic
mistake, so the currency is checked to be the dollar before its cents are believed.

The report has no keys and no token counts, and leaves out what was bought as Priority Tier. It is
recorded beside the usage and never charged. Two pulls of a day are two versions of one report,
however they are grouped: one of them is live, and they are never added.

Source: Anthropic's Admin API reference, "Get Cost Report".
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats.anthropic_pages import (
    ANALYTICS_KEYS,
    default_workspace,
    span_of,
    tier_cells,
)
from metering.ingest.marks import by_keys
from metering.ingest.shapes.buckets import Span, coverage, grouping, partial_day
from metering.ingest.shapes.pages import Row, read_pages, usage_of
from metering.ingest.shapes.records import canonical, given, reported
from metering.ingest.values.amounts import CENTS, dollars, text_amount
from metering.ingest.values.fields import Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

SCOPE: Final = "costs"

_MARKS: Final = ("starting_at", "results", "amount", "currency", "cost_type")
_TAGS: Final = ("cost_type", "token_type", "description")


class AnthropicCostReport:
    """One record per result row, with its amount and without meters."""

    name = "anthropic-cost-report"
    version = 1
    role = SourceRole.COST
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "Anthropic cost report pages: cents by day, workspace and description"
    export = "GET /v1/organizations/cost_report, every page of a pull in one file"
    cannot_tell = "keys, persons and quantities; what Priority Tier costs"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the keys of buckets and rows; the analytics reports have keys of their own."""
        foreign = ANALYTICS_KEYS | {"list_amount": "the analytics reports"}
        return by_keys(sample, _MARKS, foreign, "its buckets hold rows of the cost report")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the slices of the file, then its rows in file order."""
        pages = read_pages(path, reader, span_of)
        spans = [located for page in pages for located in page.spans()]
        covered = coverage(spans, str(path))
        yield from covered.slices(SCOPE, grouping([span for span, _ in spans], ()))
        workspace = default_workspace(pages)

        def cells_of(row: Row, span: Span) -> Mapping[str, object]:
            if span.day in covered.partial:
                raise partial_day(span, "starting_at")
            return _cells(row.fields, workspace)

        yield from usage_of(pages, cells_of)


def _cells(row: Fields, workspace: str | None) -> Mapping[str, object]:
    currency = dollars(row, "currency")
    return {
        "provider": "anthropic",
        "platform": "anthropic-api",
        "product": "api",
        "model_raw": row.text_if_any("model"),
        **tier_cells(row),
        "context_window": row.text_if_any("context_window"),
        "conditions": canonical({"inference_geo": row.text_if_any("inference_geo")}),
        "workspace": row.text_if_any("workspace_id") or workspace,
        "tags": given({tag: row.text_if_any(tag) for tag in _TAGS}),
        **reported(text_amount(row, "amount", per_unit=CENTS), currency, "billed"),
    }
