"""The billing periods and how they stand."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metering.books import ledger as ledger_book
from metering.books import periods as period_book
from metering.books.engine import begin_read, open_engine
from metering.books.migrations import require_current

if TYPE_CHECKING:
    from metering.settings import Settings


@dataclass(frozen=True, slots=True)
class PeriodTotal:
    """One period in one currency.

    Attributes:
        period: YYYY-MM.
        state: open, closed or reopened.
        billed_nanos: net charges booked in it.
        postings: rows booked in it.
    """

    period: str
    state: str
    currency: str
    billed_nanos: int
    postings: int


def periods(settings: "Settings") -> tuple[PeriodTotal, ...]:
    """Return every period with postings, in order."""
    books = open_engine(settings.books_url)
    require_current(books)
    with begin_read(books) as connection:
        closed = period_book.closed_periods(connection)
        return tuple(
            PeriodTotal(
                total.period,
                "closed" if total.period in closed else "open",
                total.currency,
                total.billed_nanos,
                total.postings,
            )
            for total in ledger_book.period_totals(connection)
        )
