"""The funnel of a period: its charges set against outcomes, by team and project.

Charges are those of the book, so that the funnel has the total of the chargeback report; the cells
tell under which keys the usage was. Nothing is written.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final

from metering.books.engine import begin_read
from metering.books.migrations import open_books
from metering.core.money import divide_half_even
from metering.core.outcomes.funnel import Answered, FunnelRow, Stages, added
from metering.core.outcomes.outcome_rules import SESSION, OutcomeRules, checked_rules
from metering.core.outcomes.stages import AWU, WEIGHT_UNIT, OutcomeKind, Stage
from metering.core.periods import BillingPeriod
from metering.engine.outcomes import netting as outcome_engine
from metering.engine.outcomes import spend as spend_engine
from metering.engine.outcomes.netting import Problem
from metering.usage.lake import Lake
from metering.workflows.outcomes.keyed_spend import KeyedSpend, open_keyed_spend
from metering.workflows.outcomes.outcome_formats import outcome_formats
from metering.workflows.outcomes.outcome_owners import last_usage_day, open_owned_outcomes
from metering.workflows.posting.day_cells import live_cells
from metering.workflows.posting.policy import Policy, policy_in_force

if TYPE_CHECKING:
    import duckdb

    from metering.settings import Settings

_BUCKETS: Final = {
    "keyed": "keyed",
    "project": "project",
    "pending": "pending",
    "has-feed": "has_feed",
    "feed-silent": "feed_silent",
    "no-feed": "no_feed",
}


@dataclass(frozen=True, slots=True)
class Feed:
    """What a team's sources sent.

    Attributes:
        team: its name.
        first_day, last_day: ISO days of its first and last outcome of any kind; None: never one.
        outcomes: how many.
        silent_nanos: unattributed spend since the last one, by currency; of all days without one.
    """

    team: str
    first_day: str | None
    last_day: str | None
    outcomes: int
    silent_nanos: Mapping[str, int]

    @property
    def status(self) -> str:
        """In words: sending, silent since a day, or never."""
        if self.last_day is None:
            return "no feed"
        return f"silent since {self.last_day}" if self.silent_nanos else "sending"


@dataclass(frozen=True, slots=True)
class SharedKey:
    """A key that much more is booked on than one piece of work.

    Attributes:
        key: kind of key: workflow_key, branch, ticket, trace, session.
        value: the key.
        days: with usage under it, more than the window of the project.
        nanos: of `currency`, charged for that usage.
    """

    team: str
    project: str
    currency: str
    key: str
    value: str
    days: int
    nanos: int


@dataclass(frozen=True, slots=True)
class Funnel:
    """The funnel of one period.

    Attributes:
        period: the month.
        last_day: ISO day up to which usage is known: what pending and settled are judged by.
        rows: by team, project and currency.
        kinds: validated and settled weight by (team, project, kind), in ten-thousandths.
        feeds: of every team with spend or outcomes.
        problems: outcomes that count for nothing or for nobody.
        shared_keys: on which more days of usage are booked than one outcome may answer for.
    """

    period: BillingPeriod
    last_day: str
    rows: tuple[FunnelRow, ...]
    kinds: Mapping[tuple[str, str, str], tuple[int, int]]
    feeds: tuple[Feed, ...]
    problems: tuple[Problem, ...]
    shared_keys: tuple[SharedKey, ...] = ()

    @property
    def totals(self) -> tuple[FunnelRow, ...]:
        """The rows added up, one per currency."""
        return added(self.rows)


def funnel_of_period(settings: "Settings", period: BillingPeriod) -> Funnel:
    """Return the funnel of a period.

    Args:
        settings: where the books and the lake are, and the rules of outcomes.
        period: the month.

    Raises:
        BookError: `no-charges`: the book holds none of that period; `bad-settings`.
    """
    rules = checked_rules(settings.outcomes)
    declared = [kind for one in outcome_formats(settings) for kind in one.kinds]
    books = open_books(settings.books_url)
    days = (period.first_day, period.last_day)
    with (
        Lake(settings.lake).staging() as staging,
        begin_read(books) as connection,
    ):
        policy = policy_in_force(connection, settings)
        with live_cells(connection, settings, staging, policy, days) as (duck, cells):
            spend = open_keyed_spend(duck, connection, settings, policy, cells, period)
            open_owned_outcomes(duck, connection, settings, policy)
            last_day = last_usage_day(connection, settings) or days[1]
            return _Reading(duck, rules, policy, spend, period, last_day).funnel(declared)


@dataclass(slots=True)
class _Known:
    """What was ever reported of one project.

    Attributes:
        kinds: of its outcomes, with the stages that they are reported at.
        last: the day of the last one that was no reversal.
    """

    kinds: dict[str, set[str]] = field(default_factory=dict)
    last: date | None = None

    def add(self, kind: str, stage: str, last: date | None) -> None:
        self.kinds.setdefault(kind, set()).add(stage)
        self.last = max(filter(None, (self.last, last)), default=None)

    def stages(self, rules: OutcomeRules) -> frozenset[str]:
        """Return the stages at which somebody reports what counts in our unit."""
        return frozenset().union(*(told for kind, told in self.kinds.items() if rules.unit(kind)))


class _Reading:
    """Reads a funnel out of the engine's tables."""

    def __init__(
        self,
        duck: "duckdb.DuckDBPyConnection",
        rules: OutcomeRules,
        policy: Policy,
        spend: "KeyedSpend",
        period: BillingPeriod,
        last_day: date,
    ) -> None:
        self._duck = duck
        self._rules = rules
        self._policy = policy
        self._spend = spend
        self._period = period
        self._last_day = last_day
        self._known: dict[tuple[str, str], _Known] = {}
        for team, project, kind, stage, last in outcome_engine.stages_told(duck):
            self._known.setdefault((team, project), _Known()).add(kind, stage, last)

    def funnel(self, declared: Iterable[OutcomeKind]) -> Funnel:
        spend = self._answered()
        sums = self._sums(declared)
        rows = tuple(self._rows(spend, sums))
        return Funnel(
            period=self._period,
            last_day=self._last_day.isoformat(),
            rows=rows,
            kinds={key: (found[2], found[3]) for key, found in sums.items()},
            feeds=tuple(self._feeds(rows)),
            shared_keys=tuple(
                SharedKey(*one)
                for one in spend_engine.shared_keys(self._duck, tuple(self._rules.keys))
            ),
            problems=outcome_engine.problems(self._duck, sorted(self._policy.teams)),
        )

    def _answered(self) -> dict[tuple[str, str, str], Answered]:
        owners = self._duck.execute("SELECT DISTINCT team, project FROM spend").fetchall()
        windows = [(team, project, self._window(team, project)) for team, project in owners]
        spend_engine.split_spend(self._duck, tuple(self._rules.keys), windows, self._last_day)
        found: dict[tuple[str, str, str], dict[str, int]] = {}
        for team, project, currency, bucket, nanos in spend_engine.answers(self._duck):
            found.setdefault((team, project, currency), {})[_BUCKETS[bucket]] = nanos
        return {key: Answered(**buckets) for key, buckets in sorted(found.items())}

    def _window(self, team: str, project: str) -> int:
        known = self._known.get((team, project), _Known())
        return self._rules.window(team, project, frozenset(known.kinds))

    def _sums(self, declared: Iterable[OutcomeKind]) -> dict[tuple[str, str, str], tuple[int, ...]]:
        stands = {kind.name: kind.settles_after_days for kind in declared}
        kinds = sorted({kind for known in self._known.values() for kind in known.kinds})
        days = (self._period.first_day, self._period.last_day)
        settles = [(kind, self._rules.settles_after(kind, stands)) for kind in kinds]
        rows = outcome_engine.stage_sums(self._duck, days, settles, self._last_day)
        return {(team, project, kind): tuple(sums) for team, project, kind, *sums in rows}

    def _rows(
        self,
        spend: Mapping[tuple[str, str, str], Answered],
        sums: Mapping[tuple[str, str, str], tuple[int, ...]],
    ) -> Iterator[FunnelRow]:
        tokens = self._spend.tokens(self._duck)
        sessions = self._sessions()
        with_spend = {(team, project) for team, project, _ in spend}
        # Outcomes of a project without spend have a row too, so that none is lost from the total.
        without = sorted({key[:2] for key in sums} - with_spend)
        currency = self._policy.currency
        cells = [*spend.items(), *(((*owner, currency), Answered()) for owner in without)]
        for (team, project, currency_of_row), answered in sorted(cells):
            owner = (team, project)
            last = self._known.get(owner, _Known()).last
            yield FunnelRow(
                team=team,
                project=project,
                currency=currency_of_row,
                spend=answered,
                tokens=tokens.get(owner),
                stages=self._stages(owner, sums, sessions.get(owner)),
                vendor_units=self._vendor_units(owner, sums),
                window_days=self._window(team, project),
                last_outcome=last.isoformat() if last else None,
                value_nanos=self._value(owner, currency_of_row, sums),
            )

    def _stages(
        self,
        owner: tuple[str, str],
        sums: Mapping[tuple[str, str, str], tuple[int, ...]],
        sessions: int | None,
    ) -> Stages:
        units, confirmed = [0] * 6, 0
        known = self._known.get(owner, _Known())
        for (team, project, kind), found in sums.items():
            if (team, project) == owner:
                for at, weight in enumerate(found):
                    units[at] += weight * self._rules.unit(kind)
                if Stage.COMPLETED.value in known.kinds.get(kind, ()):
                    confirmed += found[2] * self._rules.unit(kind)
        attempted, completed, validated, settled, settling, taken_back = units
        told = known.stages(self._rules)
        is_accepted = bool(told & {Stage.VALIDATED.value, Stage.SETTLED.value})
        tried = attempted if Stage.ATTEMPTED.value in told else None
        if sessions is not None and self._rules.unit(SESSION):
            tried = (tried or 0) + sessions * WEIGHT_UNIT * self._rules.unit(SESSION)
        return Stages(
            attempted=tried,
            completed=completed if Stage.COMPLETED.value in told else None,
            validated=validated if is_accepted else None,
            settled=settled if is_accepted else None,
            settling=settling if is_accepted else None,
            reversed=taken_back if is_accepted else None,
            confirmed=confirmed if is_accepted and Stage.COMPLETED.value in told else None,
        )

    def _value(
        self,
        owner: tuple[str, str],
        currency: str,
        sums: Mapping[tuple[str, str, str], tuple[int, ...]],
    ) -> int | None:
        worth = [
            divide_half_even(sums[(*owner, kind)][3] * nanos, WEIGHT_UNIT)
            for kind, (said_in, nanos) in self._rules.values.items()
            if said_in == currency and (*owner, kind) in sums
        ]
        return sum(worth) if worth else None

    def _vendor_units(
        self, owner: tuple[str, str], sums: Mapping[tuple[str, str, str], tuple[int, ...]]
    ) -> int | None:
        found = sums.get((*owner, AWU))
        return None if found is None else sum(found[:3])

    def _sessions(self) -> Mapping[tuple[str, str], int]:
        if not self._rules.keeps_sessions or not self._rules.unit(SESSION):
            return {}
        return self._spend.sessions(self._duck)

    def _feeds(self, rows: Sequence[FunnelRow]) -> Iterator[Feed]:
        sent = outcome_engine.last_outcomes(self._duck)
        silent: dict[str, dict[str, int]] = {}
        for row in rows:
            nanos = row.spend.feed_silent + row.spend.no_feed
            if row.team and nanos:
                by_currency = silent.setdefault(row.team, {})
                by_currency[row.currency] = by_currency.get(row.currency, 0) + nanos
        for team in sorted({row.team for row in rows if row.team} | sent.keys()):
            first, last, count = sent.get(team, (None, None, 0))
            yield Feed(
                team=team,
                first_day=first.isoformat() if first else None,
                last_day=last.isoformat() if last else None,
                outcomes=count,
                silent_nanos=silent.get(team, {}),
            )
