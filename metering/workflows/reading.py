"""Read the books: as they stand, or as they stood after a run or at a moment.

What is read follows from the books alone, except for what metering.toml says: an earlier state is
read with the settings of today.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from metering.books import runs as run_book
from metering.books.as_of import last_run_by
from metering.books.engine import begin_read
from metering.books.migrations import open_books
from metering.errors import BookError, shown

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from metering.settings import Settings


@contextmanager
def reading(settings: "Settings", *, as_of: str | None = None) -> Iterator["Connection"]:
    """Yield a connection that sees one state of the books and can change nothing.

    Args:
        settings: where the books are.
        as_of: the number of a run, a day (its end, UTC) or an instant; None for now.

    Raises:
        BookError: `bad-as-of`; `books-outdated` and the like, see `books.migrations`.
    """
    books = open_books(settings.books_url)
    with begin_read(books, as_of=_run_as_of(books, as_of)) as connection:
        yield connection


def no_charges(period: object) -> BookError:
    """Return what refuses a month of which the book holds nothing."""
    return BookError(
        "no-charges",
        f"the book holds no charges of {period}",
        do="run `metering post`, or see `metering period list` for the periods it has",
    )


def _run_as_of(books: "Engine", said: str | None) -> int | None:
    if said is None:
        return None
    with begin_read(books) as connection:
        last = run_book.last_run(connection)
        if said.isdecimal() and said.isascii():
            number = int(said)
            if last is not None and 1 <= number <= last.id:
                return number
            raise _refused(f"there is no run {number}")
        return last_run_by(connection, _moment(said))


def _moment(said: str) -> datetime:
    try:
        day = date.fromisoformat(said)
    except ValueError:
        pass
    else:
        return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(
            days=1, microseconds=-1
        )
    try:
        instant = datetime.fromisoformat(said)
    except ValueError:
        raise _refused(f"{shown(said)} is neither a run nor a moment") from None
    try:
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except OverflowError:  # in UTC it is in no year of the calendar
        raise _refused(f"{shown(said)} is neither a run nor a moment") from None


def _refused(what: str) -> BookError:
    return BookError(
        "bad-as-of",
        what,
        details=("expected: the number of a run, YYYY-MM-DD, or YYYY-MM-DDTHH:MM:SSZ",),
        do="see `metering audit` for the runs",
    )
