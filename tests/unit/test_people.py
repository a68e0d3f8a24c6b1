"""People are shown by pseudonyms; whoever asks for a name is named themselves."""

import stat
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from metering.core.ownership.pseudonyms import pseudonym
from metering.errors import BookError
from metering.settings import Settings, load_settings
from metering.workflows.audit import changes
from metering.workflows.ledger_start import start_ledger
from metering.workflows.ownership.owner_imports import import_files
from metering.workflows.ownership.owners import show
from metering.workflows.ownership.people import (
    Pseudonyms,
    create_key,
    fewest_people,
    pseudonyms,
    reveal,
)
from metering.workflows.runs import Run

OWNERS = """\
key,person,team,project,cost_centre,valid_from,valid_to
key_ana,E1001,payments,refunds,CC-1,,
"""


def run(command: str, user: str = "nina") -> Run:
    return Run(command, user, datetime(2026, 11, 1, tzinfo=UTC))


@pytest.fixture
def ledger(tmp_path: Path) -> Settings:
    home = tmp_path / "ledger"
    start_ledger(home, run("init"))
    (home / "owners.csv").write_text(OWNERS, encoding="utf-8")
    settings = replace(
        load_settings(home / "metering.toml"),
        people_key_file=tmp_path / "safe" / "people.key",
        reveal_by=frozenset({"nina"}),
    )
    create_key(settings)
    import_files(settings, run("owners import"), [home / "owners.csv"])
    return settings


def test_a_pseudonym_is_the_same_for_ever_and_another_with_another_key() -> None:
    assert pseudonym(b"k" * 32, "E1001") == "person-a2ce6b8c46eb69b0"
    assert pseudonym(b"l" * 32, "E1001") != pseudonym(b"k" * 32, "E1001")


def test_the_key_is_its_owners_alone_and_made_once(ledger: Settings) -> None:
    path = ledger.people_key_file
    before = path.read_bytes()

    assert create_key(ledger) is None
    assert path.read_bytes() == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_answer_names_a_person(ledger: Settings) -> None:
    rows = show(ledger, "key_ana", date(2026, 10, 1))

    owned = rows[0].owned
    assert owned is not None
    assert owned.owner.person == pseudonyms(ledger).of("E1001")
    assert "E1001" not in str(rows)


def test_a_name_is_told_once_and_the_question_kept(ledger: Settings) -> None:
    asked = pseudonyms(ledger).of("E1001")

    found = reveal(ledger, run("owners reveal"), asked, "budget talk")

    assert (found.person, found.logins, found.places) == ("E1001", ("key_ana",), ("owners.csv:2",))
    last = changes(ledger)[-1]
    assert (last.run_id, last.command, last.by) == (found.run_id, "owners reveal", "nina")
    assert last.arguments == {"pseudonym": asked, "reason": "budget talk"}


def test_a_question_without_an_answer_is_kept_too(ledger: Settings) -> None:
    with pytest.raises(BookError) as refused:
        reveal(ledger, run("owners reveal"), "person-0000000000000000", "curious")

    assert refused.value.code == "unknown-pseudonym"
    assert changes(ledger)[-1].arguments["reason"] == "curious"


def test_who_may_not_ask_learns_nothing_and_leaves_the_books_alone(ledger: Settings) -> None:
    asked, before = pseudonyms(ledger).of("E1001"), changes(ledger)

    with pytest.raises(BookError) as refused:
        reveal(ledger, run("owners reveal", "mallory"), asked, "curious")

    assert refused.value.code == "reveal-not-permitted"
    assert changes(ledger) == before


def test_whom_an_earlier_version_knew_is_found(ledger: Settings) -> None:
    later = ledger.home / "owners.csv"
    later.write_text(OWNERS.replace("E1001", "E2002"), encoding="utf-8")
    import_files(ledger, run("owners import"), [later])

    assert reveal(ledger, run("r"), pseudonyms(ledger).of("E1001"), "audit").person == "E1001"


def test_without_a_key_people_are_hidden(ledger: Settings) -> None:
    ledger.people_key_file.unlink()

    assert pseudonyms(ledger).of("E1001") == pseudonyms(ledger).of("E2002") == "person-hidden"
    assert Pseudonyms(None).of("") == ""


@pytest.mark.parametrize("where", ["people.key", "lake/deep/people.key"])
def test_a_key_with_the_data_is_refused(ledger: Settings, where: str) -> None:
    beside = replace(ledger, people_key_file=ledger.home / where)

    with pytest.raises(BookError) as refused:
        pseudonyms(beside)

    assert refused.value.code == "unsafe-people-key"


@pytest.mark.parametrize(("mode", "content"), [(0o640, "00" * 32), (0o600, "short")])
def test_a_key_that_others_read_or_that_is_none_is_refused(
    ledger: Settings, mode: int, content: str
) -> None:
    ledger.people_key_file.write_text(content, encoding="ascii")
    ledger.people_key_file.chmod(mode)

    with pytest.raises(BookError) as refused:
        pseudonyms(ledger)

    assert refused.value.code == "unsafe-people-key"


def test_more_than_five_may_be_asked_for_and_fewer_may_not(ledger: Settings) -> None:
    assert fewest_people(ledger) == 5
    assert fewest_people(replace(ledger, fewest_people=10)) == 10
    with pytest.raises(BookError) as refused:
        fewest_people(replace(ledger, fewest_people=4))
    assert "[people] fewest is 4\n    expected: 5 or more" in str(refused.value)
