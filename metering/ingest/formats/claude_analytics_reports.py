"""Pages of Anthropic's Usage and Cost Analytics API: flat rows, ranked, for any organization.

Only combinations with usage have a row, and all of them are returned over the pages, in order of
their size: a pull counts when its last page is there. A day without rows had no usage, or is not
loaded yet. The shape of `group.actor` is not documented, so it is kept as it stands; an actor that
is one text is the principal.

Usage and costs are two reports, and two formats. Source: source formats note, section 2.6, read
2026-11-21.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats import claude_analytics as analytics
from metering.ingest.marks import by_keys
from metering.ingest.shapes.buckets import grouping
from metering.ingest.shapes.pages import Row, read_row_pages, rows_as_records
from metering.ingest.shapes.records import canonical, readings
from metering.ingest.shapes.tables import covered_by
from metering.ingest.values.fields import Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_MARKS: Final = ("starting_at", "ending_at", "group")
_WHAT: Final = "the analytics API"

CellsOf = Callable[[Fields], Mapping[str, object]]


class ClaudeAnalyticsUsage:
    """One record per row, with its tokens and searches."""

    name = "claude-analytics-usage"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "Anthropic Usage and Cost Analytics API, usage: tokens by any dimension"
    export = "GET /v1/organizations/analytics/usage by day, every page of a pull in one file"
    cannot_tell = "money; days that are not loaded yet"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the objects of a row."""
        foreign = {"cost": f"the costs of {_WHAT}"}
        return by_keys(sample, (*_MARKS, "usage"), foreign, f"its rows are usage of {_WHAT}")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the slices of the file, then its rows in file order."""

        def cells_of(row: Fields) -> Mapping[str, object]:
            group = row.part("group")
            return {
                **analytics.dimension_cells(group, _actor_tag(group)),
                **_principal(group),
                **analytics.usage_cells(row.part("usage")),
            }

        yield from _readings(path, reader, analytics.USAGE_SCOPE, cells_of)


class ClaudeAnalyticsCosts:
    """One record per row, with its amount and without meters."""

    name = "claude-analytics-costs"
    version = 1
    role = SourceRole.COST
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "Anthropic Usage and Cost Analytics API, costs: fractions of cents by any dimension"
    export = "GET /v1/organizations/analytics/cost by day, every page of a pull in one file"
    cannot_tell = "tokens; credits, which come off later; days that are not loaded yet"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the objects of a row."""
        foreign = {"usage": f"the usage of {_WHAT}"}
        return by_keys(sample, (*_MARKS, "cost"), foreign, f"its rows are costs of {_WHAT}")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the slices of the file, then its rows in file order."""

        def cells_of(row: Fields) -> Mapping[str, object]:
            group, cost = row.part("group"), row.part("cost")
            tags = {**_actor_tag(group), **analytics.list_amount_tag(cost)}
            return {
                **analytics.dimension_cells(group, tags),
                **_principal(group),
                **analytics.cost_cells(cost),
            }

        yield from _readings(path, reader, analytics.COST_SCOPE, cells_of)


def _readings(path: Path, reader: "Reader", scope: str, cells_of: CellsOf) -> Iterator[Reading]:
    pages = read_row_pages(path, reader)
    rows = [row for page in pages for row in page.rows]
    covered, spans = covered_by(rows, analytics.day_of, str(path))
    dimensions = [] if scope == analytics.COST_SCOPE else analytics.dimensions(_groups(rows))
    yield from analytics.dated(
        covered.slices(scope, grouping(spans, dimensions)),
        analytics.as_of(page.members for page in pages),
    )

    def record(row: Row) -> Mapping[str, object]:
        fields = row.fields
        return {**analytics.day_of(fields).cells(), **cells_of(fields)}

    yield from readings(rows_as_records(rows, record), {})


def _groups(rows: Sequence[Row]) -> Iterator[Row]:
    return (Row(row.line, row.member("group")) for row in rows)


def _principal(group: Fields) -> dict[str, object]:
    actor = group.values.get("actor")
    return {"principal": group.text_if_any("actor") if isinstance(actor, str) else None}


def _actor_tag(group: Fields) -> dict[str, str | None]:
    actor = group.values.get("actor")
    spelled = None
    if actor is not None and not isinstance(actor, str):
        parts = group.part("actor")
        texts = {name: parts.text_if_any(name) for name in sorted(parts.values)}
        spelled = canonical(texts)
    return {"actor": spelled, "actor_type": group.text_if_any("actor_type")}
