"""What one outcome costs, and what is wrong with the outcomes, in the words of the review."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Final

from metering.analysis.economics.bootstrap import Interval
from metering.core.funnel import UNIT, Share
from metering.engine.outcomes import NO_TEAM, REVERSAL_OF_UNKNOWN, REVERSED_TOO_EARLY, UNKNOWN_TEAM
from metering.reporting.figures import NIL, amount_text
from metering.reporting.review import Row, Table, table
from metering.workflows.funnel import Funnel, SharedKey
from metering.workflows.funnel_json import units_text
from metering.workflows.unit_costs import UnitCost

_PROBLEMS: Final = {
    NO_TEAM: "of no team",
    UNKNOWN_TEAM: "of a team that nobody knows",
    REVERSED_TOO_EARLY: "taken back before it was reached, which counts for nothing",
    REVERSAL_OF_UNKNOWN: "taken back that was never told, which counts for nothing",
}


def trouble_text(funnel: Funnel, currency: str) -> str:
    """Return what is wrong with the outcomes, as sentences; "" where nothing is."""
    return "".join((*_problems(funnel), *_shared(funnel.shared_keys, currency)))


def _problems(funnel: Funnel) -> Iterator[str]:
    for problem in funnel.problems:
        what = "outcome" if problem.outcomes == 1 else "outcomes"
        meant = _PROBLEMS.get(problem.code, problem.code)
        yield f" {problem.outcomes} {what} {meant} ({problem.ingestor}, {problem.example})."


def _shared(keys: Sequence[SharedKey], currency: str) -> Iterator[str]:
    for one in keys:
        if one.currency == currency:
            yield (
                f" {one.team} / {one.project} books {one.days} days of usage,"
                f" {amount_text(one.nanos, currency)}, on the {one.key.replace('_', ' ')}"
                f" {one.value}: a single outcome answers for all of it."
            )


def cost_tables(costs: Sequence[UnitCost], currency: str) -> Iterator[Table]:
    """Yield the table of what one outcome of each kind costs; none where no outcome is known."""
    if costs:
        columns = ("Of whom", "Kind", "Settled", "Average", "P10 to P90", "Next", "Self-funding")
        yield table("What one outcome costs", columns, [_row(one, currency) for one in costs])


def _row(one: UnitCost, currency: str) -> Row:
    found = one.found
    return Row(
        " / ".join(filter(None, (one.team, one.project))) or "nobody",
        (
            f"{one.kind} (a vendor's count)" if one.is_activity else one.kind,
            units_text(int(found.outcomes * UNIT)) or NIL if one.weeks else NIL,
            _amount(found.average, currency),
            _between(found.average_interval, currency),
            _amount(found.marginal, currency),
            Share(ratio.numerator, ratio.denominator).text
            if (ratio := found.self_funding)
            else NIL,
        ),
    )


def _amount(amount: Fraction | None, currency: str) -> str:
    return NIL if amount is None else amount_text(round(amount), currency)


def _between(interval: Interval | None, currency: str) -> str:
    if interval is None:
        return NIL
    low, high = (amount_text(round(bound), currency) for bound in (interval.low, interval.high))
    return f"{low} to {high}"
