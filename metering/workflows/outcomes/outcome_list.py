"""List the outcomes that a ledger knows, and the feeds they come from."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from metering.core.outcomes.feeds import FeedState
from metering.core.outcomes.outcome_rules import checked_rules
from metering.engine.connection import open_duckdb
from metering.engine.outcomes import one_by_one as engine
from metering.engine.outcomes.netting import stages_told
from metering.usage.lake import Lake
from metering.workflows.outcomes.outcome_formats import outcome_formats
from metering.workflows.outcomes.outcome_owners import last_usage_day, open_owned_outcomes
from metering.workflows.posting.policy import policy_in_force
from metering.workflows.reading import reading

if TYPE_CHECKING:
    import duckdb
    from sqlalchemy import Connection

    from metering.engine.outcomes.one_by_one import Wanted
    from metering.settings import Settings


@dataclass(frozen=True, slots=True)
class KnownOutcomes:
    """Outcomes with their owners, in the engine.

    Attributes:
        duck: with the table `outcomes`.
        connection: of the books, for reading.
        last_day: of usage; of outcomes, where there is no usage.
        teams: that rules or a directory know.
    """

    duck: "duckdb.DuckDBPyConnection"
    connection: "Connection"
    last_day: date
    teams: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OutcomeList:
    """Some outcomes.

    Attributes:
        rows: as `engine.outcome_list.COLUMNS`, the latest first.
        count: how many there are, of which these are the first.
    """

    rows: tuple[tuple[object, ...], ...]
    count: int


def listed_outcomes(settings: "Settings", wanted: "Wanted") -> OutcomeList:
    """Return the outcomes that are asked for, each with what became of it.

    Raises:
        BookError: `bad-settings`; or as `require_current`.
    """
    rules = checked_rules(settings.outcomes)
    told = [kind for one in outcome_formats(settings) for kind in one.kinds]
    declared = {kind.name: kind.settles_after_days for kind in told}
    with known_outcomes(settings) as known:
        kinds = sorted({kind for _, _, kind, _, _ in stages_told(known.duck)})
        settles = [(kind, rules.settles_after(kind, declared)) for kind in kinds]
        rows, count = engine.list_outcomes(known.duck, wanted, settles, known.last_day, known.teams)
    return OutcomeList(tuple(rows), count)


def feeds_of_ledger(settings: "Settings") -> tuple[FeedState, ...]:
    """Return every feed, and after them the teams that none ever told an outcome of.

    Raises:
        BookError: as `require_current`.
    """
    with known_outcomes(settings) as known:
        feeds = engine.feed_states(known.duck, known.last_day)
    told = {feed.team for feed in feeds}
    return (*feeds, *(FeedState(team) for team in known.teams if team not in told))


@contextmanager
def known_outcomes(settings: "Settings") -> Iterator[KnownOutcomes]:
    """Yield the outcomes that a ledger knows, with their owners, in the engine.

    Raises:
        BookError: as `require_current`.
    """
    with Lake(settings.lake).staging() as staging, reading(settings) as connection:
        policy = policy_in_force(connection, settings)
        duck = open_duckdb(
            staging / "scratch", memory_limit=settings.memory_limit, threads=settings.threads
        )
        with duck:
            open_owned_outcomes(duck, connection, settings, policy)
            last_day = last_usage_day(connection, settings) or _last_outcome(duck)
            yield KnownOutcomes(duck, connection, last_day, tuple(sorted(policy.teams)))


def _last_outcome(duck: "duckdb.DuckDBPyConnection") -> date:
    ((last,),) = duck.execute("SELECT max(day) FROM outcomes").fetchall()
    return last if isinstance(last, date) else date.min
