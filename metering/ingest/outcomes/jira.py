"""What Jira's two exports of issues have in common.

An issue is known by its number and not by its key, which changes when it is moved. One that was
resolved as a duplicate, or will not be done, is no outcome. Issues of two Jira sites share numbers:
a ledger reads those of one site, and of another by a mapping file.
"""

from typing import Final

from metering.ingest.outcomes.tickets import TicketWords, resolved_tickets

SYSTEM: Final = "jira"
KINDS: Final = resolved_tickets("an issue whose resolution was cleared, or is none that was done")

WORDS: Final = TicketWords(
    SYSTEM,
    done=frozenset(("done", "fixed", "resolved", "complete", "completed", "delivered", "released")),
    dropped=frozenset(
        (
            *("won't do", "won't fix", "wont do", "wont fix", "will not do", "duplicate"),
            *("cannot reproduce", "incomplete", "declined", "rejected", "not a bug", "invalid"),
            *("abandoned", "canceled", "cancelled", "known error", "obsolete", "out of scope"),
        )
    ),
)
