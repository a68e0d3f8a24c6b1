"""Ledgers for tests: fresh ones by copying, so that a test costs no more than what it does."""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from metering.ingest.registry import BUILT_IN
from metering.settings import Settings, load_settings
from metering.workflows.intake.ingest import Order, ingest_files
from metering.workflows.intake.receipts import Receipt
from metering.workflows.ledger_start import start_ledger
from metering.workflows.ownership.owner_imports import import_file
from metering.workflows.posting.post import Posted, post
from metering.workflows.runs import Run
from metering.workflows.verify import verify

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "sample_logs"


def run(command: str = "test") -> Run:
    return Run(command, "tester", datetime(2026, 11, 21, 3, 0, tzinfo=UTC))


@cache
def _template() -> Path:
    home = Path(mkdtemp()) / "ledger"
    start_ledger(home, run("init"))
    settings = load_settings(home / "metering.toml")
    for name in ("owners.csv", "rules.toml"):
        import_file(settings, run("owners import"), SAMPLE / "owners" / name)
    return home


def fresh_ledger(home: Path) -> Settings:
    """Return a ledger with the bundled prices and the sample company's owners, and no usage."""
    shutil.copytree(_template(), home)
    return load_settings(home / "metering.toml")


def ingest(settings: Settings, *paths: Path, account: str | None = None) -> list[Receipt]:
    return list(ingest_files(settings, run("ingest"), paths, Order(BUILT_IN, account=account)))


def ingest_and_post(settings: Settings, paths: Sequence[Path]) -> Posted:
    ingest(settings, *paths)
    return post(settings, run("post"))


def ledger_hash(settings: Settings) -> str:
    verified = verify(settings)
    assert verified.problems == ()
    return verified.ledger_hash
