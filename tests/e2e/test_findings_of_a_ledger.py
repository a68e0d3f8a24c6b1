"""Findings over a ledger: about projects, never about people, and quiet once they are answered."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from metering.settings import FILE_NAME, Settings, load_settings
from tests.support.command_line import done, metering, told
from tests.support.ledgers import SAMPLE, company_ledger, files_below, fresh_ledger, ingest_and_post

_FORBIDDEN = ("misuse", "abuse", "cheat", "guilty", "fraud")


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return company_ledger(tmp_path_factory.mktemp("findings") / "ledger")


def _findings(ledger: Settings, *more: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = told(ledger, "findings", "list", *more)["findings"]
    return found


def test_the_planted_patterns_are_found_and_nobody_is_named(ledger: Settings) -> None:
    listed = metering(ledger, "findings", "list", "--format", "json")
    found = {one["project"]: one for one in json.loads(listed.stdout)["findings"]}

    assert found["lakehouse"]["family"] == "token_maxing"  # u-tomas' loop
    assert found["pitch-bot"]["family"] == "no_feed"
    assert found["forecasting"]["family"] == "no_outcome"  # its feed went silent
    for word in (*_FORBIDDEN, "u-tomas", "u-ines", "Marek"):
        assert word not in listed.output


def test_the_same_ledger_gives_the_same_findings(ledger: Settings) -> None:
    assert _findings(ledger) == _findings(ledger)


def test_an_answered_finding_stays_quiet_and_can_be_read(ledger: Settings) -> None:
    (case,) = [one for one in _findings(ledger) if one["project"] == "pitch-bot"]
    name = case["finding"]

    answered = metering(ledger, "findings", "explain", name, "--note", "not connected yet")

    assert answered.exit_code == 0, answered.output
    assert name not in {one["finding"] for one in _findings(ledger)}
    (again,) = [one for one in _findings(ledger, "--all") if one["finding"] == name]
    assert (again["state"], again["note"]) == ("explained", "not connected yet")
    shown = metering(ledger, "findings", "show", name)
    assert re.search(r"explained on \d{4}-\d\d-\d\d by \S+: not connected yet", shown.stderr)
    assert "benign explanations to rule out" in shown.stdout


def test_what_was_confirmed_counts_for_the_list(ledger: Settings) -> None:
    (case,) = [one for one in _findings(ledger) if one["project"] == "lakehouse"]
    assert metering(ledger, "findings", "confirm", case["finding"]).exit_code == 0
    listed = metering(ledger, "findings", "list")
    shown = "of the first 20 by rank, 2 were decided and 1 confirmed (50.0 %)"
    assert f"precision at 20: {shown}" in listed.stderr
    assert case["finding"] in listed.stdout
    assert told(ledger, "findings", "list")["precision"] == {
        "k": 20,
        "decided": 2,
        "confirmed": 1,
        "precision": 0.5,
        "threshold_factor": 1.0,
    }


def test_an_owners_explanation_stays_beside_what_the_reviewer_says_later(ledger: Settings) -> None:
    (case,) = [one for one in _findings(ledger, "--all") if one["project"] == "pitch-bot"]
    assert metering(ledger, "findings", "confirm", case["finding"], "--note", "seen").exit_code == 0

    again = told(ledger, "findings", "show", case["finding"])

    said = [(one["state"], one["note"]) for one in again["answers"]]
    assert said == [("explained", "not connected yet"), ("confirmed", "seen")]
    assert again["place"] == case["place"]


def test_an_answer_keeps_the_finding_as_it_was_seen(ledger: Settings) -> None:
    (case,) = [one for one in _findings(ledger) if one["project"] == "campaigns"]
    name = case["finding"]
    assert metering(ledger, "findings", "confirm", name, "--fixed").exit_code == 0
    feed = "start_date,end_date,kind,scope\n2026-05-01,,feed_gap,team:growth\n"
    (ledger.home / "calendar.csv").write_text(feed, encoding="utf-8")
    imported = ("findings", "events", "import", str(ledger.home / "calendar.csv"))
    assert metering(ledger, *imported).exit_code == 0

    shown = metering(ledger, "findings", "show", name, "--as-answered", "--format", "json")

    seen = json.loads(shown.stdout)
    assert (seen["state"], seen["is_current"]) == ("fixed", False)
    assert seen["evidence"] == case["evidence"]
    assert seen["data_hash"] == case["data_hash"]
    assert case["data_hash"] != _findings(ledger, "--all")[0]["data_hash"]  # the calendar changed


def test_events_are_versions_and_bad_ones_are_refused_by_line(ledger: Settings) -> None:
    calendar = ledger.home / "calendar.csv"
    calendar.write_text("start_date,kind,scope\n2026-10-05,launch,planet:mars\n", encoding="utf-8")
    refused = metering(ledger, "findings", "events", "import", str(calendar))
    assert refused.exit_code == 1
    assert f"{calendar}:2: error[unknown-value]: scope is 'planet:mars'" in refused.stderr

    calendar.write_text("start_date,kind,scope\n2026-10-05,launch,team:moon\n", encoding="utf-8")
    events = ("findings", "events")
    assert "1 event, in force" in metering(ledger, *events, "import", calendar).stderr
    assert "already" in metering(ledger, *events, "import", calendar).stderr
    assert [one["scope"] for one in told(ledger, *events, "list")] == ["team:moon"]
    assert "an event is about team:moon" in metering(ledger, "findings", "list").stderr


def test_a_tag_may_name_the_workflow(tmp_path: Path) -> None:
    settings = fresh_ledger(tmp_path / "ledger")
    toml = settings.home / FILE_NAME
    said = '\n[findings]\nworkflows = ["workflow_key", "tag:job"]\nleast_usd = 1\nleast_share = 0\n'
    toml.write_text(toml.read_text(encoding="utf-8") + said, encoding="utf-8")
    ingest_and_post(load_settings(toml), files_below(SAMPLE / "usage" / "litellm"))

    listed = done(load_settings(toml), "findings", "list")

    assert "and 2 workflows of theirs" in listed  # nightly, nightly-extract
