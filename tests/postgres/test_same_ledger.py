"""The same files make the same ledger, bit for bit, whether SQLite or PostgreSQL keeps it."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from metering.cli.main import main

_SAMPLES = Path(__file__).parents[2] / "sample_logs"

pytestmark = pytest.mark.postgres


def _metering(*arguments: str) -> str:
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert done.exit_code in {0, 1}, done.output
    return done.stdout


def _verified(
    folder: Path, monkeypatch: pytest.MonkeyPatch, files: list[str], *, turned: bool
) -> dict[str, Any]:
    """Return what a ledger made of the sample company's files says about itself."""
    folder.mkdir()
    monkeypatch.chdir(folder)
    _metering("init")
    _metering("owners", "import", str(_SAMPLES / "owners" / "owners.csv"))
    _metering("owners", "import", str(_SAMPLES / "owners" / "rules.toml"))
    _metering("sharing", "import", str(_SAMPLES / "owners" / "sharing.toml"))
    _metering("budgets", "import", str(_SAMPLES / "owners" / "budgets.csv"))
    _metering("ingest", *files)
    # The order in which what changed its state came does not matter, and neither does a repeat.
    outcomes = [str(path) for path in sorted((_SAMPLES / "outcomes").iterdir())]
    _metering("outcomes", "ingest", *(outcomes if turned else outcomes[::-1]))
    _metering("outcomes", "ingest", *outcomes)
    _metering("post")
    month = json.loads(_metering("period", "list", "--format", "json"))[0]["period"]
    _metering("period", "estimate", month)
    _metering("period", "close", month, "--accept", "missing-days=part of a year")
    as_of = str(json.loads(_metering("audit", "--format", "json"))[-2]["run_id"])
    states = [
        json.loads(_metering("period", "list", "--format", "json", *more))[0]["state"]
        for more in ((), ("--as-of", as_of))
    ]
    assert states == ["closed", "estimated"]
    found: dict[str, Any] = json.loads(_metering("verify", "--format", "json"))
    found["shares"] = json.loads(_metering("sharing", "show", month, "--format", "json"))["shares"]
    found["funnel"] = json.loads(_metering("outcomes", "funnel", month, "--format", "json"))
    found["feeds"] = json.loads(_metering("outcomes", "feeds", "--format", "json"))
    found["budgets"] = json.loads(_metering("budgets", "show", "2026-10", "--format", "json"))
    return found


def test_both_databases_keep_the_same_ledger(
    tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [str(path) for path in sorted((_SAMPLES / "usage" / "anthropic").glob("*.json"))[:3]]
    monkeypatch.delenv("METERING_BOOKS_URL", raising=False)
    on_sqlite = _verified(tmp_path / "sqlite", monkeypatch, files, turned=False)
    monkeypatch.setenv("METERING_BOOKS_URL", postgresql_url)
    on_postgresql = _verified(tmp_path / "postgresql", monkeypatch, files[::-1], turned=True)

    assert on_sqlite["postings"] > 0
    assert on_postgresql["ledger_hash"] == on_sqlite["ledger_hash"]
    assert on_postgresql["billed_nanos"] == on_sqlite["billed_nanos"]
    assert on_postgresql["shares"] == on_sqlite["shares"] != []
    assert on_postgresql["outcomes"] == on_sqlite["outcomes"] > 0
    assert on_postgresql["funnel"] == on_sqlite["funnel"]
    assert on_postgresql["feeds"] == on_sqlite["feeds"] != []
    assert on_postgresql["budgets"] == on_sqlite["budgets"]
    assert on_postgresql["problems"] == on_sqlite["problems"] == []
    assert not (tmp_path / "postgresql" / "books.sqlite").exists()
