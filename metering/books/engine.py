"""The connection to the books: SQLite in a file, or PostgreSQL for a team.

One transaction per workflow. A writer is alone from its first statement on (BEGIN IMMEDIATE, or an
advisory lock), so what it reads before it writes cannot change under it. Readers never wait and
see one committed state for as long as they read.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from metering.books.as_of import show_as_of
from metering.books.seals import UNSEALED, seal
from metering.errors import BookError

SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"

# A nightly import of a large company holds the write lock for minutes; a second one waits a little
# and then says so, instead of hanging in cron until the morning.
BUSY_SECONDS: Final = 30

_CACHE_KIB: Final = 65_536
_READ_ONLY: Final = "metering_read_only"
# The name of the lock that makes writers take turns on PostgreSQL; any number nobody else uses.
_WRITER_LOCK: Final = 0x6D65_7465_7269_6E67
# A traceback must not show rows: they hold names of people and keys.
_HIDE_VALUES: Final = True
_LOCK_CODES: Final = frozenset({"55P03"})
# How names of SQLite's errors and SQLSTATEs of PostgreSQL begin that tell of the storage: no
# resources, failed system call, lost connection, stopped server or statement, a transaction that
# took too long, no access, damaged data.
_STORAGE: Final = (
    *("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_CORRUPT"),
    *("53", "58", "08", "57", "25P03", "25P04", "42501", "XX00"),
)
# To whoever reads they tell of a mistake of ours.
_STORAGE_TO_WRITE: Final = (*_STORAGE, "SQLITE_READONLY", "25006")


def open_engine(url: str, *, must_exist: bool = True) -> Engine:
    """Return an engine for the books; every engine is made here.

    On SQLite: WAL, foreign keys enforced, synced at every commit, and DDL inside transactions.
    Python's sqlite3 begins a transaction only before the first INSERT, so a migration that failed
    half way would leave the tables it had already made; taking BEGIN into our own hands makes a
    failed migration leave nothing.

    No connection outlives its transaction, so an engine needs no closing.

    Args:
        url: an SQLAlchemy URL of SQLite or PostgreSQL.
        must_exist: refuse an SQLite file that is not there, instead of making an empty one in a
            folder that is made too.

    Raises:
        BookError: `bad-books-url`: it is no such URL, or its driver is not installed;
            `books-missing`: there is no file.
    """
    try:
        parsed = make_url(url)
        if parsed.drivername == POSTGRESQL:
            parsed = parsed.set(drivername="postgresql+psycopg")
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError) as error:
        raise _bad_url("it is not an SQLAlchemy URL") from error
    if backend not in {SQLITE, POSTGRESQL}:
        raise _bad_url(f"it names {backend}")
    if backend == POSTGRESQL:
        if "@" in (parsed.host or ""):
            # The driver would tell this host, which begins in the middle of the password.
            raise _bad_url("an @ inside of its password is to be written %40")
        return _postgresql_engine(parsed)
    database = parsed.database or ""
    if database in {"", ":memory:"}:
        raise _bad_url("books in memory are gone when the command ends")
    if not must_exist:
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    elif not Path(database).is_file():
        raise BookError(
            "books-missing",
            f"there are no books at {database}",
            do="start them with `metering init`, or `metering db upgrade`",
        )
    return _sqlite_engine(parsed)


@contextmanager
def begin_write(engine: Engine) -> Iterator[Connection]:
    """Yield a connection in the one transaction of a workflow that changes the books.

    It is committed when the block ends and rolled back when the block raises. Writers take turns.
    What a run has written is sealed before it is committed, see `books.seals`.

    Raises:
        BookError: `books-busy`: somebody else has been writing for longer than `BUSY_SECONDS`;
            `books-unreachable`: the server or file cannot be opened; `storage-failed`: the disk
            is full, read-only or broken, and the books are as they were.
    """
    with _connected(engine) as connection, _writing_told():
        with _refusals_told():
            connection.begin()
            if connection.dialect.name == POSTGRESQL:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_SECONDS}s'")
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})")
        yield connection
        run_id = connection.info.pop(UNSEALED, None)
        if run_id is not None and connection.in_transaction():
            seal(connection, run_id)
        connection.commit()


@contextmanager
def begin_read(engine: Engine, *, as_of: int | None = None) -> Iterator[Connection]:
    """Yield a connection that sees one committed state of the books and can change nothing.

    Args:
        engine: of the books.
        as_of: see them as they stood after this run; None for as they stand now.

    Raises:
        BookError: `books-unreachable`: the server or file cannot be opened; `storage-failed`: it
            gives no answer any more, or is damaged.
    """
    options: dict[str, Any] = {_READ_ONLY: True}
    if engine.dialect.name == POSTGRESQL:
        # Views cannot be made in a transaction that begins read-only; it can become so later.
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": as_of is None}
    with _connected(engine) as connection, _reading_told():
        with _refusals_told():
            connection.execution_options(**options)
            connection.begin()
        if as_of is not None:
            _change(connection, allowed=True)
            show_as_of(connection, as_of)
            _change(connection, allowed=False)
        yield connection
        connection.rollback()


def _change(connection: Connection, *, allowed: bool) -> None:
    if connection.dialect.name == SQLITE:
        connection.exec_driver_sql(f"PRAGMA query_only = {int(not allowed)}")
    elif not allowed:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")


def _postgresql_engine(url: Any) -> Engine:
    try:
        return create_engine(url, poolclass=NullPool, hide_parameters=_HIDE_VALUES)
    except ModuleNotFoundError as error:
        raise _bad_url("the driver of PostgreSQL is not installed: metering[postgres]") from error


def _sqlite_engine(url: Any) -> Engine:
    engine = create_engine(
        url,
        poolclass=NullPool,
        connect_args={"timeout": BUSY_SECONDS},
        hide_parameters=_HIDE_VALUES,
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        connection.isolation_level = None
        for setting in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            # Without it, INSERT OR REPLACE deletes a row past the triggers that forbid it.
            "recursive_triggers = ON",
            f"cache_size = -{_CACHE_KIB}",
        ):
            connection.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get(_READ_ONLY, False)
        connection.exec_driver_sql(f"PRAGMA query_only = {int(read_only)}")
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


@contextmanager
def _connected(engine: Engine) -> Iterator[Connection]:
    with _refusals_told():
        connection = engine.connect()
    with connection:
        yield connection


@contextmanager
def _refusals_told() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        reason = str(error.orig).partition("\n")[0]
        locked = getattr(error.orig, "sqlstate", None) in _LOCK_CODES
        if locked or "database is locked" in reason:
            raise BookError(
                "books-busy",
                f"another command has been writing to the books for {BUSY_SECONDS} seconds",
                do="wait for it to end, and run this command again",
            ) from error
        raise BookError(
            "books-unreachable",
            f"the books cannot be opened: {reason}",
            do="check [books] url in metering.toml, and that its server is there or its folder "
            "can be written and has room",
        ) from error


@contextmanager
def _storage_told(kinds: tuple[str, ...], what: str, do: str) -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        name = getattr(error.orig, "sqlite_errorname", None)
        kind = name or getattr(error.orig, "sqlstate", None) or ""
        # Of a server that is gone at once there is no SQLSTATE.
        if not (error.connection_invalidated or kind.startswith(kinds)):
            raise
        reason = str(error.orig).partition("\n")[0]
        raise BookError("storage-failed", f"{what}: {reason}", do=do) from error


def _writing_told() -> AbstractContextManager[None]:
    return _storage_told(
        _STORAGE_TO_WRITE,
        "the books cannot be written",
        "make room, give access or time, and run the command again; nothing was recorded",
    )


def _reading_told() -> AbstractContextManager[None]:
    return _storage_told(
        _STORAGE,
        "the books cannot be read",
        "give access or time, and run the command again; damaged books come back from a backup",
    )


def _bad_url(what: str) -> BookError:
    # The URL itself is not told: it may hold a password.
    return BookError(
        "bad-books-url",
        f"the URL of the books cannot be used: {what}",
        do="set [books] url in metering.toml, like sqlite:///books.sqlite",
    )
