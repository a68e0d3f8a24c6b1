"""A file of each format goes from the command line into sound books, and costs what it says.

Each golden file that is good is ingested into a ledger of its own. What a metered source says was
billed is what is posted, to the nano; sources of other roles post nothing.
"""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from metering.cli.main import main

GOLDEN = Path(__file__).parents[1] / "golden"

# What each file costs, by currency, worked out by hand from its rows.
BILLED: dict[str, dict[str, int]] = {
    "copilot_billing_csv/ai_usage.csv": {"USD": 149_000_000},
    "copilot_billing_csv/metered_detailed.csv": {"USD": 1_372_000_000},
    "copilot_billing_csv/premium_requests.csv": {"USD": 160_000_000},
    "copilot_metrics/good.jsonl": {},
    "copilot_usage_api/month.json": {},
    "cursor_ai_code/commits.json": {},
    "cursor_daily_usage/good.json": {},
    "cursor_spend/good.json": {},
    "cursor_usage_csv/v1.csv": {"USD": 460_000_000},
    "cursor_usage_csv/v2.csv": {},
    "cursor_usage_csv/v3.csv": {"USD": 2_270_000_000},
    "cursor_usage_events/good.json": {"USD": 173_223_457},
    "deepseek_amount_csv/new_header.csv": {"CNY": 3_700_000_000},
    "deepseek_amount_csv/hours_around_a_month.csv": {"CNY": 240_000},
    "deepseek_cost_csv/good.csv": {},
    "mistral_usage/good.json": {"EUR": 124_100_000},
    "openrouter_activity/good.json": {"USD": 12_900_000},
    "openrouter_activity_csv/good.csv": {"USD": 12_912_446},
    "openrouter_generations/good.jsonl": {},
    "xai_requests/good.jsonl": {},
    "xai_usage/good.json": {"USD": 12_340_000_100},
}


def metering(*arguments: str) -> str:
    """Return what a command prints, having seen that it succeeds."""
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a ledger without usage, to be copied: making one takes a second."""
    folder = tmp_path_factory.mktemp("ledger")
    metering("init", str(folder))
    return folder


@pytest.mark.parametrize("name", BILLED)
def test_a_file_becomes_postings_of_what_it_says_was_billed(
    name: str, fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(fresh, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)

    metering("ingest", str(GOLDEN / name))
    metering("post")
    once = json.loads(metering("verify", "--format", "json"))
    metering("ingest", str(GOLDEN / name))
    metering("post")
    twice = json.loads(metering("verify", "--format", "json"))

    assert {code: nanos for code, nanos in once["billed_nanos"].items() if nanos} == BILLED[name]
    assert once["sound"] is True
    assert once["unpriced_records"] == 0
    assert once["recorded"] > 0
    assert twice["ledger_hash"] == once["ledger_hash"]
