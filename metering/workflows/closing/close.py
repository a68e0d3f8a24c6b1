"""Close a period, and reopen one: steps that leave their trace, and that the database keeps."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metering.books import ledger_totals as total_book
from metering.books import period_content as content_book
from metering.books import periods as period_book
from metering.books import seals as seal_book
from metering.books.engine import begin_write
from metering.books.migrations import open_books
from metering.books.runs import record_run
from metering.core.ledger import ledger_hash
from metering.errors import BookError
from metering.usage.lake import Lake
from metering.workflows.book_hash import period_digests, versions_in_force, versions_told
from metering.workflows.closing.refusals import Refusal, RefusalCode, refusals
from metering.workflows.closing.tie_out import tie_outs
from metering.workflows.reading import no_charges

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.core.periods import BillingPeriod
    from metering.settings import Settings
    from metering.workflows.runs import Run


@dataclass(frozen=True, slots=True)
class Closed:
    """What closing a period came to.

    Attributes:
        run_id: of the run that closed it.
        close: what is kept of the period.
        accepted: refusals that did not hold the close up.
        needless: codes that were accepted and were no reason not to close.
        unattributed: net nanos that nobody owns, by currency.
        not_invoiced: PROVIDER/ACCOUNT of those whose usage is charged and whose invoice has not
            come; books close earlier than invoices come.
    """

    run_id: int
    close: period_book.Close
    accepted: tuple[period_book.Accepted, ...]
    needless: tuple[str, ...]
    unattributed: dict[str, int]
    not_invoiced: tuple[str, ...]


def close_period(
    settings: "Settings",
    run: "Run",
    period: "BillingPeriod",
    *,
    reason: str = "",
    accept: Mapping[RefusalCode, str] | None = None,
) -> Closed:
    """Close a period: from now on the database takes no posting in it.

    Args:
        settings: where the books and the lake are.
        run: who does this, when.
        period: the month.
        reason: in words, for the audit log.
        accept: refusals that are no reason not to close, each with why.

    Raises:
        BookError: `close-refused`: there are reasons not to close it, all of them told;
            `period-closed`: it is closed; `no-charges`: the book holds none of that period.
            Nothing is changed.
    """
    books = open_books(settings.books_url)
    accepting = dict(accept or {})
    with Lake(settings.lake).staging() as staging, begin_write(books) as connection:
        _require_charges_in_an_open_period(connection, period)
        ties = tie_outs(connection, settings, period)
        found = refusals(connection, settings, staging, period, ties)
        refused = [one for one in found if one.code not in accepting]
        if refused:
            raise _refused(period, refused)
        close = _what_is_closed(connection, period)
        accepted = tuple(
            period_book.Accepted(one.code.value, one.found, accepting[one.code]) for one in found
        )
        run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
        event_id = period_book.add_period_event(
            connection, run_id, str(period), period_book.PeriodState.CLOSED, reason
        )
        period_book.add_close(connection, run_id, event_id, close, accepted)
    needless = sorted(accepting.keys() - {one.code for one in found})
    unattributed: Counter[str] = Counter()
    for tie in ties:
        unattributed[tie.currency] += tie.ledger.unattributed_nanos
    return Closed(
        run_id,
        close,
        accepted,
        tuple(needless),
        {currency: nanos for currency, nanos in unattributed.items() if nanos},
        tuple(f"{tie.provider}/{tie.billing_account}" for tie in ties if not tie.is_invoiced),
    )


def reopen_period(settings: "Settings", run: "Run", period: "BillingPeriod", *, reason: str) -> int:
    """Let a closed period take postings again, and return the run that did it.

    What was kept at its close stays in the books. A post moves what has changed since; reports of
    the period are estimates until it is closed again.

    Raises:
        BookError: `period-not-closed`.
    """
    books = open_books(settings.books_url)
    with begin_write(books) as connection:
        if str(period) not in period_book.closed_periods(connection):
            raise BookError(
                "period-not-closed",
                f"period {period} is not closed",
                do="see `metering period list`",
            )
        run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
        period_book.add_period_event(
            connection, run_id, str(period), period_book.PeriodState.REOPENED, reason
        )
        return run_id


def require_open(connection: "Connection", period: "BillingPeriod") -> None:
    """Refuse a period that is closed.

    Raises:
        BookError: `period-closed`.
    """
    if str(period) in period_book.closed_periods(connection):
        raise BookError(
            "period-closed",
            f"period {period} is closed",
            do="reopen it first: `metering period reopen`",
        )


def _require_charges_in_an_open_period(connection: "Connection", period: "BillingPeriod") -> None:
    require_open(connection, period)
    if str(period) not in content_book.booked_periods(connection):
        raise no_charges(period)


def _what_is_closed(connection: "Connection", period: "BillingPeriod") -> period_book.Close:
    totals = [
        total for total in total_book.period_totals(connection) if total.period == str(period)
    ]
    digests = period_digests(connection)
    return period_book.Close(
        period=str(period),
        period_hash=digests[str(period)],
        ledger_hash=ledger_hash(digests, versions_in_force(connection)),
        chain=seal_book.chain_head(connection),
        postings=sum(total.postings for total in totals),
        totals={total.currency: total.billed_nanos for total in totals},
        versions=versions_told(connection),
    )


def _refused(period: "BillingPeriod", found: Sequence[Refusal]) -> BookError:
    lines: list[str] = []
    for one in found:
        lines.append(f"{one.code}: {one.found}")
        lines += [f"    {detail}" for detail in one.details]
        lines.append(f"    do: {one.do}")
    return BookError(
        "close-refused",
        f"period {period} is not ready to be closed",
        details=tuple(lines),
        do='mend each, or accept it for this close: --accept CODE="why"',
    )
