"""Charges stay in their currency; what they are worth is pinned beside them, or listed as no-fx."""

import shutil
from pathlib import Path
from typing import Final

import pytest

from metering.settings import load_settings
from tests.support.command_line import metering, told
from tests.support.ledgers import fresh_ledger, ledger_hash

YUAN: Final = Path(__file__).parents[1] / "golden" / "deepseek_amount_csv" / "new_header.csv"
RATES: Final = """\
date,until,from,to,rate,source
2026-09-01,2026-09-30,CNY,USD,0.14,People's Bank of China
"""
CARD: Final = """\
[card]
name = "acme"
kind = "contract"
currency = "EUR"

[[rates]]
provider = "acme"
platform = "acme-api"
models = ["m"]
prices = { output = "15" }
"""


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("fresh") / "ledger"
    fresh_ledger(home)
    (home / "fx.csv").write_text(RATES, encoding="utf-8")
    (home / "card.toml").write_text(CARD, encoding="utf-8")
    return home


@pytest.fixture
def ledger(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "ledger"
    shutil.copytree(fresh, home)
    monkeypatch.chdir(home)
    return home


def worth() -> list[tuple[str, int, int]]:
    listed = told("prices", "fx", "list")
    return [(c["currency"], c["amount_nanos"], c["converted_nanos"]) for c in listed["converted"]]


@pytest.mark.usefixtures("ledger")
def test_charges_are_converted_when_they_are_posted() -> None:
    told("prices", "fx", "import", "fx.csv")
    metering("ingest", str(YUAN))

    posted = told("post")

    assert posted["no_fx"] == {}
    assert worth() == [("CNY", 3_700_000_000, 518_000_000)]


def test_and_charges_that_waited_when_their_rate_comes(ledger: Path) -> None:
    metering("ingest", str(YUAN))
    posted = told("post")
    before = ledger_hash(load_settings(ledger / "metering.toml"))

    imported = told("prices", "fx", "import", "fx.csv")
    again = told("prices", "fx", "import", "fx.csv")

    assert list(posted["no_fx"]) == ["CNY"]
    assert (imported["new"], imported["no_fx"]) == (1, {})
    assert imported["converted_postings"] > 0
    assert (again["new"], again["known"], again["converted_postings"]) == (0, 1, 0)
    assert worth() == [("CNY", 3_700_000_000, 518_000_000)]
    assert ledger_hash(load_settings(ledger / "metering.toml")) == before


@pytest.mark.usefixtures("ledger")
def test_a_day_without_a_rate_is_listed_and_not_guessed() -> None:
    metering("ingest", str(YUAN))
    metering("post")
    Path("fx.csv").write_text(RATES.replace("-01,2026-09-30", "-30,"), encoding="utf-8")

    told("prices", "fx", "import", "fx.csv")
    listed = metering("prices", "fx", "list")

    assert worth() == []
    assert "no-fx: CNY has no rate on" in listed.stderr


@pytest.mark.usefixtures("ledger")
def test_a_rate_that_contradicts_one_in_force_leaves_the_books_alone() -> None:
    told("prices", "fx", "import", "fx.csv")
    Path("fx.csv").write_text(RATES.replace("0.14", "0.15"), encoding="utf-8")

    refused = metering("prices", "fx", "import", "fx.csv")

    assert (refused.exit_code, "fx.csv:2: error[fx-conflict]" in refused.stderr) == (1, True)
    assert [one["rate"] for one in told("prices", "fx", "list")["rates"]] == ["0.14"]


@pytest.mark.usefixtures("ledger")
def test_a_dry_run_keeps_no_rate() -> None:
    done = metering("prices", "fx", "import", "fx.csv", "--dry-run")

    assert "1 rate would be new" in done.stderr
    assert told("prices", "fx", "list")["rates"] == []


@pytest.mark.usefixtures("ledger")
def test_a_card_in_a_currency_without_a_rate_is_refused_until_there_is_one() -> None:
    refused = metering("prices", "import", "card.toml")
    Path("fx.csv").write_text(RATES.replace("CNY", "EUR"), encoding="utf-8")
    told("prices", "fx", "import", "fx.csv")
    taken = metering("prices", "import", "card.toml")

    assert (refused.exit_code, "error[no-fx]" in refused.stderr) == (1, True)
    assert taken.exit_code == 0, taken.stderr
