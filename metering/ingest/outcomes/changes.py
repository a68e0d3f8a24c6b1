"""Changes put up for review, pull or merge requests, whichever forge they stand in.

A change that was put up is completed work; a draft is an attempt; one that was merged is validated.
A merged change whose branch says that it reverts another gives no outcome, but takes the other
back; a revert of a revert gives the work back. A revert by other means cannot be seen here.

Titles, descriptions and people are not read; of commit messages, the trailers alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from metering.core.outcomes.stages import WEIGHT_UNIT, OutcomeKind, Stage
from metering.core.ownership.tickets import ticket_in
from metering.ingest.outcomes.trailers import (
    session_of_messages,
    tool_of_labels,
    tool_of_messages,
)

KIND: Final = "pull_request"


def merged_changes(reversed_by: str) -> tuple[OutcomeKind, ...]:
    """Return what a forge gives; `reversed_by` says how it shows a revert."""
    return (OutcomeKind(KIND, Stage.VALIDATED, settles_after_days=14, reversed_by=reversed_by),)


@dataclass(frozen=True, slots=True)
class Change:
    """One change, as its forge tells it.

    Attributes:
        change_id: the forge's own: repositories get renamed and moved.
        repository: owner and name.
        reference: what people call it: acme/billing#412.
        branch: it comes from.
        opened: when it was put up.
        is_draft: whether nobody is asked to look at it yet.
        merged: when; None if it is not.
        as_of: when the forge last changed it, where it says so.
        commit: what it became, where the forge says so.
        labels: on it.
        messages: of its commits.
        reverts: what its branch says it takes back, then what that took back, and so on.
    """

    change_id: str
    repository: str
    reference: str
    branch: str
    opened: datetime
    is_draft: bool
    merged: datetime | None
    as_of: datetime | None
    commit: str | None = None
    labels: Sequence[str] = ()
    messages: Sequence[str] = ()
    reverts: Sequence[str] = ()

    def stages(self) -> Sequence[Mapping[str, object]]:
        """Return the cells of each stage that it reached; of a revert, that it was merged."""
        shared: Mapping[str, object] = {
            "outcome_id": self.change_id,
            "reference": self.reference,
            "as_of": self.as_of,
            "kind": KIND,
            "repository": self.repository,
            "branch": self.branch,
            "ticket": ticket_in(self.branch),
            "assisted_by": tool_of_messages(self.messages) or tool_of_labels(self.labels),
            "session": session_of_messages(self.messages),
        }
        stages: list[Mapping[str, object]] = []
        if not self.reverts:
            opened = Stage.ATTEMPTED if self.is_draft else Stage.COMPLETED
            stages.append({**shared, "stage": opened.value, "instant": self.opened})
        if self.merged is not None:
            merged = {
                **shared,
                "stage": Stage.VALIDATED.value,
                "instant": self.merged,
                "commit": self.commit,
            }
            stages.append({**merged, **reversal(self.reverts)})
        return stages


def reversal(reverts: Sequence[str]) -> Mapping[str, object]:
    """Return the cells by which work takes other work back; none where it takes back nothing.

    Args:
        reverts: what it takes back, then what that took back, and so on: a revert of a revert
            gives the first its weight again.
    """
    if not reverts:
        return {}
    sign = -1 if len(reverts) % 2 else 1
    return {"weight_e4": sign * WEIGHT_UNIT, "reversal_of": reverts[0]}
