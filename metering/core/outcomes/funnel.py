"""The funnel of a period: what was spent, what it bought at each stage, and the ratios of both.

A ratio without a denominator is None and never zero; a stage that no source of a team reports is
None and never zero. Money is in whole nanos; a ratio of money is rounded once, half to even.
Source: token-maxing, 3.2 and 3.5.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Final

from metering.core.money import divide_half_even
from metering.core.outcomes.stages import WEIGHT_UNIT, Stage

UNIT: Final = WEIGHT_UNIT**2
"""Sums of units are whole hundred-millionths: a weight times what its kind counts."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Spend by what answers for it, in nanos; the fields add up to the spend.

    Attributes:
        keyed: outcomes with a key of the usage came in the window.
        project: outcomes of its project did.
        pending: the window is still open.
        has_feed: none came, though the team's sources sent others later.
        feed_silent: none came, and the team's sources have sent nothing since.
        no_feed: the team has never sent any.
    """

    keyed: int = 0
    project: int = 0
    pending: int = 0
    has_feed: int = 0
    feed_silent: int = 0
    no_feed: int = 0

    def __add__(self, other: "Answered") -> "Answered":
        return Answered(
            *(getattr(self, one.name) + getattr(other, one.name) for one in fields(self))
        )

    @property
    def unattributed(self) -> int:
        """Spend whose window is over and that no outcome answers for."""
        return self.has_feed + self.feed_silent + self.no_feed

    @property
    def total(self) -> int:
        """All spend."""
        return self.keyed + self.project + self.pending + self.unattributed

    @property
    def coverage(self) -> "Share | None":
        """Of the spend whose window is over, the part that outcomes answer for."""
        return share(self.keyed + self.project, self.total - self.pending)


@dataclass(frozen=True, slots=True)
class Stages:
    """What was reached in the period, in hundred-millionths of our unit; None: nobody reports it.

    Attributes:
        attempted, completed, validated: reached in the period, reversals apart.
        settled: of those validated, what has stood for its settlement window.
        settling: of those validated, what has still to stand for a while.
        reversed: of those validated, what was taken back, as a negative number.
        confirmed: what was validated of kinds of which somebody reports what was completed, and of
            several projects of those whose yield can be told.
    """

    attempted: int | None = None
    completed: int | None = None
    validated: int | None = None
    settled: int | None = None
    settling: int | None = None
    reversed: int | None = None
    confirmed: int | None = None

    def __add__(self, other: "Stages") -> "Stages":
        return Stages(
            *(_added(getattr(self, one.name), getattr(other, one.name)) for one in fields(self))
        )

    def at(self, stage: Stage) -> int | None:
        """Return what reached a stage."""
        reached: int | None = getattr(self, stage.value)
        return reached

    @property
    def validated_yield(self) -> "Share | None":
        """Validated per completed; above one where what was validated was completed before."""
        return share(self.confirmed, self.completed)

    @property
    def settled_yield(self) -> "Share | None":
        """Settled per validated that is not still settling."""
        if self.validated is None:
            return None
        return share(self.settled, self.validated - (self.settling or 0))


@dataclass(frozen=True, slots=True)
class Share:
    """A ratio of two whole numbers; the denominator is above zero."""

    numerator: int
    denominator: int

    @property
    def text(self) -> str:
        """The ratio with four decimals, half to even."""
        scaled = divide_half_even(self.numerator * 10_000, self.denominator)
        sign = "-" if scaled < 0 else ""
        return f"{sign}{abs(scaled) // 10_000}.{abs(scaled) % 10_000:04d}"

    @property
    def percent(self) -> str:
        """The ratio in per cent with one decimal, half to even."""
        tenths = divide_half_even(self.numerator * 1_000, self.denominator)
        return f"{'-' if tenths < 0 else ''}{abs(tenths) // 10}.{abs(tenths) % 10} %"


@dataclass(frozen=True, slots=True)
class FunnelRow:
    """One project, or several added up, in one currency.

    Attributes:
        team, project: "" where nobody is named; the row of a total has "*" as both.
        currency: of the spend.
        spend: by what answers for it.
        tokens: all disjoint meters of tokens; None where no usage tells.
        stages: in our unit.
        vendor_units: agentic work units that the vendor counts, in ten-thousandths; None where
            none is reported.
        window_days: within which an outcome answers; None for several projects.
        last_outcome: ISO day of the last outcome of any kind; None: never one.
        value_nanos: what its settled outcomes are worth as finance says, in `currency`; None where
            finance says nothing of any of their kinds.
    """

    team: str
    project: str
    currency: str
    spend: Answered
    tokens: int | None
    stages: Stages
    vendor_units: int | None
    window_days: int | None
    last_outcome: str | None
    value_nanos: int | None = None

    def nanos_per_unit(self, stage: Stage) -> int | None:
        """Return what one of our units cost at a stage: all spend of the row, per unit.

        None where nothing was spent, too: somebody else pays for such work, and it is not free.
        """
        return per(self.spend.total, self.stages.at(stage), UNIT) if self.spend.total else None

    def tokens_per_unit(self, stage: Stage) -> int | None:
        """Return how many tokens were used per unit at a stage."""
        return None if self.tokens is None else per(self.tokens, self.stages.at(stage), UNIT)

    @property
    def nanos_per_vendor_unit(self) -> int | None:
        """What one unit of a vendor cost."""
        return per(self.spend.total, self.vendor_units, WEIGHT_UNIT)

    @property
    def tokens_per_vendor_unit(self) -> int | None:
        """How many tokens a unit of a vendor took: the token-to-AWU ratio."""
        return None if self.tokens is None else per(self.tokens, self.vendor_units, WEIGHT_UNIT)

    @property
    def self_funding(self) -> Share | None:
        """What the settled outcomes are worth per unit of money spent."""
        return share(self.value_nanos, self.spend.total)

    @property
    def nanos_per_million_tokens(self) -> int | None:
        """The blended price of the row's tokens."""
        return per(self.spend.total, self.tokens, 1_000_000)


def added(rows: Iterable[FunnelRow], team: str = "*", project: str = "*") -> tuple[FunnelRow, ...]:
    """Return the rows added up, one per currency in order.

    Tokens and outcomes of a project with charges in several currencies are counted in each.
    """
    sums: dict[str, FunnelRow] = {}
    for row in rows:
        one = sums.get(row.currency)
        if one is None:
            sums[row.currency] = replace(row, team=team, project=project, window_days=None)
            continue
        sums[row.currency] = FunnelRow(
            team,
            project,
            row.currency,
            one.spend + row.spend,
            _added(one.tokens, row.tokens),
            one.stages + row.stages,
            _added(one.vendor_units, row.vendor_units),
            None,
            max(filter(None, (one.last_outcome, row.last_outcome)), default=None),
            _added(one.value_nanos, row.value_nanos),
        )
    return tuple(sums[currency] for currency in sorted(sums))


def per(amount: int, count: int | None, unit: int) -> int | None:
    """Return an amount per whole unit, half to even; None where there is nothing to divide by."""
    if count is None or count <= 0:
        return None
    return divide_half_even(amount * unit, count)


def share(part: int | None, whole: int | None) -> Share | None:
    """Return a ratio, or None where there is nothing to divide or nothing to divide by."""
    if part is None or whole is None or whole <= 0:
        return None
    return Share(part, whole)


def _added(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return one if other is None else other
    return one + other
