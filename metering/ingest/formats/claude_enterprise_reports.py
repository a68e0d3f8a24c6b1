"""Pages of Anthropic's Enterprise analytics API: usage and costs, in buckets or by user.

Buckets are grouped by any dimension but people, and hold at most the hundred largest groups,
without a row for the rest: a file with such a bucket is refused, since its sum is no total. Rows by
user hold what seats used, and not what keys and automation used, so their costs are a report
of their own. A user who was deleted keeps the id, which is therefore the principal; the address is
a tag.

The provider restates a day for thirty days, and says how fresh its data is; the freshest is live.
The reports of activity (`users`, `summaries`, `skills`) hold no usage and are not recognised.

Source: source formats note, section 2.5, read 2026-11-21.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.errors import SourceError, SourceRef
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats import claude_analytics as analytics
from metering.ingest.formats.anthropic_pages import span_of
from metering.ingest.marks import by_keys, has_key
from metering.ingest.shapes.buckets import Span, coverage, grouping, partial_day
from metering.ingest.shapes.pages import (
    Page,
    Row,
    read_pages,
    read_row_pages,
    rows_as_records,
    usage_of,
)
from metering.ingest.shapes.records import readings
from metering.ingest.shapes.tables import covered_by
from metering.ingest.values.fields import FieldRefused, Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_MARKS: Final = ("starting_at", "product", "rbac_group_id")
_FOREIGN: Final = {"group": "the Usage and Cost Analytics API"}
_LARGEST_BUCKET: Final = 100
_HEAD: Final = 64 * 1024
_BY_USER: Final = {analytics.COST_SCOPE: "user-costs", analytics.USAGE_SCOPE: analytics.USAGE_SCOPE}

CellsOf = Callable[[Fields], Mapping[str, object]]


class ClaudeEnterpriseUsage:
    """One record per row, with its tokens and searches."""

    name = "claude-enterprise-usage"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "Claude Enterprise analytics, usage: tokens by time bucket or by user"
    export = "GET /v1/organizations/analytics/{usage_report,user_usage_report}, all pages in a file"
    cannot_tell = "money; by user, what keys and automation used"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the keys of a row."""
        marks = (*_MARKS, "uncached_input_tokens")
        return by_keys(sample, marks, _FOREIGN, "its rows are usage of the Enterprise analytics")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the slices of the file, then its rows in file order."""

        def cells_of(row: Fields) -> Mapping[str, object]:
            return {**_dimension_cells(row, {}), **analytics.usage_cells(row)}

        yield from _readings(path, reader, analytics.USAGE_SCOPE, cells_of)


class ClaudeEnterpriseCosts:
    """One record per row, with its amount and without meters."""

    name = "claude-enterprise-costs"
    version = 1
    role = SourceRole.COST
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "Claude Enterprise analytics, costs: fractions of cents by time bucket or by user"
    export = "GET /v1/organizations/analytics/{cost_report,user_cost_report}, all pages in a file"
    cannot_tell = "credits, which come off later; by user, what keys and automation cost"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the keys of a row."""
        marks = (*_MARKS, "amount", "list_amount")
        return by_keys(sample, marks, _FOREIGN, "its rows are costs of the Enterprise analytics")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the slices of the file, then its rows in file order."""

        def cells_of(row: Fields) -> Mapping[str, object]:
            tags = analytics.list_amount_tag(row)
            return {**_dimension_cells(row, tags), **analytics.cost_cells(row)}

        yield from _readings(path, reader, analytics.COST_SCOPE, cells_of)


def _readings(path: Path, reader: "Reader", scope: str, cells_of: CellsOf) -> Iterator[Reading]:
    head = reader.content(path)[:_HEAD].decode("utf-8", errors="replace")
    if has_key(head, "results"):
        yield from _bucket_readings(path, reader, scope, cells_of)
    else:
        yield from _user_readings(path, reader, _BY_USER[scope], cells_of)


def _bucket_readings(
    path: Path, reader: "Reader", scope: str, cells_of: CellsOf
) -> Iterator[Reading]:
    pages = read_pages(path, reader, span_of)
    _refuse_cut_off(pages, str(path))
    spans = [located for page in pages for located in page.spans()]
    covered = coverage(spans, str(path))
    rows = [row for page in pages for row in page.rows()]
    signature = _signature([span for span, _ in spans], rows, scope)
    yield from analytics.dated(
        covered.slices(scope, signature), analytics.as_of(page.members for page in pages)
    )
    account = _account([page.members for page in pages])

    def record(row: Row, span: Span) -> Mapping[str, object]:
        if span.day in covered.partial:
            raise partial_day(span, "starting_at")
        return {"billing_account": account, **cells_of(row.fields)}

    yield from usage_of(pages, record)


def _user_readings(
    path: Path, reader: "Reader", scope: str, cells_of: CellsOf
) -> Iterator[Reading]:
    pages = read_row_pages(path, reader)
    rows = [row for page in pages for row in page.rows]
    covered, spans = covered_by(rows, analytics.day_of, str(path))
    yield from analytics.dated(
        covered.slices(scope, _signature(spans, rows, scope)),
        analytics.as_of(page.members for page in pages),
    )
    account = _account([page.members for page in pages])

    def record(row: Row) -> Mapping[str, object]:
        fields = row.fields
        when = analytics.day_of(fields).cells()
        return {**when, "billing_account": account, **cells_of(fields)}

    yield from readings(rows_as_records(rows, record), {})


def _dimension_cells(row: Fields, tags: Mapping[str, str | None]) -> dict[str, object]:
    actor = row.part_if_any("actor")
    cells = analytics.dimension_cells(row, {**tags, **analytics.actor_tags(actor)})
    return {**cells, **analytics.actor_cells(actor, cells["api_key"])}


def _signature(spans: Collection[Span], rows: Sequence[Row], scope: str) -> str:
    """Return the view of a report; one for all costs, however they are grouped or bucketed."""
    if scope != analytics.USAGE_SCOPE:
        return "costs"
    return grouping(spans, analytics.dimensions(rows))


def _refuse_cut_off(pages: Sequence[Page], path: str) -> None:
    for bucket in (bucket for page in pages for bucket in page.buckets):
        if len(bucket.rows) >= _LARGEST_BUCKET:
            raise SourceError(
                SourceRef(path, bucket.line),
                "bucket-cut-off",
                f"the bucket has {len(bucket.rows)} rows, and its sum is no total",
                details=(
                    "the provider returns the hundred largest groups and no row for the rest",
                ),
                do="pull fewer dimensions, or use the Usage and Cost Analytics API",
            )


def _account(pages: Sequence[Mapping[str, object]]) -> str | None:
    """Return the organization that all pages name; None where they do not agree or do not say."""
    named = {page.get("organization_id") for page in pages}
    only = named.pop() if len(named) == 1 else None
    with suppress(FieldRefused):
        return Fields({"organization_id": only}).text_if_any("organization_id")
    return None
