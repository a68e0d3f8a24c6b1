"""What long work shows while it lasts: a bar on a terminal, and nothing in a pipe or a log."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

_Item = TypeVar("_Item")
_PER_SECOND: Final = 8


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show that something is going on, and for how long, until it is done.

    Args:
        what: it is, in the -ing form: "posting".
    """
    with _bar(what, None):
        yield


def counted_off(items: Iterable[_Item], what: str, total: int) -> Iterator[_Item]:
    """Yield items as they come, and show how many of them have.

    Args:
        items: drawn one by one.
        what: is done with them, in the -ing form: "reading".
        total: how many there are; fewer may come.
    """
    with _bar(what, total) as advance:
        for item in items:
            yield item
            advance()


@contextmanager
def _bar(what: str, total: int | None) -> Iterator[Any]:
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = [TextColumn("{task.description}", markup=False), BarColumn(bar_width=30)]
    if total is not None:
        columns.append(MofNCompleteColumn())
    # On stderr, where notes go: they are printed above the bar, and it is gone when all is done.
    progress = Progress(
        *columns,
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        refresh_per_second=_PER_SECOND,
        redirect_stdout=False,
    )
    with progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)
