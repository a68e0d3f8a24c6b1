"""E1, E2, E9: why the spend changed, what demand did, what it cost by kind, what it is for.

One value object, from the ledger and the outcomes that were achieved. Every division of the change
of the spend sums to the same change, to the nano.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from metering.analysis.economics.concentration import herfindahl, largest_share
from metering.analysis.economics.exploration import (
    Criticality,
    migration,
    spend_by_class,
)
from metering.analysis.economics.jevons import Rebound, jevons_index
from metering.analysis.economics.price_volume_mix import (
    Effects,
    Item,
    Period,
    price_volume_mix_efficiency,
)
from metering.books.daily_spend import DaySum, daily_spend
from metering.books.engine import begin_read
from metering.books.item_spend import ItemSpend, item_spend
from metering.books.migrations import open_books
from metering.core.findings.economics_rules import EconomicsRules
from metering.core.periods import BillingPeriod
from metering.core.pricing.rates import counts_tokens
from metering.workflows.economics.observed import WEEK, WEEKS, Observed, Outcomes
from metering.workflows.economics.projects import (
    UsageWeeks,
    age_of,
    classes_of,
    cost_stack,
    project_of,
    sums_by,
)
from metering.workflows.reading import no_charges

if TYPE_CHECKING:
    from metering.settings import Settings


@dataclass(frozen=True, slots=True)
class Change:
    """Why one part of the spend changed.

    Attributes:
        before, after: nanos of the month before, and of the period.
        effects: they sum to `after - before`.
    """

    before: int
    after: int
    effects: Effects


@dataclass(frozen=True, slots=True)
class Spread:
    """How the spend of the period is spread over some parts.

    Attributes:
        hhi: 1 = one part has all; None without spend.
        largest: share of the largest part; None without spend.
        parts: how many have spend.
    """

    hhi: Fraction | None
    largest: Fraction | None
    parts: int


@dataclass(frozen=True, slots=True)
class PeriodEconomics:
    """The economics of one month, in one currency.

    Attributes:
        company: the whole spend, owner or not; its volume is tokens, since some of its outcomes
            are never known.
        with_feed: all projects with an outcome feed in both months together, by their outcomes;
            None without any.
        by_project, by_provider: parts of the company; each set sums to it. What is nobody's has
            the project "".
        rebound: how the company's demand answered prices since the month before.
        rebound_with_feed: the same of the projects with a feed, with the answer of their outcomes.
        stack: what the period cost each project, by kind of cost; the first two are in the books.
        classes: what each project's spend is for, as far as spend and outcomes show it; without
            counts of people and a list of frontier models nothing is called a showcase.
        classes_before: the same a month earlier.
        ages: days since the first spend in these weeks, of each project.
        by_class: nanos of the period by class; with what is nobody's under unknown, they sum to
            the company.
        moved: nanos of the period by class a month ago and now, None for a project without spend
            then; they sum to what projects bear.
        vendors, models, projects: concentration.
    """

    period: BillingPeriod
    currency: str
    company: Change
    with_feed: Change | None
    by_project: Mapping[str, Change]
    by_provider: Mapping[str, Change]
    rebound: Rebound
    rebound_with_feed: Rebound | None
    stack: Mapping[str, Mapping[str, int]]
    classes: Mapping[str, Criticality]
    classes_before: Mapping[str, Criticality]
    ages: Mapping[str, int]
    by_class: Mapping[Criticality, int]
    moved: Mapping[tuple[Criticality | None, Criticality | None], int]
    vendors: Spread
    models: Spread
    projects: Spread


def economics_of_period(
    settings: "Settings",
    period: BillingPeriod,
    observed: Observed | None = None,
    rules: EconomicsRules | None = None,
) -> PeriodEconomics:
    """Compute the economics of a period from the ledger.

    Args:
        settings: where the books are; amounts are of its currency.
        period: the month; it is compared with the one before.
        observed: what the lake tells of it; None where nothing is to be asked of outcomes.
        rules: what [economics] says.

    Raises:
        BookError: `no-charges`: the book holds nothing of that period in this currency.
    """
    observed, rules = observed or Observed(), rules or EconomicsRules()
    items, days = _read(settings, period)
    now = [item for item in items if item.month == str(period)]
    if not now:
        raise no_charges(f"{period} in {settings.currency}")
    outcomes = observed.outcomes
    told = comparable(outcomes, period)
    compare = _Comparison(period, {name: outcomes[name] for name in told})
    stacks = UsageWeeks(days, settings.currency)
    weekly = stacks.weeks(period.end_day)
    fed = [item for item in items if project_of(item) in told]
    classes = classes_of(weekly, now, observed, rules, period)
    earlier = stacks.weeks(period.previous.end_day)
    before = [item for item in items if item.month != str(period)]
    classes_before = classes_of(earlier, before, observed, rules, period.previous)
    by_class = spend_by_class(
        (classes.get(project_of(item), Criticality.UNKNOWN), item.nanos) for item in now
    )
    return PeriodEconomics(
        period=period,
        currency=settings.currency,
        company=compare.change(items, None),
        with_feed=compare.change(fed, told) if fed else None,
        by_project=compare.by(items, project_of),
        by_provider=compare.by(items, lambda item: item.provider),
        rebound=jevons_index(*compare.periods(items, None)),
        rebound_with_feed=(jevons_index(*compare.periods(fed, told)) if fed else None),
        stack=cost_stack(now, rules),
        classes=classes,
        classes_before=classes_before,
        ages={name: age_of(weeks) for name, weeks in weekly.items()},
        by_class=by_class,
        moved=_moved(before, now, classes_before, classes),
        vendors=_spread(now, lambda item: item.provider),
        models=_spread(now, lambda item: f"{item.provider}/{item.model}"),
        projects=_spread([item for item in now if item.team], project_of),
    )


def _moved(
    earlier: Iterable[ItemSpend],
    now: Iterable[ItemSpend],
    before: Mapping[str, Criticality],
    after: Mapping[str, Criticality],
) -> dict[tuple[Criticality | None, Criticality | None], int]:
    unknown = Criticality.UNKNOWN
    spent = sums_by(now, project_of)
    return migration(
        {name: before.get(name, unknown) for name in sums_by(earlier, project_of) if name},
        {name: after.get(name, unknown) for name in spent if name},
        spent,
    )


def comparable(outcomes: Mapping[str, Outcomes], period: BillingPeriod) -> frozenset[str]:
    """Return the projects whose outcomes were reported in the month before a period already."""
    return frozenset(
        name
        for name, one in outcomes.items()
        if one.since is None or one.since <= period.previous.first_day + WEEK
    )


def _read(
    settings: "Settings", period: BillingPeriod
) -> tuple[list[ItemSpend], tuple[DaySum, ...]]:
    books = open_books(settings.books_url)
    begin = period.previous.end_day - WEEKS * WEEK
    with begin_read(books) as connection:
        found = item_spend(
            connection, period.previous.first_day.isoformat(), period.last_day.isoformat()
        )
        days = daily_spend(connection, str(BillingPeriod.of(begin)), str(period), "project")
    return [item for item in found if item.currency == settings.currency], days


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Compares a month with the one before."""

    period: BillingPeriod
    outcomes: Mapping[str, Outcomes]

    def by(
        self, items: Iterable[ItemSpend], name_of: Callable[[ItemSpend], str]
    ) -> dict[str, Change]:
        """Return the change of each part, sorted; outcomes are known of projects alone."""
        parts: dict[str, list[ItemSpend]] = defaultdict(list)
        for item in items:
            parts[name_of(item)].append(item)
        return {
            name: self.change(parts[name], frozenset({name}) & self.outcomes.keys() or None)
            for name in sorted(parts)
        }

    def change(self, items: Iterable[ItemSpend], projects: frozenset[str] | None) -> Change:
        """Return the change of some items, with the outcomes of some projects, None = unknown."""
        before, after = self.periods(items, projects)
        effects = price_volume_mix_efficiency(before, after)
        return Change(_cost(before), _cost(after), effects)

    def periods(
        self, items: Iterable[ItemSpend], projects: frozenset[str] | None
    ) -> tuple[Period, Period]:
        """Return both months, the earlier one first."""
        rows = list(items)
        earlier, later = (
            _period(
                [item for item in rows if item.month == str(month)],
                None if projects is None else self._outcomes(month, projects),
            )
            for month in (self.period.previous, self.period)
        )
        return earlier, later

    def _outcomes(self, month: BillingPeriod, projects: frozenset[str]) -> Fraction | None:
        total = sum(
            (
                weight
                for name in projects
                for day, weight in self.outcomes[name].days.items()
                if BillingPeriod.of(day) == month
            ),
            Fraction(0),
        )
        # More was taken back than came: no number of outcomes that spend could be divided by.
        return total if total > 0 else None


def _period(items: Iterable[ItemSpend], outcomes: Fraction | None) -> Period:
    tokens: dict[str, int] = defaultdict(int)
    nanos: dict[str, int] = defaultdict(int)
    other = 0
    for item in items:
        if not counts_tokens(item.meter):
            other += item.nanos
            continue
        name = f"{item.provider}/{item.model}/{item.meter}"
        tokens[name] += item.quantity
        nanos[name] += item.nanos
    return Period({name: Item(tokens[name], nanos[name]) for name in tokens}, outcomes, other)


def _cost(period: Period) -> int:
    return period.other_nanos + sum(item.nanos for item in period.items.values())


def _spread(items: Iterable[ItemSpend], name_of: Callable[[ItemSpend], str]) -> Spread:
    amounts = sums_by(items, name_of).values()
    return Spread(
        herfindahl(amounts), largest_share(amounts), sum(amount > 0 for amount in amounts)
    )
