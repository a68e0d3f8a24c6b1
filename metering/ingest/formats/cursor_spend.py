"""Pages of Cursor's spend endpoint: what each member has spent on demand in the running cycle.

There is no history: each answer is the cycle so far, and replaces the one before. A cycle is not a
calendar month, so it is recorded on the day it begins. Amounts are cents, limits are dollars, in
one object. `spendCents` is what is billed beyond the plan; `overallSpendCents`, with what the plan
includes, is kept as a tag. It is Cursor's own total, to hold the usage events against, and nothing
of it is charged.

Source: source formats note, section 1.2, read 2026-11-21.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.meters import Meter
from metering.errors import SourceError, SourceRef
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats.cursor_events import CENTS, from_milliseconds
from metering.ingest.marks import by_keys
from metering.ingest.shapes.pages import Row, RowPage, read_row_pages
from metering.ingest.shapes.records import given, metered, reported
from metering.ingest.shapes.reports import report_of
from metering.ingest.values.exact_decimals import amount, nanos, plain
from metering.ingest.values.fields import FieldRefused, Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_LIST: Final = "teamMemberSpend"
_AGAIN: Final = "pull every page of POST /teams/spend at one time, into one file"


class CursorSpend:
    """One record per member."""

    name = "cursor-spend"
    version = 1
    role = SourceRole.COST
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "Cursor admin API: spend of each member in the running cycle (JSON pages)"
    export = "POST /teams/spend, every page, at the end of each cycle or oftener"
    cannot_tell = "models; days: a cycle is one sum"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the members of a page."""
        return by_keys(
            sample,
            (_LIST, "spendCents"),
            {},
            "its pages list the spend of members of a Cursor team",
        )

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield what each member spent, then the day on which the cycle began."""
        pages = read_row_pages(path, reader, _LIST)
        cycle = _cycle(pages, str(path))
        yield from report_of(
            (row for page in pages for row in page.rows),
            lambda row: _cells(row, cycle),
            view=("spend", "view=cycle"),
        )


def _cycle(pages: Sequence[RowPage], path: str) -> datetime:
    """Return when the cycle of the pages began.

    Raises:
        SourceError: `bad-page` where it is not the same on all, `incomplete-pull` where members
            are missing.
    """
    try:
        starts = {
            from_milliseconds(Fields(page.members), "subscriptionCycleStart") for page in pages
        }
        promised = {Fields(page.members).whole_number("totalMembers") for page in pages}
    except FieldRefused as refusal:
        raise _unusable(path, "bad-page", f"{refusal.field} is {refusal.found}") from refusal
    if len(starts) > 1 or len(promised) > 1:
        raise _unusable(path, "bad-page", "its pages are of several pulls")
    held = sum(len(page.rows) for page in pages)
    if held != max(promised):
        raise _unusable(path, "incomplete-pull", f"it holds {held} of {max(promised)} members")
    return max(starts)


def _unusable(path: str, code: str, what: str) -> SourceError:
    return SourceError(SourceRef(path), code, what, do=_AGAIN)


def _cells(row: Row, cycle: datetime) -> Mapping[str, object]:
    member = row.fields
    billed = nanos(amount(member, "spendCents") / CENTS)
    has_overall = member.values.get("overallSpendCents") is not None
    overall = plain(amount(member, "overallSpendCents") / CENTS) if has_overall else None
    return {
        "start": cycle,
        "grain": "range",
        "provider": "cursor",
        "platform": "cursor-api",
        "product": "cursor",
        "principal": member.text_if_any("email") or member.text("userId"),
        "tags": given(
            {
                "user_id": member.text_if_any("userId"),
                "role": member.text_if_any("role"),
                "overall_spend": overall,
            }
        ),
        # Of two answers for one cycle the one that says more is the later.
        **metered({Meter.BILLED_NANOS: max(billed, 0)}),
        **reported(billed, "USD", "billed"),
    }
