"""Where the books stand, asked of the database itself.

A command that only needs to know whether the books have changed is done in less time than it takes
to import SQLAlchemy and to make models of tables.
"""

import sqlite3
from contextlib import closing
from typing import Any, Final
from urllib.parse import quote

_SQLITE: Final = "sqlite:///"
_POSTGRESQL: Final = "postgresql://"
_QUESTIONS: Final = (
    "SELECT version_num FROM alembic_version",
    "SELECT digest FROM run_seal ORDER BY id DESC LIMIT 1",
)


def standing(url: str) -> str | None:
    """Return what stands for every row of the books: their revision, and the last of their seals.

    Whatever changes the books is sealed as it is committed (`books.seals`), so equal answers are
    equal books; that nobody went past the seals is for `metering verify` to say.

    Args:
        url: of the books, as in the settings.

    Returns:
        A text to compare with; None where the books cannot be asked like this, or hold nothing:
        to open them in the ordinary way tells why.
    """
    url = url.replace("postgresql+psycopg://", _POSTGRESQL, 1)
    if url.startswith(_SQLITE):
        rows = _of_sqlite(url.removeprefix(_SQLITE))
    elif url.startswith(_POSTGRESQL):
        rows = _of_postgresql(url)
    else:
        return None
    return " ".join(str(row[0]) for row in rows) if rows and None not in rows else None


def _of_sqlite(path: str) -> list[Any]:
    try:
        # Read-only, it would leave the files of the write-ahead log behind.
        with closing(sqlite3.connect(f"file:{quote(path)}?mode=rw", uri=True)) as connection:
            connection.execute("PRAGMA query_only = 1")
            return [connection.execute(question).fetchone() for question in _QUESTIONS]
    except sqlite3.Error:
        return []


def _of_postgresql(url: str) -> list[Any]:
    try:
        import psycopg  # noqa: PLC0415 - of the extra, and a tenth of a second
    except ImportError:
        return []
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            return [connection.execute(question).fetchone() for question in _QUESTIONS]
    except psycopg.Error:
        return []
