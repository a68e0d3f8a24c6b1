"""Week 41 in a ledger: two views of one usage are refused, the rest converges in any order."""

import json
import random
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from metering.cli.main import main

LOGS = Path(__file__).parents[2] / "sample_logs"
WEEK = LOGS / "week-41"
# One usage, told by two sources that are both what a provider bills by.
TWICE = (
    ("usage/openai/completions-2026-10.json", "openai-activity-csv"),
    ("usage/anthropic/messages-2026-10.json", "anthropic-console-usage-csv"),
    ("usage/litellm/spend-logs-2026-10.jsonl.gz", "aws-cur"),
    ("usage/litellm/spend-logs-2026-10.jsonl.gz", "google-cloud-billing"),
    ("usage/litellm/spend-logs-2026-10.jsonl.gz", "deepseek-amount-csv"),
    ("aws-cur", "aws-cur-1"),
    ("cursor-usage-events", "cursor-usage-csv"),
    ("cursor-usage-events", "cursor-dashboard-events"),
    ("cursor-usage-csv", "cursor-dashboard-events"),
    ("openrouter-activity-csv", "openrouter-activity"),
    ("own-model-logs", "inference-server-metrics"),
    ("salesforce-wallet-events", "salesforce-wallet-totals"),
)
# The second views, and what holds no record.
LEFT_OUT = {
    *("aws-cur-1", "cursor-usage-csv", "cursor-dashboard-events", "openrouter-activity"),
    *("inference-server-metrics", "salesforce-wallet-totals", "codex-exec"),
}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def source(name: str) -> Path:
    """Return a file of the month, or the file of a format of week 41."""
    return LOGS / name if name.startswith("usage/") else next((WEEK / name).iterdir())


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ledger")
    assert run("init", str(folder)).exit_code == 0
    return folder


@pytest.mark.parametrize(("first", "second"), TWICE)
def test_two_sources_of_one_usage_are_refused_with_both_names(
    first: str, second: str, fresh: Path, tmp_path: Path
) -> None:
    for number, order in enumerate(((first, second), (second, first))):
        folder = tmp_path / str(number)
        shutil.copytree(fresh, folder)
        config = ("--config", str(folder / "metering.toml"))

        taken = run(*config, "ingest", str(source(order[0])), "--format", "json")
        refused = run(*config, "ingest", str(source(order[1])))

        (receipt,) = json.loads(taken.stdout)
        assert refused.exit_code == 1
        assert str(source(order[1])) in refused.stderr
        assert "error[overlapping-metered]" in refused.stderr
        assert f"already metered by {receipt['ingestor']}" in refused.stderr


def test_an_account_that_is_named_is_another_one(fresh: Path, tmp_path: Path) -> None:
    shutil.copytree(fresh, tmp_path / "ledger")
    config = ("--config", str(tmp_path / "ledger" / "metering.toml"))
    log = str(source("usage/litellm/spend-logs-2026-10.jsonl.gz"))

    assert run(*config, "ingest", "--account", "sandbox", log).exit_code == 0
    assert run(*config, "ingest", str(source("aws-cur"))).exit_code == 0


def test_the_whole_week_gives_one_ledger_in_any_order(fresh: Path, tmp_path: Path) -> None:
    files = [path for path in sorted(WEEK.glob("*/*")) if path.parent.name not in LEFT_OUT]
    hashes = set()
    for number in range(2):
        folder = tmp_path / str(number)
        shutil.copytree(fresh, folder)
        config = ("--config", str(folder / "metering.toml"))
        random.Random(number).shuffle(files)  # noqa: S311 - the same orders in every run
        for again in range(2):
            done = run(*config, "ingest", *map(str, files))
            assert done.exit_code == 0, done.output
            if not again:
                assert run(*config, "post").exit_code == 0
        assert run(*config, "post").exit_code == 0
        found = json.loads(run(*config, "verify", "--format", "json").stdout)
        assert found["sound"] is True
        hashes.add(found["ledger_hash"])

    assert len(hashes) == 1
