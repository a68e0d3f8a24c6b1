"""Estimates: what a period is expected to come to, frozen before the last usage is there.

For each billing account: what is booked, plus its mean per charge day times the days on which a
source of it was expected and did not come. An account without a charge in the period takes its
mean of the month before. What the estimate was off by is told when the actual is there.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

from metering.books import billed as billed_book
from metering.books import periods as period_book
from metering.books.engine import begin_write
from metering.books.migrations import open_books
from metering.books.runs import record_run
from metering.core.money import divide_half_even
from metering.workflows.closing.close import require_open
from metering.workflows.intake.arrival import missing_source_days
from metering.workflows.reading import no_charges

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.core.periods import BillingPeriod
    from metering.settings import Settings
    from metering.workflows.runs import Run

_Account = tuple[str, str]
_Charged = Mapping[tuple[str, str, str], Mapping[date, int]]


def estimate_period(
    settings: "Settings", run: "Run", period: "BillingPeriod", *, reason: str = ""
) -> tuple[period_book.AccountEstimate, ...]:
    """Freeze what a period is expected to come to; a later estimate takes the place of it.

    Raises:
        BookError: `period-closed`: it is not an estimate any more; `no-charges`: there is nothing
            to go by, neither charges nor days that are missing.
    """
    books = open_books(settings.books_url)
    with begin_write(books) as connection:
        require_open(connection, period)
        found = _estimated(connection, settings, period)
        if not found:
            raise no_charges(period)
        run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
        event_id = period_book.add_period_event(
            connection, run_id, str(period), period_book.PeriodState.ESTIMATED, reason
        )
        period_book.add_estimate(connection, run_id, event_id, found)
        return found


def _estimated(
    connection: "Connection", settings: "Settings", period: "BillingPeriod"
) -> tuple[period_book.AccountEstimate, ...]:
    missing: dict[_Account, set[date]] = defaultdict(set)
    for stream, days in missing_source_days(connection, settings, period).items():
        missing[stream.provider, stream.billing_account].update(days)
    charged, before = _charged(connection, period), _charged(connection, period.previous)
    found = []
    for provider, account, currency in sorted(charged.keys() | before.keys()):
        by_day = charged.get((provider, account, currency), {})
        absent = missing[provider, account] - by_day.keys()
        if not by_day and not absent:
            continue  # of the month before alone, and nothing says it goes on
        known = by_day or before[provider, account, currency]
        found.append(
            period_book.AccountEstimate(
                provider=provider,
                billing_account=account,
                currency=currency,
                booked_nanos=sum(by_day.values()),
                accrued_nanos=divide_half_even(sum(known.values()) * len(absent), len(known)),
                booked_days=len(by_day),
                missing_days=len(absent),
            )
        )
    return tuple(found)


def _charged(connection: "Connection", period: "BillingPeriod") -> _Charged:
    last = period.end_day - timedelta(days=1)
    found: dict[tuple[str, str, str], Counter[date]] = defaultdict(Counter)
    for line in billed_book.charged_days(connection, str(period.first_day), str(last)):
        account = (line.provider, line.billing_account, line.currency)
        found[account][date.fromisoformat(line.charge_day)] += line.amount_nanos
    return found
