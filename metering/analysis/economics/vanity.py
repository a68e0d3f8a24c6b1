"""E9: large new projects without a path to an outcome, and what the dearer model costs on top.

Both are descriptive: the components are printed by name, never the index alone.

Source: vanity index = (percentile of spend - percentile of settled outcomes) x premium share x
age factor; luxury premium = cost - cost of the same tokens at the cheapest adequate model, where
a difference in quality is not shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from metering.analysis.economics.bootstrap import Interval

# A project counts as new for half a year, and less from week to week.
_NEW_DAYS: Final = 182


@dataclass(frozen=True, slots=True)
class ProjectShape:
    """What the index looks at, of one project.

    Attributes:
        spend_nanos: in the period.
        settled: net settled weight; None where no feed tells it.
        premium_share: share of spend on frontier models, 0 to 1.
        age_days: since its first spend.
        users: distinct people; a count, never who.
    """

    spend_nanos: int
    settled: Fraction | int | None
    premium_share: Fraction
    age_days: int
    users: int


@dataclass(frozen=True, slots=True)
class Vanity:
    """The index of one project, and what it is made of; each 0 to 1.

    Attributes:
        spend_rank, outcome_rank: share of the other projects that spend, or settle, less.
        premium_share: as given.
        age_factor: 1 for a new project, falling to 0 at half a year.
    """

    spend_rank: Fraction
    outcome_rank: Fraction
    premium_share: Fraction
    age_factor: Fraction

    @property
    def index(self) -> Fraction:
        """The product; 0 when outcomes rank as high as spend."""
        gap = max(Fraction(0), self.spend_rank - self.outcome_rank)
        return gap * self.premium_share * self.age_factor


def vanity_index(projects: Mapping[str, ProjectShape], *, most_users: int = 5) -> dict[str, Vanity]:
    """Return the index of the projects with few users and an outcome feed, highest first.

    Args:
        projects: by name; those without a feed have no rank in outcomes and are left out.
        most_users: projects that more people use are left out.
    """
    told = {name: one for name, one in projects.items() if one.settled is not None}
    spends = [one.spend_nanos for one in told.values()]
    outcomes = [Fraction(one.settled or 0) for one in told.values()]
    found = {
        name: Vanity(
            spend_rank=_rank(one.spend_nanos, spends),
            outcome_rank=_rank(Fraction(one.settled or 0), outcomes),
            premium_share=one.premium_share,
            age_factor=max(Fraction(0), 1 - Fraction(one.age_days, _NEW_DAYS)),
        )
        for name, one in told.items()
        if one.users <= most_users
    }
    return dict(sorted(found.items(), key=lambda row: (-row[1].index, row[0])))


def _rank(value: Fraction | int, values: Sequence[Fraction | int]) -> Fraction:
    others = len(values) - 1
    return Fraction(sum(other < value for other in values), others) if others else Fraction(0)


@dataclass(frozen=True, slots=True)
class LuxuryPremium:
    """What a dearer model cost on top of the cheapest adequate one.

    Attributes:
        nanos: paid less what the same tokens cost there; below zero the dearer one was cheaper.
        shown: whether the difference in yield is shown, one way or the other: its interval leaves
            out 1. Without evidence the premium is an upper bound of what could be saved.
    """

    nanos: int
    shown: bool


def luxury_premium(
    paid_nanos: int, reference_nanos: int, yield_ratio: Interval | None
) -> LuxuryPremium:
    """Return the premium paid for a dearer model.

    Args:
        paid_nanos: what was paid.
        reference_nanos: the same tokens at the cheapest adequate model (E5).
        yield_ratio: outcomes per request with the dearer model divided by those with the
            reference, same class of work; None when nobody can tell.
    """
    shown = yield_ratio is not None and not yield_ratio.low <= 1 <= yield_ratio.high
    return LuxuryPremium(paid_nanos - reference_nanos, shown)
