"""Outcomes: what the spend bought, from attempted to settled.

An outcome is work that a system of record can confirm. It passes through four stages, and a
vendor's count of what its agents did reaches the second one at most: it is shown beside accepted
outcomes and never added to them.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

WEIGHT_UNIT: Final = 10_000
"""Weights are whole ten-thousandths: one ordinary outcome weighs this much."""


class Stage(StrEnum):
    """How far work has come; in order."""

    ATTEMPTED = "attempted"  # an agent's task started
    COMPLETED = "completed"  # the agent, or its vendor, says it finished
    VALIDATED = "validated"  # a system of record agrees: merged, closed, paid, published
    SETTLED = "settled"  # still valid after the settlement window, or said to be final


@dataclass(frozen=True, slots=True)
class OutcomeKind:
    """What a source gives, as its ingestor declares it.

    Attributes:
        name: small letters with underscores: pull_request, ticket; what rows have as their `kind`.
        stage: the furthest stage the source can confirm.
        settles_after_days: how long it must stand before it counts as settled.
        reversed_by: in words, what takes it back and how the source shows that.
    """

    name: str
    stage: Stage
    settles_after_days: int
    reversed_by: str


@dataclass(frozen=True, slots=True)
class SystemWords:
    """What a house says of how one of its systems of record is set up.

    Attributes:
        zone: IANA name of the zone of times that name none; None: nobody said.
        is_day_first: whether 3/4/2026 is in April; None: nobody said.
        done: resolutions by which work was done, beside the usual ones; in small letters.
        dropped: resolutions by which it was not.
    """

    zone: str | None = None
    is_day_first: bool | None = None
    done: frozenset[str] = frozenset()
    dropped: frozenset[str] = frozenset()


DEFAULT_WINDOW_DAYS: Final = 14
"""The window of a kind that nobody has declared."""

WINDOW_DAYS: Final = {
    "agent_session": 7,
    "agent_task": 7,
    "commit": 14,
    "content": 21,
    "deploy": 7,
    "legal": 21,
    "pull_request": 14,
    "research": 75,
    "ticket": 7,
}
"""How long after usage an outcome may come that answers for it, and how long it must then stand."""


AWU: Final = "awu"
"""Salesforce's agentic work units, as Salesforce tells them."""

VENDOR_UNITS: Final = frozenset({AWU, "agent_action", "tool_commit", "tool_pull_request"})
"""Kinds that count what a vendor's agents did: activity, never added to accepted outcomes."""


PARTS: Final = frozenset({"commit"})
"""Kinds that are parts of others: they count nothing in our unit unless somebody says what."""


def window_days(kind: str) -> int:
    """Return the usual window of a kind of outcome, in days."""
    return WINDOW_DAYS.get(kind, DEFAULT_WINDOW_DAYS)
