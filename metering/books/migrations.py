"""Bring the books' schema up to date, and refuse to work on any other.

No command migrates as a side effect: `require_current` refuses and names `metering db upgrade`.
"""

from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine, inspect, text

from metering.books.engine import POSTGRESQL, SQLITE, begin_read, begin_write, open_engine
from metering.books.shape import differences, has_shape
from metering.errors import BookError
from metering.resources import migrations_dir

if TYPE_CHECKING:
    from alembic.config import Config

# The revision this program works with. Asking Alembic for it would cost every command the import;
# a test holds the two equal.
HEAD: Final = "0001"

_VERSION_TABLE: Final = "alembic_version"
# The triggers that are there; one that is disabled keeps nothing.
_TRIGGERS: Final = {
    SQLITE: "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    POSTGRESQL: "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'",
}
# Those that keep the rows of a table, after its name.
_KEEPING: Final = {
    SQLITE: ("_no_update", "_no_delete", "_no_replace"),
    POSTGRESQL: ("_rows_stay",),
}
_CLOSING: Final = "posting_in_open_period"


def upgrade(engine: Engine) -> None:
    """Bring the schema to this program's revision, in one transaction: wholly or not at all.

    Raises:
        BookError: as `bring_current`, or `books-busy`: somebody else is writing.
    """
    with begin_write(engine) as connection:
        bring_current(connection)


def bring_current(connection: Connection) -> None:
    """Bring the schema to this program's revision, in the caller's write transaction.

    Raises:
        BookError: `books-newer`: a newer program made them; nothing is written.
            `books-of-another-build`: they have this revision, but not its columns.
    """
    current = current_revision(connection)
    if current == HEAD:
        _require_shape(connection)
        return
    if not is_known(current):
        raise _newer(current)
    upgrade_to(connection, HEAD)


def upgrade_to(connection: Connection, revision: str) -> None:
    """Move the schema up to a revision, in the caller's write transaction."""
    from alembic import command  # noqa: PLC0415 - a quarter second that only a migration needs

    command.upgrade(_config(connection), revision)


def downgrade_to(connection: Connection, revision: str) -> None:
    """Move the schema down to a revision, or to "base"; what only the newer one holds is lost."""
    from alembic import command  # noqa: PLC0415 - a quarter second that only a migration needs

    command.downgrade(_config(connection), revision)


def current_revision(connection: Connection) -> str | None:
    """Return the revision of the books, or None where there are none yet."""
    if not inspect(connection).has_table(_VERSION_TABLE):
        return None
    revision: str | None = connection.execute(
        text(f"SELECT version_num FROM {_VERSION_TABLE}")  # noqa: S608 - our own constant
    ).scalar_one_or_none()
    return revision


def head_revision() -> str:
    """Return the revision this program works with."""
    return HEAD


def is_known(revision: str | None) -> bool:
    """Return whether books of this revision, or empty ones, can be upgraded by this program."""
    return revision in {None, HEAD} or revision in _known_revisions()


def open_books(url: str) -> Engine:
    """Open books of this program's revision.

    Args:
        url: as `books.engine.open_engine` takes it.

    Raises:
        BookError: as `open_engine` and `require_current`.
    """
    books = open_engine(url)
    require_current(books)
    return books


def require_current(engine: Engine) -> None:
    """Refuse books of another revision than this program's; nothing is written.

    Raises:
        BookError: `books-outdated`: they are older, or empty; the user upgrades them.
            `books-newer`: a newer program made them; the user upgrades the program.
            `books-of-another-build`: they have the revision, but not its columns.
    """
    with begin_read(engine) as connection:
        current = current_revision(connection)
        if current == HEAD:
            _require_shape(connection)
            return
    if is_known(current):
        have = f"have revision {current}" if current else "are empty"
        raise BookError(
            "books-outdated",
            f"the books {have}, and this program works with revision {HEAD}",
            do="back them up, then run `metering db upgrade`",
        )
    raise _newer(current)


def _require_shape(connection: Connection) -> None:
    if has_shape(connection):
        return
    raise BookError(
        "books-of-another-build",
        f"the books say that they have revision {HEAD}, but their columns are others",
        details=differences(connection),
        do="use the build of metering that made them; with this one, start a ledger with "
        "`metering init` and ingest the files again",
    )


def database_problems(connection: Connection) -> list[str]:
    """Return why the database itself cannot be trusted, a sentence each; empty when it can.

    SQLite's pages and foreign keys are checked (PostgreSQL does so by itself), and on both that
    every table still has the triggers that keep its rows, and closed periods closed.
    """
    found: list[str] = []
    if connection.dialect.name == SQLITE:
        checked = connection.exec_driver_sql("PRAGMA quick_check").scalars().all()
        found += [f"the database file is damaged: {line}" for line in checked if line != "ok"]
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        found += [f"{row[0]} row {row[1]} refers to no row of {row[2]}" for row in broken]
    tables = sorted(set(inspect(connection).get_table_names()) - {_VERSION_TABLE})
    database = connection.dialect.name
    there = set(connection.exec_driver_sql(_TRIGGERS[database]).scalars())
    found += [
        f"{table}: the triggers that keep its rows are gone"
        for table in tables
        if not there.issuperset(table + ending for ending in _KEEPING[database])
    ]
    if _CLOSING not in there:
        found.append("posting: the trigger that keeps closed periods closed is gone")
    return found


def _config(connection: Connection | None = None) -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - a quarter second only a migration needs

    config = Config()
    # A "%" in the path of the installation would be taken for an interpolation.
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _known_revisions() -> frozenset[str]:
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - see _config

    scripts = ScriptDirectory.from_config(_config())
    return frozenset(script.revision for script in scripts.walk_revisions())


def _newer(current: str | None) -> BookError:
    return BookError(
        "books-newer",
        f"the books have revision {current}, which this program does not know",
        details=(f"known:    up to {HEAD}",),
        do="install the version of metering that made them, or a later one",
    )
