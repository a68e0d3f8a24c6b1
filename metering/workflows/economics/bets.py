"""E9, E11: how large the bets are, what is dear without a path, and what an incentive set off."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from metering.analysis.economics.exploration import (
    Criticality,
    ExplorationOption,
    OptionState,
    option_state,
)
from metering.analysis.economics.signalling import DaySpend, Signalling, signalling
from metering.analysis.economics.vanity import ProjectShape, Vanity, vanity_index
from metering.books.daily_spend import daily_spend
from metering.books.engine import begin_read, open_engine
from metering.core.findings.economics_rules import EconomicsRules, Exploration, Incentive
from metering.core.periods import BillingPeriod
from metering.workflows.economics.observed import WEEK, WEEKS, Observed
from metering.workflows.economics.period import PeriodEconomics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metering.settings import Settings
    from metering.workflows.outcomes.answered_days import AnsweredDay


@dataclass(frozen=True, slots=True)
class Bet:
    """A declared exploration at the end of a period.

    Attributes:
        spent_nanos: from its first day, of the currency of its cap.
        age_days: since its first day with spend; None before.
    """

    project: str
    currency: str
    cap_nanos: int
    review: date
    spent_nanos: int
    age_days: int | None
    state: OptionState


@dataclass(frozen=True, slots=True)
class Showing:
    """How vain a project looks, with the parts it is made of.

    Attributes:
        nanos: of the period.
        age_days: since its first spend in half a year.
    """

    nanos: int
    age_days: int
    vanity: Vanity


@dataclass(frozen=True, slots=True)
class IncentiveAnswer:
    """What changed at an incentive; `days_known` of the days after it are in the books."""

    incentive: Incentive
    days_known: int
    found: Signalling


def bets_of(
    settings: "Settings", rules: EconomicsRules, observed: Observed, period: BillingPeriod
) -> tuple[Bet, ...]:
    """Return every declared exploration, by project."""
    if not rules.explorations:
        return ()
    earliest = [one.begins for one in rules.explorations.values() if one.begins]
    begin = min([*earliest, period.end_day - WEEKS * WEEK])
    with begin_read(open_engine(settings.books_url)) as connection:
        rows = daily_spend(connection, str(BillingPeriod.of(begin)), str(period), "project")
    days: dict[tuple[str, str], list[tuple[date, int]]] = {}
    for row in rows:
        days.setdefault((row.subject, row.currency), []).append(
            (date.fromisoformat(row.day), row.nanos)
        )
    return tuple(
        _bet(name, said, days.get((name, said.cap[0]), []), observed, period)
        for name, said in sorted(rules.explorations.items())
    )


def _bet(
    name: str,
    said: Exploration,
    days: Iterable[tuple[date, int]],
    observed: Observed,
    period: BillingPeriod,
) -> Bet:
    spent = [(day, nanos) for day, nanos in days if said.begins is None or said.begins <= day]
    first = min((day for day, nanos in spent if nanos > 0), default=None)
    outcomes = observed.outcomes.get(name)
    settled = sum(
        (
            weight
            for day, weight in (outcomes.days.items() if outcomes else ())
            if (said.begins or date.min) <= day
            and day + timedelta(days=outcomes.settles_days if outcomes else 0)
            <= (observed.last_day or period.last_day)
        ),
        Fraction(0),
    )
    total = sum(nanos for _, nanos in spent)
    return Bet(
        project=name,
        currency=said.cap[0],
        cap_nanos=said.cap[1],
        review=said.review,
        spent_nanos=total,
        age_days=(period.last_day - first).days if first else None,
        state=option_state(
            ExplorationOption(said.cap[1], said.review), total, settled, period.last_day
        ),
    )


def showings(
    economics: PeriodEconomics,
    observed: Observed,
    premium: Mapping[str, int],
) -> dict[str, Showing]:
    """Return the vanity of projects with few users and an outcome feed, the vainest first.

    Args:
        economics: spend by project.
        observed: outcomes and people; whose people are not counted is left out.
        premium: nanos of the period on frontier models, by project.
    """
    period = economics.period
    shapes = {
        name: ProjectShape(
            spend_nanos=change.after,
            settled=_in_month(observed, name, period),
            premium_share=Fraction(premium.get(name, 0), change.after),
            age_days=economics.ages.get(name, 0),
            users=observed.people[str(period), name],
        )
        for name, change in economics.by_project.items()
        if name and change.after > 0 and (str(period), name) in observed.people
    }
    return {
        name: Showing(shapes[name].spend_nanos, shapes[name].age_days, vanity)
        for name, vanity in vanity_index(shapes).items()
        if vanity.index > 0
    }


def _in_month(observed: Observed, name: str, period: BillingPeriod) -> Fraction | None:
    outcomes = observed.outcomes.get(name)
    if outcomes is None:
        return None
    return sum(
        (weight for day, weight in outcomes.days.items() if BillingPeriod.of(day) == period),
        Fraction(0),
    )


def incentive_answers(
    rules: EconomicsRules,
    days: "Sequence[AnsweredDay]",
    classes: Mapping[str, Criticality],
    currency: str,
) -> tuple[IncentiveAnswer, ...]:
    """Return what changed at each incentive that the days reach around.

    Spend whose outcomes may still come is left out on both sides.
    """
    matured = [
        DaySpend(
            one.day,
            one.team,
            classes.get(f"{one.team}/{one.project}", Criticality.UNKNOWN).value,
            one.nanos,
            one.settled_nanos,
        )
        for one in days
        if one.currency == currency and one.team and not one.is_pending
    ]
    last = max((one.day for one in matured), default=date.min)
    return tuple(
        IncentiveAnswer(one, known, signalling(matured, one.day, one.days))
        for one in rules.incentives
        if (known := min((last - one.day).days + 1, one.days)) > 0
    )


def periods_around(
    incentives: Iterable[Incentive], period: BillingPeriod
) -> tuple[BillingPeriod, ...]:
    """Return the months up to a period that its incentives are compared over, the period's own too.

    An incentive whose later stretch ended before the period is told of no more.
    """
    first = period
    for one in incentives:
        until = one.day + timedelta(days=one.days)
        if one.day < period.end_day and until > period.first_day:
            first = min(first, BillingPeriod.of(one.day - timedelta(days=one.days)))
    found = [period]
    while found[-1] > first:
        found.append(found[-1].previous)
    return tuple(reversed(found))
