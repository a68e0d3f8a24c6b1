"""E3, E7: seats against usage, own or reserved capacity, and commitments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from metering.analysis.anonymity import hidden, tells_of_few
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
from metering.core.findings.economics_rules import EconomicsRules
from metering.core.flat import seats as seat_plans
from metering.core.flat.capacity import SECONDS_A_DAY, CapacityUse
from metering.core.money import divide_half_even
from metering.core.periods import BillingPeriod
from metering.engine.work_counts import PersonUse
from metering.workflows.economics.observed import Observed, SeatsHeld
from metering.workflows.flat.flat_standing import FlatStanding

_MONTHS_A_YEAR = 12
_HOURS_A_DAY = 24
_SECONDS_AN_HOUR = 3_600
_TOO_FEW = "it rests on fewer than {} people, of whom nothing is shown"
_TOO_FEW_OTHERS = "less the seats of a plan it would tell of fewer than {} people"


@dataclass(frozen=True, slots=True)
class ComparedPlan:
    """A plan of seats, against the usage that it covers or would cover.

    Attributes:
        name: of the plan; "" for a seat for everybody who used something.
        provider: whose usage is compared; "" for all.
        fee_nanos: of one seat and month.
        bills: both bills; None where they may not or cannot be compared.
        needs: what would have to be so, as the end of a sentence; "" with `bills`.
    """

    name: str
    provider: str
    fee_nanos: int
    bills: SeatsOrUsage | None
    needs: str = ""


@dataclass(frozen=True, slots=True)
class SeatYears:
    """A project's spend of the month in seats.

    Attributes:
        nanos: of the month.
        years: seat-years that the same money would buy.
        people: who used something; None for fewer than may be shown, where the number would tell
            that of another project, or where nobody is named.
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
        names_people: whether some usage names who used it.
    """

    seat_nanos: int | None
    plans: tuple[ComparedPlan, ...]
    projects: tuple[SeatYears, ...]
    names_people: bool


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
    plans = [_held(one, observed.fewest_people) for one in observed.seats]
    if seat is not None and observed.uses:
        plans.append(_everybody(observed, seat))
    return SeatQuestion(
        seat_nanos=seat,
        plans=tuple(plans),
        projects=_projects(observed, spend, period, seat) if seat else (),
        names_people=any(use.nanos for use in observed.uses),
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


def _held(one: SeatsHeld, fewest: int) -> ComparedPlan:
    plan, fee = one.plan, _monthly(one.plan)
    if not any(use.nanos or use.tokens for use in one.uses):
        return ComparedPlan(
            plan.name, plan.provider, fee, None, f"it needs usage of {plan.provider} by person"
        )
    if len(one.uses) < fewest:
        return ComparedPlan(plan.name, plan.provider, fee, None, _TOO_FEW.format(fewest))
    return ComparedPlan(plan.name, plan.provider, fee, _bills(one.uses, fee, fewest))


def _everybody(observed: Observed, seat: int) -> ComparedPlan:
    uses, fewest = observed.uses, observed.fewest_people
    shown = [one.uses for one in observed.seats if len(one.uses) >= fewest]
    users = [sum(bool(use.nanos or use.tokens) for use in held) for held in shown]
    if len(uses) < fewest:
        return ComparedPlan("", "", seat, None, _TOO_FEW.format(fewest))
    if any(part and tells_of_few(len(uses), part, fewest) for part in users):
        return ComparedPlan("", "", seat, None, _TOO_FEW_OTHERS.format(fewest))
    return ComparedPlan("", "", seat, _bills(uses, seat, fewest))


def _bills(uses: Sequence[PersonUse], fee: int, fewest: int) -> SeatsOrUsage:
    tokens = sum(use.tokens for use in uses)
    return seats_or_usage([use.nanos for use in uses], SeatPlan(fee), tokens=tokens, k=fewest)


def _projects(
    observed: Observed, spend: Mapping[str, int], period: BillingPeriod, seat: int
) -> tuple[SeatYears, ...]:
    counted = {name: observed.people.get((str(period), name), 0) for name in spend if name}
    untold = hidden(counted, observed.fewest_people)
    found = []
    for project in sorted(spend, key=lambda name: (-spend[name], name)):
        if not project or spend[project] <= 0:
            continue
        shown = counted[project] if project not in untold else 0
        found.append(
            SeatYears(
                project,
                spend[project],
                seat_years(spend[project], seat),
                shown or None,
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
