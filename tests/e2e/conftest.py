"""What whole flows start from."""

from pathlib import Path

import pytest

from metering.settings import Settings
from tests.support.ledgers import new_ledger


@pytest.fixture
def ledger_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return a ledger as `metering init` leaves it; the test runs in its folder."""
    settings = new_ledger(tmp_path / "ledger")
    monkeypatch.chdir(settings.home)
    return settings
