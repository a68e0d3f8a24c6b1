"""Transcripts divide what the provider's report bills, and the ledger stays what it was."""

import shutil
from collections import defaultdict
from pathlib import Path
from typing import Final

import pytest

from metering.books.engine import begin_read, open_engine
from metering.books.ledger import NetLine, net_lines
from metering.settings import Settings, load_settings
from metering.workflows.ownership.owner_imports import import_file
from metering.workflows.posting.post import post
from metering.workflows.verify import verify
from tests.support.command_line import metering
from tests.support.ledgers import SAMPLE, fresh_ledger, ingest, ledger_hash, run

DETAIL: Final = '\n[detail]\nclaude-code-transcripts = { api_key = "apikey_01ClaudeCode" }\n'
RULES: Final = """
[[rule]]
name = "assistants work for the repository they are in"
match = { product = "claude-code", "tag:cwd" = "glob:/srv/repos/refunds-service*" }
assign = { cost_centre = "CC-4100", team = "payments", project = "refunds" }
"""
REPORT: Final = SAMPLE / "usage" / "anthropic" / "messages-2026-10.json"
TRANSCRIPTS: Final = sorted((SAMPLE / "usage" / "claude-code").rglob("*.jsonl"))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("plain") / "ledger"
    settings = fresh_ledger(home)
    (home / "rules.toml").write_text(RULES, encoding="utf-8")
    import_file(settings, run(), home / "rules.toml")
    return home


@pytest.fixture
def settings(plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    home = tmp_path / "ledger"
    shutil.copytree(plain, home)
    monkeypatch.chdir(home)
    return load_settings(home / "metering.toml")


def divided(settings: Settings) -> Settings:
    path = settings.home / "metering.toml"
    path.write_text(path.read_text(encoding="utf-8") + DETAIL, encoding="utf-8")
    return load_settings(path)


def lines(settings: Settings) -> tuple[NetLine, ...]:
    with begin_read(open_engine(settings.books_url)) as connection:
        return tuple(net_lines(connection))


def test_detail_moves_what_it_covers_and_adds_nothing(settings: Settings) -> None:
    ingest(settings, REPORT, *TRANSCRIPTS)
    post(settings, run("post"))
    before = lines(settings)

    settings = divided(settings)
    post(settings, run("post"))

    after = lines(settings)
    for name in ("quantity", "amount_nanos", "list_nanos"):
        sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
        for at, found in enumerate((before, after)):
            for line in found:
                sums[line.charge_day, line.model, line.meter][at] += getattr(line, name)
        assert all(was == now for was, now in sums.values())
    moved = [line for line in after if line.divided_by]
    assert {line.debit for line in moved} == {"owner:CC-4100/payments/refunds"}
    assert {line.divided_by for line in moved} == {"claude-code-transcripts"}
    assert sum(line.amount_nanos for line in moved) > 10**9
    assert post(settings, run("post")).postings == 0
    assert verify(settings, full=True).problems == ()


def test_the_order_of_report_and_transcripts_is_irrelevant(
    settings: Settings, tmp_path: Path
) -> None:
    other = divided(load_settings(_copied(settings, tmp_path / "other")))
    settings = divided(settings)

    ingest(settings, REPORT, *TRANSCRIPTS)
    post(settings, run("post"))
    for path in reversed((REPORT, *TRANSCRIPTS)):
        ingest(other, path)
        post(other, run("post"))

    assert ledger_hash(settings) == ledger_hash(other)


def test_what_was_divided_is_explained_by_the_detail(settings: Settings) -> None:
    settings = divided(settings)
    ingest(settings, REPORT, *TRANSCRIPTS)
    post(settings, run("post"))

    told = metering("explain", "2026-10/CC-4100/payments/refunds/claude-opus-5/output").stdout

    assert "18,428 of the 18,428 output that claude-code-transcripts tells" in told
    assert "rule 1 'assistants work for the repository they are in'" in told
    assert ".jsonl:" in told
    assert "messages-2026-10.json" not in told


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("claude-code-transcripts = 1", "does not say which metered usage it divides"),
        ("a = { api_key = 1 }", "[detail] a does not say which metered usage it divides"),
        ('a = { api_key = "re2:(?=x)" }', "RE2 refuses it"),
        ('a = { colour = "red" }', "'colour' is no field of usage"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: Settings, said: str, told: str) -> None:
    path = settings.home / "metering.toml"
    path.write_text(f"{path.read_text(encoding='utf-8')}\n[detail]\n{said}\n", encoding="utf-8")

    refused = metering("post")

    assert refused.exit_code == 1
    assert "error[bad-settings]" in refused.stderr
    assert told in refused.stderr


def _copied(settings: Settings, home: Path) -> Path:
    shutil.copytree(settings.home, home)
    return home / "metering.toml"
