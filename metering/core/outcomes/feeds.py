"""Feeds of outcomes: what a system of record sent of a team, and since when it is silent.

A feed is silent when it pauses for longer than it ever did, and for more than a week; of one that
sent on a single day no pause is known, and two weeks are waited for. A pause ends with the last day
of usage that is known: what was not ingested yet is no silence.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

_WEEK: Final = 7
_UNKNOWN_PAUSE: Final = 14


@dataclass(frozen=True, slots=True)
class FeedState:
    """What one system sent of one team.

    Attributes:
        team: "" for outcomes of nobody.
        system: of record; "" for a team that no system ever told an outcome of.
        kinds: of its outcomes, sorted.
        first, last: days of its first and last outcome that was no reversal.
        outcomes: how many.
        longest_pause: days, before the present one; None where it sent on one day alone.
        pause: days since the last, up to the last day with usage.
    """

    team: str
    system: str = ""
    kinds: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None
    outcomes: int = 0
    longest_pause: int | None = None
    pause: int = 0

    @property
    def is_silent(self) -> bool:
        """Whether it pauses for longer than one has to expect."""
        usual = _UNKNOWN_PAUSE if self.longest_pause is None else max(self.longest_pause, _WEEK)
        return self.last is not None and self.pause > usual

    @property
    def status(self) -> str:
        """In words: sending, silent since a day, or never."""
        if self.last is None:
            return "never"
        return f"silent since {self.last.isoformat()}" if self.is_silent else "sending"
