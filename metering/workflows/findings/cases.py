"""Findings over a company's own ledger: what a reviewer reads, and what was said of each.

A finding is worked out anew from usage and outcomes each time it is asked for, so that it is never
older than the books; what people say of it is kept, with the finding as they saw it. Its id is made
of what it is about and of its pattern: an explained one stays quiet until the pattern changes.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from metering.analysis.findings.finding import Finding
from metering.analysis.findings.frozen import frozen, thawed
from metering.analysis.findings.precision import Decided, Precision, precision_at
from metering.analysis.findings.review_list import Options, Review, review
from metering.books import findings as finding_book
from metering.books.engine import begin_write, open_engine
from metering.books.findings import FindingState, NewSaid, Said
from metering.books.runs import record_run
from metering.core.findings.finding_rules import finding_rules
from metering.core.ledger import AccountKind, owner_account
from metering.core.outcomes.outcome_rules import checked_rules
from metering.core.outcomes.stages import DEFAULT_WINDOW_DAYS
from metering.engine.behaviour.of_ledger import KEPT, open_ledger
from metering.engine.behaviour.summed import Behaviour, sum_behaviour
from metering.engine.charging import charges as engine
from metering.engine.outcomes import netting as outcome_engine
from metering.errors import BookError
from metering.usage.lake import Lake
from metering.workflows.findings.company_events import events_in_force
from metering.workflows.findings.findings_try import LEAST_DAYS, frames_of, frames_of_workflows
from metering.workflows.outcomes.outcome_owners import open_owned_outcomes
from metering.workflows.ownership.people import fewest_people
from metering.workflows.posting.day_cells import live_cells
from metering.workflows.posting.desired import desired_charges
from metering.workflows.posting.owning import owner_answers
from metering.workflows.posting.policy import policy_in_force
from metering.workflows.posting.post import FIRST_DAY, LAST_DAY
from metering.workflows.reading import reading
from metering.workflows.runs import Run

if TYPE_CHECKING:
    import duckdb
    from sqlalchemy import Connection

    from metering.core.ownership.attribution import Owner
    from metering.settings import Settings
    from metering.workflows.posting.desired import Desired
    from metering.workflows.posting.policy import Policy

_ID_DIGITS: Final = 8
# How many times the money of an answered finding has to grow until it is read again.
_REOPENED_AT: Final = 2
_ALL: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Case:
    """A finding, and what was said of it.

    Attributes:
        case_id: the same as long as it is about the same, and looks the same.
        finding: what was found.
        answers: what was said of it, oldest first.
        place: in the list of all that are flagged and material, from 1; 0 when it is not in it.
    """

    case_id: str
    finding: Finding
    answers: tuple[Said, ...] = ()
    place: int = 0

    @property
    def is_current(self) -> bool:
        """Whether it is found today; otherwise it is what was answered."""
        return self.place > 0

    @property
    def said(self) -> Said | None:
        """The last that was said of it; None while nobody has."""
        return self.answers[-1] if self.answers else None

    @property
    def state(self) -> FindingState:
        """How far it is."""
        return self.said.state if self.said else FindingState.OPEN

    @property
    def is_quiet(self) -> bool:
        """Whether it was answered, and its money has not doubled since."""
        answered = (FindingState.EXPLAINED, FindingState.DISMISSED, FindingState.FIXED)
        if self.said is None or self.state not in answered:
            return False
        return self.finding.p10_nanos <= _REOPENED_AT * max(self.said.p90_nanos, 0)


@dataclass(frozen=True, slots=True)
class Cases:
    """The findings of a ledger.

    Attributes:
        review: how they were found.
        shown: all that are flagged and material, the answered ones included, by the lower bound of
            the money.
        budget: how many of them a reviewer reads.
        precision: how good the list was so far, from what was said of it.
    """

    review: Review
    shown: tuple[Case, ...]
    budget: int
    precision: Precision

    @property
    def unread(self) -> tuple[Case, ...]:
        """What a reviewer reads: answered ones take up no place in the list."""
        return tuple(case for case in self.shown if not case.is_quiet)[: self.budget]


def cases_of(settings: "Settings") -> Cases:
    """Return the findings of all usage that the books know of.

    Raises:
        BookError: `no-usage`: none of it has an owner, so that there is nothing to look at;
            `too-few-days`: less than four weeks of it.
    """
    rules = finding_rules(settings.findings)
    material = Options(
        budget=_ALL,
        least_usd=rules.least_usd,
        least_share=rules.least_share,
        fewest_people=fewest_people(settings),
    )
    with Lake(settings.lake).staging() as staging, reading(settings) as connection:
        policy = policy_in_force(connection, settings)
        days = (FIRST_DAY, LAST_DAY)
        with live_cells(connection, settings, staging, policy, days) as (duck, cells):
            if cells.first is None or cells.last is None:
                raise _nothing()
            engine.open_cells(duck, cells.files)
            desired = desired_charges(duck, policy, (cells.first, cells.last), kept=_kept(policy))
            summed = _summed(duck, connection, settings, policy, desired)
            frames = frames_of(summed)
            workflows = frames_of_workflows(duck, summed, material)
        said = finding_book.all_said(connection)
    precision = precision_at(rules.budget, _decided(said.values()))
    # Whoever was answered takes up no place in the list, so it is cut after that is known.
    found = review(frames, replace(material, raised=precision.factor), workflows)
    shown = ((case_id_of(one), one) for one in found.shown)
    return Cases(
        review=found,
        shown=tuple(
            Case(case_id, one, said.get(case_id, ()), place)
            for place, (case_id, one) in enumerate(shown, start=1)
        ),
        budget=rules.budget,
        precision=precision,
    )


def _decided(answered: Iterable[tuple[Said, ...]]) -> Iterator[Decided]:
    """Yield the findings whose last answer decides them, at the place of their first."""
    for answers in answered:
        state = answers[-1].state
        if state is not FindingState.OPEN:
            place = next((said.place for said in answers if said.place), 0)
            yield Decided(place, state in (FindingState.CONFIRMED, FindingState.FIXED))


def case_of(settings: "Settings", case_id: str, *, as_answered: bool = False) -> Case:
    """Return one case: as it is today or, when it is found no more, as it was answered.

    Args:
        settings: where the books are.
        case_id: of the finding.
        as_answered: as it was when it was last answered, if it was.

    Raises:
        BookError: `unknown-finding`: none of the findings of today has this id, and nobody has
            answered one that had.
    """
    with reading(settings) as connection:
        said = finding_book.all_said(connection).get(case_id, ())
    if said and as_answered:
        return Case(case_id, thawed(said[-1].seen), said)
    for case in cases_of(settings).shown:
        if case.case_id == case_id:
            return case
    if said:
        return Case(case_id, thawed(said[-1].seen), said)
    raise BookError(
        "unknown-finding",
        f"there is no finding {case_id}",
        details=("a finding whose pattern has changed has another id",),
        do="see `metering findings list`",
    )


def say(settings: "Settings", run: Run, case_id: str, state: FindingState, note: str) -> Case:
    """Record what somebody says of a finding, and return it.

    Raises:
        BookError: `unknown-finding`.
    """
    case = case_of(settings, case_id)
    finding = case.finding
    subject, seen = str(finding.subject), frozen(finding)
    said = NewSaid(case_id, subject, state, note, finding.p90_nanos, case.place, seen)
    with begin_write(open_engine(settings.books_url)) as connection:
        run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
        finding_book.add_said(connection, run_id, said)
        return replace(case, answers=finding_book.all_said(connection)[case_id])


def case_id_of(finding: Finding) -> str:
    """Return the id of a finding: what it is about, and what it looks like."""
    subject = finding.subject
    said = (finding.family.value, subject.team, subject.project, subject.workflow or "")
    text = "\x1f".join((*said, finding.pattern))
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_DIGITS]


def _kept(policy: "Policy") -> engine.Kept:
    return engine.Kept(tuple(dict.fromkeys((*KEPT, *policy.workflows))))


def _summed(
    duck: "duckdb.DuckDBPyConnection",
    connection: "Connection",
    settings: "Settings",
    policy: "Policy",
    desired: "Desired",
) -> Behaviour:
    owners = {
        account.name: number
        for number, account in desired.debits.items()
        if account.kind is AccountKind.OWNER
    }

    def number_of(owner: "Owner") -> int:
        return owners[owner_account(owner).name]

    answers = owner_answers(
        policy.reigns, lambda fields: engine.distinct_values(duck, fields), number_of
    )
    open_owned_outcomes(duck, connection, settings, policy)
    objects = [
        (number, account.team, account.project)
        for number, account in desired.debits.items()
        if account.kind is AccountKind.OWNER
    ]
    events = [
        (one.first, one.last, one.kind, one.scope, one.detail)
        for one in events_in_force(connection)
    ]
    windows = list(_windows(duck, settings, objects))
    days = open_ledger(duck, answers, objects, windows, events, policy.workflows)
    if days is None:
        raise _nothing()
    first, last = days
    covered = (last - first).days + 1
    if covered < LEAST_DAYS:
        raise BookError(
            "too-few-days",
            f"the books know {covered} of {LEAST_DAYS} days of usage",
            do="ingest a longer stretch: a project is compared with its own past",
        )
    return sum_behaviour(
        duck, first, last, default_window_days=DEFAULT_WINDOW_DAYS, workflow="workflow"
    )


def _windows(
    duck: "duckdb.DuckDBPyConnection",
    settings: "Settings",
    objects: list[tuple[int, str, str]],
) -> Iterator[tuple[str, str, int]]:
    rules = checked_rules(settings.outcomes)
    kinds: dict[tuple[str, str], set[str]] = {}
    for team, project, kind, _, _ in outcome_engine.stages_told(duck):
        kinds.setdefault((team, project), set()).add(kind)
    for team, project in sorted({(team, project) for _, team, project in objects}):
        told = frozenset(kinds.get((team, project), ()))
        yield team, project, rules.window(team, project, told)


def _nothing() -> BookError:
    return BookError(
        "no-usage",
        "no usage in the books has an owner",
        do="run `metering ingest` and `metering post`, and see `metering owners check`",
    )
