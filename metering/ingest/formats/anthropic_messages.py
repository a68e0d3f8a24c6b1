"""Pages of Anthropic's Messages usage report: tokens of the API, in buckets of time.

Input tokens are net of cached ones, so the fields are disjoint as they stand. The analytics reports
have the same measures but cover other usage, and are other formats.

Grouping. A dimension is null both where the pull did not group by it and where the usage has none:
usage of the Console has no key, that of the default workspace no workspace, that of a key no
account. So the grouping is read from the whole file, and only from the dimensions that all usage
has: model, tier, context window, region, speed. Counting the others would make a pull of a quiet
Sunday look like another report than that of the week. Two pulls that differ only in those are two
versions of one report: one of them is live, and they are never added.

Source: Anthropic's Admin API reference, "Get Messages Usage Report".
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.meters import Meter
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats.anthropic_pages import (
    ANALYTICS_KEYS,
    cache_writes,
    default_workspace,
    is_ever_given,
    searches,
    span_of,
    tier_cells,
)
from metering.ingest.marks import by_keys
from metering.ingest.shapes.buckets import Coverage, Span, coverage, grouping, partial_day
from metering.ingest.shapes.pages import Page, Row, read_pages, usage_of
from metering.ingest.shapes.records import canonical, metered
from metering.ingest.values.fields import Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_SCOPE: Final = "messages"
_MARKS: Final = ("starting_at", "results", "uncached_input_tokens", "cache_creation")
_DIMENSIONS_OF_ALL_USAGE: Final = (
    "context_window",
    "inference_geo",
    "model",
    "service_tier",
    "speed",
)


class AnthropicMessages:
    """One record per result row; rows alike in every dimension stand as they are and are summed."""

    name = "anthropic-messages"
    version = 1
    role = SourceRole.METERED
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "Anthropic Messages usage report pages: tokens and searches by time bucket"
    export = "GET /v1/organizations/usage_report/messages, every page of a pull in one file"
    cannot_tell = "requests; the hours of code execution"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the keys of buckets and rows; the analytics reports have keys of their own."""
        return by_keys(
            sample, _MARKS, ANALYTICS_KEYS, "its buckets hold rows of the Messages usage report"
        )

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the slices of the file, then its rows in file order."""
        pages = read_pages(path, reader, span_of)
        spans = [located for page in pages for located in page.spans()]
        covered = coverage(spans, str(path))
        yield from _slices(pages, covered, [span for span, _ in spans])

        workspace = default_workspace(pages)

        def cells_of(row: Row, span: Span) -> Mapping[str, object]:
            if span.day in covered.partial:
                raise partial_day(span, "starting_at")
            return _cells(row.fields, workspace)

        yield from usage_of(pages, cells_of)


def _slices(pages: Sequence[Page], covered: Coverage, spans: Sequence[Span]) -> Iterator[Reading]:
    dimensions = [name for name in _DIMENSIONS_OF_ALL_USAGE if is_ever_given(pages, name)]
    if spans:
        yield from covered.slices(_SCOPE, grouping(spans, dimensions))


def _cells(row: Fields, default_workspace: str | None) -> Mapping[str, object]:
    account = row.text_if_any("account_id")
    service_account = row.text_if_any("service_account_id")
    return {
        "provider": "anthropic",
        "platform": "anthropic-api",
        "product": "api",
        "model_raw": row.text_if_any("model"),
        **tier_cells(row),
        "speed": row.text_if_any("speed"),
        "context_window": row.text_if_any("context_window"),
        "conditions": canonical({"inference_geo": row.text_if_any("inference_geo")}),
        "api_key": row.text_if_any("api_key_id"),
        "workspace": row.text_if_any("workspace_id") or default_workspace,
        "principal": account or service_account,
        **metered(
            {
                Meter.INPUT_UNCACHED: row.whole_number("uncached_input_tokens"),
                Meter.CACHE_READ: row.whole_number("cache_read_input_tokens"),
                **cache_writes(row),
                Meter.OUTPUT: row.whole_number("output_tokens"),
                Meter.WEB_SEARCH: searches(row.part("server_tool_use")),
            }
        ),
    }
