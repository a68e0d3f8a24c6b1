"""E9: which share of the spend runs the business, and how large the bets are.

Exploration is read as a call option: the cap is its premium, the first settled outcome exercises
it, the review date is when it expires.

Source: classes and thresholds as listed at `classified`; every one of them may be overruled by
the company, which then stands in `ObjectFacts.declared_class`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Final

_MOST_WEEKS: Final = Fraction(80, 100)
_NEARLY_SPENT: Final = Fraction(80, 100)
_YOUNG_DAYS: Final = 90
_FEW_USERS: Final = 5
_MOSTLY_PREMIUM: Final = Fraction(1, 2)


class Criticality(StrEnum):
    """What a project's spend is for, as far as usage and outcomes show it."""

    PRODUCTION = "production"
    GROWING = "growing"
    EXPLORING = "exploring"
    SHOWCASE = "showcase"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ExplorationOption:
    """A declared exploration: how much may be spent, and when it is looked at again.

    Attributes:
        cap_nanos: the most that may be spent; above zero.
        review_day: when it is decided whether it goes on.
    """

    cap_nanos: int
    review_day: date


class OptionState(StrEnum):
    """Where a declared exploration stands."""

    OPEN = "open"
    NEARLY_SPENT = "nearly_spent"  # 80 % of the cap
    SPENT = "spent"
    EXPIRED = "expired"  # the review day has come and nothing settled
    EXERCISED = "exercised"  # a first settled outcome


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What is known of one team's project in the weeks looked at.

    Attributes:
        weeks: looked at, above zero.
        active_weeks: with spend.
        settled_weeks: with a settled outcome.
        has_feed: whether any outcome of the team is ever reported.
        runs_as_service: whether services, not people, make most of its requests.
        earlier_outcomes, later_outcomes: net settled weight of the two halves of the weeks.
        age_days: since its first spend.
        users: distinct people; a count, never who.
        premium_share: share of spend on frontier models.
        option: set when exploration was declared.
        declared_class: what the company says it is; None when it says nothing.
    """

    weeks: int
    active_weeks: int
    settled_weeks: int
    has_feed: bool
    runs_as_service: bool = False
    earlier_outcomes: Fraction | int = 0
    later_outcomes: Fraction | int = 0
    age_days: int = 0
    users: int = 0
    premium_share: Fraction = Fraction(0)
    option: ExplorationOption | None = None
    declared_class: Criticality | None = None


def classified(facts: ObjectFacts) -> Criticality:
    """Return what a project's spend is for; the first rule that holds decides.

    What the company declared; *unknown* without an outcome feed, unless exploration is declared;
    *production*: a service, active and with settled outcomes in 80 % of weeks; *exploring*:
    declared with cap and review day, younger than 90 days; *growing*: more outcomes in the later
    half; *showcase*: no outcome, fewer than five users, mostly premium models, not declared;
    *unknown* for the rest.
    """
    if facts.declared_class is not None:
        return facts.declared_class
    explores = facts.option is not None and facts.age_days < _YOUNG_DAYS
    if not facts.has_feed:
        return Criticality.EXPLORING if explores else Criticality.UNKNOWN
    steady = min(facts.active_weeks, facts.settled_weeks) >= _MOST_WEEKS * facts.weeks
    if facts.runs_as_service and steady:
        return Criticality.PRODUCTION
    if explores:
        return Criticality.EXPLORING
    if facts.later_outcomes > facts.earlier_outcomes:
        return Criticality.GROWING
    shows = (
        not facts.settled_weeks
        and facts.users < _FEW_USERS
        and facts.premium_share > _MOSTLY_PREMIUM
    )
    return Criticality.SHOWCASE if shows and facts.option is None else Criticality.UNKNOWN


def spend_by_class(
    spend: Iterable[tuple[Criticality, int]],
) -> dict[Criticality, int]:
    """Return the nanos of each class, all classes named; they sum to the spend."""
    found = dict.fromkeys(Criticality, 0)
    for criticality, nanos in spend:
        found[criticality] += nanos
    return found


def migration(
    before: Mapping[str, Criticality], after: Mapping[str, Criticality], spend: Mapping[str, int]
) -> dict[tuple[Criticality | None, Criticality | None], int]:
    """Return the nanos that moved between classes from one period to the next.

    Args:
        before: class by object; objects that came later are not in it.
        after: class by object; objects that went are not in it.
        spend: nanos by object, of the later period.

    Returns:
        Nanos by (class before, class after), None for an object that was not there; sorted as
        classes are listed, those that stayed included: the values sum to the spend of the objects.
    """
    found: dict[tuple[Criticality | None, Criticality | None], int] = {}
    for name in sorted({*before, *after}):
        move = (before.get(name), after.get(name))
        found[move] = found.get(move, 0) + spend.get(name, 0)
    order = [None, *Criticality]
    return dict(
        sorted(found.items(), key=lambda row: (order.index(row[0][0]), order.index(row[0][1])))
    )


def option_state(
    option: ExplorationOption, spent_nanos: int, settled: Fraction | int, on: date
) -> OptionState:
    """Return where a declared exploration stands on a day.

    An outcome exercises it; else a spent cap comes before the review day, and both before 80 %.
    """
    if settled > 0:
        return OptionState.EXERCISED
    if spent_nanos >= option.cap_nanos:
        return OptionState.SPENT
    if on >= option.review_day:
        return OptionState.EXPIRED
    if spent_nanos >= _NEARLY_SPENT * option.cap_nanos:
        return OptionState.NEARLY_SPENT
    return OptionState.OPEN
