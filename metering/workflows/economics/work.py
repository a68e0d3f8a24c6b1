"""E4, E8: what an outcome is made of, what a token brings in, what clients and failures cost."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import Final

from metering.analysis.economics.multipliers import ChainInputs, multiplier_chain, multipliers
from metering.analysis.economics.value_per_token import (
    TokenValue,
    ValueInputs,
    change_of_value,
    value_per_token,
)
from metering.books.item_spend import ItemSpend
from metering.core.meters import PROMPT_METERS
from metering.core.money import divide_half_even
from metering.core.outcomes.funnel import UNIT, FunnelRow
from metering.core.periods import BillingPeriod
from metering.workflows.economics.observed import Observed
from metering.workflows.economics.period import comparable
from metering.workflows.economics.projects import project_of
from metering.workflows.outcomes.answered_days import AnsweredDay
from metering.workflows.outcomes.funnel import Funnel

_PROMPT: Final = frozenset(meter.value for meter in PROMPT_METERS)
_OUTPUT: Final = "output"


@dataclass(frozen=True, slots=True)
class Chain:
    """The multipliers of what an outcome costs, a month ago and now.

    Attributes:
        base_model: what the frontier factor compares with: the model most prompt tokens go to.
        before, after: the factors by name; their product is the nanos of an outcome.
        effects: what each factor added to it, in nanos; they sum to its change.
        uncounted: providers whose usage does not tell requests: with some, turns and context are
            one factor, prompt tokens for an outcome, which stands as turns.
        without_reasoning: providers that do not tell reasoning apart.
    """

    base_model: str
    before: Mapping[str, Fraction]
    after: Mapping[str, Fraction]
    effects: Mapping[str, int]
    uncounted: tuple[str, ...]
    without_reasoning: tuple[str, ...]

    @property
    def costs(self) -> tuple[Fraction, Fraction]:
        """The nanos of an outcome, a month ago and now."""
        one = Fraction(1)
        return prod(self.before.values(), start=one), prod(self.after.values(), start=one)


def chain_of(items: Sequence[ItemSpend], observed: Observed, period: BillingPeriod) -> Chain | None:
    """Return the chain of the projects with a feed, together.

    Args:
        items: charged in the period and the month before it.
        observed: outcomes and requests.
        period: the month.

    Returns:
        The chain; None where one of the months has no outcome, or no prompt that cost something.
    """
    told = comparable(observed.outcomes, period)
    observed = replace(observed, outcomes={name: observed.outcomes[name] for name in sorted(told)})
    fed = [item for item in items if project_of(item) in told]
    base = _base_model(fed, period)
    if base is None:
        return None
    months = (period.previous, period)
    uncounted = tuple(sorted({name for month in months for name in _uncounted(observed, month)}))
    silent = tuple(
        sorted({name for month in months for name in _without_reasoning(observed, month)})
    )
    inputs = [
        _chain_inputs(fed, observed, month, base, is_counted=not uncounted) for month in months
    ]
    try:
        before, after = map(multipliers, inputs)
        effects = multiplier_chain(*inputs)
    except ValueError:
        return None
    return Chain(base, before, after, effects, uncounted, silent)


def _base_model(items: Iterable[ItemSpend], period: BillingPeriod) -> str | None:
    tokens: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for item in items:
        if item.meter in _PROMPT and item.nanos > 0:
            tokens[f"{item.provider}/{item.model}"][item.month] += item.quantity
    both = {
        name: sum(months.values())
        for name, months in tokens.items()
        if months[str(period)] > 0 and months[str(period.previous)] > 0
    }
    return min(both, key=lambda name: (-both[name], name)) if both else None


def _chain_inputs(
    items: Iterable[ItemSpend],
    observed: Observed,
    month: BillingPeriod,
    base: str,
    *,
    is_counted: bool,
) -> ChainInputs:
    mine = [item for item in items if item.month == str(month)]
    prompts = [item for item in mine if item.meter in _PROMPT]
    of_base = [item for item in prompts if f"{item.provider}/{item.model}" == base]
    answer = sum(item.nanos for item in mine if item.meter.startswith(_OUTPUT))
    reasoning = _reasoning(mine, observed, month)
    tokens = sum(item.quantity for item in prompts)
    counted = sum(
        one.requests or 0
        for project, one in observed.counts_of(month)
        if project in observed.outcomes
    )
    outcomes = sum(
        (
            weight
            for one in observed.outcomes.values()
            for day, weight in one.days.items()
            if BillingPeriod.of(day) == month
        ),
        Fraction(0),
    )
    base_tokens = sum(item.quantity for item in of_base)
    return ChainInputs(
        outcomes=outcomes,
        requests=counted if is_counted else tokens,
        prompt_tokens=tokens,
        prompt_nanos=sum(item.nanos for item in prompts),
        answer_nanos=answer - reasoning,
        reasoning_nanos=reasoning,
        base_nanos_per_token=Fraction(sum(item.nanos for item in of_base), base_tokens or 1),
    )


def _reasoning(items: Iterable[ItemSpend], observed: Observed, month: BillingPeriod) -> int:
    """Return what reasoning cost: its share of the output tokens of each project and provider."""
    paid: dict[tuple[str, str], int] = defaultdict(int)
    for item in items:
        if item.meter.startswith(_OUTPUT):
            paid[project_of(item), item.provider] += item.nanos
    thought: dict[tuple[str, str], int] = defaultdict(int)
    output: dict[tuple[str, str], int] = defaultdict(int)
    for project, one in observed.counts_of(month):
        thought[project, one.provider] += one.reasoning or 0
        output[project, one.provider] += one.output
    return sum(
        divide_half_even(nanos * min(thought[key], output[key]), output[key])
        for key, nanos in paid.items()
        if output[key] > 0
    )


def _uncounted(observed: Observed, month: BillingPeriod) -> set[str]:
    return {
        one.provider
        for project, one in observed.counts_of(month)
        if project in observed.outcomes and one.output and not one.requests
    }


def _without_reasoning(observed: Observed, month: BillingPeriod) -> set[str]:
    told: dict[str, bool] = {}
    for project, one in observed.counts_of(month):
        if project in observed.outcomes and one.output:
            told[one.provider] = told.get(one.provider, False) or one.reasoning is not None
    return {name for name, is_told in told.items() if not is_told}


@dataclass(frozen=True, slots=True)
class TokenWorth:
    """Value per token of one project, a month ago and now.

    Attributes:
        before: None where something of it was not told then.
        effects: nanos per token that each factor added; they sum to the change.
    """

    before: TokenValue | None
    after: TokenValue
    effects: Mapping[str, Fraction] | None


def token_worth(before: Funnel | None, after: Funnel, currency: str) -> dict[str, TokenWorth]:
    """Return value per token of the projects of which value, attempts and tokens are told."""
    earlier = _values(before, currency) if before else {}
    return {
        name: TokenWorth(
            earlier.get(name),
            value,
            change_of_value(earlier[name], value) if name in earlier else None,
        )
        for name, value in _values(after, currency).items()
    }


def _values(funnel: Funnel, currency: str) -> dict[str, TokenValue]:
    return {
        f"{row.team}/{row.project}": value_per_token(
            ValueInputs(
                value_nanos=row.value_nanos,
                settled=Fraction(row.stages.settled, UNIT),
                attempts=Fraction(row.stages.attempted, UNIT),
                tokens=row.tokens,
            )
        )
        for row in funnel.rows
        if row.currency == currency
        and _is_told(row)
        and row.value_nanos is not None
        and row.stages.settled
        and row.stages.attempted
        and row.tokens
    }


def _is_told(row: FunnelRow) -> bool:
    return bool(row.team or row.project)


@dataclass(frozen=True, slots=True)
class Client:
    """What one client or harness cost, and what answers for it.

    Attributes:
        settled_nanos: of the spend, what outcomes answer for.
        pending_nanos: what they may still answer for.
        requests: None where its sources do not count them.
    """

    product: str
    nanos: int
    settled_nanos: int
    pending_nanos: int
    requests: int | None

    @property
    def answered(self) -> Fraction | None:
        """The share of what is not pending that outcomes answer for; None without any."""
        known = self.nanos - self.pending_nanos
        return Fraction(self.settled_nanos, known) if known > 0 else None


def clients_of(
    days: Iterable[AnsweredDay], observed: Observed, period: BillingPeriod, currency: str
) -> tuple[Client, ...]:
    """Return the clients of a period, the dearest first; they sum to the spend."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for one in days:
        if one.currency == currency and BillingPeriod.of(one.day) == period:
            found = sums[one.product]
            found[0] += one.nanos
            found[1] += one.settled_nanos
            found[2] += one.nanos if one.is_pending else 0
    requests: dict[str, int] = defaultdict(int)
    for _, count in observed.counts_of(period):
        requests[count.product] += count.requests or 0
    return tuple(
        Client(product, nanos, settled, pending, requests.get(product) or None)
        for product, (nanos, settled, pending) in sorted(
            sums.items(), key=lambda row: (-row[1][0], row[0])
        )
    )


@dataclass(frozen=True, slots=True)
class Failures:
    """What failed requests of one provider cost: the spend times the share that failed.

    Attributes:
        requests, failed: where its sources count them.
        nanos: spend of the usage.
        failed_nanos: of it, on requests that failed.
    """

    provider: str
    requests: int
    failed: int
    nanos: int
    failed_nanos: int


def failures_of(
    items: Iterable[ItemSpend], observed: Observed, period: BillingPeriod, meters: Collection[str]
) -> tuple[Failures, ...]:
    """Return what failed requests cost by provider, of those that count both.

    Args:
        items: charged in the period.
        observed: requests.
        period: the month.
        meters: of usage.
    """
    spend: dict[str, int] = defaultdict(int)
    for item in items:
        if item.month == str(period) and item.meter in meters:
            spend[item.provider] += item.nanos
    requests: dict[str, int] = defaultdict(int)
    failed: dict[str, int | None] = {}
    for _, one in observed.counts_of(period):
        requests[one.provider] += one.requests or 0
        if one.failed is not None:
            failed[one.provider] = (failed.get(one.provider) or 0) + one.failed
    return tuple(
        Failures(
            provider,
            requests[provider],
            count,
            spend.get(provider, 0),
            divide_half_even(spend.get(provider, 0) * count, requests[provider]),
        )
        for provider, count in sorted(failed.items())
        if count is not None and requests[provider] > 0
    )
