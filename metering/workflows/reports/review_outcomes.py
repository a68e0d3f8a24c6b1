"""What one outcome costs, and what is wrong with the outcomes, in the words of the review."""

from collections.abc import Iterator, Sequence
from typing import Final

from metering.engine.outcomes.netting import (
    NO_TEAM,
    REVERSAL_OF_UNKNOWN,
    REVERSED_TOO_EARLY,
    UNKNOWN_TEAM,
)
from metering.reporting.figures import amount_text
from metering.workflows.outcomes.funnel import Funnel, SharedKey

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
