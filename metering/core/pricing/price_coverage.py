"""Coverage: how much of the usage of a provider and day has a price.

Source: pricing specification, "Unknown models and other gaps".
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple

from metering.core.pricing.decisions import Reason, Status
from metering.core.pricing.rates import counts_tokens

GATE: Final = Fraction(999, 1000)
"""The share of tokens that ought to be priced before a period is closed."""


class RatedUsage(NamedTuple):
    """Posted usage of one provider, day, meter and outcome of rating, added up.

    Attributes:
        day: ISO charge day.
        lines: net ledger lines it consists of.
        quantity: whole units of the meter.
    """

    day: str
    provider: str
    meter: str
    status: str
    reason: str
    lines: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of some usage has a price; provisional and free usage has one.

    Attributes:
        lines, priced_lines: ledger lines.
        tokens, priced_tokens: of the meters that count tokens.
        provisional_tokens: of the priced ones, those whose price is not certain.
        unpriced: reason to lines.
    """

    lines: int
    priced_lines: int
    tokens: int
    priced_tokens: int
    provisional_tokens: int
    unpriced: tuple[tuple[str, int], ...]

    @property
    def token_share(self) -> Fraction | None:
        """The priced share of tokens; None where there are none."""
        return Fraction(self.priced_tokens, self.tokens) if self.tokens else None

    @property
    def line_share(self) -> Fraction | None:
        """The priced share of lines; None where there are none."""
        return Fraction(self.priced_lines, self.lines) if self.lines else None

    @property
    def passes(self) -> bool:
        """Whether enough is priced, and nothing is ambiguous, to close a period on it."""
        ambiguous = any(reason == Reason.AMBIGUOUS for reason, _ in self.unpriced)
        return (self.token_share is None or self.token_share >= GATE) and not ambiguous


def coverage_by_day(usage: Iterable[RatedUsage]) -> dict[tuple[str, str], Coverage]:
    """Return the coverage of each (provider, day), sorted."""
    found: dict[tuple[str, str], list[RatedUsage]] = defaultdict(list)
    for one in usage:
        found[one.provider, one.day].append(one)
    return {key: coverage_of(found[key]) for key in sorted(found)}


def coverage_of(usage: Iterable[RatedUsage]) -> Coverage:
    """Return the coverage of some usage taken together."""
    lines: Counter[bool] = Counter()
    tokens: Counter[bool] = Counter()
    unpriced: Counter[str] = Counter()
    provisional = 0
    for one in usage:
        priced = one.status != Status.UNPRICED
        lines[priced] += one.lines
        counted = one.quantity if counts_tokens(one.meter) else 0
        tokens[priced] += counted
        if one.status == Status.PROVISIONAL:
            provisional += counted
        if not priced:
            unpriced[one.reason] += one.lines
    return Coverage(
        lines=lines.total(),
        priced_lines=lines[True],
        tokens=tokens.total(),
        priced_tokens=tokens[True],
        provisional_tokens=provisional,
        unpriced=tuple(sorted(unpriced.items())),
    )
