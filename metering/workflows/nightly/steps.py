"""A step of the night: what it did, and what somebody has to look at."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class StepState(StrEnum):
    """What became of a step."""

    DONE = "done"
    ATTENTION = "attention"  # done, and somebody has to look at something
    FAILED = "failed"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the night.

    Attributes:
        name: as `night.run_night` calls it.
        summary: what it did, a sentence's end.
        told: what somebody has to look at, each in full.
    """

    name: str
    state: StepState
    summary: str
    told: tuple[str, ...] = ()

    @classmethod
    def done(cls, name: str, summary: str, told: Iterable[str] = ()) -> Self:
        """Return a step that did its work; where it tells of something, somebody has to look."""
        every = tuple(told)
        return cls(name, StepState.ATTENTION if every else StepState.DONE, summary, every)
