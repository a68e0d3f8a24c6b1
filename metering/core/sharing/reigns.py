"""Which rules, owners file and sharing file decide on which days.

What was decided for a closed period stays decided: its days keep the rules, the owners and how cost
was shared as they were in force at its close, and every other day has what is in force now.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from metering.core.ownership.attribution import (
    Directory,
    DirectoryEntry,
    RuleSet,
    attribution_fields,
)
from metering.core.ownership.stand_ins import with_stand_ins
from metering.core.sharing.driver_file import Driver
from metering.core.sharing.splits import Sharing

Stretch = tuple[date | None, date | None]
"""Half-open days; None is unbounded."""

ALWAYS: Stretch = (None, None)


@dataclass(frozen=True, slots=True)
class Reign:
    """Rules, an owners file and how cost is shared, and the days on which they decide.

    Attributes:
        stretches: those days; of several reigns no two overlap.
        drivers: what splits of `sharing` may weigh by.
    """

    rules: RuleSet
    directory: Directory
    stretches: tuple[Stretch, ...] = (ALWAYS,)
    sharing: Sharing = field(default_factory=Sharing)
    drivers: tuple[Driver, ...] = ()

    def holds_on(self, day: date) -> bool:
        """Return whether these decide on a day."""
        return any(
            (first is None or first <= day) and (end is None or day < end)
            for first, end in self.stretches
        )

    def with_stand_ins(self, entries: Sequence[DirectoryEntry]) -> "Reign":
        """Return the same, asking for stand-ins of people before anything else."""
        if not entries:
            return self
        rules, directory = with_stand_ins(self.rules, self.directory, entries)
        return replace(self, rules=rules, directory=directory)

    @property
    def tags(self) -> frozenset[str]:
        """The names of the tags the rules read: cells must keep them."""
        fields = attribution_fields(self.rules)
        return frozenset(name.removeprefix("tag:") for name in fields if name.startswith("tag:"))


def between(taken: Iterable[tuple[date, date]]) -> tuple[Stretch, ...]:
    """Return the days that none of some stretches takes, in order.

    Args:
        taken: half-open, not overlapping.
    """
    found: list[Stretch] = []
    first: date | None = None
    for start, end in sorted(taken):
        if first != start:
            found.append((first, start))
        first = end
    return (*found, (first, None))


def clipped(
    stretches: Sequence[Stretch], first: date | None, end: date | None
) -> Iterator[Stretch]:
    """Yield the parts of stretches of days that lie in `[first, end)`."""
    for start, stop in stretches:
        inside = (max(start or date.min, first or date.min), min(stop or date.max, end or date.max))
        if inside[0] < inside[1]:
            yield (
                None if inside[0] == date.min else inside[0],
                None if inside[1] == date.max else inside[1],
            )
