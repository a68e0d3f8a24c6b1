"""What a night looks at in open months, so that no close is the first to tell of it."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from metering.books.engine import begin_read, open_engine
from metering.books.period_content import booked_periods, unpriced_usage
from metering.books.periods import closed_periods
from metering.core.closing.arrival import Stream
from metering.core.money import decimal_text
from metering.core.periods import BillingPeriod
from metering.core.planning.budgets import State
from metering.errors import BookError
from metering.reporting.words import reason_text
from metering.workflows.closing.refusals import days_text
from metering.workflows.closing.tie_out import tie_outs
from metering.workflows.findings.cases import cases_of
from metering.workflows.intake.arrival import (
    missing_source_days,
    unmetered_detail,
    unmetered_text,
)
from metering.workflows.nightly.steps import Step, StepState
from metering.workflows.planning.budgets import budgeted

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings
    from metering.workflows.runs import Run

# What was used yesterday may still be on its way.
_LATE: Final = timedelta(days=2)
_Seen = TypeVar("_Seen")


def unpriced(settings: "Settings") -> tuple[str, ...]:
    """Return, for each model and open month that has usage without a rate, how much and why."""
    return tuple(_of_open_months(settings, _unpriced))


def arrival(settings: "Settings", run: "Run") -> Step:
    """Look for days that a source has left out, and for logs whose bill never came."""
    known = run.started_at.date() - _LATE
    missing = [
        f"{stream}: nothing has come of {days_text(days)}\n"
        "    do:       export them, or say under [arrival] in metering.toml when it comes"
        for stream, days in _of_open_months(
            settings,
            lambda connection, period: _missing(connection, settings, period, known),
            until=BillingPeriod.of(known),
        )
    ]
    unmetered = [unmetered_text(one) for one in unmetered_detail(settings)]
    summary = f"sources with days missing: {len(missing)}"
    if unmetered:
        summary += f", without a bill: {len(unmetered)}"
    return Step.done("arrival", summary, missing + unmetered)


def tie_out(settings: "Settings") -> Step:
    """Hold invoices against the ledger."""
    invoiced = [
        (period, tie)
        for period, tie in _of_open_months(
            settings,
            lambda connection, period: (
                (period, tie) for tie in tie_outs(connection, settings, period)
            ),
        )
        if tie.is_invoiced
    ]
    told = (
        f"{period} {tie.provider}/{tie.billing_account}: "
        f"{tie.currency} {decimal_text(tie.unexplained_nanos)} unexplained"
        for period, tie in invoiced
        if not tie.ties
    )
    return Step.done("tie-out", f"{len(invoiced)} invoiced accounts of open months", told)


def budgets(settings: "Settings") -> Step:
    """Look for budgets that are over, or forecast to be."""
    try:
        found = budgeted(settings)
    except BookError as error:
        if error.code in ("no-budgets", "no-charges"):
            return Step("budgets", StepState.LEFT_OUT, "none is in force")
        raise
    told = (
        f"{'/'.join(filter(None, (one.owner.cost_centre, one.owner.team, one.owner.project)))}"
        f" {one.state().value} in {found.period}"
        for one in found.stands
        if one.state() in (State.OVER, State.FORECAST_OVER)
    )
    count = sum(one.budget is not None for one in found.stands)
    return Step.done("budgets", f"{count} looked at", told)


def findings(settings: "Settings") -> Step:
    """Count the findings that nobody has answered; they are read once a month, with the review."""
    try:
        found = cases_of(settings)
    except BookError as error:
        if error.code in ("no-usage", "too-few-days"):
            return Step("findings", StepState.LEFT_OUT, "too little usage to compare")
        raise
    return Step.done("findings", f"{len(found.unread)} wait for an answer")


def _of_open_months(
    settings: "Settings",
    look: "Callable[[Connection, BillingPeriod], Iterable[_Seen]]",
    until: BillingPeriod | None = None,
) -> Iterator[_Seen]:
    """Yield what is seen of each open month with postings, and of those after them that say."""
    with begin_read(open_engine(settings.books_url)) as connection:
        closed = closed_periods(connection)
        months = [BillingPeriod.parse(name) for name in booked_periods(connection)]
        while months and until and months[-1] < until:
            months.append(BillingPeriod.of(months[-1].end_day))
        for month in months:
            if str(month) not in closed:
                yield from look(connection, month)


def _missing(
    connection: "Connection", settings: "Settings", period: BillingPeriod, known: date
) -> Iterator[tuple[Stream, tuple[date, ...]]]:
    for stream, days in missing_source_days(connection, settings, period).items():
        if over := tuple(day for day in days if day <= known):
            yield stream, over


def _unpriced(connection: "Connection", period: BillingPeriod) -> Iterator[str]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for one in unpriced_usage(connection, str(period)):
        quantities = found.setdefault((one.provider, one.model, one.reason), [])
        quantities.append(f"{one.quantity:,} {one.meter}")
    for (provider, model, reason), quantities in found.items():
        yield (
            f"{period}: usage of {model or 'no named model'} ({provider}) has no rate and no "
            f"amount: {reason_text(reason)}\n"
            f"    found:    {', '.join(quantities)}\n"
            "    do:       take a rate card into force that prices it: `metering prices import`"
        )
