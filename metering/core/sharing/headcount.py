"""Headcount: how many days people were there in a period.

Days of a person, not people: who moves in the middle of a month counts for both sides, for the
days they were there.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from metering.core.ownership.attribution import Directory, Owner
from metering.core.periods import BillingPeriod


@dataclass(frozen=True, slots=True)
class Presence:
    """A person who works for an owner.

    Attributes:
        valid_from, valid_to: half-open days; None is unbounded.
    """

    person: str
    owner: Owner
    valid_from: date | None = None
    valid_to: date | None = None


def presences(directory: Directory) -> tuple[Presence, ...]:
    """Return the people of the directory with the owners they work for.

    Where it does not know people by themselves, those its keys name.
    """
    return tuple(
        Presence(
            entry.person,
            Owner(entry.cost_centre, entry.team, entry.project),
            entry.valid_from,
            entry.valid_to,
        )
        for entry in directory.people or directory.entries
        if entry.person
    )


def person_days(present: Iterable[Presence], period: BillingPeriod) -> int:
    """Return the days of a period on which somebody was there, summed over people.

    A person counts once a day, however many entries name them.
    """
    first, end = period.first_day.toordinal(), period.end_day.toordinal()
    stays: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for one in present:
        begins = max(first, one.valid_from.toordinal()) if one.valid_from else first
        ends = min(end, one.valid_to.toordinal()) if one.valid_to else end
        stays[one.person].append((begins, ends))
    return sum(_days(found, first) for found in stays.values())


def _days(stays: list[tuple[int, int]], first: int) -> int:
    days, reached = 0, first
    for begins, ends in sorted(stays):
        days += max(0, ends - max(begins, reached))
        reached = max(reached, ends)
    return days
