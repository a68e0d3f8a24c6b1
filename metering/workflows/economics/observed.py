"""What the lake tells of two months beside their money: requests, people, and what was achieved.

One pass over the cells of the period and the month before it, and the outcomes of half a year.
People are counted; no name leaves the engine.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from metering.analysis.anonymity import FEWEST_PEOPLE
from metering.books.engine import begin_read
from metering.books.migrations import open_books
from metering.core.ledger import AccountKind, owner_account
from metering.core.outcomes.outcome_rules import OutcomeRules, checked_rules
from metering.core.outcomes.stages import WEIGHT_UNIT, Stage
from metering.core.periods import BillingPeriod
from metering.engine import work_counts
from metering.engine.charging import charges as engine
from metering.engine.outcomes import netting as outcome_engine
from metering.engine.work_counts import KEPT, PersonUse, WorkCount
from metering.usage.lake import Lake
from metering.workflows.outcomes.outcome_formats import outcome_formats
from metering.workflows.outcomes.outcome_owners import open_owned_outcomes
from metering.workflows.ownership.people import fewest_people
from metering.workflows.posting.day_cells import live_cells
from metering.workflows.posting.desired import desired_charges
from metering.workflows.posting.owning import owner_answers
from metering.workflows.posting.policy import policy_in_force

if TYPE_CHECKING:
    import duckdb

    from metering.core.flat.seats import SeatPlan
    from metering.core.ledger import Account
    from metering.core.ownership.attribution import Owner
    from metering.settings import Settings
    from metering.workflows.posting.policy import Policy

WEEKS: Final = 26
WEEK: Final = timedelta(days=7)
_ACCEPTED: Final = frozenset({Stage.VALIDATED.value, Stage.SETTLED.value})


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What was validated and still stands, of one project.

    Attributes:
        days: day it was reached to weight, in our own unit of work.
        since: from which day on its team has reported all of these kinds; before it there was no
            feed, which is not the same as no outcome. None where it always has, as far as is asked.
        settles_days: how long the slowest of its kinds must stand: later days are not settled yet.
    """

    days: Mapping[date, Fraction]
    settles_days: int
    since: date | None = None


@dataclass(frozen=True, slots=True)
class SeatsHeld:
    """The seats of a plan on the last day of the month, and what their holders used.

    Attributes:
        uses: of each holder, of the plan's provider; without names, least first.
    """

    plan: "SeatPlan"
    uses: Sequence[PersonUse]


@dataclass(frozen=True, slots=True)
class Observed:
    """What the lake tells.

    Attributes:
        counts: of the period and the month before; the project is "" where it is nobody's.
        people: by month and project, and by month and "" for the company.
        uses: what each person used in the period, without names, least first.
        seats: of every plan in force on the last day.
        outcomes: by project, of the 26 weeks that end with the period, and the month before it.
        last_day: the last day with usage that may be charged; None when there is none.
        fewest_people: of fewer nothing is shown (k).
    """

    counts: Mapping[tuple[str, str], Sequence[WorkCount]] = field(default_factory=dict)
    people: Mapping[tuple[str, str], int] = field(default_factory=dict)
    uses: Sequence[PersonUse] = ()
    seats: Sequence[SeatsHeld] = ()
    outcomes: Mapping[str, Outcomes] = field(default_factory=dict)
    last_day: date | None = None
    fewest_people: int = FEWEST_PEOPLE

    def counts_of(self, month: BillingPeriod) -> list[tuple[str, WorkCount]]:
        """Return the counts of a month, each with its project."""
        return [
            (project, one)
            for (name, project), rows in self.counts.items()
            if name == str(month)
            for one in rows
        ]


def observe(settings: "Settings", period: BillingPeriod) -> Observed:
    """Return what the lake tells of a period and the month before it."""
    rules, fewest = checked_rules(settings.outcomes), fewest_people(settings)
    books = open_books(settings.books_url)
    days = (period.previous.first_day, period.last_day)
    with Lake(settings.lake).staging() as staging, begin_read(books) as connection:
        policy = policy_in_force(connection, settings)
        with live_cells(connection, settings, staging, policy, days) as (duck, cells):
            open_owned_outcomes(duck, connection, settings, policy)
            outcomes = _outcomes(duck, settings, rules, period)
            if cells.first is None or cells.last is None:
                return Observed(outcomes=outcomes, fewest_people=fewest)
            engine.open_cells(duck, cells.files)
            desired = desired_charges(
                duck, policy, (cells.first, cells.last), kept=engine.Kept(KEPT)
            )
            owners = {account.name: number for number, account in desired.debits.items()}

            def number_of(owner: "Owner") -> int:
                return owners[owner_account(owner).name]

            answers = owner_answers(
                policy.reigns, lambda fields: engine.distinct_values(duck, fields), number_of
            )
            work_counts.count_work(duck, answers)
            names = {number: _name(account) for number, account in desired.debits.items()}
            return Observed(
                counts=_counts(duck, names),
                people=_people(duck, names),
                uses=work_counts.usage_of_people(duck, str(period), settings.currency),
                seats=_seats(duck, policy, settings.currency, period),
                outcomes=outcomes,
                last_day=cells.last,
                fewest_people=fewest,
            )


def _name(account: "Account") -> str:
    if account.kind is not AccountKind.OWNER or not (account.team or account.project):
        return ""
    return f"{account.team}/{account.project}"


def _counts(
    duck: "duckdb.DuckDBPyConnection", names: Mapping[int, str]
) -> dict[tuple[str, str], list[WorkCount]]:
    found: dict[tuple[str, str], list[WorkCount]] = defaultdict(list)
    for one in work_counts.work_counts(duck):
        found[one.month, names.get(one.owner_no, "")].append(one)
    return dict(found)


def _people(
    duck: "duckdb.DuckDBPyConnection", names: Mapping[int, str]
) -> dict[tuple[str, str], int]:
    of_projects = work_counts.people_of_owners(
        duck, [(number, name) for number, name in sorted(names.items()) if name]
    )
    of_company = work_counts.people_of_owners(duck, [(number, "") for number in sorted(names)])
    return of_projects | of_company


def _seats(
    duck: "duckdb.DuckDBPyConnection", policy: "Policy", currency: str, period: BillingPeriod
) -> tuple[SeatsHeld, ...]:
    last = period.last_day

    def is_there(begins: date, ends: date | None) -> bool:
        return begins <= last and (ends is None or last < ends)

    found = []
    for plan in policy.flat.agreements.seats:
        if plan.currency != currency or not is_there(plan.begins, plan.ends):
            continue
        keys = [
            one.key
            for one in policy.flat.assignments
            if one.plan == plan.name and is_there(one.begins, one.ends)
        ]
        uses = work_counts.usage_of_seats(duck, str(period), currency, plan.provider, keys)
        found.append(SeatsHeld(plan, uses))
    return tuple(found)


def _outcomes(
    duck: "duckdb.DuckDBPyConnection",
    settings: "Settings",
    rules: OutcomeRules,
    period: BillingPeriod,
) -> dict[str, Outcomes]:
    declared = {
        kind.name: kind.settles_after_days
        for one in outcome_formats(settings)
        for kind in one.kinds
    }
    begun = outcome_engine.first_reports(duck)
    kinds: dict[str, set[str]] = defaultdict(set)
    for team, project, kind, stage, _ in outcome_engine.stages_told(duck):
        if team and stage in _ACCEPTED and rules.unit(kind):
            kinds[f"{team}/{project}"].add(kind)
    every = sorted(set[str]().union(*kinds.values()))
    settles = {kind: rules.settles_after(kind, declared) for kind in every}
    begin = min(period.previous.end_day, period.end_day) - WEEKS * WEEK
    days: dict[str, dict[date, Fraction]] = {name: defaultdict(Fraction) for name in kinds}
    rows = outcome_engine.standing_by_day(duck, (begin, period.last_day), list(settles.items()))
    for team, project, kind, day, weight in rows:
        if kind in kinds.get(name := f"{team}/{project}", ()):
            days[name][day] += Fraction(weight * rules.unit(kind), WEIGHT_UNIT * WEIGHT_UNIT)
    return {
        name: Outcomes(
            days=dict(days[name]),
            settles_days=max((settles[kind] for kind in kinds[name]), default=0),
            since=max(begun[name.partition("/")[0], kind] for kind in kinds[name]),
        )
        for name in sorted(kinds)
    }
