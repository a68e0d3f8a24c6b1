"""Who runs a command, and when: injected once, so that nothing below asks a clock."""

import getpass
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Run:
    """One call of a command that may change state.

    Attributes:
        command: as typed, e.g. "ingest".
        user: the account it runs under.
        started_at: aware, UTC.
        arguments: what it was told, for the audit log.
    """

    command: str
    user: str
    started_at: datetime
    arguments: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def now(cls, command: str, **arguments: object) -> "Run":
        """Return a run that starts now, by the user the process belongs to."""
        return cls(command, getpass.getuser(), datetime.now(UTC), arguments)
