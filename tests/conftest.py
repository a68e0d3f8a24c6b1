"""What every test may use."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine, text

from metering.books.engine import begin_write, open_engine
from metering.books.migrations import upgrade
from metering.books.schema import all_tables
from tests.postgres.server import Server, ServerMissingError, running_server
from tests.support.warm_program import warm_program

# Machines are shared and slow now and then: a property fails by what it says, never by the clock.
settings.register_profile(
    "dev", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=100
)
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

_POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgres)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite the expected texts of golden files; review the difference",
    )
    parser.addoption(
        "--damages",
        type=int,
        default=24,
        metavar="N",
        help="in how many ways each good file of a format is damaged (default: 24)",
    )


@pytest.fixture(scope="session", autouse=True)
def _people_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the key that `metering init` makes out of the home of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        path = tmp_path_factory.mktemp("people") / "people.key"
        patch.setenv("METERING_PEOPLE_KEY_FILE", str(path))
        yield


@pytest.fixture(scope="session")
def warm_folder() -> Iterator[Path]:
    """Yield a folder to be put first on PATH: its `metering` has loaded its libraries already."""
    with warm_program() as folder:
        yield folder


@pytest.fixture
def books(tmp_path: Path, _migrated_file: Path) -> Engine:
    """Return empty books of this test's own, in a file, made by the migrations."""
    path = tmp_path / "books.sqlite"
    shutil.copyfile(_migrated_file, path)
    return open_engine(f"sqlite:///{path}")


@pytest.fixture(params=["sqlite", _POSTGRESQL])
def any_books(request: pytest.FixtureRequest) -> Engine:
    """Return empty books on each database in turn."""
    name = "books" if request.param == "sqlite" else "postgresql_books"
    engine: Engine = request.getfixturevalue(name)
    return engine


@pytest.fixture(params=["sqlite", _POSTGRESQL])
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database without any table, on each database in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.sqlite'}"
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture
def postgresql_url(_server: Server) -> Iterator[str]:
    """Yield the URL of a database of this test's own, without any table."""
    with _server.database("empty") as url:
        yield url


@pytest.fixture
def postgresql_books(_migrated_database: str) -> Iterator[Engine]:
    """Yield empty books on PostgreSQL, made by the migrations; a test leaves their schema alone."""
    engine = open_engine(_migrated_database)
    yield engine
    with begin_write(engine) as connection:
        # What the triggers forbid to everybody else: tests need their books empty again.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        # Nearly all tables are empty: looking costs less than the new file that TRUNCATE makes.
        emptied = "; ".join(f"DELETE FROM {table}" for table in all_tables().tables)
        connection.exec_driver_sql(emptied)
        connection.exec_driver_sql("SELECT setval(seqrelid, 1, false) FROM pg_sequence")


@pytest.fixture(scope="session")
def _migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "books.sqlite"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def _migrated_database(_server: Server) -> Iterator[str]:
    with _server.database("books") as url:
        _migrate(url)
        yield url


@pytest.fixture(scope="session")
def _server() -> Iterator[Server]:
    try:
        with running_server() as server:
            yield server
    except ServerMissingError as error:
        # On a developer's machine a skip is honest; in CI it would pass for a pass.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))


def _migrate(url: str) -> None:
    engine = open_engine(url, must_exist=False)
    upgrade(engine)
