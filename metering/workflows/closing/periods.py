"""The billing periods: how they stand, and how far off their estimates were."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from metering.books import billed as billed_book
from metering.books import ledger_totals as total_book
from metering.books import period_content as content_book
from metering.books import periods as period_book
from metering.core.periods import BillingPeriod
from metering.workflows.reading import no_charges, reading

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings


@dataclass(frozen=True, slots=True)
class PeriodTotal:
    """One period in one currency.

    Attributes:
        period: YYYY-MM.
        state: open, estimated, closed or reopened.
        billed_nanos: net charges booked in it.
        postings: rows booked in it.
        estimate_nanos: what its billing accounts were expected to come to; None without one.
        variance_nanos: what they come to by now, less that.
    """

    period: str
    state: str
    currency: str
    billed_nanos: int
    postings: int
    estimate_nanos: int | None
    variance_nanos: int | None


@dataclass(frozen=True, slots=True)
class EstimatedAccount:
    """The estimate of one billing account, and what it comes to by now.

    Attributes:
        actual_nanos: charged for the days of the period, whichever period it was booked in.
    """

    estimate: period_book.AccountEstimate
    actual_nanos: int

    @property
    def variance_nanos(self) -> int:
        """The actual less the estimate."""
        return self.actual_nanos - self.estimate.estimate_nanos


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything about one period.

    Attributes:
        events: its life, oldest first.
        close: what it held when it was closed; None while it is open.
        accepted: refusals that did not hold its close up.
        estimates: by billing account, of the last estimate.
        corrections: what later postings correct of it, by currency and reason.
    """

    totals: tuple[PeriodTotal, ...]
    events: tuple[period_book.Standing, ...]
    close: period_book.Close | None
    accepted: tuple[period_book.Accepted, ...]
    estimates: tuple[EstimatedAccount, ...]
    corrections: tuple[content_book.Corrected, ...]


def periods(settings: "Settings", *, as_of: str | None = None) -> tuple[PeriodTotal, ...]:
    """Return every period with postings, in order.

    Args:
        settings: where the books are.
        as_of: a run or a moment, see `workflows.reading`; None for now.
    """
    with reading(settings, as_of=as_of) as connection:
        return _totals(connection)


def show_period(settings: "Settings", period: BillingPeriod, *, as_of: str | None = None) -> Shown:
    """Return everything about one period.

    Raises:
        BookError: `no-charges`: the book holds none of that period.
    """
    with reading(settings, as_of=as_of) as connection:
        totals = tuple(one for one in _totals(connection) if one.period == str(period))
        events = period_book.period_history(connection, str(period))
        if not (totals or events):
            raise no_charges(period)
        close = period_book.closes_in_force(connection).get(str(period))
        return Shown(
            totals=totals,
            events=events,
            close=close,
            accepted=period_book.accepted_at(connection, events[-1].event_id) if close else (),
            estimates=_estimates(connection, str(period)),
            corrections=content_book.corrections_of(connection, str(period)),
        )


def _totals(connection: "Connection") -> tuple[PeriodTotal, ...]:
    states = period_book.period_states(connection)
    found = []
    estimates: dict[str, tuple[EstimatedAccount, ...]] = {}
    for total in total_book.period_totals(connection):
        if total.period not in estimates:
            estimates[total.period] = _estimates(connection, total.period)
        accounts = [
            one for one in estimates[total.period] if one.estimate.currency == total.currency
        ]
        standing = states.get(total.period)
        found.append(
            PeriodTotal(
                total.period,
                standing.state.value if standing else period_book.PeriodState.OPEN.value,
                total.currency,
                total.billed_nanos,
                total.postings,
                sum(one.estimate.estimate_nanos for one in accounts) if accounts else None,
                sum(one.variance_nanos for one in accounts) if accounts else None,
            )
        )
    return tuple(found)


def _estimates(connection: "Connection", name: str) -> tuple[EstimatedAccount, ...]:
    estimates = period_book.last_estimates(connection).get(name, ())
    if not estimates:
        return ()
    period = BillingPeriod.parse(name)
    last = period.end_day - timedelta(days=1)
    actual: Counter[tuple[str, str, str]] = Counter()
    for line in billed_book.charged_days(connection, str(period.first_day), str(last)):
        actual[line.provider, line.billing_account, line.currency] += line.amount_nanos
    return tuple(
        EstimatedAccount(one, actual[one.provider, one.billing_account, one.currency])
        for one in estimates
    )
