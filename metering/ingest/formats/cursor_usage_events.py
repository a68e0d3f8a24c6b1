"""Pages of Cursor's admin API: usage events of a team, the better source of Cursor's money.

* `isChargeable` decides whether an event is billed, never its cost: included and failed events
  carry `chargedCents`, too. A chargeable event without `chargedCents` is refused.
* The bounds of a pull are inclusive milliseconds. A pull has to begin at a midnight (UTC) and to
  hold every event it promises, since an import replaces whole days.
* Events have no id; two that are alike are two.
* Who used it is a person, or else a service account, a cloud agent or an automation: those are
  principals of their own kind, and not an unknown person.

Source: source formats note, section 1.1, read 2026-11-21; Cursor, "Admin API".
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.meters import Meter
from metering.errors import SourceError, SourceRef
from metering.ingest.contract import Identity, Reading, Repeat, Sample, Slice, SourceRole, Verdict
from metering.ingest.formats.cursor_events import (
    CENTS,
    SCOPE,
    Cost,
    event_cells,
    from_milliseconds,
    is_not_charged,
    request_at,
)
from metering.ingest.marks import by_keys
from metering.ingest.shapes.pages import Row, RowPage, read_row_pages, rows_as_records
from metering.ingest.shapes.records import readings
from metering.ingest.values.exact_decimals import amount
from metering.ingest.values.fields import FieldRefused, Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_LIST: Final = "usageEvents"
_MARKS: Final = (_LIST, "totalUsageEventsCount", "pagination")
_TOKENS: Final = {
    "inputTokens": Meter.INPUT_UNCACHED,
    "outputTokens": Meter.OUTPUT,
    "cacheWriteTokens": Meter.CACHE_WRITE_UNKNOWN,
    "cacheReadTokens": Meter.CACHE_READ,
}
_PRINCIPALS: Final = {
    "serviceAccountId": "service-account",
    "cloudAgentId": "cloud-agent",
    "automationId": "automation",
}


class CursorUsageEvents:
    """One record per event."""

    name = "cursor-usage-events"
    version = 1
    role = SourceRole.METERED
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "Cursor admin API: usage events of a team, with tokens and charges (JSON pages)"
    export = "POST /teams/filtered-usage-events for whole days, every page of a pull in one file"
    cannot_tell = "whether the pull was filtered by user"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the members of a page."""
        return by_keys(sample, _MARKS, {}, "its pages list usage events of Cursor")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield every event with what Cursor bills for it, then the days that the pulls cover."""
        pages = read_row_pages(path, reader, _LIST)
        pulls = _pulls(pages, str(path))
        rows = [row for page in pages for row in page.rows]

        def cells_of(row: Row) -> Mapping[str, object]:
            return _cells(row.fields, pulls)

        yield from readings(rows_as_records(rows, cells_of), {})
        for first, last in pulls:
            yield Slice(SCOPE, "view=api", first.isoformat(), last.isoformat())


def _pulls(pages: Sequence[RowPage], path: str) -> list[tuple[date, date]]:
    """Return the first and last day of each pull of a file.

    Raises:
        SourceError: `bad-page` for a page without its period; `partial-pull` where one begins
            within a day; `incomplete-pull` where events are missing.
    """
    found: dict[tuple[datetime, datetime], tuple[int, int]] = {}
    for page in pages:
        try:
            fields = Fields(page.members)
            period = fields.part("period")
            bounds = from_milliseconds(period, "startDate"), from_milliseconds(period, "endDate")
            promised = fields.whole_number("totalUsageEventsCount")
        except FieldRefused as refusal:
            raise _unusable(path, "bad-page", f"{refusal.field} is {refusal.found}") from refusal
        held, _ = found.get(bounds, (0, 0))
        found[bounds] = held + len(page.rows), promised
    for (start, end), (held, promised) in sorted(found.items()):
        if start.time() != datetime.min.time() or end < start:
            raise _unusable(path, "partial-pull", f"a pull begins at {start:%Y-%m-%dT%H:%M:%SZ}")
        if held != promised:
            raise _unusable(path, "incomplete-pull", f"it holds {held} of {promised} events")
    days = [(start.date(), end.date()) for start, end in sorted(found)]
    for (_, last), (first, _) in pairwise(days):
        if first <= last:
            raise _unusable(path, "repeated-bucket", f"two pulls of this file cover {first}")
    return days


def _unusable(path: str, code: str, what: str) -> SourceError:
    return SourceError(
        SourceRef(path),
        code,
        what,
        do="pull whole days, from midnight UTC to 23:59:59.999, every page, into one file",
    )


def _cells(event: Fields, pulls: Sequence[tuple[date, date]]) -> Mapping[str, object]:
    at = from_milliseconds(event, "timestamp")
    if not any(first <= at.date() <= last for first, last in pulls):
        raise event.refused("bad-instant", "timestamp", "an instant within the period of its page")
    kind = event.text("kind")
    max_mode = event.flag_if_any("maxMode")
    cells = event_cells(
        when=request_at(at),
        kind=kind,
        model=event.text_if_any("model"),
        tokens=_tokens(event),
        cost=_cost(event, kind),
        tags={
            "max_mode": None if max_mode is None else str(max_mode).lower(),
            "team": event.text_if_any("teamId"),
            "service_account": event.text_if_any("serviceAccountName"),
            "cloud_agent": event.text_if_any("cloudAgentId"),
            "automation": event.text_if_any("automationId"),
        },
    )
    return {
        **cells,
        "principal": _principal(event),
        "session": event.text_if_any("conversationId"),
    }


def _tokens(event: Fields) -> dict[Meter, int]:
    """Return the tokens of an event; one that is not billed by tokens tells none."""
    if event.values.get("tokenUsage") is None:
        return {}
    used = event.part("tokenUsage")
    return {meter: used.whole_number_if_any(name) or 0 for name, meter in _TOKENS.items()}


def _cost(event: Fields, kind: str) -> Cost:
    is_chargeable = event.flag_if_any("isChargeable")
    if is_chargeable is None:
        raise event.refused("bad-flag", "isChargeable", "true or false, since it decides the bill")
    if not is_chargeable and event.values.get("chargedCents") is None:
        return Cost(None, Fraction(0))
    stated = amount(event, "chargedCents") / CENTS
    if stated < 0:
        raise event.refused("bad-amount", "chargedCents", "cents, 0 or more")
    return Cost(stated, stated if is_chargeable and not is_not_charged(kind) else Fraction(0))


def _principal(event: Fields) -> str | None:
    if person := event.text_if_any("userEmail"):
        return person
    for name, kind in _PRINCIPALS.items():
        if found := event.text_if_any(name):
            return f"{kind}:{found}"
    return None
