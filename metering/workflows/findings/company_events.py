"""Events of the company's calendar: take a file into force, and read the one that is."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from metering.books import company_events as event_book
from metering.books.engine import begin_write
from metering.books.migrations import open_books
from metering.books.runs import record_run
from metering.core.findings.company_events import CompanyEvent, parse_events
from metering.workflows.reading import reading
from metering.workflows.text_files import read_text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings
    from metering.workflows.runs import Run


@dataclass(frozen=True, slots=True)
class EventsImported:
    """What an import did.

    Attributes:
        name: of the file.
        version: now in force.
        is_new: False when this very content was in force already; nothing is changed then.
        count: events.
    """

    name: str
    version: int
    is_new: bool
    count: int


def import_events(settings: "Settings", run: "Run", path: Path) -> EventsImported:
    """Take a file of events (CSV) into force.

    Raises:
        RefusedFileError: something in it cannot be taken; nothing changes then.
        SourceError: it cannot be read as UTF-8 text.
    """
    file = read_text(path)
    events = parse_events(file.text, str(path))
    books = open_books(settings.books_url)
    with begin_write(books) as connection:
        held = event_book.event_file_version(connection)
        if held.source_sha256 != file.sha256:
            run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
            event_book.store_event_file(connection, run_id, (path.name, file.sha256), file.text)
        now = event_book.event_file_version(connection)
    return EventsImported(now.source_name, now.version, now != held, len(events))


def events_in_force(connection: "Connection") -> tuple[CompanyEvent, ...]:
    """Return the events of the newest file; none when there is none."""
    name, content = event_book.event_file_in_force(connection)
    return parse_events(content, name) if name else ()


def listed_events(settings: "Settings") -> tuple[CompanyEvent, ...]:
    """Return the events in force, in the order of their file."""
    with reading(settings) as connection:
        return events_in_force(connection)
