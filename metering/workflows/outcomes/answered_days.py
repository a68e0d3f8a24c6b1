"""What answers for the spend of some months, day by day and client by client."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from metering.books.engine import begin_read
from metering.books.migrations import open_books
from metering.core.outcomes.outcome_rules import checked_rules
from metering.engine.outcomes import netting as outcome_engine
from metering.engine.outcomes import spend as spend_engine
from metering.usage.lake import Lake
from metering.workflows.outcomes.keyed_spend import open_keyed_spend
from metering.workflows.outcomes.outcome_owners import last_usage_day, open_owned_outcomes
from metering.workflows.posting.day_cells import live_cells
from metering.workflows.posting.policy import policy_in_force

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metering.core.periods import BillingPeriod
    from metering.settings import Settings

_ANSWERED: Final = frozenset({"keyed", "project"})


@dataclass(frozen=True, slots=True)
class AnsweredDay:
    """What one project spent on one day with one product, and what answers for it.

    Attributes:
        nanos: of `currency`.
        settled_nanos: of them, what outcomes answer for.
        is_pending: whether outcomes may still come.
    """

    day: date
    product: str
    team: str
    project: str
    currency: str
    nanos: int
    settled_nanos: int
    is_pending: bool


def answered_days(settings: "Settings", periods: "Sequence[BillingPeriod]") -> list[AnsweredDay]:
    """Return what answers for the spend of some months.

    Args:
        settings: where the books and the lake are, and the rules of outcomes.
        periods: in order; those that the book holds nothing of are left out.

    Raises:
        BookError: `no-charges`: it holds nothing of any; `bad-settings`.
    """
    rules = checked_rules(settings.outcomes)
    books = open_books(settings.books_url)
    days = (periods[0].first_day, periods[-1].last_day)
    with Lake(settings.lake).staging() as staging, begin_read(books) as connection:
        policy = policy_in_force(connection, settings)
        with live_cells(connection, settings, staging, policy, days) as (duck, cells):
            open_keyed_spend(duck, connection, settings, policy, cells, *periods)
            open_owned_outcomes(duck, connection, settings, policy)
            kinds: dict[tuple[str, str], set[str]] = defaultdict(set)
            for team, project, kind, _, _ in outcome_engine.stages_told(duck):
                kinds[team, project].add(kind)
            owners = duck.execute("SELECT DISTINCT team, project FROM spend").fetchall()
            windows = [
                (team, project, rules.window(team, project, frozenset(kinds[team, project])))
                for team, project in owners
            ]
            last_day = last_usage_day(connection, settings) or days[1]
            by = ("day", "product")
            spend_engine.split_spend(duck, tuple(rules.keys), windows, last_day, by=by)
            return [
                AnsweredDay(
                    day=day,
                    product=product,
                    team=team,
                    project=project,
                    currency=currency,
                    nanos=nanos,
                    settled_nanos=nanos if bucket in _ANSWERED else 0,
                    is_pending=bucket == "pending",
                )
                for day, product, team, project, currency, bucket, nanos in (
                    spend_engine.answers_by_day(duck)
                )
            ]
