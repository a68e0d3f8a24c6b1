"""Coverage of a period: which share of what is posted has a price, per provider and day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from metering.books.engine import begin_read
from metering.books.migrations import open_books
from metering.books.rated_usage import rated_usage
from metering.core.pricing.price_coverage import Coverage, coverage_by_day, coverage_of
from metering.workflows.reading import no_charges

if TYPE_CHECKING:
    from metering.core.periods import BillingPeriod
    from metering.settings import Settings


@dataclass(frozen=True, slots=True)
class PeriodCoverage:
    """The coverage of one month.

    Attributes:
        total: of all of it.
        days: of each (provider, ISO day).
    """

    total: Coverage
    days: Mapping[tuple[str, str], Coverage]


def period_coverage(settings: "Settings", period: "BillingPeriod") -> PeriodCoverage:
    """Return the coverage of the usage of a period, as it is posted.

    Raises:
        BookError: `no-charges`: the book holds none of that period.
    """
    books = open_books(settings.books_url)
    last = period.end_day - timedelta(days=1)
    with begin_read(books) as connection:
        usage = rated_usage(connection, period.first_day.isoformat(), last.isoformat())
    if not usage:
        raise no_charges(period)
    return PeriodCoverage(coverage_of(usage), coverage_by_day(usage))
