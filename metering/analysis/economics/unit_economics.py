"""E6: what an outcome costs, the average one and the next one, and whether it pays for itself.

The cost is fully loaded: tokens, seats, platform, services, review time and rework. Outcomes are
net settled weight. Where there is none there is no unit cost: it is unknown, never zero.

Source: average = cost / outcomes; marginal = more cost / more outcomes between the two halves of
the weeks; contribution = value of an outcome - its marginal cost; self-funding = value / cost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from metering.analysis.economics.bootstrap import Interval, block_bootstrap


@dataclass(frozen=True, slots=True)
class Week:
    """One week of an object.

    Attributes:
        tokens_nanos: metered usage.
        outcomes: net settled weight that answers for this week's spend; may be negative.
        seats_nanos, platform_nanos, services_nanos, review_nanos, rework_nanos: the rest of the
            cost stack, 0 where the company has given none.
    """

    tokens_nanos: int
    outcomes: Fraction | int
    seats_nanos: int = 0
    platform_nanos: int = 0
    services_nanos: int = 0
    review_nanos: int = 0
    rework_nanos: int = 0

    @property
    def cost_nanos(self) -> int:
        """The fully loaded cost."""
        return (
            self.tokens_nanos
            + self.seats_nanos
            + self.platform_nanos
            + self.services_nanos
            + self.review_nanos
            + self.rework_nanos
        )


@dataclass(frozen=True, slots=True)
class UnitEconomics:
    """What outcomes cost and earn; amounts are exact nanos, None where they cannot be told.

    Attributes:
        cost_nanos: fully loaded, of all weeks.
        outcomes: net settled weight of all weeks.
        average: nanos per outcome; None without outcomes.
        average_interval: P10-P90 of it, in nanos.
        marginal: nanos that one more outcome cost, from the earlier to the later half; None
            unless more outcomes came of more cost.
        marginal_interval: P10-P90 of it; None where the increase in outcomes is not clear, and
            then `marginal` must not be read as more than a slope.
        contribution: value of an outcome less its marginal cost.
        self_funding: value of the outcomes per unit of cost, 1 = pays for itself.
        self_funding_interval: P10-P90 of it.
    """

    cost_nanos: int
    outcomes: Fraction
    average: Fraction | None
    average_interval: Interval | None
    marginal: Fraction | None
    marginal_interval: Interval | None
    contribution: Fraction | None
    self_funding: Fraction | None
    self_funding_interval: Interval | None


def unit_economics(
    weeks: Sequence[Week], value_nanos_per_outcome: Fraction | int | None = None
) -> UnitEconomics:
    """Return what the outcomes of some weeks cost and earn.

    Args:
        weeks: in order of time; whole and matured, so that no outcome is still to come.
        value_nanos_per_outcome: what finance says an outcome is worth; None when it says nothing.
    """
    average = _average(weeks)
    marginal = _marginal(weeks)
    value = None if value_nanos_per_outcome is None else Fraction(value_nanos_per_outcome)
    ratio = None if value is None or average is None else value / average
    plain = [(float(week.cost_nanos), float(week.outcomes)) for week in weeks]
    per_outcome = block_bootstrap(plain, _plain_average)
    ratio_interval = None
    if per_outcome is not None and value is not None and ratio is not None:
        earned = float(value)
        # A negative cost per outcome cannot happen here: such drawings have no average.
        ratio_interval = Interval(earned / per_outcome.high, earned / per_outcome.low)
    return UnitEconomics(
        cost_nanos=sum(week.cost_nanos for week in weeks),
        outcomes=_outcomes(weeks),
        average=average,
        average_interval=per_outcome,
        marginal=marginal,
        marginal_interval=_marginal_interval(weeks) if marginal is not None else None,
        contribution=None if value is None or marginal is None else value - marginal,
        self_funding=ratio,
        self_funding_interval=ratio_interval,
    )


def _outcomes(weeks: Sequence[Week]) -> Fraction:
    return sum((Fraction(week.outcomes) for week in weeks), Fraction(0))


def _average(weeks: Sequence[Week]) -> Fraction | None:
    outcomes = _outcomes(weeks)
    cost = sum(week.cost_nanos for week in weeks)
    return cost / outcomes if outcomes > 0 and cost > 0 else None


def _plain_average(drawn: Sequence[tuple[float, float]]) -> float | None:
    # Of a thousand draws exact sums would take seconds; bounds are statistics.
    cost, outcomes = sum(pair[0] for pair in drawn), sum(pair[1] for pair in drawn)
    return cost / outcomes if outcomes > 0 and cost > 0 else None


def _marginal(weeks: Sequence[Week]) -> Fraction | None:
    half = len(weeks) // 2
    if not half:
        return None
    # An odd week in the middle belongs to neither half.
    return _slope(weeks[:half], weeks[-half:])


def _slope(before: Sequence[Week], after: Sequence[Week]) -> Fraction | None:
    more_cost = sum(w.cost_nanos for w in after) - sum(w.cost_nanos for w in before)
    more_outcomes = _outcomes(after) - _outcomes(before)
    return more_cost / more_outcomes if more_outcomes > 0 and more_cost > 0 else None


def _marginal_interval(weeks: Sequence[Week]) -> Interval | None:
    half = len(weeks) // 2
    changes = [
        (float(after.cost_nanos - before.cost_nanos), float(after.outcomes - before.outcomes))
        for before, after in zip(weeks[:half], weeks[-half:], strict=True)
    ]
    return block_bootstrap(changes, _plain_average)
