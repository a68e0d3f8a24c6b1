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

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.meters import Meter
from metering.ingest.buckets import Coverage, Span, coverage, grouping, partial_day
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.fields import Fields
from metering.ingest.pages import Page, Row, read_pages, usage_of
from metering.ingest.records import canonical, metered

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_SCOPE: Final = "messages"
_MARKS: Final = ("starting_at", "results", "uncached_input_tokens", "cache_creation")
_MARKS_OF_ANALYTICS: Final = (
    "actor",
    "data_refreshed_at",
    "group",
    "organization_id",
    "product",
    "rbac_group_id",
    "slack_channel_id",
)
_DIMENSIONS_OF_ALL_USAGE: Final = (
    "context_window",
    "inference_geo",
    "model",
    "service_tier",
    "speed",
)
_DEFAULT_WORKSPACE: Final = "default"


class AnthropicMessages:
    """One record per result row; rows alike in every dimension stand as they are and are summed."""

    name = "anthropic-messages"
    version = 1
    role = SourceRole.METERED
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "Anthropic Messages usage report pages: tokens and searches by time bucket"
    export = "GET /v1/organizations/usage_report/messages, every page of a pull in one file"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the keys of buckets and rows; the analytics reports have keys of their own."""
        if sample.head is None:
            return Verdict(matches=False, because="it is not UTF-8 text")
        if not sample.head.lstrip().startswith(("{", "[")):
            return Verdict(matches=False, because="it does not begin with a JSON page")
        missing = [key for key in _MARKS if not _has_key(sample.head, key)]
        if missing:
            return Verdict(matches=False, because=f"its first rows have no {missing[0]!r}")
        foreign = [key for key in _MARKS_OF_ANALYTICS if _has_key(sample.head, key)]
        if foreign:
            because = f"{foreign[0]!r} is of the analytics reports"
            return Verdict(matches=False, because=because)
        return Verdict(matches=True, because="its buckets hold rows of the Messages usage report")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the slices of the file, then its rows in file order."""
        pages = read_pages(path, reader, _span)
        spans = [located for page in pages for located in page.spans()]
        covered = coverage(spans, str(path))
        yield from _slices(pages, covered, [span for span, _ in spans])

        # A null workspace is the default one, which somebody owns, if the pull groups by workspace.
        by_workspace = _is_ever_given(pages, "workspace_id")

        def cells_of(row: Row, span: Span) -> Mapping[str, object]:
            if span.day in covered.partial:
                raise partial_day(span, "starting_at")
            return _cells(row.fields, _DEFAULT_WORKSPACE if by_workspace else None)

        yield from usage_of(pages, cells_of)


def _has_key(head: str, key: str) -> bool:
    return re.search(rf'"{key}"\s*:', head) is not None


def _span(bucket: Fields) -> Span:
    return Span.of(bucket.instant("starting_at"), bucket.instant("ending_at"), field="ending_at")


def _slices(pages: Sequence[Page], covered: Coverage, spans: Sequence[Span]) -> Iterator[Reading]:
    dimensions = [name for name in _DIMENSIONS_OF_ALL_USAGE if _is_ever_given(pages, name)]
    if spans:
        yield from covered.slices(_SCOPE, grouping(spans, dimensions))


def _is_ever_given(pages: Sequence[Page], name: str) -> bool:
    return any(row.member(name) is not None for page in pages for row in page.rows())


def _cells(row: Fields, default_workspace: str | None) -> Mapping[str, object]:
    written = row.part("cache_creation")
    tier = row.text_if_any("service_tier")
    account = row.text_if_any("account_id")
    service_account = row.text_if_any("service_account_id")
    return {
        "provider": "anthropic",
        "platform": "anthropic-api",
        "product": "api",
        "model_raw": row.text_if_any("model"),
        # Batch is how the work was processed; it excludes every tier, so none is left.
        "service_tier": None if tier == "batch" else tier,
        "processing": "batch" if tier == "batch" else None,
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
                Meter.CACHE_WRITE_5M: written.whole_number("ephemeral_5m_input_tokens"),
                Meter.CACHE_WRITE_1H: written.whole_number("ephemeral_1h_input_tokens"),
                Meter.OUTPUT: row.whole_number("output_tokens"),
                Meter.WEB_SEARCH: row.part("server_tool_use").whole_number("web_search_requests"),
            }
        ),
    }
