"""The revisions make the tables, wholly or not at all, and nothing works on any other schema."""

import ast
import logging
import shutil
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from metering.books import migrations, shape
from metering.books.engine import begin_read, begin_write, open_engine
from metering.books.schema import all_tables, table_named, table_names
from metering.errors import BookError
from metering.resources import migrations_dir

_FAILING = '''
"""Make a table, then fail."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.create_table("half_done", sa.Column("id", sa.Integer(), primary_key=True))
    op.execute("INSERT INTO half_done (id) VALUES (1)")
    raise RuntimeError("the disk is full")
'''


@pytest.fixture
def empty(any_url: str) -> Engine:
    return open_engine(any_url, must_exist=False)


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the revisions, in a folder whose name holds a percent sign."""
    folder = tmp_path / "100% of it" / "alembic"
    shutil.copytree(migrations_dir(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(migrations, "migrations_dir", lambda: folder)
    return folder


def _tables(engine: Engine) -> set[str]:
    with begin_read(engine) as connection:
        return set(inspect(connection).get_table_names())


def test_the_migrations_make_exactly_the_tables(any_books: Engine) -> None:
    with begin_read(any_books) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        assert compare_metadata(context, all_tables()) == []


def test_up_down_and_up_again(empty: Engine) -> None:
    migrations.upgrade(empty)
    made = _tables(empty)
    with begin_write(empty) as connection:
        migrations.downgrade_to(connection, "base")
    left = _tables(empty)
    migrations.upgrade(empty)

    assert made == {*all_tables().tables, "alembic_version"}
    assert table_names() == tuple(sorted(all_tables().tables))
    assert all(table_named(name) is all_tables().tables[name] for name in table_names())
    assert left == {"alembic_version"}
    assert _tables(empty) == made


def test_a_revision_that_fails_leaves_nothing(empty: Engine, scripts: Path) -> None:
    (scripts / "versions" / "0002_failing.py").write_text(_FAILING, encoding="utf-8")

    with pytest.raises(RuntimeError, match="disk is full"), begin_write(empty) as connection:
        migrations.upgrade_to(connection, "0002")

    assert _tables(empty) == set()


def test_a_revision_that_fails_leaves_the_one_before(empty: Engine, scripts: Path) -> None:
    migrations.upgrade(empty)
    (scripts / "versions" / "0002_failing.py").write_text(_FAILING, encoding="utf-8")

    with pytest.raises(RuntimeError, match="disk is full"), begin_write(empty) as connection:
        migrations.upgrade_to(connection, "0002")

    assert "half_done" not in _tables(empty)
    migrations.require_current(empty)


@pytest.mark.usefixtures("scripts")
def test_an_installation_may_have_a_percent_sign_in_its_path(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'books.sqlite'}", must_exist=False)

    migrations.upgrade(engine)

    migrations.require_current(engine)


def test_an_upgrade_leaves_the_programs_loggers_alone(empty: Engine) -> None:
    logger = logging.getLogger("metering.some.module")

    migrations.upgrade(empty)

    assert not logger.disabled


def test_the_programs_revision_is_that_of_the_newest_script() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations_dir()))
    config.set_main_option("path_separator", "os")

    heads = ScriptDirectory.from_config(config).get_heads()

    assert heads == [migrations.head_revision()]


def test_the_programs_columns_are_those_of_the_models(any_books: Engine) -> None:
    is_now = shape.shape_of(shape.expected_columns())

    assert is_now == shape.SHAPE, f"set SHAPE of metering/books/shape.py to {is_now}"
    with begin_read(any_books) as connection:
        assert shape.has_shape(connection)
        assert shape.differences(connection) == ()


# What an older build of the same revision, or somebody with SQL, leaves in the books.
_OTHER_SHAPES = {
    "DROP TABLE dispute_event": "lacking:  the table dispute_event",
    "ALTER TABLE fx_rate RENAME COLUMN source TO origin": (
        "lacking:  fx_rate.source (never empty)\n    besides:  fx_rate.origin (never empty)"
    ),
    "ALTER TABLE dispute ADD COLUMN urgency TEXT": "besides:  dispute.urgency (may be empty)",
}


@pytest.mark.parametrize("change", _OTHER_SHAPES)
def test_books_of_the_revision_with_other_columns_are_refused_and_left_alone(
    change: str, empty: Engine
) -> None:
    migrations.upgrade(empty)
    with begin_write(empty) as connection:
        connection.execute(text(change))
    left = _tables(empty)

    for refused in (migrations.require_current, migrations.upgrade):
        with pytest.raises(BookError) as refusal:
            refused(empty)
        assert refusal.value.code == "books-of-another-build"
        assert _OTHER_SHAPES[change] in str(refusal.value)
    assert _tables(empty) == left


def test_tables_of_others_beside_the_books_are_left_alone(empty: Engine) -> None:
    migrations.upgrade(empty)
    with begin_write(empty) as connection:
        connection.execute(text("CREATE TABLE somebody_elses (id INTEGER)"))

    migrations.require_current(empty)


def test_empty_books_are_refused_until_they_are_upgraded(empty: Engine) -> None:
    with pytest.raises(BookError, match="metering db upgrade") as refusal:
        migrations.require_current(empty)
    migrations.upgrade(empty)

    assert refusal.value.code == "books-outdated"
    migrations.require_current(empty)


def test_books_of_a_newer_program_are_refused_and_left_alone(empty: Engine) -> None:
    migrations.upgrade(empty)
    with begin_write(empty) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    for refused in (migrations.require_current, migrations.upgrade):
        with pytest.raises(BookError) as refusal:
            refused(empty)
        assert refusal.value.code == "books-newer"
    with begin_read(empty) as connection:
        assert migrations.current_revision(connection) == "9999"


@pytest.mark.parametrize(
    "path", sorted((migrations_dir() / "versions").glob("*.py")), ids=lambda path: path.stem
)
def test_a_revision_imports_nothing_of_ours(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").partition(".")[0] != "metering"
        if isinstance(node, ast.Import):
            assert all(name.name.partition(".")[0] != "metering" for name in node.names)


def test_every_table_is_strict_on_sqlite(books: Engine) -> None:
    with begin_read(books) as connection:
        strict = connection.execute(text("SELECT name FROM pragma_table_list WHERE strict"))

        assert set(strict.scalars()) == set(all_tables().tables)


def test_sound_books_have_no_problems(any_books: Engine) -> None:
    with begin_read(any_books) as connection:
        assert migrations.database_problems(connection) == []


def test_a_trigger_that_is_gone_is_a_problem(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        sqlite = connection.dialect.name == "sqlite"
        trigger = "posting_no_delete" if sqlite else "posting_rows_stay ON posting"
        connection.execute(text(f"DROP TRIGGER {trigger}"))

        problems = migrations.database_problems(connection)
        connection.rollback()

    assert problems == ["posting: the triggers that keep its rows are gone"]
