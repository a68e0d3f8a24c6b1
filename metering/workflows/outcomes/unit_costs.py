"""What one outcome costs, by project and kind: average and next one, fully loaded, with intervals.

Money of a week is set against the settled outcomes of the week that lies one attribution window
later, over at most 26 whole weeks up to the last one whose outcomes have all come and stood for
their window. Weeks before the first outcome of a kind, and after the last of one that went silent,
are left out: what nobody reports is not nothing. All cost of a project stands against each of its
kinds: a project that merges changes and closes tickets has two prices, which are never added.

Usage and what contracts charge besides (seats, shares) are booked; what review and rework cost is
said under [outcomes.review] and [outcomes.rework], what platform and services cost a month under
[economics.costs], and what an outcome is worth under [outcomes.values]. Where nothing settled there
is no price, and never one of zero.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from metering.analysis.economics.unit_economics import UnitEconomics, Week, unit_economics
from metering.books.daily_spend import OwnerDaySum, daily_spend_by_owner
from metering.core.findings.economics_rules import Money, checked_economics
from metering.core.money import divide_half_even
from metering.core.outcomes.feeds import FeedState
from metering.core.outcomes.outcome_rules import OutcomeRules, checked_rules
from metering.core.outcomes.stages import VENDOR_UNITS, WEIGHT_UNIT
from metering.core.periods import BillingPeriod
from metering.engine.outcomes.by_day import OutcomeDay, outcome_days
from metering.engine.outcomes.netting import stages_told
from metering.workflows.outcomes.outcome_formats import outcome_formats
from metering.workflows.outcomes.outcome_list import known_outcomes

if TYPE_CHECKING:
    from metering.settings import Settings

_WEEKS: Final = 26
_WEEK: Final = timedelta(days=7)
_DAY: Final = timedelta(days=1)
_LONGEST: Final = timedelta(days=36_600)

Owner = tuple[str, str]


@dataclass(frozen=True, slots=True)
class UnitCost:
    """What one outcome of a kind costs a project.

    Attributes:
        team, project: whose.
        kind: of outcome.
        first_day, last_day: of the spend that is counted; None where no week is over yet.
        weeks: how many.
        usage_nanos: metered usage.
        flat_nanos: what contracts charge besides: seats, shares, terms.
        platform_nanos, services_nanos, review_nanos, rework_nanos: as metering.toml says; 0 where
            it says nothing.
        value_nanos: what finance says one is worth; None where it says nothing.
        found: outcomes, average, next one, self-funding, with intervals.
    """

    team: str
    project: str
    kind: str
    first_day: date | None
    last_day: date | None
    weeks: int
    usage_nanos: int
    flat_nanos: int
    platform_nanos: int
    services_nanos: int
    review_nanos: int
    rework_nanos: int
    value_nanos: int | None
    found: UnitEconomics

    @property
    def is_activity(self) -> bool:
        """Whether it is a vendor's count of what its agents did, and no outcome."""
        return self.kind in VENDOR_UNITS


@dataclass(frozen=True, slots=True)
class _Spent:
    """What one project was charged on one day."""

    usage_nanos: int = 0
    flat_nanos: int = 0

    def __add__(self, other: "_Spent") -> "_Spent":
        return _Spent(self.usage_nanos + other.usage_nanos, self.flat_nanos + other.flat_nanos)


def unit_costs(settings: "Settings", period: BillingPeriod) -> tuple[UnitCost, ...]:
    """Return what one outcome of each kind costs each project that ever sent one.

    Args:
        settings: where the books are, and what is said of outcomes; amounts are of its currency.
        period: no spend after this month is counted.

    Raises:
        BookError: `bad-settings`; or as `require_current`.
    """
    rules = checked_rules(settings.outcomes)
    told = [kind for one in outcome_formats(settings) for kind in one.kinds]
    declared = {kind.name: kind.settles_after_days for kind in told}
    with known_outcomes(settings) as known:
        kinds: dict[Owner, set[str]] = defaultdict(set)
        for team, project, kind, _, _ in stages_told(known.duck):
            kinds[team, project].add(kind)
        every = sorted(set().union(*kinds.values()))
        stands = {kind: rules.settles_after(kind, declared) for kind in every}
        days = outcome_days(known.duck, list(stands.items()), known.last_day)
        spent = _spent(
            daily_spend_by_owner(
                known.connection, str(BillingPeriod.of(date(2000, 1, 1))), "9999-12"
            ),
            settings.currency,
        )
        known_until = known.last_day
        last_day = min(known_until, period.last_day)
    beside = checked_economics(settings.economics).costs
    costs = _Costs(rules, beside, settings.currency, stands, last_day, known_until)
    by_kind: dict[tuple[Owner, str], list[OutcomeDay]] = defaultdict(list)
    for day in days:
        by_kind[(day.team, day.project), day.kind].append(day)
    return tuple(
        costs.of(owner, kind, frozenset(kinds[owner]), by_kind[owner, kind], spent[owner])
        for owner in sorted(kinds)
        if owner in spent
        for kind in sorted(kinds[owner])
    )


def _spent(rows: Iterable[OwnerDaySum], currency: str) -> Mapping[Owner, Mapping[date, _Spent]]:
    spent: dict[Owner, dict[date, _Spent]] = {}
    for row in rows:
        if row.currency == currency:
            days = spent.setdefault((row.team, row.project), {})
            day = date.fromisoformat(row.day)
            money = _Spent(row.nanos, 0) if row.is_usage else _Spent(0, row.nanos)
            days[day] = days.get(day, _Spent()) + money
    return spent


@dataclass(frozen=True, slots=True)
class _Costs:
    """Sets what was spent against what came of it.

    Attributes:
        rules: windows, and what review, rework and outcomes are worth.
        beside: "team/project" to kind of cost to money a month, beside what the books charge.
        currency: of all amounts.
        stands: days that an outcome of a kind must stand.
        last_day: no spend after it is counted.
        known_until: last day of usage.
    """

    rules: OutcomeRules
    beside: Mapping[str, Mapping[str, Money]]
    currency: str
    stands: Mapping[str, int]
    last_day: date
    known_until: date

    def of(
        self,
        owner: Owner,
        kind: str,
        kinds: frozenset[str],
        days: Sequence[OutcomeDay],
        spent: Mapping[date, _Spent],
    ) -> UnitCost:
        """Return what one outcome of a kind costs a project that has some kinds."""
        window = timedelta(days=0 if kind in VENDOR_UNITS else self.rules.window(*owner, kinds))
        stands = timedelta(days=0 if kind in VENDOR_UNITS else self.stands[kind])
        begin, end = self._told(days)
        end = min(end, self.last_day - stands) + _DAY - window
        count = min(_WEEKS, max(0, (end - max(min(spent), begin - window)) // _WEEK))
        begins = [end - at * _WEEK for at in range(count, 0, -1)]
        review, rework = (self._said(said, kind) for said in (self.rules.review, self.rules.rework))
        beside = self.beside.get("/".join(owner), {})
        platform, services = (self._said(beside, name) or 0 for name in ("platform", "services"))
        weeks = [
            replace(
                _week(begin, days, spent, window, (review or 0, rework or 0)),
                platform_nanos=_of_week(platform, begin),
                services_nanos=_of_week(services, begin),
            )
            for begin in begins
        ]
        value = self._said(self.rules.values, kind)
        return UnitCost(
            *owner,
            kind,
            first_day=begins[0] if begins else None,
            last_day=end - _DAY if begins else None,
            weeks=count,
            usage_nanos=sum(week.tokens_nanos for week in weeks),
            flat_nanos=sum(week.seats_nanos for week in weeks),
            platform_nanos=sum(week.platform_nanos for week in weeks),
            services_nanos=sum(week.services_nanos for week in weeks),
            review_nanos=sum(week.review_nanos for week in weeks),
            rework_nanos=sum(week.rework_nanos for week in weeks),
            value_nanos=value,
            found=unit_economics(weeks, value),
        )

    def _told(self, days: Sequence[OutcomeDay]) -> tuple[date, date]:
        """Return the first day of a feed, and the last, or that of the data while it sends."""
        told = sorted({day.day for day in days if day.validated_e4 > 0 or day.settled_e4 > 0})
        if not told:
            return date.max - _LONGEST, date.min + _LONGEST
        longest = max(((b - a).days for a, b in pairwise(told)), default=None)
        pause = (self.known_until - told[-1]).days
        feed = FeedState("", first=told[0], last=told[-1], longest_pause=longest, pause=pause)
        return told[0], told[-1] if feed.is_silent else date.max - _LONGEST

    def _said(self, said: Mapping[str, tuple[str, int]], kind: str) -> int | None:
        currency, nanos = said.get(kind, ("", 0))
        return nanos if currency == self.currency else None


def _week(
    begin: date,
    days: Iterable[OutcomeDay],
    spent: Mapping[date, _Spent],
    window: timedelta,
    extra: tuple[int, int],
) -> Week:
    review, rework = extra
    money = sum(_within(spent, begin), _Spent())
    came = [day for day in days if begin + window <= day.day < begin + window + _WEEK]
    return Week(
        tokens_nanos=money.usage_nanos,
        outcomes=Fraction(sum(day.settled_e4 for day in came), WEIGHT_UNIT),
        seats_nanos=money.flat_nanos,
        review_nanos=divide_half_even(sum(d.validated_e4 for d in came) * review, WEIGHT_UNIT),
        rework_nanos=divide_half_even(sum(d.reversed_e4 for d in came) * rework, WEIGHT_UNIT),
    )


def _of_week(monthly_nanos: int, begin: date) -> int:
    """Return what of a monthly amount falls into a week: every day of a month has as much of it."""
    days = Counter(BillingPeriod.of(begin + at * _DAY) for at in range(_WEEK.days))
    return sum(
        divide_half_even(monthly_nanos * count, (month.end_day - month.first_day).days)
        for month, count in days.items()
    )


def _within(spent: Mapping[date, _Spent], begin: date) -> Iterator[_Spent]:
    for at in range(_WEEK.days):
        day = begin + at * _DAY
        if day in spent:
            yield spent[day]
