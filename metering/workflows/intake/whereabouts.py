"""Where the file of a source stands now: at its place, or where a night has moved it."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from metering.books.runs import list_runs
from metering.workflows.intake.inbox import taken_to

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from metering.books.sources import StoredSource
    from metering.settings import Settings


class Whereabouts:
    """Finds files of sources; what runs began when is read once, and only if a file has gone."""

    def __init__(self, settings: "Settings", connection: "Connection") -> None:
        self._settings = settings
        self._connection = connection

    def of(self, stored: "StoredSource") -> str:
        """Return the path of a source's file; as it was named where nobody has it any more."""
        named = stored.source.path
        if Path(named).is_file():
            return named
        began = self._began.get(stored.run_id)
        moved = began and taken_to(Path(named), self._settings.inbox, began)
        return str(moved or named)

    @cached_property
    def _began(self) -> "dict[int, datetime]":
        return {run.id: run.started_at for run in list_runs(self._connection)}
