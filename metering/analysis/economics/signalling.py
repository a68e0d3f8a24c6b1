"""E11: what a dated incentive (a leaderboard, a target, a contest) set off; teams, never people.

Source: share of the growth after the date that has no settled outcome, in money and by class;
change of the concentration among teams; change of the share of the last days of a month.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Final

from metering.analysis.economics.concentration import herfindahl

LAST_DAYS: Final = 5


@dataclass(frozen=True, slots=True)
class DaySpend:
    """The matured spend of one team and class on one day.

    Attributes:
        settled_nanos: the part of it that a settled outcome answers for.
        criticality: the class of the project, see `exploration.Criticality`.
    """

    day: date
    team: str
    criticality: str
    nanos: int
    settled_nanos: int


@dataclass(frozen=True, slots=True)
class Growth:
    """What was spent after a date beyond what was spent before it, in equally long stretches.

    Attributes:
        nanos: after less before; below zero the spend fell.
        without_outcome_nanos: of that, spend that no settled outcome answers for, after less
            before.
    """

    nanos: int
    without_outcome_nanos: int

    @property
    def share_without_outcome(self) -> Fraction | None:
        """The share of the growth without an outcome; None when nothing grew."""
        return Fraction(self.without_outcome_nanos, self.nanos) if self.nanos > 0 else None


@dataclass(frozen=True, slots=True)
class Signalling:
    """One incentive, before and after.

    Attributes:
        days: compared on either side of the date.
        growth: of all teams.
        by_class: the same by class, sorted; they sum to `growth`.
        hhi_before, hhi_after: concentration among teams; None without spend.
        month_end_before, month_end_after: share of the last five days of months in the spend,
            divided by those days' share of the calendar: 1 = spread evenly; None without any.
    """

    days: int
    growth: Growth
    by_class: dict[str, Growth]
    hhi_before: Fraction | None
    hhi_after: Fraction | None
    month_end_before: Fraction | None
    month_end_after: Fraction | None


def signalling(spend: Iterable[DaySpend], incentive: date, days: int) -> Signalling:
    """Return what changed at the date of an incentive.

    Args:
        spend: any days; those outside the two stretches are left out.
        incentive: first day of the later stretch.
        days: length of each stretch, above zero; whole weeks compare weekdays alike.
    """
    first, end = incentive - timedelta(days=days), incentive + timedelta(days=days)
    rows = [row for row in spend if first <= row.day < end]
    before = [row for row in rows if row.day < incentive]
    after = [row for row in rows if row.day >= incentive]
    classes = sorted({row.criticality for row in rows})
    return Signalling(
        days=days,
        growth=_growth(before, after),
        by_class={
            name: _growth(
                [row for row in before if row.criticality == name],
                [row for row in after if row.criticality == name],
            )
            for name in classes
        },
        hhi_before=_among_teams(before),
        hhi_after=_among_teams(after),
        month_end_before=_at_month_end(before, first, incentive),
        month_end_after=_at_month_end(after, incentive, end),
    )


def _growth(before: Sequence[DaySpend], after: Sequence[DaySpend]) -> Growth:
    nanos = sum(row.nanos for row in after) - sum(row.nanos for row in before)
    settled = sum(row.settled_nanos for row in after) - sum(row.settled_nanos for row in before)
    return Growth(nanos, nanos - settled)


def _among_teams(rows: Sequence[DaySpend]) -> Fraction | None:
    by_team: dict[str, int] = defaultdict(int)
    for row in rows:
        by_team[row.team] += row.nanos
    return herfindahl(by_team.values())


def _at_month_end(rows: Sequence[DaySpend], first: date, end: date) -> Fraction | None:
    total = sum(row.nanos for row in rows)
    calendar = [first + timedelta(days=at) for at in range((end - first).days)]
    last_days = sum(map(_is_last, calendar))
    if not last_days or total <= 0:
        return None
    share = Fraction(sum(row.nanos for row in rows if _is_last(row.day)), total)
    return share / Fraction(last_days, len(calendar))


def _is_last(day: date) -> bool:
    return (day + timedelta(days=LAST_DAYS)).month != day.month
