"""What Cursor's dashboard shows of its usage events, saved as the JSON that the page loads.

Cursor does not document it; who has no key for the admin API can save it from a browser. The kind
decides what is billed: only `USAGE_EVENT_KIND_USAGE_BASED` is, at the dollars the page shows, which
are rounded to cents. A page does not say which days it was asked for, so an import replaces the
days from its first event to its last. A kind that nobody has seen is refused.

It is another view of what the API and the CSV say: an account takes one of the three.

Source: source formats note, section 1.1, "dashboard variant", read 2026-11-21.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.meters import Meter
from metering.errors import SourceError, SourceRef
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats.cursor_events import (
    SCOPE,
    Cost,
    event_cells,
    from_milliseconds,
    request_at,
)
from metering.ingest.marks import by_keys
from metering.ingest.shapes.pages import Row, read_row_pages
from metering.ingest.shapes.reports import report_of
from metering.ingest.values.exact_decimals import exact
from metering.ingest.values.fields import FieldRefused, Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_LIST: Final = "usageEventsDisplay"
_TOTAL: Final = "totalUsageEventsCount"
_KIND: Final = "USAGE_EVENT_KIND_"
_BILLED: Final = f"{_KIND}USAGE_BASED"
_KINDS: Final = (_BILLED, f"{_KIND}INCLUDED_IN_BUSINESS", f"{_KIND}ERRORED_NOT_CHARGED")
_TOKENS: Final = {
    "inputTokens": Meter.INPUT_UNCACHED,
    "outputTokens": Meter.OUTPUT,
    "cacheWriteTokens": Meter.CACHE_WRITE_UNKNOWN,
    "cacheReadTokens": Meter.CACHE_READ,
}
_NOTHING: Final = "-"
_DOLLARS: Final = "dollars such as $1.66, or - for none"


class CursorDashboardEvents:
    """One record per event."""

    name = "cursor-dashboard-events"
    version = 1
    role = SourceRole.METERED
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "Cursor dashboard: usage events as the page loads them (JSON); undocumented"
    export = (
        "cursor.com/dashboard, Usage: save the answers of get-filtered-usage-events, every page"
    )
    cannot_tell = "less than a cent; e-mail addresses: users have numbers; filters of the page"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the list that only the dashboard calls so."""
        return by_keys(sample, (_LIST, "timestamp"), {}, "it is what Cursor's dashboard shows")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield every event with what Cursor bills for it, then the days of the file."""
        pages = read_row_pages(path, reader, _LIST)
        rows = [row for page in pages for row in page.rows]
        promised = max((_promised(page.members, str(path)) for page in pages), default=0)
        if promised > len(rows):
            raise SourceError(
                SourceRef(str(path)),
                "incomplete-pull",
                f"it holds {len(rows)} of {promised} events",
                do="save every page that the dashboard loads, put them in one file, and ingest it",
            )
        yield from report_of(rows, _cells, view=(SCOPE, "view=dashboard"))


def _promised(members: Mapping[str, object], path: str) -> int:
    try:
        return Fields(members).whole_number_if_any(_TOTAL) or 0
    except FieldRefused as refusal:
        raise SourceError(
            SourceRef(path),
            "bad-page",
            f"{refusal.field} is {refusal.found}",
            do="save the pages again as the dashboard loads them",
        ) from refusal


def _cells(row: Row) -> Mapping[str, object]:
    event = row.fields
    event.text("kind")
    kind = event.one_of("kind", _KINDS) or ""
    max_mode = event.flag_if_any("maxMode")
    owner = event.text_if_any("owningUser")
    return {
        **event_cells(
            when=request_at(from_milliseconds(event, "timestamp")),
            kind=kind.removeprefix(_KIND).lower(),
            model=event.text_if_any("model"),
            tokens=_tokens(event),
            cost=_cost(event, is_billed=kind == _BILLED),
            tags={
                "max_mode": None if max_mode is None else str(max_mode).lower(),
                "team": event.text_if_any("owningTeam"),
            },
        ),
        "principal": event.text_if_any("userEmail") or (f"user:{owner}" if owner else None),
    }


def _tokens(event: Fields) -> dict[Meter, int]:
    """Return the tokens of an event; one that is not billed by tokens tells none."""
    if event.values.get("tokenUsage") is None:
        return {}
    used = event.part("tokenUsage")
    return {meter: used.whole_number_if_any(name) or 0 for name, meter in _TOKENS.items()}


def _cost(event: Fields, *, is_billed: bool) -> Cost:
    spelled = event.text_if_any("usageBasedCosts")
    if spelled in (None, _NOTHING):
        if is_billed:
            raise event.refused("bad-amount", "usageBasedCosts", _DOLLARS)
        return Cost(None, Fraction(0))
    stated = exact(str(spelled).removeprefix("$"))
    if stated is None or stated < 0:
        raise event.refused("bad-amount", "usageBasedCosts", _DOLLARS)
    return Cost(stated, stated if is_billed else Fraction(0))
