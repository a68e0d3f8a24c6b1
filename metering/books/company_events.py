"""Events of the company's calendar: versions of the file, kept as it was given."""

from typing import Any, ClassVar, Final

from sqlalchemy import Connection, UniqueConstraint, insert

from metering.books.schema import strict, table_of, words
from metering.books.versions import Version, VersionRow, newest, version_of


class EventFileRow(VersionRow, table=True):
    """One version of the events."""

    __tablename__: ClassVar[Any] = "event_file"
    __table_args__ = strict(UniqueConstraint("version"))

    content: str = words()


_FILE: Final = table_of(EventFileRow)


def store_event_file(
    connection: Connection, run_id: int, source: tuple[str, str], content: str
) -> None:
    """Keep a file as the newest version.

    Args:
        connection: of a write transaction.
        run_id: the run that brings it.
        source: the file's name, and the SHA-256 of its bytes, hexadecimal.
        content: the checked file.
    """
    version = event_file_version(connection).version + 1
    name, sha256 = source
    connection.execute(
        insert(_FILE).values(
            run_id=run_id, version=version, source_name=name, source_sha256=sha256, content=content
        )
    )


def event_file_version(connection: Connection) -> Version:
    """Return which file is in force."""
    return version_of(newest(connection, _FILE))


def event_file_in_force(connection: Connection) -> tuple[str, str]:
    """Return the name and the text of the newest file; both empty without any."""
    found = newest(connection, _FILE)
    return ("", "") if found is None else (found.source_name, found.content)
