"""Pages of Cursor's daily usage endpoint: how often each member asked, day by day.

Requests are raw events and no units of a bill; lines and accepted suggestions are activity and no
outcomes, and are not read. A member's day without a request is counted and not recorded.

Source: source formats note, section 1.3, read 2026-11-21.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.marks import by_keys
from metering.ingest.shapes.buckets import Span
from metering.ingest.shapes.pages import Row, read_row_pages
from metering.ingest.shapes.records import given
from metering.ingest.shapes.reports import report_of
from metering.ingest.values.fields import Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_REQUESTS: Final = ("composerRequests", "chatRequests", "agentRequests", "cmdkUsages")
_BILLING: Final = ("subscriptionIncludedReqs", "apiKeyReqs", "usageBasedReqs")


class CursorDailyUsage:
    """One record per member and day with a request."""

    name = "cursor-daily-usage"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "Cursor admin API: requests of each member by day (JSON pages)"
    export = "POST /teams/daily-usage-data for whole days, every page of a pull in one file"
    cannot_tell = "tokens; models; what is billed"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the members of a row."""
        marks = ("data", "composerRequests", "subscriptionIncludedReqs", "day")
        return by_keys(sample, marks, {}, "its pages list daily usage of a Cursor team")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the days of the members, then the days that the file covers."""
        rows = [row for page in read_row_pages(path, reader) for row in page.rows]
        used = [row for row in rows if not _is_idle(row)]
        yield from report_of(
            used,
            lambda row: _cells(row.fields),
            view=("daily-usage", "view=api"),
            noise={"day of a member without a request": len(rows) - len(used)},
        )


def _is_idle(row: Row) -> bool:
    return isinstance(row.value, Mapping) and all(
        row.member(name) is None or (row.member(name) == 0 and row.member(name) is not False)
        for name in _REQUESTS
    )


def _cells(row: Fields) -> Mapping[str, object]:
    return {
        **Span.of_day(row.day("day")).cells(),
        "provider": "cursor",
        "platform": "cursor-api",
        "product": "cursor",
        "model_raw": row.text_if_any("mostUsedModel"),
        "principal": row.text_if_any("email") or row.text("userId"),
        "requests": sum(row.whole_number_if_any(name) or 0 for name in _REQUESTS),
        "tags": given(
            {"user_id": row.text_if_any("userId")}
            | {name: str(row.whole_number_if_any(name) or 0) for name in _BILLING}
        ),
    }
