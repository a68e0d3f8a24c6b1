"""Ledgers for tests: fresh ones by copying, so that a test costs no more than what it does.

What is copied is made once in a process, and goes when the process ends.
"""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Final

from metering.ingest.outcomes.registry import BUILT_IN as OUTCOME_FORMATS
from metering.ingest.registry import BUILT_IN
from metering.settings import FILE_NAME, Settings, load_settings
from metering.workflows.intake.ingest import ingest_files
from metering.workflows.intake.order import Order
from metering.workflows.intake.receipts import Receipt
from metering.workflows.ledger_start import start_ledger
from metering.workflows.outcomes.outcome_imports import ingest_outcomes
from metering.workflows.ownership.owner_imports import import_file, import_files
from metering.workflows.posting.post import Posted, post
from metering.workflows.runs import Run
from metering.workflows.verify import verify

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample_logs"
_KEPT: Final = TemporaryDirectory(prefix="ledgers-", ignore_cleanup_errors=True)


def run(command: str = "test") -> Run:
    return Run(command, "tester", datetime(2026, 11, 21, 3, 0, tzinfo=UTC))


def new_ledger(home: Path) -> Settings:
    """Return a ledger as `metering init` leaves it: with the bundled prices and nothing else."""
    return copied(_new(), home)


def fresh_ledger(home: Path) -> Settings:
    """Return a ledger with the bundled prices and the sample company's owners, and no usage."""
    return copied(_fresh(), home)


def company_ledger(home: Path) -> Settings:
    """Return the sample company's ledger, with all of its usage posted and all of its outcomes."""
    return copied(_company(), home)


def copied(ledger: Path, home: Path) -> Settings:
    """Copy a ledger to a folder, which may hold other files already."""
    shutil.copytree(ledger, home, dirs_exist_ok=True)
    return load_settings(home / FILE_NAME)


@cache
def _new() -> Path:
    home = _kept_folder()
    start_ledger(home, run("init"))
    return home


@cache
def _fresh() -> Path:
    settings = new_ledger(_kept_folder())
    for name in ("owners.csv", "rules.toml"):
        import_file(settings, run("owners import"), SAMPLE / "owners" / name)
    return settings.home


@cache
def _company() -> Path:
    settings = fresh_ledger(_kept_folder())
    ingest_and_post(settings, files_below(SAMPLE / "usage"))
    outcomes = files_below(SAMPLE / "outcomes")
    list(ingest_outcomes(settings, run("outcomes ingest"), outcomes, OUTCOME_FORMATS))
    return settings.home


def _kept_folder() -> Path:
    return Path(mkdtemp(dir=_KEPT.name)) / "ledger"


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def take_owners(settings: Settings, **files: str) -> None:
    """Take files of owners into force, told by name: `cost_centres` is cost-centres.csv."""
    paths = []
    for name, text in files.items():
        path = settings.home / f"{name.replace('_', '-')}.{'toml' if name == 'rules' else 'csv'}"
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    import_files(settings, run("owners import"), paths)


def ingest(settings: Settings, *paths: Path, account: str | None = None) -> list[Receipt]:
    return list(ingest_files(settings, run("ingest"), paths, Order(BUILT_IN, account=account)))


def ingest_and_post(settings: Settings, paths: Sequence[Path]) -> Posted:
    ingest(settings, *paths)
    return post(settings, run("post"))


def ledger_hash(settings: Settings) -> str:
    verified = verify(settings)
    assert verified.problems == ()
    return verified.ledger_hash
