"""Tickets of Zendesk, as pages of its incremental export with the metrics of each ticket.

A ticket says that it is solved, and only its metrics say when. The export repeats tickets at the
border of two pages; the time at which it generated a ticket tells the later state, which the time
of the last update does not always. Tickets of two accounts share numbers: a ledger reads those of
one account, and of another by a mapping file.

Neither subject, comment, tag nor person is read.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.outcomes.stages import OutcomeKind
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.marks import by_keys
from metering.ingest.outcomes.contract import outcomes_of
from metering.ingest.outcomes.tickets import resolved_tickets, state_of
from metering.ingest.shapes.pages import Row, RowPage, read_row_pages
from metering.ingest.values.fields import FieldRefused, Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_LIST: Final = "tickets"
_KEYS: Final = (_LIST, "status", "generated_timestamp", "created_at")
_STATES: Final = ("new", "open", "pending", "hold", "solved", "closed", "deleted")
_SOLVED: Final = ("solved", "closed")
_METRICS: Final = "metric_set"


class ZendeskTickets:
    """One row per ticket, as it stands."""

    name = "zendesk-tickets"
    version = 1
    role = SourceRole.OUTCOME
    identity = Identity.EVENT
    repeat = Repeat.LATEST
    system = "zendesk"
    kinds: tuple[OutcomeKind, ...] = resolved_tickets("a ticket that is open again or deleted")
    describes = "Zendesk tickets, solved or not, as pages of the incremental export (JSON)"
    export = "GET /api/v2/incremental/tickets.json?start_time=…&include=metric_sets, every page"
    cannot_tell = "whether a person or an agent solved it; what two accounts call by one number"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the keys of the first ticket."""
        return by_keys(sample, _KEYS, {}, "its pages list tickets of Zendesk")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield every ticket as it stands, in file order."""
        pages = read_row_pages(path, reader, _LIST, _more_follow)
        yield from outcomes_of((row for page in pages for row in page.rows), _state)


def _state(row: Row) -> Sequence[Mapping[str, object]]:
    ticket = row.fields
    number = str(ticket.whole_number("id"))
    generated = ticket.unix_instant("generated_timestamp")
    is_done = ticket.one_of("status", _STATES) in _SOLVED
    solved = _metrics(ticket).instant("solved_at") if is_done else generated
    group = ticket.whole_number_if_any("group_id")
    return [
        {
            "outcome_id": number,
            "reference": f"#{number}",
            "ticket": number,
            "queue": None if group is None else str(group),
            **state_of(generated, solved, is_done=is_done),
        }
    ]


def _metrics(ticket: Fields) -> Fields:
    if _METRICS in ticket.values:
        return ticket.part(_METRICS)
    raise FieldRefused(
        "missing-field",
        _METRICS,
        "left out",
        "the metrics of a ticket that is solved, which say when",
        "export the tickets with include=metric_sets",
    )


def _more_follow(page: RowPage) -> bool:
    # The export always names a next page; it is at its end when it says so.
    if "end_of_stream" in page.members:
        return page.members["end_of_stream"] is not True
    return bool(page.members.get("next_page"))
