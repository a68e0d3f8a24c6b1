"""Owners, invoices and the tie-out through the command line, on a real ledger."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.support.command_line import metering

ROOT = Path(__file__).parent.parent.parent
SAMPLES = ROOT / "sample_logs"
CONFLICT = ROOT / "tests" / "errors" / "conflicting-invoice"
USAGE = tuple(
    SAMPLES / "usage" / "openai" / f"{kind}-2026-10.json" for kind in ("completions", "embeddings")
)
_AMOUNT = re.compile(r"(?<=[0-9])\.(?=[0-9]{2})")
INVOICES = SAMPLES / "invoices" / "invoices-2026-10.csv"


def answer(*arguments: object) -> list[dict[str, object]]:
    result = metering(*arguments, "--format", "json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    return found if isinstance(found, list) else [found]


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an empty ledger and one with a month posted; tests work on copies."""
    folder = tmp_path_factory.mktemp("templates")
    with pytest.MonkeyPatch.context() as patch:
        (folder / "empty").mkdir()
        patch.chdir(folder / "empty")
        assert metering("init").exit_code == 0
        shutil.copytree(folder / "empty", folder / "posted")
        patch.chdir(folder / "posted")
        assert metering("ingest", *USAGE).exit_code == 0
        assert metering("owners", "import", SAMPLES / "owners" / "owners.csv").exit_code == 0
        assert metering("owners", "import", SAMPLES / "owners" / "rules.toml").exit_code == 0
        assert metering("post").exit_code == 0
    return folder


@pytest.fixture
def ledger(templates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return standing_in(templates / "empty", tmp_path, monkeypatch)


@pytest.fixture
def posted(templates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return standing_in(templates / "posted", tmp_path, monkeypatch)


def standing_in(template: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(template, folder, dirs_exist_ok=True)
    monkeypatch.chdir(folder)
    return folder


def test_importing_owners_again_makes_no_version(ledger: Path) -> None:
    source = SAMPLES / "owners" / "owners.csv"
    renamed = shutil.copy(source, ledger / "hr-export.csv")

    (first,) = answer("owners", "import", source)
    (again,) = answer("owners", "import", renamed)

    assert (first["kind"], first["is_new"], first["count"]) == ("owners", True, 62)
    assert again == {**first, "is_new": False}


def test_rules_are_told_from_owners_by_content(ledger: Path) -> None:
    renamed = shutil.copy(SAMPLES / "owners" / "rules.toml", ledger / "who-pays.txt")

    (imported,) = answer("owners", "import", renamed)

    assert (imported["kind"], imported["name"], imported["count"]) == ("rules", "who-pays.txt", 4)


def test_a_refused_owners_file_changes_nothing(posted: Path) -> None:
    before = answer("owners", "show", "key_helpdesk", "--on", "2026-10-10")
    bad = posted / "owners-bad.csv"
    bad.write_text(
        "key,person,team,project,cost_centre,valid_from,valid_to\n"
        "key_helpdesk,,Other,Other,CC-1,,\nkey_helpdesk,,Other,Other,,,\n",
        encoding="utf-8",
    )

    refused = metering("owners", "import", bad)

    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"{bad}:3: error[missing-cost-centre]: cost_centre is empty")
    assert refused.stdout == ""
    assert answer("owners", "show", "key_helpdesk", "--on", "2026-10-10") == before


def test_a_file_that_is_not_utf_8_is_refused(ledger: Path) -> None:
    bad = ledger / "latin.csv"
    bad.write_bytes("key,person\nk,José\n".encode("latin-1"))

    refused = metering("owners", "import", bad)

    assert refused.exit_code == 1
    assert f"{bad}:2: error[bad-encoding]: byte 16 is not UTF-8" in refused.stderr


@pytest.mark.usefixtures("posted")
def test_a_key_that_moved_shows_both_owners_by_day() -> None:
    (before,) = answer("owners", "show", "key_ana_marek", "--on", "2026-10-15")
    (after,) = answer("owners", "show", "key_ana_marek", "--on", "2026-10-16")

    owned = before["owned"]
    assert isinstance(owned, dict)
    assert re.fullmatch("person-[0-9a-f]{16}", owned["owner"].pop("person"))
    assert owned == {
        "owner": {"cost_centre": "CC-4100", "team": "payments", "project": "refunds"},
        "how": "owners.csv:17 api_key",
        "basis": "owners api_key",
    }
    assert after["owned"] != before["owned"]
    assert before["is_seen"]


@pytest.mark.usefixtures("posted")
def test_a_key_that_was_never_used_is_tried_as_each_kind() -> None:
    rows = answer("owners", "show", "u-bo", "--on", "2026-10-15")

    assert [row["identity"] for row in rows] == [
        {"api_key": "u-bo"},
        {"principal": "u-bo"},
        {"workspace": "u-bo"},
    ]
    assert not any(row["is_seen"] for row in rows)


def test_money_without_owner_is_told_by_key_and_equals_suspense(posted: Path) -> None:
    few = posted / "few.csv"
    few.write_text(
        "key,person,team,project,cost_centre,valid_from,valid_to\n"
        "key_ledger_api,,payments,ledger-api,CC-4100,,\n",
        encoding="utf-8",
    )
    assert metering("owners", "import", few).exit_code == 0

    (checked,) = answer("owners", "check")
    (told,) = answer("post")

    unowned = checked["unowned"]
    assert isinstance(unowned, list)
    amounts = [one["amount_nanos"] for one in unowned]
    assert amounts == sorted(amounts, reverse=True)
    assert {one["field"] for one in unowned} <= {"api_key", "principal", "workspace"}
    # Each key rounds its own lines, so keys and suspense differ by less than a nano a line.
    suspense = told["unattributed_nanos"]
    assert isinstance(suspense, dict)
    assert abs(sum(amounts) - suspense["USD"]) < 1_000
    assert {remark["code"] for remark in checked["remarks"]} == {"never-matches"}  # type: ignore[attr-defined]  # decoded JSON


@pytest.mark.usefixtures("ledger")
def test_a_check_before_any_usage_has_nothing_to_tell() -> None:
    assert metering("owners", "import", SAMPLES / "owners" / "rules.toml").exit_code == 0

    checked = metering("owners", "check", "--strict")

    assert checked.exit_code == 0


@pytest.mark.usefixtures("ledger")
def test_an_invoice_is_recorded_once() -> None:
    first = answer("invoices", "ingest", INVOICES)
    again = answer("invoices", "ingest", INVOICES)

    assert [invoice["recorded"] for invoice in first] == [True] * len(first)
    assert again == [{**invoice, "recorded": False} for invoice in first]


@pytest.mark.usefixtures("ledger")
def test_a_dry_run_records_no_invoice() -> None:
    assert metering("invoices", "ingest", "--dry-run", INVOICES).exit_code == 0

    assert answer("tie-out", "2026-10") == []


def test_an_invoice_number_with_other_content_is_refused(
    ledger: Path, pytestconfig: pytest.Config
) -> None:
    for name in ("recorded.csv", "again.csv"):
        shutil.copy(CONFLICT / name, ledger / name)
    assert metering("invoices", "ingest", "recorded.csv").exit_code == 0

    refused = metering("invoices", "ingest", "again.csv")

    expected = CONFLICT / "again.csv.expected"
    if pytestconfig.getoption("--update-golden"):
        expected.write_text(refused.stderr, encoding="utf-8")
    assert refused.exit_code == 1
    assert refused.stderr == expected.read_text(encoding="utf-8")
    (tie,) = answer("tie-out", "2026-10")
    assert tie["invoiced_nanos"] == 1502_570_000_000


@pytest.mark.usefixtures("posted")
def test_the_month_ties_to_its_invoices() -> None:
    assert metering("invoices", "ingest", INVOICES).exit_code == 0

    found = {str(tie["provider"]): tie for tie in answer("tie-out", "2026-10")}

    openai = found["openai"]
    lines = openai["lines"]
    assert isinstance(lines, list)
    assert [line["reason"] for line in lines] == ["usage", "tax", "credit", "rounding"]
    assert sum(line["amount_nanos"] for line in lines) == openai["invoiced_nanos"]
    assert openai["ties"] is True
    assert openai["unexplained_nanos"] == 0
    # The usage of this invoice was not ingested, so all of it is unexplained.
    assert found["anthropic"]["unexplained_nanos"] == found["anthropic"]["invoiced_nanos"]


@pytest.mark.usefixtures("posted")
def test_the_screen_aligns_decimals_and_strict_says_what_does_not_tie() -> None:
    assert metering("invoices", "ingest", INVOICES).exit_code == 0

    screen = metering("tie-out", "2026-10")
    strict = metering("tie-out", "2026-10", "--strict")

    block = screen.stdout[screen.stdout.index("Invoice OAI-1006") :].splitlines()[:5]
    assert "ties" in block[0]
    assert len({point.start() for line in block for point in _AMOUNT.finditer(line)}) == 1
    assert screen.exit_code == 0
    assert strict.exit_code == 1
    assert strict.stdout == screen.stdout


@pytest.mark.usefixtures("ledger")
def test_a_period_is_written_as_a_month() -> None:
    assert metering("tie-out", "10/2026").exit_code == 2
