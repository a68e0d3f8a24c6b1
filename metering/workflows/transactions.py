"""One transaction per workflow, and a dry run that ends it without a trace."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from metering.books.engine import begin_write

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


@contextmanager
def transaction(books: "Engine", *, dry_run: bool) -> Iterator["Connection"]:
    """Yield a connection whose work is committed at the end, or rolled back for a dry run."""
    with begin_write(books) as connection:
        yield connection
        if dry_run:
            connection.rollback()
