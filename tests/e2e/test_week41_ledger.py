"""Week 41 in a ledger: two views of one usage are refused, the rest converges in any order."""

import random
from pathlib import Path

import pytest

from tests.support.command_line import done, metering, told, verified
from tests.support.ledgers import new_ledger

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


def source(name: str) -> Path:
    """Return a file of the month, or the file of a format of week 41."""
    return LOGS / name if name.startswith("usage/") else next((WEEK / name).iterdir())


@pytest.mark.parametrize(("first", "second"), TWICE)
def test_two_sources_of_one_usage_are_refused_with_both_names(
    first: str, second: str, tmp_path: Path
) -> None:
    for number, order in enumerate(((first, second), (second, first))):
        ledger = new_ledger(tmp_path / str(number))

        (receipt,) = told(ledger, "ingest", source(order[0]))
        refused = metering(ledger, "ingest", source(order[1]))

        assert refused.exit_code == 1
        assert str(source(order[1])) in refused.stderr
        assert "error[overlapping-metered]" in refused.stderr
        assert f"already metered by {receipt['ingestor']}" in refused.stderr


def test_an_account_that_is_named_is_another_one(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path / "ledger")
    log = source("usage/litellm/spend-logs-2026-10.jsonl.gz")

    done(ledger, "ingest", "--account", "sandbox", log)
    done(ledger, "ingest", source("aws-cur"))


def test_the_whole_week_gives_one_ledger_in_any_order(tmp_path: Path) -> None:
    files = [path for path in sorted(WEEK.glob("*/*")) if path.parent.name not in LEFT_OUT]
    hashes = set()
    for number in range(2):
        ledger = new_ledger(tmp_path / str(number))
        random.Random(number).shuffle(files)  # noqa: S311 - the same orders in every run
        for again in range(2):
            done(ledger, "ingest", *files)
            if not again:
                done(ledger, "post")
        hashes.add(verified(ledger)["ledger_hash"])

    assert len(hashes) == 1
