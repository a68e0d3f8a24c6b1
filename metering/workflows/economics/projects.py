"""What projects use week by week and cost by kind, and what each of them is for."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Final

from metering.analysis.economics.exploration import (
    Criticality,
    ExplorationOption,
    ObjectFacts,
    classified,
)
from metering.books.daily_spend import DaySum
from metering.books.item_spend import ItemSpend
from metering.core.findings.economics_rules import EconomicsRules
from metering.core.meters import Meter
from metering.core.periods import BillingPeriod
from metering.workflows.economics.observed import WEEK, WEEKS, Observed, Outcomes

USAGE_METERS: Final = frozenset(meter.value for meter in Meter if meter is not Meter.SEAT_MONTH)
"""What is used; any other meter is flat money, a share of it, or a term of a contract."""


def project_of(item: ItemSpend) -> str:
    """Return "team/project" of what was charged; "" where it is nobody's."""
    return f"{item.team}/{item.project}" if item.team or item.project else ""


def sums_by(items: Iterable[ItemSpend], name_of: Callable[[ItemSpend], str]) -> dict[str, int]:
    """Return the nanos of some charges by what they are called."""
    found: dict[str, int] = defaultdict(int)
    for item in items:
        found[name_of(item)] += item.nanos
    return dict(found)


@dataclass(frozen=True, slots=True)
class UsageWeeks:
    """What projects used week by week."""

    days: Iterable[DaySum]
    currency: str

    def weeks(self, end: date) -> dict[str, dict[date, int]]:
        """Return the 26 weeks that end on a day, exclusive, of each project with usage in them."""
        begin = end - WEEKS * WEEK
        mondays = [begin + at * WEEK for at in range(WEEKS)]
        usage: dict[str, dict[date, int]] = {}
        for row in self.days:
            day = date.fromisoformat(row.day)
            is_ours = row.currency == self.currency and row.is_usage and "/" in row.subject
            if is_ours and begin <= day < end:
                weeks = usage.setdefault(row.subject, dict.fromkeys(mondays, 0))
                weeks[begin + (day - begin) // WEEK * WEEK] += row.nanos
        return usage


def in_week(weights: Mapping[date, Fraction], first: date) -> list[Fraction]:
    """Return the weights of the seven days from one on."""
    return [weight for day, weight in weights.items() if first <= day < first + WEEK]


def cost_stack(items: Iterable[ItemSpend], rules: EconomicsRules) -> dict[str, dict[str, int]]:
    """Return what each project cost by kind: usage, other booked cost, and what is declared."""
    found: dict[str, dict[str, int]] = {}
    for item in items:
        stack = found.setdefault(project_of(item), {"usage": 0, "flat": 0})
        stack["usage" if item.meter in USAGE_METERS else "flat"] += item.nanos
        for kind, (said_in, nanos) in rules.costs.get(project_of(item), {}).items():
            if said_in == item.currency:
                stack[kind] = nanos
    return {name: found[name] for name in sorted(found) if name}


def classes_of(
    weekly: Mapping[str, Mapping[date, int]],
    items: Iterable[ItemSpend],
    observed: Observed,
    rules: EconomicsRules,
    month: BillingPeriod,
) -> dict[str, Criticality]:
    """Return what each project's spend is for.

    Args:
        weekly: the weeks of each project.
        items: charged in the month that ends with them.
        observed: outcomes and people.
        rules: what the company declares.
        month: that ends with the weeks.
    """
    every = list(items)
    spent = sums_by(every, project_of)
    premium = sums_by(
        (one for one in every if rules.is_frontier(one.provider, one.model)), project_of
    )
    return {
        name: classified(
            _facts(
                weeks,
                observed.outcomes.get(name),
                ObjectFacts(
                    weeks=len(weeks),
                    active_weeks=0,
                    settled_weeks=0,
                    has_feed=name in observed.outcomes,
                    runs_as_service=name in rules.services,
                    # Whoever is not counted may be many: such a project is no showcase.
                    users=observed.people.get((str(month), name), observed.fewest_people),
                    premium_share=(
                        Fraction(premium.get(name, 0), spent[name])
                        if spent.get(name, 0) > 0
                        else Fraction(0)
                    ),
                    option=_option(rules, name),
                    declared_class=(
                        Criticality(rules.classes[name]) if name in rules.classes else None
                    ),
                ),
            )
        )
        for name, weeks in weekly.items()
    }


def _option(rules: EconomicsRules, name: str) -> ExplorationOption | None:
    said = rules.explorations.get(name)
    return ExplorationOption(said.cap[1], said.review) if said else None


def _facts(weeks: Mapping[date, int], outcomes: Outcomes | None, known: ObjectFacts) -> ObjectFacts:
    weights = outcomes.days if outcomes else {}
    settled = [sum(in_week(weights, first), Fraction(0)) for first in weeks]
    active = [first for first, nanos in weeks.items() if nanos > 0]
    half = len(settled) // 2
    return replace(
        known,
        active_weeks=len(active),
        settled_weeks=sum(weight > 0 for weight in settled),
        earlier_outcomes=sum(settled[:half], Fraction(0)),
        later_outcomes=sum(settled[half:], Fraction(0)),
        age_days=age_of(weeks),
    )


def age_of(weeks: Mapping[date, int]) -> int:
    """Return the days from the first week with usage to the last week."""
    active = [first for first, nanos in weeks.items() if nanos > 0]
    return (max(weeks) - min(active)).days if active else 0
