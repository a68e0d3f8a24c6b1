"""E3: who gains and who loses when seats become metered, and what the bill would be.

A flat seat subsidises whoever uses more than it costs and earns on whoever uses less. People are
shown in groups alone: each of at least k, none named, none ranked.

Source: per person and month, U = usage at list price and F = the fee of a seat; subsidy =
max(0, U - F), breakage = max(0, F - U); break-even tokens = F / own blended price.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

from metering.analysis.anonymity import FEWEST_PEOPLE
from metering.core.money import divide_half_even

_TENTHS: Final = 10
# How much of today's usage is left once each token costs something.
USAGE_AFTER_METERING: Final = (Fraction(6, 10), Fraction(1))
_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class SeatPlan:
    """The two plans that are compared, in nanos of one currency.

    Attributes:
        seat_nanos: fee of one seat and month.
        platform_nanos: fee a month of the metered plan, whatever is used.
    """

    seat_nanos: int
    platform_nanos: int = 0


@dataclass(frozen=True, slots=True)
class UsageGroup:
    """Seats of similar usage: a tenth of them, or more where tenths are fewer than k people.

    Attributes:
        people: how many; never fewer than k.
        usage_nanos: at list price.
        subsidy_nanos: usage that the seats did not pay for.
        breakage_nanos: fees that no usage stood for.
    """

    people: int
    usage_nanos: int
    subsidy_nanos: int
    breakage_nanos: int


@dataclass(frozen=True, slots=True)
class SeatsOrUsage:
    """Both plans for the same people and month; amounts in nanos.

    Attributes:
        people: seats.
        groups: from the lightest to the heaviest users; empty when there are fewer than k people.
            They sum to the totals, so no group can be worked out from the others.
        subsidy_nanos, breakage_nanos: of all seats.
        seats_bill, metered_bill: what each plan costs for the usage as it was.
        metered_range: the metered bill if people use less once it costs something, least first.
        above_break_even: share of people whose usage is worth more than a seat; None with fewer
            than k people.
        top_share_of_subsidy: share of the heaviest group in the subsidy; None without groups or
            without subsidy.
        break_even_tokens: tokens a month that a seat is worth; None without a blended price.
    """

    people: int
    groups: tuple[UsageGroup, ...]
    subsidy_nanos: int
    breakage_nanos: int
    seats_bill: int
    metered_bill: int
    metered_range: tuple[int, int]
    above_break_even: Fraction | None
    top_share_of_subsidy: Fraction | None
    break_even_tokens: int | None


def seats_or_usage(
    usage_nanos: Sequence[int],
    plan: SeatPlan,
    *,
    tokens: int = 0,
    k: int = FEWEST_PEOPLE,
) -> SeatsOrUsage:
    """Compare seats with metered usage.

    Args:
        usage_nanos: usage at list price of each seat, 0 or more, in any order, without names.
        plan: the fees.
        tokens: of all seats together, for the blended price.
        k: the fewest people that a group may rest on.
    """
    usage = sorted(usage_nanos)
    total = sum(usage)
    groups = tuple(_group(part, plan.seat_nanos) for part in _parts(usage, k))
    subsidy = sum(max(0, used - plan.seat_nanos) for used in usage)
    least, most = (
        plan.platform_nanos + divide_half_even(total * share.numerator, share.denominator)
        for share in USAGE_AFTER_METERING
    )
    enough = len(usage) >= k
    above = sum(used > plan.seat_nanos for used in usage)
    return SeatsOrUsage(
        people=len(usage),
        groups=groups,
        subsidy_nanos=subsidy,
        breakage_nanos=sum(max(0, plan.seat_nanos - used) for used in usage),
        seats_bill=plan.seat_nanos * len(usage),
        metered_bill=plan.platform_nanos + total,
        metered_range=(least, most),
        above_break_even=Fraction(above, len(usage))
        if enough and _hides(above, usage, k)
        else None,
        top_share_of_subsidy=(
            Fraction(groups[-1].subsidy_nanos, subsidy) if groups and subsidy else None
        ),
        break_even_tokens=plan.seat_nanos * tokens // total if total and tokens else None,
    )


def seat_years(spend_nanos: int, seat_nanos: int) -> Fraction:
    """Return how many seats the same money would have bought for a year."""
    return Fraction(spend_nanos, seat_nanos * _MONTHS)


def _parts(usage: list[int], k: int) -> list[list[int]]:
    """Return the sorted usage in up to ten groups of nearly equal size, none below k."""
    count = min(_TENTHS, len(usage) // k)
    edges = [len(usage) * at // count for at in range(count + 1)] if count else []
    return [usage[start:end] for start, end in pairwise(edges)]


def _group(usage: Sequence[int], seat_nanos: int) -> UsageGroup:
    return UsageGroup(
        people=len(usage),
        usage_nanos=sum(usage),
        subsidy_nanos=sum(max(0, used - seat_nanos) for used in usage),
        breakage_nanos=sum(max(0, seat_nanos - used) for used in usage),
    )


def _hides(above: int, usage: Sequence[int], k: int) -> bool:
    # A share that rests on one or two people tells of them; nobody, or everybody, does not.
    return all(part == 0 or part >= k for part in (above, len(usage) - above))
