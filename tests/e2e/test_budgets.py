"""Budgets are checked by cron: what is charged, shared cost included, against what may be."""

import json
from pathlib import Path

import pytest
from click.testing import Result

from metering.settings import Settings
from metering.workflows.posting.post import post
from metering.workflows.sharing.pools import import_file
from tests.support.command_line import metering
from tests.support.ledgers import SAMPLE, fresh_ledger, ingest, run

HEADER = "cost_centre,team,project,period,amount,currency\n"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = fresh_ledger(tmp_path_factory.mktemp("budgets") / "ledger")
    import_file(settings, run(), SAMPLE / "owners" / "sharing.toml")
    ingest(
        settings,
        SAMPLE / "usage" / "openai" / "completions-2026-10.json",
        SAMPLE / "usage" / "openai" / "embeddings-2026-10.json",
    )
    post(settings, run("post"))
    return settings


@pytest.fixture
def home(ledger: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(ledger.home)
    return ledger.home


def _check(home: Path, lines: str, *arguments: str) -> Result:
    (home / "budgets.csv").write_text(HEADER + lines, encoding="utf-8")
    assert metering("budgets", "import", "budgets.csv").exit_code == 0
    return metering("budgets", "check", *arguments)


def test_exit_codes_tell_cron_how_budgets_stand(home: Path) -> None:
    within = _check(home, "CC-4100,,,2026-10,100000,USD\n")
    over = _check(home, "CC-4100,,,2026-10,1,USD\n", "2026-10")
    shown = json.loads(metering("budgets", "show", "2026-10", "--format", "json").stdout)
    spent = next(one for one in shown["budgets"] if one["cost_centre"] == "CC-4100")
    just = f"{spent['actual_nanos'] / 10**9 + 1:.2f}"
    warned = _check(home, f"CC-4100,,,2026-10,{just},USD\n", "--warn-at", "80%")
    quiet = _check(home, f"CC-4100,,,2026-10,{just},USD\n")

    assert (within.exit_code, over.exit_code, warned.exit_code, quiet.exit_code) == (0, 3, 4, 0)
    assert "2026-10: 1 budget, all within" in within.stderr
    assert "over" in over.stdout
    assert "warning" in warned.stdout
    assert spent["state"] == "over"
    assert spent["variance_nanos"] == spent["actual_nanos"] - 10**9


def test_shared_cost_counts_for_who_bears_it(home: Path) -> None:
    _check(home, "CC-4400,support,,2026-10,5,USD\n")
    shown = json.loads(metering("budgets", "show", "2026-10", "--format", "json").stdout)
    shares = json.loads(metering("sharing", "show", "2026-10", "--format", "json").stdout)["shares"]
    explained = json.loads(
        metering("explain", "2026-10/CC-4400/support", "--format", "json").stdout
    )

    (support,) = (one for one in shown["budgets"] if one["team"] == "support")
    assert support["actual_nanos"] == explained["amounts"]["USD"]
    assert any(one["account"] == "owner:CC-4400/support/-" for one in shares)
    assert {one["state"] for one in shown["budgets"] if one["team"] != "support"} == {"no-budget"}


def test_a_refused_file_changes_nothing(home: Path) -> None:
    _check(home, "CC-4100,,,2026-10,1,USD\n")
    (home / "budgets.csv").write_text(f"{HEADER}CC-4100,,,2026-10,x,USD\n", encoding="utf-8")

    refused = metering("budgets", "import", "budgets.csv")

    assert refused.exit_code == 1
    assert "budgets.csv:2: error[bad-amount]: amount is 'x'" in refused.stderr
    assert metering("budgets", "check").exit_code == 3


def test_a_budget_of_an_owner_nobody_names_is_told_and_kept(home: Path) -> None:
    (home / "budgets.csv").write_text(
        HEADER + "CC-4100,,,2026-10,100000,USD\nCC-9999,moon,,2026-10,5,USD\n", encoding="utf-8"
    )

    imported = metering("budgets", "import", "budgets.csv")
    again = metering("budgets", "import", "budgets.csv", "--format", "json")

    assert imported.exit_code == 0
    assert "budgets.csv:3 CC-9999/moon: neither the directory nor a rule" in imported.stderr
    assert json.loads(again.stdout)["unknown"] == ["budgets.csv:3 CC-9999/moon"]
