"""Shares of a change among the factors of a product, that sum to it exactly.

The Shapley value of a factor is what changing it adds, averaged over every order in which the
factors could be changed one after the other. It sums to the whole change by construction, needs
no rule for zeros, and swapping the two periods turns every sign round.

Source: L. Shapley, "A value for n-person games" (1953); Statistics Canada 62F0014M 2021012.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import factorial, lcm, prod

from metering.core.money import rounded_parts


def shapley(value: Callable[[int], Fraction], factors: int) -> tuple[Fraction, ...]:
    """Return what each of some factors contributes to a change.

    Args:
        value: of a bit mask: factors whose bit is set are as they are now, the others as before.
        factors: how many there are; 2 to the power of it values are asked for, each once.

    Returns:
        One contribution per factor; they sum to `value(all bits) - value(0)` exactly.
    """
    known = [value(mask) for mask in range(1 << factors)]
    weights = [
        Fraction(factorial(size) * factorial(factors - size - 1), factorial(factors))
        for size in range(factors)
    ]
    return tuple(
        sum(
            (
                weights[mask.bit_count()] * (known[mask | 1 << factor] - known[mask])
                for mask in range(1 << factors)
                if not mask >> factor & 1
            ),
            Fraction(0),
        )
        for factor in range(factors)
    )


def shapley_of_product(
    before: Sequence[Fraction], after: Sequence[Fraction]
) -> tuple[Fraction, ...]:
    """Return what each factor of a product contributes to the change of the product."""
    pairs = tuple(zip(before, after, strict=True))
    return shapley(
        lambda mask: prod(
            (pair[mask >> at & 1] for at, pair in enumerate(pairs)), start=Fraction(1)
        ),
        len(pairs),
    )


def whole_nanos(parts: Mapping[str, Fraction]) -> dict[str, int]:
    """Return exact parts as whole nanos that sum to the sum of the parts, half to even.

    The largest remainders are rounded up, and the negative of the parts gives the negative of the
    result: what went up by a nano must not have come down by two when the periods are swapped.
    """
    sign = -1 if _points_down(parts) else 1
    unit = lcm(*(part.denominator for part in parts.values()))
    scaled = {name: sign * int(part * unit) for name, part in parts.items()}
    return {name: sign * nanos for name, nanos in rounded_parts(scaled, unit).items()}


def _points_down(parts: Mapping[str, Fraction]) -> bool:
    total = sum(parts.values(), Fraction(0))
    in_order = (parts[name] for name in sorted(parts))
    return next((part for part in (total, *in_order) if part), Fraction(0)) < 0
