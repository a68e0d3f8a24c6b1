"""The provider's own cost report against usage priced by us, family by family and day by day.

A family is what both sides can name: a model, or another line item. For each,

    reported = priced from usage + every difference that has a reason + unexplained

to the nano. The report is evidence and is never booked: it says which part of a difference to the
invoice is late usage, a free tier, a price that drifted. Each reason is claimed only where the
days show it, in the order below, and what is left is unexplained:

* named otherwise: families that only one side knows are equal in sum on every day;
* not reported: days with usage that the report does not cover;
* free tier: what the ledger settled as an allowance is what the report has less or more;
* priority tier: Anthropic's cost report leaves out what was bought as Priority Tier;
* late usage: days the report charges and the ledger knows no usage of;
* price drift: on every day from one on the report is the same multiple of our price;
* rounding: at most half a minor unit for each row of the report.

Source: provider formats, "Costs API" and "cost report"; peers, "Tie-out and variances".
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Final

_FEWEST_DAYS_OF_DRIFT: Final = 3
_HUNDREDTHS: Final = 10_000


class Difference(StrEnum):
    """Why a cost report is not what usage was priced at."""

    NAMED_OTHERWISE = "named-otherwise"
    NOT_REPORTED = "not-reported"
    FREE_TIER = "free-tier"
    PRIORITY_TIER = "priority-tier"
    LATE_USAGE = "late-usage"
    PRICE_DRIFT = "price-drift"
    ROUNDING = "rounding"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class PricedDay:
    """What usage of one family was priced at on one day.

    Attributes:
        family: the model, or another line item; "" where the usage does not say.
        day: ISO charge day.
        nanos: billed, whatever was settled for it included.
        priority_nanos: the part of it served as Priority Tier.
        settled_nanos: the part of it that allowances and terms took off; 0 or below, or above 0
            for what they put on top.
    """

    family: str
    day: str
    nanos: int
    priority_nanos: int = 0
    settled_nanos: int = 0


@dataclass(frozen=True, slots=True)
class ReportedDay:
    """What the provider says one family cost on one day.

    Attributes:
        family: as `PricedDay` names it.
        day: ISO day.
        nanos: negative for a credit.
        rows: of the report, each rounded by the provider.
    """

    family: str
    day: str
    nanos: int
    rows: int


@dataclass(frozen=True, slots=True)
class CostReport:
    """One cost report of one billing account, period and currency.

    Attributes:
        ingestor: what read it.
        covered: ISO days it answers for, with or without costs.
        days: what it says.
        step_nanos: what its amounts are rounded to; 1 where they are exact.
        is_of_range: whether it says what a month or a cycle cost, and nothing of single days.
    """

    ingestor: str
    covered: frozenset[str]
    days: tuple[ReportedDay, ...]
    step_nanos: int = 1
    is_of_range: bool = False

    @property
    def nanos(self) -> int:
        """What it adds up to."""
        return sum(day.nanos for day in self.days)

    def compared_on(self, day: str) -> str:
        """Return the day on which something is compared: of a range, its first for all of it."""
        return min(self.covered) if self.is_of_range and day in self.covered else day


@dataclass(frozen=True, slots=True)
class Explained:
    """A part of a family's difference.

    Attributes:
        reason: the code that scripts read.
        nanos: reported less priced.
        words: the evidence, a sentence's end; empty when the code says all.
    """

    reason: Difference
    nanos: int
    words: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """One family on both sides.

    Attributes:
        priced_nanos, reported_nanos: of the whole period.
        differences: they sum to reported less priced; none where both are equal.
    """

    name: str
    priced_nanos: int
    reported_nanos: int
    differences: tuple[Explained, ...] = ()


@dataclass(frozen=True, slots=True)
class CostComparison:
    """A cost report against priced usage.

    Attributes:
        report: what was compared.
        families: by the size of their difference, then by name.
        others: ingestors of further cost reports, which were not added.
    """

    report: CostReport
    families: tuple[Family, ...]
    others: tuple[str, ...] = ()

    @property
    def priced_nanos(self) -> int:
        """What usage was priced at, in all."""
        return sum(family.priced_nanos for family in self.families)

    @property
    def unexplained_nanos(self) -> int:
        """What no reason covers."""
        return self.by_reason().get(Difference.UNEXPLAINED, 0)

    def by_reason(self) -> dict[Difference, int]:
        """Return the differences of all families added up, in the order of `Difference`."""
        sums: Counter[Difference] = Counter()
        for family in self.families:
            for part in family.differences:
                sums[part.reason] += part.nanos
        return {reason: sums[reason] for reason in Difference if sums[reason]}


@dataclass(slots=True)
class _Sides:
    """Both sides of a family, by day."""

    priced: Counter[str] = field(default_factory=Counter)
    priority: Counter[str] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)
    reported: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)


def chosen_report(reports: Iterable[CostReport]) -> CostReport | None:
    """Return the report to compare with.

    It is the one that covers most days; of those one that tells days apart, then one that is
    rounded least, then the first by name.
    """
    return min(
        reports,
        key=lambda one: (-len(one.covered), one.is_of_range, one.step_nanos, one.ingestor),
        default=None,
    )


def compare_costs(
    priced: Iterable[PricedDay], reports: Sequence[CostReport]
) -> CostComparison | None:
    """Compare priced usage with a billing account's cost reports of one period and currency.

    Several reports are views of the same costs, so one is chosen and none is added to it.

    Args:
        priced: usage of the account, by family and day, each pair once or several times.
        reports: in any order; None is returned when there is none.
    """
    report = chosen_report(reports)
    if report is None:
        return None
    sides: dict[str, _Sides] = {}
    for day in priced:
        side, at = sides.setdefault(day.family, _Sides()), report.compared_on(day.day)
        side.priced[at] += day.nanos
        side.priority[at] += day.priority_nanos
        side.settled[at] += day.settled_nanos
    for told in report.days:
        side, at = sides.setdefault(told.family, _Sides()), report.compared_on(told.day)
        side.reported[at] += told.nanos
        side.rows[at] += told.rows
    renamed = _named_otherwise(sides, report.step_nanos)
    families = [
        _renamed(name, side) if name in renamed else _family(name, side, report)
        for name, side in sides.items()
    ]
    families.sort(key=lambda one: (-abs(one.reported_nanos - one.priced_nanos), one.name))
    others = {other.ingestor for other in reports} - {report.ingestor}
    return CostComparison(report, tuple(families), tuple(sorted(others)))


def _named_otherwise(sides: Mapping[str, _Sides], step: int) -> frozenset[str]:
    """Return the families that one side alone knows, where they are the same money in sum."""
    ours = [name for name, side in sides.items() if side.priced and not side.reported]
    theirs = [name for name, side in sides.items() if side.reported and not side.priced]
    if not ours or not theirs:
        return frozenset()
    left: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    for name in (*ours, *theirs):
        left.update(sides[name].reported)
        left.subtract(sides[name].priced)
        rows.update(sides[name].rows)
    return frozenset((*ours, *theirs)) if _each_within(left, rows, step) else frozenset()


def _renamed(name: str, sides: _Sides) -> Family:
    priced, reported = sides.priced.total(), sides.reported.total()
    found = Explained(Difference.NAMED_OTHERWISE, reported - priced)
    return Family(name, priced, reported, (found,) if found.nanos else ())


def _family(name: str, sides: _Sides, report: CostReport) -> Family:
    priced, reported = sides.priced.total(), sides.reported.total()
    return Family(name, priced, reported, tuple(_differences(sides, report)))


def _differences(sides: _Sides, report: CostReport) -> Iterator[Explained]:
    left = {
        day: sides.reported[day] - sides.priced[day]
        for day in sorted({*sides.priced, *sides.reported})
        if sides.reported[day] != sides.priced[day]
    }
    # Rounding is looked at last and reaches over all days: what is left of each may be rounded.
    slack = report.step_nanos * sides.rows.total()
    if 2 * abs(sum(left.values())) <= slack and _each_within(left, sides.rows, report.step_nanos):
        if sum(left.values()):
            yield Explained(Difference.ROUNDING, sum(left.values()))
        return
    explained = (
        *_taken(left, Difference.NOT_REPORTED, _uncovered(sides, report.covered)),
        *_same(left, Difference.FREE_TIER, sides.settled, sides.rows, report.step_nanos),
        *_same(left, Difference.PRIORITY_TIER, sides.priority, sides.rows, report.step_nanos),
        *_taken(left, Difference.LATE_USAGE, _unknown_days(left, sides)),
        *_drift(left, sides, report.step_nanos),
    )
    yield from explained
    rest = sum(left.values())
    if not rest:
        return
    if 2 * abs(rest) <= slack:
        yield Explained(Difference.ROUNDING, rest)
    else:
        yield Explained(Difference.UNEXPLAINED, rest, _days_text(left))


def _each_within(left: Mapping[str, int], rows: Mapping[str, int], step: int) -> bool:
    return all(2 * abs(nanos) <= step * max(rows[day], 1) for day, nanos in left.items())


def _taken(left: dict[str, int], reason: Difference, days: Collection[str]) -> Iterator[Explained]:
    """Explain the whole difference of some days, and leave nothing of them."""
    concerned = [day for day in days if day in left]
    if concerned:
        nanos = sum(left.pop(day) for day in concerned)
        if nanos:
            yield Explained(reason, nanos, _days_text(concerned))


def _uncovered(sides: _Sides, covered: frozenset[str]) -> list[str]:
    return [day for day in sorted(sides.priced) if day not in covered]


def _unknown_days(left: Mapping[str, int], sides: _Sides) -> list[str]:
    return [day for day in left if not sides.priced[day] and not sides.settled[day]]


def _same(
    left: dict[str, int],
    reason: Difference,
    part: Mapping[str, int],
    rows: Mapping[str, int],
    step: int,
) -> Iterator[Explained]:
    """Explain days whose difference is that a part of our price is not in the report."""
    nanos = 0
    days = []
    for day in list(left):
        if part[day] and 2 * abs(left[day] + part[day]) <= step * max(rows[day], 1):
            nanos -= part[day]
            days.append(day)
            left[day] += part[day]
            if not left[day]:
                del left[day]
    if nanos:
        yield Explained(reason, nanos, _days_text(days))


def _drift(left: dict[str, int], sides: _Sides, step: int) -> Iterator[Explained]:
    """Explain days from one on that all are one multiple of our price, rounding aside."""
    if not left:
        return
    first = min(left)
    days = [day for day in sorted({*sides.priced, *sides.reported}) if day >= first]
    priced = sum(sides.priced[day] for day in days)
    if len(days) < _FEWEST_DAYS_OF_DRIFT or priced <= 0 or not all(day in left for day in days):
        return
    ratio = Fraction(sum(sides.reported[day] for day in days), priced)
    for day in days:
        exact = ratio * sides.priced[day]
        # The ratio itself is known only as well as the rounded amounts it was taken from.
        if 2 * abs(sides.reported[day] - exact) > 2 * step * max(sides.rows[day], 1):
            return
    nanos = sum(left.pop(day) for day in days)
    percent = round(ratio * _HUNDREDTHS)
    words = f"{percent // 100}.{percent % 100:02d} % of our price from {first}"
    yield Explained(Difference.PRICE_DRIFT, nanos, words)


def _days_text(days: Iterable[str]) -> str:
    known = sorted(days)
    if len(known) == 1:
        return known[0]
    return f"{len(known)} days, {known[0]} to {known[-1]}"
