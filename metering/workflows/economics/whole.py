"""All of E1 to E11 for one period: read once, each analysis by its own function."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from metering.books.engine import begin_read, open_engine
from metering.books.item_spend import ItemSpend, item_spend
from metering.core.findings.economics_rules import EconomicsRules, checked_economics
from metering.core.periods import BillingPeriod
from metering.errors import BookError
from metering.workflows.economics.bets import (
    Bet,
    IncentiveAnswer,
    Showing,
    bets_of,
    incentive_answers,
    periods_around,
    showings,
)
from metering.workflows.economics.observed import Observed, observe
from metering.workflows.economics.otherwise import Luxury, Otherwise, luxuries, otherwise
from metering.workflows.economics.period import PeriodEconomics, economics_of_period
from metering.workflows.economics.plans import (
    CapacityAnswer,
    CommitmentAnswer,
    SeatQuestion,
    capacity_answers,
    commitment_answers,
    seat_question,
)
from metering.workflows.economics.projects import USAGE_METERS, project_of, sums_by
from metering.workflows.economics.work import (
    Chain,
    Client,
    Failures,
    TokenWorth,
    chain_of,
    clients_of,
    failures_of,
    token_worth,
)
from metering.workflows.findings.flagged_excess import flagged_excess
from metering.workflows.flat.flat_standing import FlatStanding, flat_standing
from metering.workflows.outcomes.answered_days import answered_days
from metering.workflows.outcomes.funnel import Funnel, funnel_of_period
from metering.workflows.outcomes.unit_costs import UnitCost, unit_costs
from metering.workflows.planning.forecast import PeriodForecast, forecast_period

if TYPE_CHECKING:
    from metering.settings import Settings


ANALYSES: Final = tuple(f"E{number}" for number in range(1, 12))
"""All of them, in order."""


@dataclass(frozen=True, slots=True)
class Economics:
    """What AI spend bought in a period, and what it would have otherwise.

    Attributes:
        rules: what [economics] says.
        spend: E1, E2, the cost stack of E6 and the classes of E9.
        seats: E3.
        chain: E4; None where one of the two months has no outcome.
        otherwise: E5.
        units: E6, by project and kind of outcome.
        capacity, commitments, failures: E7.
        worth: E8, of the projects of which value, attempts and tokens are told.
        clients: what each client or harness cost, and what answers for it.
        bets, showings, luxuries: E9.
        premium: nanos on frontier models by project; empty where none are declared.
        forecast: E10.
        incentives: E11.
        observed: what the lake tells of it.
    """

    rules: EconomicsRules
    spend: PeriodEconomics
    seats: SeatQuestion
    chain: Chain | None
    otherwise: tuple[Otherwise, ...]
    units: tuple[UnitCost, ...]
    capacity: tuple[CapacityAnswer, ...]
    commitments: tuple[CommitmentAnswer, ...]
    failures: tuple[Failures, ...]
    worth: Mapping[str, TokenWorth]
    clients: tuple[Client, ...]
    bets: tuple[Bet, ...]
    showings: Mapping[str, Showing]
    luxuries: tuple[Luxury, ...]
    premium: Mapping[str, int]
    forecast: PeriodForecast
    incentives: tuple[IncentiveAnswer, ...]
    observed: Observed


def economics_whole(
    settings: "Settings",
    period: BillingPeriod,
    *,
    asked: Collection[str] = ANALYSES,
    funnel: Funnel | None = None,
    excess: Mapping[date, int] | None = None,
) -> Economics:
    """Return the economics of a period.

    Args:
        settings: where the books and the lake are, and what [economics] says.
        period: the month; it is compared with the one before.
        asked: the analyses that are wanted; what others need further is left empty.
        funnel: of the period, where it is known already.
        excess: flagged nanos by day, where they are known already.

    Raises:
        BookError: `no-charges`: the book holds nothing of that period; `bad-settings`.
    """
    rules = checked_economics(settings.economics)
    observed = observe(settings, period)
    spend = economics_of_period(settings, period, observed, rules)
    items = _items(settings, period)
    now = [item for item in items if item.month == str(period)]
    dear = [item for item in now if rules.is_frontier(item.provider, item.model)]
    premium = sums_by(dear, project_of)
    standing = flat_standing(settings, period) if "E7" in asked else FlatStanding(None, None)
    needs_days = {"E8", "E11"} & {*asked}
    days = answered_days(settings, periods_around(rules.incentives, period)) if needs_days else []
    if excess is None:
        excess = flagged_excess(settings) if "E10" in asked else {}
    return Economics(
        rules=rules,
        spend=spend,
        seats=seat_question(observed, rules, sums_by(now, project_of), period, settings.currency),
        chain=chain_of(items, observed, period),
        otherwise=otherwise(settings, rules, period) if "E5" in asked else (),
        units=unit_costs(settings, period) if "E6" in asked else (),
        capacity=capacity_answers(standing),
        commitments=commitment_answers(standing),
        failures=failures_of(items, observed, period, USAGE_METERS),
        worth=_worth(settings, period, funnel) if "E8" in asked else {},
        clients=clients_of(days, observed, period, settings.currency),
        bets=bets_of(settings, rules, observed, period),
        showings=showings(spend, observed, premium) if rules.frontier else {},
        luxuries=luxuries(settings, rules, period) if "E9" in asked else (),
        premium=premium,
        forecast=forecast_period(settings, period, excess=excess),
        incentives=incentive_answers(rules, days, spend.classes, settings.currency),
        observed=observed,
    )


def _worth(
    settings: "Settings", period: BillingPeriod, funnel: Funnel | None
) -> dict[str, TokenWorth]:
    now = funnel or funnel_of_period(settings, period)
    return token_worth(_funnel_before(settings, period), now, settings.currency)


def _items(settings: "Settings", period: BillingPeriod) -> list[ItemSpend]:
    first, last = period.previous.first_day, period.last_day
    with begin_read(open_engine(settings.books_url)) as connection:
        found = item_spend(connection, first.isoformat(), last.isoformat())
    return [item for item in found if item.currency == settings.currency]


def _funnel_before(settings: "Settings", period: BillingPeriod) -> Funnel | None:
    try:
        return funnel_of_period(settings, period.previous)
    except BookError as error:
        if error.code == "no-charges":
            return None
        raise
