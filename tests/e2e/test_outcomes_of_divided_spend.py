"""What transcripts divide of a bill keeps their branches, so that outcomes are found by them."""

import json
from collections import Counter
from typing import Any, Final

import pytest

from metering.books.engine import begin_read, open_engine
from metering.books.ledger import net_lines
from metering.settings import Settings, load_settings
from metering.workflows.ownership.owner_imports import import_file
from metering.workflows.posting.post import post
from tests.support.command_line import done, told
from tests.support.ledgers import SAMPLE, fresh_ledger, ingest, run

SETTINGS: Final = """
[detail]
claude-code-transcripts = { api_key = "apikey_01ClaudeCode" }
[outcomes.keys]
session = "session"
[outcomes.units]
session = 1
"""
RULES: Final = """
[[rule]]
name = "assistants work for the repository they are in"
match = { product = "claude-code", "tag:cwd" = "glob:/srv/repos/*" }
assign = { cost_centre = "CC-1", team = "engineering", project = "everything" }
"""
# One project works on three branches, one of which was merged.
OUTCOMES: Final = """outcome_id,timestamp,kind,team,project,branch
1,2026-10-20T10:00:00Z,pull_request,engineering,everything,PLT-77-cache-keys
"""
REPORT: Final = SAMPLE / "usage" / "anthropic" / "messages-2026-10.json"
TRANSCRIPTS: Final = sorted((SAMPLE / "usage" / "claude-code").rglob("*.jsonl"))


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("divided") / "ledger"
    fresh_ledger(home)
    config = home / "metering.toml"
    config.write_text(config.read_text(encoding="utf-8") + SETTINGS, encoding="utf-8")
    settings = load_settings(config)
    (home / "rules.toml").write_text(RULES, encoding="utf-8")
    import_file(settings, run(), home / "rules.toml")
    ingest(settings, REPORT, *TRANSCRIPTS)
    (home / "outcomes.csv").write_text(OUTCOMES, encoding="utf-8")
    done(settings, "outcomes", "ingest", home / "outcomes.csv")
    post(settings, run("post"))
    return settings


def row_of(settings: Settings, project: str) -> Any:
    funnel = told(settings, "outcomes", "funnel", "2026-10")
    (row,) = [row for row in funnel["rows"] if row["project"] == project]
    return row


def tokens_by_branch() -> Counter[str]:
    """Return the tokens of the transcripts: of each message the last line that tells it.

    What a side chain replays of a message of the main chain tells nothing new.
    """
    lines = [line for path in TRANSCRIPTS for line in path.read_text("utf-8").splitlines()]
    usage: dict[tuple[str, str], tuple[str, int]] = {}
    for aside in (False, True):
        main = {message for message, _ in usage}
        for record in map(json.loads, lines):
            if record.get("isSidechain", False) is not aside:
                continue
            if aside and record["message"]["id"] in main:
                continue
            # What the client says itself has no request, and no usage of its own.
            if record["type"] != "assistant" or "requestId" not in record:
                continue
            said = record["message"]["usage"]
            tokens = sum(
                said.get(name, 0)
                for name in (
                    "input_tokens",
                    "cache_read_input_tokens",
                    "cache_creation_input_tokens",
                    "output_tokens",
                )
            )
            known_by = (record["message"]["id"], record["requestId"])
            before = usage.get(known_by, ("", 0))[1]
            usage[known_by] = (record["gitBranch"], max(tokens, before))
    counts: Counter[str] = Counter()
    for branch, tokens in usage.values():
        counts[branch] += tokens
    return counts


def test_the_parts_of_a_divided_charge_are_keyed_by_the_branch_of_the_detail(
    settings: Settings,
) -> None:
    row = row_of(settings, "everything")
    with begin_read(open_engine(settings.books_url)) as connection:
        taken = sum(
            line.amount_nanos
            for line in net_lines(connection, "2026-10")
            if line.project == "everything"
        )

    assert row["spend_nanos"] == taken
    # Only the branch that was merged is keyed; the others are of a project that had an outcome.
    assert 0 < row["keyed_nanos"] < taken
    assert row["keyed_nanos"] + row["project_nanos"] + row["pending_nanos"] == taken


def test_the_tokens_of_divided_usage_are_of_who_took_them(settings: Settings) -> None:
    row = row_of(settings, "everything")
    counts = tokens_by_branch()

    assert row["tokens"] == counts.total()
    assert row["units"]["attempted"] == str(len(TRANSCRIPTS) - 1)


def test_a_branch_is_keyed_by_its_share_of_the_tokens(settings: Settings) -> None:
    row = row_of(settings, "everything")
    counts = tokens_by_branch()

    # A token costs about as much on each branch.
    share = counts["PLT-77-cache-keys"] / counts.total()
    assert row["keyed_nanos"] / row["spend_nanos"] == pytest.approx(share, rel=0.25)
