"""Collect garbage: what killed imports and rewritten files left in the lake."""

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from metering.books import lake as lake_book
from metering.books import outcomes as outcome_book
from metering.books.engine import begin_write
from metering.books.migrations import open_books
from metering.usage.lake import Lake

if TYPE_CHECKING:
    from metering.settings import Settings
    from metering.workflows.runs import Run

# An import in preparation has files nobody names yet; no import takes longer than this.
GRACE: Final = timedelta(hours=24)


def collect_garbage(
    settings: "Settings", run: "Run", *, grace: timedelta = GRACE
) -> tuple[str, ...]:
    """Remove lake files that no book entry names and staging folders of dead imports.

    Holds the write lock, so that no import makes a file visible between looking and removing.

    Args:
        settings: where the books and the lake are.
        run: its instant is what files are older than.
        grace: younger files stay.

    Returns:
        What was removed, relative to the lake, sorted.
    """
    books = open_books(settings.books_url)
    with begin_write(books) as connection:
        outcomes = {file.path for file in outcome_book.outcome_files(connection)}
        return Lake(settings.lake).collect_garbage(
            lake_book.all_known_paths(connection) | outcomes,
            before=(run.started_at - grace).timestamp(),
        )
