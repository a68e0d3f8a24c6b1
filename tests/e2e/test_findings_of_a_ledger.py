"""Findings over a ledger: about projects, never about people, and quiet once they are answered."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from metering.cli.main import main
from metering.ingest.outcomes.registry import installed
from metering.settings import FILE_NAME, Settings
from metering.workflows.outcome_imports import ingest_outcomes
from tests.ledgers import SAMPLE, fresh_ledger, ingest_and_post, run

_FORBIDDEN = ("misuse", "abuse", "cheat", "guilty", "fraud")


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = fresh_ledger(tmp_path_factory.mktemp("findings") / "ledger")
    usage = sorted(path for path in (SAMPLE / "usage").rglob("*") if path.is_file())
    ingest_and_post(settings, usage)
    outcomes = sorted(path for path in (SAMPLE / "outcomes").iterdir() if path.is_file())
    list(ingest_outcomes(settings, run("outcomes ingest"), outcomes, installed(None)))
    return settings


def _run(ledger: Settings, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--config", str(ledger.home / FILE_NAME), *arguments])


def _findings(ledger: Settings, *more: str) -> list[dict[str, Any]]:
    done = _run(ledger, "findings", "list", "--format", "json", *more)
    assert done.exit_code == 0, done.output
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_the_planted_patterns_are_found_and_nobody_is_named(ledger: Settings) -> None:
    done = _run(ledger, "findings", "list", "--format", "json")
    found = {one["project"]: one for one in json.loads(done.stdout)}

    assert found["build-farm"]["family"] == "token_maxing"  # u-tomas' loop
    assert found["pitch-bot"]["family"] == "no_feed"
    assert found["forecasting"]["family"] == "no_outcome"  # its feed went silent
    for word in (*_FORBIDDEN, "u-tomas", "u-ines", "Marek"):
        assert word not in done.output


def test_the_same_ledger_gives_the_same_findings(ledger: Settings) -> None:
    assert _findings(ledger) == _findings(ledger)


def test_an_answered_finding_stays_quiet_and_can_be_read(ledger: Settings) -> None:
    (case,) = [one for one in _findings(ledger) if one["project"] == "pitch-bot"]
    name = case["finding"]

    answered = _run(ledger, "findings", "explain", name, "--note", "not connected yet")

    assert answered.exit_code == 0, answered.output
    assert name not in {one["finding"] for one in _findings(ledger)}
    (again,) = [one for one in _findings(ledger, "--all") if one["finding"] == name]
    assert (again["state"], again["note"]) == ("explained", "not connected yet")
    shown = _run(ledger, "findings", "show", name)
    assert "explained: not connected yet" in shown.stderr
    assert "benign explanations to rule out" in shown.stdout


def test_what_was_confirmed_counts_for_the_list(ledger: Settings) -> None:
    (case,) = [one for one in _findings(ledger) if one["project"] == "build-farm"]
    assert _run(ledger, "findings", "confirm", case["finding"]).exit_code == 0
    done = _run(ledger, "findings", "list")
    assert "were confirmed" in done.stderr
    assert case["finding"] in done.stdout
