"""A ledger is started whole or not at all, and never over another one."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from metering.books.engine import begin_write, open_engine
from metering.books.migrations import downgrade_to
from metering.cli.main import main
from metering.core.ownership.owners_file import parse_owners
from metering.core.ownership.rules_file import parse_rules
from metering.errors import BookError
from metering.settings import load_settings
from metering.workflows import ledger_start
from metering.workflows.books_upgrade import books_status, upgrade_books
from metering.workflows.ledger_start import start_ledger
from metering.workflows.runs import Run
from tests.support.books_rows import NOW

_RUN = Run("init", "nina", NOW)


@pytest.fixture(autouse=True)
def _no_other_books(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("METERING_BOOKS_URL", raising=False)


def _metering(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def test_a_new_ledger_has_books_prices_and_files_to_fill_in(tmp_path: Path) -> None:
    started = start_ledger(tmp_path / "new", _RUN)

    settings = load_settings(tmp_path / "new" / "metering.toml")
    status = books_status(settings)
    assert set(started.written) == {"metering.toml", "rules.toml", "owners.csv"}
    assert {path.name for path in settings.home.iterdir()} == {*started.written, "books.sqlite"}
    assert (status.state, status.postings) == ("current", 0)
    assert {f"{card.name} v{card.version}" for card in status.cards} == set(started.cards)
    assert "list-genai-prices v1" in started.cards


def test_the_example_files_can_be_imported_as_they_stand(tmp_path: Path) -> None:
    start_ledger(tmp_path, _RUN)

    rules = (tmp_path / "rules.toml").read_text(encoding="utf-8")
    owners = (tmp_path / "owners.csv").read_text(encoding="utf-8")
    assert parse_rules(rules, "rules.toml").rules == ()
    assert parse_owners(owners, "owners.csv").entries == ()


def test_the_examples_in_the_comments_are_rules(tmp_path: Path) -> None:
    start_ledger(tmp_path, _RUN)

    lines = (tmp_path / "rules.toml").read_text(encoding="utf-8").splitlines()
    first = lines.index("# [[rule]]")
    text = "\n".join(line.removeprefix("#").strip() for line in lines[first:])

    assert len(parse_rules(text, "rules.toml").rules) == 2


def test_files_that_are_there_are_kept(tmp_path: Path) -> None:
    (tmp_path / "owners.csv").write_text("mine\n", encoding="utf-8")

    started = start_ledger(tmp_path, _RUN)

    assert started.kept == ("owners.csv",)
    assert (tmp_path / "owners.csv").read_text(encoding="utf-8") == "mine\n"


def test_a_ledger_is_not_started_over_another(tmp_path: Path) -> None:
    (tmp_path / "metering.toml").write_text("", encoding="utf-8")

    with pytest.raises(BookError, match="already-a-ledger"):
        start_ledger(tmp_path, _RUN)

    assert [path.name for path in tmp_path.iterdir()] == ["metering.toml"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(BookError) as refused:
        start_ledger(tmp_path / "file" / "new", _RUN)

    assert str(refused.value) == (
        f"error[storage-failed]: {tmp_path}/file/new cannot be written: Not a directory\n"
        "    do:       name a folder that you may write in"
    )


def test_an_interrupted_start_is_no_ledger_and_can_be_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(ledger_start, "_write_new", _fail)
        with pytest.raises(OSError, match="disk full"):
            start_ledger(tmp_path, _RUN)
    left = {path.name for path in tmp_path.iterdir()}
    started = start_ledger(tmp_path, _RUN)

    assert left == {"books.sqlite"}
    assert all(card.endswith(" v1") for card in started.cards)


def test_books_that_were_empty_get_the_bundled_prices(tmp_path: Path) -> None:
    (tmp_path / "metering.toml").write_text("", encoding="utf-8")
    settings = load_settings(tmp_path / "metering.toml")

    first = upgrade_books(settings, _RUN)
    second = upgrade_books(settings, _RUN)

    assert (first.before, second.before) == (None, second.after)
    assert {card.version for card in books_status(settings).cards} == {1}


def test_the_status_of_books_that_were_emptied(tmp_path: Path) -> None:
    start_ledger(tmp_path, _RUN)
    settings = load_settings(tmp_path / "metering.toml")
    with begin_write(open_engine(settings.books_url)) as connection:
        downgrade_to(connection, "base")

    status = books_status(settings)

    assert (status.revision, status.state, status.cards) == (None, "empty", ())


def test_books_of_another_build_are_told_apart_by_every_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_ledger(tmp_path, _RUN)
    monkeypatch.chdir(tmp_path)
    with begin_write(open_engine(load_settings(Path("metering.toml")).books_url)) as connection:
        connection.execute(text("DROP TABLE event_file"))

    status = _metering("db", "status", "--format", "json")

    assert json.loads(status.stdout)["state"] == "of another build"
    assert json.loads(status.stdout)["differences"] == ["lacking:  the table event_file"]
    assert "the table event_file" in _metering("db", "status").stdout
    for command in (
        ["db", "upgrade"],
        ["verify"],
        ["nightly"],
        ["report", "chargeback", "2026-10"],
    ):
        refused = _metering(*command)
        assert refused.exit_code == 1
        assert "error[books-of-another-build]" in refused.stderr, command


def test_the_commands_say_what_they_did(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    started = _metering("init", "spend", "--format", "json")
    monkeypatch.chdir(tmp_path / "spend")
    upgraded = _metering("db", "upgrade")
    status = _metering("db", "status", "--format", "json")
    shown = _metering("db", "status")
    again = _metering("init")

    assert json.loads(started.stdout)["folder"] == "spend"
    assert upgraded.stdout == "the books are at revision 0001 already\n"
    assert json.loads(status.stdout)["state"] == "current"
    assert "books     current: revision 0001, head 0001" in shown.stdout
    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr.startswith("error[already-a-ledger]: metering.toml is there already\n")


def _fail(*_: object) -> bool:
    raise OSError("disk full")
