"""Economics of a period: why the spend changed, what demand did, what outcomes cost.

One value object, from the ledger and the outcomes that answer for it, for the review that finance
reads. Every division of the change of the spend sums to the same change, to the nano.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from metering.analysis.economics.concentration import herfindahl, largest_share
from metering.analysis.economics.exploration import Criticality, ObjectFacts, classified
from metering.analysis.economics.jevons import Rebound, jevons_index
from metering.analysis.economics.price_volume_mix import (
    Effects,
    Item,
    Period,
    price_volume_mix_efficiency,
)
from metering.analysis.economics.unit_economics import UnitEconomics, Week, unit_economics
from metering.books.daily_spend import DaySum, daily_spend
from metering.books.engine import begin_read, open_engine
from metering.books.item_spend import ItemSpend, item_spend
from metering.books.migrations import require_current
from metering.core.periods import BillingPeriod
from metering.core.rates import counts_tokens
from metering.errors import BookError

if TYPE_CHECKING:
    from metering.settings import Settings

OutcomeWeights = Mapping[str, Mapping[date, Fraction]]
"""Net settled weight by project ("team/project") and the day of the spend it answers for.

A project that is not in it has no feed: its outcomes are unknown, and not none.
"""

_WEEKS: Final = 26
_WEEK: Final = timedelta(days=7)


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
        with_feed: all projects with an outcome feed together, by their outcomes; None without any.
        by_project, by_provider: parts of the company; each set sums to it. What is nobody's has
            the project "".
        rebound: how the company's demand answered prices since the month before.
        rebound_with_feed: the same of the projects with a feed, with the answer of their outcomes.
        units: unit economics of the projects with a feed, over the last 26 weeks.
        classes: what each project's spend is for, as far as spend and outcomes show it; without
            counts of people and a list of frontier models nothing is called a showcase.
        by_class: nanos of the period by class; with what is nobody's under unknown, they sum to
            the company.
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
    units: Mapping[str, UnitEconomics]
    classes: Mapping[str, Criticality]
    by_class: Mapping[Criticality, int]
    vendors: Spread
    models: Spread
    projects: Spread


def economics_of_period(
    settings: "Settings",
    period: BillingPeriod,
    outcomes: OutcomeWeights | None = None,
    *,
    value_nanos_per_outcome: int | None = None,
    services: Collection[str] = (),
) -> PeriodEconomics:
    """Compute the economics of a period from the ledger.

    Args:
        settings: where the books are; amounts are of its currency.
        period: the month; it is compared with the one before.
        outcomes: what answers for the spend; None where no outcome is known of anybody.
        value_nanos_per_outcome: what finance says an outcome is worth; None when it says nothing.
        services: projects whose requests are made by services, not by people.

    Raises:
        BookError: `no-charges`: the book holds nothing of that period.
    """
    weights = outcomes or {}
    books = open_engine(settings.books_url)
    require_current(books)
    last = period.end_day - timedelta(days=1)
    begin = period.end_day - _WEEKS * _WEEK
    with begin_read(books) as connection:
        found = item_spend(connection, period.previous.first_day.isoformat(), last.isoformat())
        days = daily_spend(connection, str(BillingPeriod.of(begin)), str(period), "project")
    items = [item for item in found if item.currency == settings.currency]
    if not any(item.month == str(period) for item in items):
        raise BookError(
            "no-charges",
            f"the book holds no charges of {period}",
            do="run `metering post`, or see `metering period list` for the periods it has",
        )
    compare = _Comparison(period, weights)
    weekly = _weekly(days, settings.currency, begin, period.end_day)
    classes = {
        name: _class(weeks, weights.get(name), runs_as_service=name in services)
        for name, weeks in weekly.items()
    }
    fed = [item for item in items if _project(item) in weights]
    now = [item for item in items if item.month == str(period)]
    return PeriodEconomics(
        period=period,
        currency=settings.currency,
        company=compare.change(items, None),
        with_feed=compare.change(fed, frozenset(weights)) if fed else None,
        by_project=compare.by(items, _project),
        by_provider=compare.by(items, lambda item: item.provider),
        rebound=jevons_index(*compare.periods(items, None)),
        rebound_with_feed=(
            jevons_index(*compare.periods(fed, frozenset(weights))) if fed else None
        ),
        units={
            name: unit_economics(
                [
                    Week(nanos, sum(_in_week(weights[name], monday), Fraction(0)))
                    for monday, nanos in weeks.items()
                ],
                value_nanos_per_outcome,
            )
            for name, weeks in weekly.items()
            if name in weights
        },
        classes=classes,
        by_class=_by_class(now, classes),
        vendors=_spread(now, lambda item: item.provider),
        models=_spread(now, lambda item: f"{item.provider}/{item.model}"),
        projects=_spread([item for item in now if item.team], _project),
    )


def _project(item: ItemSpend) -> str:
    return f"{item.team}/{item.project}" if item.team or item.project else ""


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Compares a month with the one before."""

    period: BillingPeriod
    weights: OutcomeWeights

    def by(
        self, items: Iterable[ItemSpend], name_of: Callable[[ItemSpend], str]
    ) -> dict[str, Change]:
        """Return the change of each part, sorted; outcomes are known of projects alone."""
        parts: dict[str, list[ItemSpend]] = defaultdict(list)
        for item in items:
            parts[name_of(item)].append(item)
        return {
            name: self.change(parts[name], frozenset({name}) & self.weights.keys() or None)
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
                for day, weight in self.weights[name].items()
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


def _weekly(
    days: Iterable[DaySum], currency: str, begin: date, end: date
) -> dict[str, dict[date, int]]:
    """Return the usage of each project in whole weeks, the last of which ends with the period."""
    mondays = [begin + at * _WEEK for at in range(_WEEKS)]
    found: dict[str, dict[date, int]] = {}
    for row in days:
        day = date.fromisoformat(row.day)
        if row.currency == currency and row.is_usage and begin <= day < end and "/" in row.subject:
            weeks = found.setdefault(row.subject, dict.fromkeys(mondays, 0))
            weeks[begin + (day - begin) // _WEEK * _WEEK] += row.nanos
    return found


def _in_week(weights: Mapping[date, Fraction], first: date) -> list[Fraction]:
    return [weight for day, weight in weights.items() if first <= day < first + _WEEK]


def _class(
    weeks: Mapping[date, int], weights: Mapping[date, Fraction] | None, *, runs_as_service: bool
) -> Criticality:
    settled = [sum(_in_week(weights or {}, first), Fraction(0)) for first in weeks]
    active = [first for first, nanos in weeks.items() if nanos > 0]
    half = len(settled) // 2
    return classified(
        ObjectFacts(
            weeks=len(weeks),
            active_weeks=len(active),
            settled_weeks=sum(weight > 0 for weight in settled),
            has_feed=weights is not None,
            runs_as_service=runs_as_service,
            earlier_outcomes=sum(settled[:half], Fraction(0)),
            later_outcomes=sum(settled[half:], Fraction(0)),
            age_days=(max(weeks) - min(active)).days if active else 0,
        )
    )


def _by_class(
    items: Iterable[ItemSpend], classes: Mapping[str, Criticality]
) -> dict[Criticality, int]:
    found = dict.fromkeys(Criticality, 0)
    for item in items:
        found[classes.get(_project(item), Criticality.UNKNOWN)] += item.nanos
    return found


def _spread(items: Iterable[ItemSpend], name_of: Callable[[ItemSpend], str]) -> Spread:
    found: dict[str, int] = defaultdict(int)
    for item in items:
        found[name_of(item)] += item.nanos
    amounts = found.values()
    return Spread(
        herfindahl(amounts), largest_share(amounts), sum(amount > 0 for amount in amounts)
    )
