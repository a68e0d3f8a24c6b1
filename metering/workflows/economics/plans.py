"""E3, E7: seats against usage, own or reserved capacity, and commitments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from metering.analysis.anonymity import FEWEST_PEOPLE
from metering.analysis.economics.own_capacity import (
    Capacity,
    CapacityEconomics,
    CommitmentUse,
    capacity_economics,
    commitment_use,
)
from metering.analysis.economics.seats_or_usage import (
    SeatPlan,
    SeatsOrUsage,
    seat_years,
    seats_or_usage,
)
from metering.analysis.economics.value_per_token import (
    RecoveryInputs,
    TokenValue,
    recovery_per_token,
)
from metering.core import seats as seat_plans
from metering.core.capacity import SECONDS_A_DAY, CapacityUse
from metering.core.economics_rules import EconomicsRules
from metering.core.money import divide_half_even
from metering.core.periods import BillingPeriod
from metering.workflows.economics.observed import Observed, SeatsHeld
from metering.workflows.flat_standing import FlatStanding

_MONTHS_A_YEAR = 12
_HOURS_A_DAY = 24
_SECONDS_AN_HOUR = 3_600


@dataclass(frozen=True, slots=True)
class ComparedPlan:
    """A plan of seats, against the usage that it covers or would cover.

    Attributes:
        name: of the plan; "" for a seat for everybody who used something.
        provider: whose usage is compared; "" for all.
        fee_nanos: of one seat and month.
        is_used: whether the provider tells any usage of its holders; without, nothing is compared.
    """

    name: str
    provider: str
    fee_nanos: int
    is_used: bool
    bills: SeatsOrUsage


@dataclass(frozen=True, slots=True)
class SeatYears:
    """A project's spend of the month in seats.

    Attributes:
        nanos: of the month.
        years: seat-years that the same money would buy.
        people: who used something; None for fewer than may be shown, or where nobody is named.
        per_head: seats a head that the money would pay for in the month; None with `people`.
    """

    project: str
    nanos: int
    years: Fraction
    people: int | None
    per_head: Fraction | None


@dataclass(frozen=True, slots=True)
class SeatQuestion:
    """E3, in one currency.

    Attributes:
        seat_nanos: of one seat and month; None where neither a plan nor [economics] says one.
        plans: those in force, then a seat for everybody.
        projects: the dearest first.
        told_nanos: usage at list price that names a person.
    """

    seat_nanos: int | None
    plans: tuple[ComparedPlan, ...]
    projects: tuple[SeatYears, ...]
    told_nanos: int


def seat_question(
    observed: Observed,
    rules: EconomicsRules,
    spend: Mapping[str, int],
    period: BillingPeriod,
    currency: str,
) -> SeatQuestion:
    """Return seats against usage.

    Args:
        observed: who used how much, without names.
        rules: what a seat costs, where it is said.
        spend: nanos of the month by project.
        period: the month.
        currency: of all amounts.
    """
    seat = _seat(observed.seats, rules, currency)
    plans = [_held(one) for one in observed.seats]
    if seat is not None and observed.uses:
        uses = observed.uses
        tokens = sum(use.tokens for use in uses)
        bills = seats_or_usage([use.nanos for use in uses], SeatPlan(seat), tokens=tokens)
        plans.append(ComparedPlan("", "", seat, is_used=True, bills=bills))
    return SeatQuestion(
        seat_nanos=seat,
        plans=tuple(plans),
        projects=_projects(observed, spend, period, seat) if seat else (),
        told_nanos=sum(use.nanos for use in observed.uses),
    )


def _seat(held: Sequence[SeatsHeld], rules: EconomicsRules, currency: str) -> int | None:
    if rules.seat is not None:
        return rules.seat[1] if rules.seat[0] == currency else None
    fees = [fee for one in held if (fee := _monthly(one.plan))]
    return max(fees, default=None)


def _monthly(plan: seat_plans.SeatPlan) -> int:
    if plan.term is seat_plans.SeatTerm.MONTH:
        return plan.fee_nanos
    return divide_half_even(plan.fee_nanos, _MONTHS_A_YEAR)


def _held(one: SeatsHeld) -> ComparedPlan:
    fee = _monthly(one.plan)
    tokens = sum(use.tokens for use in one.uses)
    bills = seats_or_usage([use.nanos for use in one.uses], SeatPlan(fee), tokens=tokens)
    is_used = any(use.nanos or use.tokens for use in one.uses)
    return ComparedPlan(one.plan.name, one.plan.provider, fee, is_used=is_used, bills=bills)


def _projects(
    observed: Observed, spend: Mapping[str, int], period: BillingPeriod, seat: int
) -> tuple[SeatYears, ...]:
    found = []
    for project in sorted(spend, key=lambda name: (-spend[name], name)):
        if not project or spend[project] <= 0:
            continue
        people = observed.people.get((str(period), project), 0)
        shown = people if people >= FEWEST_PEOPLE else None
        found.append(
            SeatYears(
                project,
                spend[project],
                seat_years(spend[project], seat),
                shown,
                Fraction(spend[project], seat * shown) if shown else None,
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class CapacityAnswer:
    """E7: one capacity over the days of a period.

    Attributes:
        economics: None where nobody rated it: then there is no full use to compare with.
        recovery: what is charged for a token that it could serve; None with `economics`, and
            where nothing was served.
    """

    use: CapacityUse
    economics: CapacityEconomics | None
    recovery: TokenValue | None


@dataclass(frozen=True, slots=True)
class CommitmentAnswer:
    """E7: one commitment as it stands at the end of a period."""

    name: str
    provider: str
    currency: str
    committed_nanos: int
    use: CommitmentUse
    used_nanos: int
    is_over: bool


def capacity_answers(standing: FlatStanding) -> tuple[CapacityAnswer, ...]:
    """Return the economics of every capacity."""
    return tuple(CapacityAnswer(one, _economics(one), _recovery(one)) for one in standing.capacity)


def _economics(use: CapacityUse) -> CapacityEconomics | None:
    capacity = use.capacity
    if not capacity.tokens_per_second:
        return None
    costs = capacity.costs
    power = use.costs.get("power", 0)
    people = use.costs.get("people", 0)
    return capacity_economics(
        Capacity(
            hours=use.days * _HOURS_A_DAY,
            tokens_served=use.tokens,
            rated_tokens_per_second=Fraction(use.rated_tokens or 0, use.days * SECONDS_A_DAY),
            # Power is in the books by the day; counted there, it is not worked out once more.
            amortisation_nanos=use.cost_nanos - people,
            people_nanos=people,
            average_watts=costs.watts,
            pue=costs.pue,
            nanos_per_kwh=0 if power else costs.kwh_nanos,
        ),
        capacity.api_nanos,
    )


def _recovery(use: CapacityUse) -> TokenValue | None:
    if not use.tokens or not use.rated_tokens:
        return None
    return recovery_per_token(
        RecoveryInputs(
            charged_nanos=use.cost_nanos - use.idle_nanos,
            charged_tokens=use.tokens,
            served_tokens=use.tokens,
            rated_tokens=use.rated_tokens,
        )
    )


def commitment_answers(standing: FlatStanding) -> tuple[CommitmentAnswer, ...]:
    """Return how every commitment is used."""
    return tuple(
        CommitmentAnswer(
            name=one.commitment.name,
            provider=one.commitment.provider,
            currency=one.commitment.currency,
            committed_nanos=one.commitment.amount_nanos,
            use=commitment_use(
                one.commitment.amount_nanos,
                one.used_nanos,
                one.used_nanos + one.shortfall_nanos,
            ),
            used_nanos=one.used_nanos,
            is_over=one.is_over,
        )
        for one in standing.commitments
    )
