"""Incidents of ServiceNow: pages of its Table API, or a list exported as CSV.

Raw values have states of numbers and times of UTC; values as they are shown have words and the time
of whoever exported them, so that [outcomes.systems.servicenow] has to say the zone. Which of them a
row holds shows in its state. An incident is solved when its state and its close code say so;
without a close code, when its state does.

Neither description, notes, caller nor assignee is read.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.outcomes.stages import OutcomeKind, SystemWords
from metering.errors import shown
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.marks import by_header, by_keys
from metering.ingest.outcomes.contract import outcomes_of
from metering.ingest.outcomes.tickets import TicketWords, resolved_tickets, state_of
from metering.ingest.shapes.pages import Row, read_row_pages
from metering.ingest.shapes.tables import read_table
from metering.ingest.values.fields import FieldRefused, Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_SYSTEM: Final = "servicenow"
_LIST: Final = "result"
_COLUMNS: Final = ("sys_id", "number", "state", "resolved_at", "sys_updated_on")
_RAW_STATES: Final = {"1": False, "2": False, "3": False, "6": True, "7": True, "8": False}
_STATES: Final = {
    "new": False,
    "in progress": False,
    "on hold": False,
    "resolved": True,
    "closed": True,
    "canceled": False,
    "cancelled": False,
}
_WORDS: Final = TicketWords(
    _SYSTEM,
    done=frozenset(
        (
            *("solved (permanently)", "solved (work around)", "solved remotely (permanently)"),
            *("solved remotely (work around)", "solution provided", "workaround provided"),
            *("resolved by request", "resolved by change", "resolved by problem", "user error"),
        )
    ),
    dropped=frozenset(
        (
            *("not solved (not reproducible)", "not solved (too costly)", "duplicate"),
            *("closed/resolved by caller", "resolved by caller", "no resolution provided"),
            "known error",
        )
    ),
)


class ServiceNowIncidents:
    """One row per incident, as it stands.

    Args:
        words: what close codes mean, and in which zone times are that are shown.
    """

    name = "servicenow-incidents"
    version = 1
    role = SourceRole.OUTCOME
    identity = Identity.EVENT
    repeat = Repeat.LATEST
    system = _SYSTEM
    kinds: tuple[OutcomeKind, ...] = resolved_tickets("an incident that is open again or cancelled")
    describes = "ServiceNow incidents, resolved or not: Table API pages (JSON), or a list (CSV)"
    export = (
        "GET /api/now/table/incident?sysparm_fields=sys_id,number,state,close_code,resolved_at,"
        "closed_at,assignment_group,sys_updated_on, every page"
    )
    cannot_tell = "when an incident was opened again, but for that it is"

    def __init__(self, words: TicketWords = _WORDS) -> None:
        self._words = words

    def saying(self, words: SystemWords) -> "ServiceNowIncidents":
        """Return one that knows what the house says of its ServiceNow."""
        return ServiceNowIncidents(_WORDS.saying(words))

    def identify(self, sample: Sample) -> Verdict:
        """Match on the names of the fields, in JSON or in a header."""
        if _is_json(sample.head):
            return by_keys(sample, (_LIST, *_COLUMNS), {}, "its pages list incidents of ServiceNow")
        return by_header(sample, _COLUMNS)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield every incident as it stands, in file order."""
        if _is_json(reader.beginning(path)):
            pages = read_row_pages(path, reader, _LIST)
            yield from outcomes_of((row for page in pages for row in page.rows), self._state)
            return
        table = read_table(path, reader, _COLUMNS, {})
        noise = {"empty line": table.empty_lines}
        yield from outcomes_of(table.rows, self._state, refused=table.refused, noise=noise)

    def _state(self, row: Row) -> Sequence[Mapping[str, object]]:
        incident = _plain(row.fields)
        number = incident.text("number")
        state = incident.text("state")
        is_raw = state.isdigit()
        updated = self._words.instant(incident, "sys_updated_on", is_utc=is_raw)
        is_done = _is_resolved(incident, state) and self._is_solved(incident)
        at = "resolved_at" if incident.text_if_any("resolved_at") else "closed_at"
        resolved = self._words.instant(incident, at, is_utc=is_raw) if is_done else updated
        names = {"outcome_id": incident.text("sys_id"), "reference": number, "ticket": number}
        queue = incident.text_if_any("assignment_group")
        return [{**names, "queue": queue, **state_of(updated, resolved, is_done=is_done)}]

    def _is_solved(self, incident: Fields) -> bool:
        code = incident.text_if_any("close_code")
        return code is None or self._words.is_done(incident, "close_code", code)


def _is_json(head: str | None) -> bool:
    return (head or "").lstrip().startswith(("{", "["))


def _plain(incident: Fields) -> Fields:
    """Return fields of which those that hold a link or two spellings are their raw value."""
    return Fields(
        {
            name: value.get("value") if isinstance(value, Mapping) else value
            for name, value in incident.values.items()
        }
    )


def _is_resolved(incident: Fields, state: str) -> bool:
    known = _RAW_STATES.get(state, _STATES.get(state.lower()))
    if known is None:
        raise FieldRefused(
            "unknown-value",
            incident.within + "state",
            shown(state),
            "a state of incidents as ServiceNow delivers them",
            "map it to one of them in the export; until then the record stays in quarantine",
        )
    return known
