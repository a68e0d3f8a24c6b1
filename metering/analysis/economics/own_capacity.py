"""E7: is capacity of our own, or reserved, cheaper than the API, and from which use on?

Source: utilisation u = tokens served / (rated tokens a second x seconds); cost per Mtok =
(amortisation + power x PUE x price + people) / (u x rated Mtok); break-even u* = that cost at
u = 1 divided by the API's blended price; tokens per watt-year = tokens / average watts x
(8,760 h / hours observed).
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

_SECONDS_PER_HOUR: Final = 3_600
_WATTS_PER_KILOWATT: Final = 1_000
_MTOK: Final = 1_000_000
HOURS_PER_YEAR: Final = 8_760


@dataclass(frozen=True, slots=True)
class Capacity:
    """Computers of our own, or leased, over some hours.

    Attributes:
        hours: observed, above zero.
        tokens_served: 0 or more.
        rated_tokens_per_second: of all of it together, above zero.
        amortisation_nanos: or rent, of those hours.
        people_nanos: who runs it, of those hours.
        average_watts: of the computers; 0 where nobody measures it.
        pue: power of the building per power of the computers, 1 or more.
        nanos_per_kwh: price of power.
    """

    hours: Fraction | int
    tokens_served: int
    rated_tokens_per_second: Fraction | int
    amortisation_nanos: int
    people_nanos: int = 0
    average_watts: Fraction | int = 0
    pue: Fraction | int = 1
    nanos_per_kwh: int = 0


@dataclass(frozen=True, slots=True)
class CapacityEconomics:
    """What capacity costs; exact, in nanos where it is money.

    Attributes:
        cost_nanos: of the hours observed; power included.
        utilisation: 0 to 1; above 1 the rating is wrong, which is shown and not cut off.
        per_mtok: nanos for a million tokens as it was used; None when nothing was served.
        per_mtok_full: the same at full use.
        break_even: use from which it is cheaper than the API; above 1 it never is. None without
            a price of the API.
        idle_nanos: what the unused part cost.
        tokens_per_watt_year: None where power is not measured.
    """

    cost_nanos: Fraction
    utilisation: Fraction
    per_mtok: Fraction | None
    per_mtok_full: Fraction
    break_even: Fraction | None
    idle_nanos: Fraction
    tokens_per_watt_year: Fraction | None


def capacity_economics(
    of: Capacity, api_nanos_per_mtok: Fraction | int | None = None
) -> CapacityEconomics:
    """Return what capacity costs, used as it was and used fully.

    Args:
        of: the capacity.
        api_nanos_per_mtok: blended price of the API for the same work, above zero; None when
            there is nothing to compare with.
    """
    kwh = Fraction(of.average_watts) * of.hours * of.pue / _WATTS_PER_KILOWATT
    cost = of.amortisation_nanos + of.people_nanos + kwh * of.nanos_per_kwh
    rated = Fraction(of.rated_tokens_per_second) * of.hours * _SECONDS_PER_HOUR
    used = of.tokens_served / rated
    full = cost * _MTOK / rated
    return CapacityEconomics(
        cost_nanos=cost,
        utilisation=used,
        per_mtok=cost * _MTOK / of.tokens_served if of.tokens_served else None,
        per_mtok_full=full,
        break_even=full / api_nanos_per_mtok if api_nanos_per_mtok else None,
        idle_nanos=cost * max(Fraction(0), 1 - used),
        tokens_per_watt_year=(
            of.tokens_served / Fraction(of.average_watts) * HOURS_PER_YEAR / of.hours
            if of.average_watts
            else None
        ),
    )


@dataclass(frozen=True, slots=True)
class CommitmentUse:
    """What became of a commitment; all in its own unit (nanos, or tokens).

    Attributes:
        utilisation: used / committed; None when nothing was committed.
        shortfall: committed and not used.
        effective_price: paid nanos per used unit; None when nothing was used.
    """

    utilisation: Fraction | None
    shortfall: int
    effective_price: Fraction | None


def commitment_use(committed: int, used: int, paid_nanos: int) -> CommitmentUse:
    """Return how much of a commitment was used, and what a used unit really cost."""
    return CommitmentUse(
        utilisation=Fraction(used, committed) if committed else None,
        shortfall=max(0, committed - used),
        effective_price=Fraction(paid_nanos, used) if used > 0 else None,
    )
