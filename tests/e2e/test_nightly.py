"""`metering nightly`: what waits is taken in once, what is refused stays, and one night runs."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from filelock import FileLock

from metering.cli.main import main
from metering.settings import FILE_NAME, Settings
from tests.ledgers import SAMPLE, fresh_ledger
from tests.provider_server import Asked, Reply, serving


@pytest.fixture
def ledger(tmp_path: Path) -> Settings:
    return fresh_ledger(tmp_path / "ledger")


def _night(ledger: Settings) -> Result:
    arguments = ["--config", str(ledger.home / FILE_NAME), "nightly", "--format", "json"]
    return CliRunner().invoke(main, arguments)


def _steps(done: Result) -> dict[str, dict[str, Any]]:
    night = json.loads(done.stdout)
    assert json.loads(Path(night["receipt"]).read_text(encoding="utf-8"))["steps"]
    return {step["step"]: step for step in night["steps"]}


def _waits(ledger: Settings, source: str, at: str) -> Path:
    target = ledger.home / "inbox" / at
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(SAMPLE / source, target)
    return target


def test_a_night_takes_in_what_waits_and_the_next_has_nothing_to_do(ledger: Settings) -> None:
    usage = _waits(ledger, "usage/openai/completions-2026-10.json", "openai/october.json")
    _waits(ledger, "outcomes/pull-requests-helpdesk-bot.json", "outcomes/merged.json")
    _waits(ledger, "invoices/invoices-2026-10.csv", "invoices/october.csv")
    writing = _waits(ledger, "usage/openai/embeddings-2026-10.json", "openai/next.json.part")

    first = _night(ledger)

    steps = _steps(first)
    assert steps["usage"]["summary"] == "1 of 1 files taken in"
    assert steps["outcomes"]["summary"] == "1 of 1 files taken in"
    assert steps["invoices"]["summary"] == "1 of 1 files taken in"
    assert "2026-10 USD" in steps["post"]["summary"]
    assert steps["verify"]["state"] == "done"
    # The other providers' usage is missing, so that their invoices do not tie.
    assert steps["tie-out"]["state"] == "attention"
    assert first.exit_code == 1
    assert not usage.exists()
    assert len(list((ledger.home / "inbox" / "taken").rglob("october.json"))) == 1
    assert writing.exists()

    steps = _steps(_night(ledger))
    assert {steps[name]["summary"] for name in ("usage", "outcomes", "invoices")} == {
        "nothing waits"
    }
    assert steps["post"]["summary"] == "0 postings"


def test_a_clean_night_is_exit_code_0(ledger: Settings) -> None:
    _waits(ledger, "usage/openai/completions-2026-10.json", "october.json")
    done = _night(ledger)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["clean"] is True


def test_a_night_pulls_first_and_pulling_again_changes_nothing(
    ledger: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = json.loads((SAMPLE / "usage/openai/completions-2026-10.json").read_bytes())

    def answer(asked: Asked) -> Reply:
        if asked.path == "/organization/costs":
            return Reply.of({"error": {"message": "this key may not read costs"}}, 403)
        start, end = (int(asked.query[name][0]) for name in ("start_time", "end_time"))
        buckets = [one for one in page["data"] if start <= one["start_time"] < end]
        found = buckets if asked.path.endswith("/completions") else []
        return Reply.of({"object": "page", "data": found, "has_more": False, "next_page": None})

    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin-1")
    with serving(answer) as provider:
        _said(ledger, f'[pull.openai]\nbase_url = "{provider.url}"\ndays = 400\n')
        first = _night(ledger)
        second = _night(ledger)

    steps = _steps(first)
    assert steps["pull"]["summary"] == "1 files"
    assert "not-allowed" in steps["pull"]["told"][0]
    assert steps["usage"]["summary"] == "1 of 1 files taken in"
    assert "2026-10 USD" in steps["post"]["summary"]
    assert _steps(second)["post"]["summary"] == "0 postings"
    assert (first.exit_code, second.exit_code) == (1, 1), "the costs could not be had"


def _said(ledger: Settings, text: str) -> None:
    with (ledger.home / FILE_NAME).open("a", encoding="utf-8") as file:
        file.write(f"\n{text}")


def test_what_is_refused_stays_and_the_rest_is_taken_in(ledger: Settings) -> None:
    _waits(ledger, "usage/openai/completions-2026-10.json", "a/october.json")
    unknown = ledger.home / "inbox" / "notes.txt"
    unknown.write_text("nothing we know\n", encoding="utf-8")

    done = _night(ledger)

    steps = _steps(done)
    assert done.exit_code == 1
    assert steps["usage"]["summary"] == "1 of 2 files taken in"
    assert "notes.txt" in steps["usage"]["told"][0]
    assert unknown.exists()
    assert "notes.txt" in done.stderr


def test_one_night_at_a_time(ledger: Settings) -> None:
    with FileLock(ledger.home / ".nightly.lock"):
        done = _night(ledger)
    assert done.exit_code == 1
    assert "error[nightly-running]" in done.stderr
    assert _night(ledger).exit_code == 0
