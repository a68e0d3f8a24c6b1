"""Pages of Anthropic's Usage and Cost Analytics API: flat rows, ranked, for any organization.

Only combinations with usage have a row, and all of them are returned over the pages, in order of
their size: a pull counts when its last page is there. A day without rows had no usage, or is not
loaded yet. An actor is a person, a service account, or a key by itself; a federated identity has no
id, and what is said of it is kept as a tag.

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
_IDS: Final = frozenset({"user_id", "service_account_id", "api_key_id"})

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
            return {**_group_cells(group, {}), **analytics.usage_cells(row.part("usage"))}

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
            tags = analytics.list_amount_tag(cost)
            return {**_group_cells(group, tags), **analytics.cost_cells(cost)}

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


def _group_cells(group: Fields, tags: Mapping[str, str | None]) -> dict[str, object]:
    actor = _actor(group)
    cells = analytics.dimension_cells(
        group, {**tags, **analytics.actor_tags(actor), **_kept(group, actor)}
    )
    return {**cells, **analytics.actor_cells(actor, cells["api_key"])}


def _actor(group: Fields) -> Fields:
    """Return who a row is attributed to; its id may stand alone."""
    actor = group.values.get("actor")
    return Fields({"user_id": actor}) if isinstance(actor, str) else group.part_if_any("actor")


def _kept(group: Fields, actor: Fields) -> dict[str, str | None]:
    """Return the kind of actor, where it is a dimension, and what is said of one without an id."""
    kind = group.text_if_any("actor_type")
    said = {name: said for name, said in actor.values.items() if isinstance(said, str)}
    kept = {} if _IDS.intersection(said) else {"actor": canonical(said)}
    return {**kept, **({"actor_type": kind} if kind else {})}
