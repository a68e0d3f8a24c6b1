"""Budgets of several months in a month's pack: its share, and what is left for later."""

from collections.abc import Iterable
from dataclasses import dataclass

from metering.reporting.figures import amount_text
from metering.reporting.snapshot import BudgetStretch
from metering.reporting.words import shown_name


@dataclass(frozen=True, slots=True)
class StretchShown:
    """One budget of several months; every figure as text.

    Attributes:
        owner: its names from the cost centre down; foreign text.
        months: which it is for.
        budget: for all of them.
        share, month: of this month: its share of the budget by days, and what was charged.
        charged: from its first month to the end of this one.
        left: for the months that come.
    """

    owner: str
    months: str
    budget: str
    share: str
    month: str
    charged: str
    left: str


def stretches_shown(given: Iterable[BudgetStretch], currency: str) -> tuple[StretchShown, ...]:
    """Return the budgets of several months in one currency, by owner."""
    return tuple(
        StretchShown(
            " / ".join(filter(None, map(shown_name, _names(one)))),
            one.months.replace("..", " to "),
            *(
                amount_text(nanos, currency)
                for nanos in (
                    one.budget_nanos,
                    one.share_nanos,
                    one.month_nanos,
                    one.charged_nanos,
                    one.left_nanos,
                )
            ),
        )
        for one in sorted(given, key=_names)
        if one.currency == currency
    )


def _names(one: BudgetStretch) -> tuple[str, str, str]:
    return one.cost_centre, one.team, one.project
