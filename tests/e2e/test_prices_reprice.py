"""`metering prices reprice` and `coverage`: told before it is posted, and then it comes true."""

import shutil
from pathlib import Path

import pytest

from metering.workflows.posting.post import post
from tests.support.command_line import metering, told
from tests.support.contract_cards import TENTH_OFF
from tests.support.ledgers import SAMPLE, fresh_ledger, ingest, ledger_hash, run


@pytest.fixture(scope="module")
def posted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("posted") / "ledger"
    settings = fresh_ledger(home)
    ingest(settings, SAMPLE / "usage" / "openai" / "completions-2026-10.json")
    post(settings, run("post"))
    (home / "contract.toml").write_text(TENTH_OFF, encoding="utf-8")
    return home


@pytest.fixture
def ledger(posted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "ledger"
    shutil.copytree(posted, home)
    monkeypatch.chdir(home)
    return home


@pytest.mark.usefixtures("ledger")
def test_what_if_tells_what_import_and_post_then_do() -> None:
    what_if = told("prices", "reprice", "--dry-run", "--card", "contract.toml")

    assert metering("prices", "import", "contract.toml").exit_code == 0
    imported = told("prices", "reprice", "--dry-run")
    posted = told("post")

    moved = sum(one["moved_nanos"] for one in what_if["moved"])
    assert what_if["card"] == "contract-openai v1"
    assert what_if["moved"] == imported["moved"]
    assert moved == sum(one["amount_nanos"] for one in posted["amounts"]) < 0
    assert {one["reason"] for one in what_if["moved"]} == {"rate_changed"}
    assert told("prices", "reprice", "--dry-run")["moved"] == []


def test_what_if_leaves_the_ledger_as_it_is(ledger: Path) -> None:
    from metering.settings import load_settings  # noqa: PLC0415 - after the fixture's chdir

    settings = load_settings(ledger / "metering.toml")
    before = ledger_hash(settings)

    shown = metering("prices", "reprice", "--dry-run", "--card", "contract.toml")

    assert "x 9/10 (list-genai-prices v1" in shown.stdout
    assert ledger_hash(settings) == before


@pytest.mark.usefixtures("ledger")
def test_days_bound_what_is_looked_at() -> None:
    days = ("--from", "2026-10-16", "--to", "2026-10-31")

    assert told("prices", "reprice", "--dry-run", "--card", "contract.toml", *days)["moved"] == []


@pytest.mark.usefixtures("ledger")
def test_repricing_without_dry_run_is_refused() -> None:
    assert metering("prices", "reprice").exit_code == 2


def test_a_card_that_is_not_sound_is_refused(ledger: Path) -> None:
    (ledger / "contract.toml").write_text(TENTH_OFF.replace("90/100", "-1"), encoding="utf-8")

    refused = metering("prices", "reprice", "--dry-run", "--card", "contract.toml")

    assert refused.exit_code == 1
    assert "contract.toml:6: error[negative-price]" in refused.stderr


@pytest.mark.usefixtures("ledger")
def test_coverage_adds_up_to_its_total() -> None:
    found = told("prices", "coverage", "2026-10")

    assert found["tokens"] == sum(day["tokens"] for day in found["days"])
    assert 0 < found["priced_tokens"] <= found["tokens"]
    assert {day["provider"] for day in found["days"]} == {"openai"}
    assert "tokens priced" in metering("prices", "coverage", "2026-10").stdout


@pytest.mark.usefixtures("ledger")
def test_coverage_of_a_month_without_charges_is_refused() -> None:
    refused = metering("prices", "coverage", "2024-01")

    assert (refused.exit_code, "error[no-charges]" in refused.stderr) == (1, True)
    assert metering("prices", "coverage", "October").exit_code == 2


@pytest.mark.usefixtures("ledger")
def test_each_price_that_changes_is_told_once_and_no_line_is_endless() -> None:
    shown = metering("prices", "reprice", "--dry-run", "--card", "contract.toml").stdout

    prices = shown.split("By these prices")[1]
    told_prices = [line.strip() for line in prices.splitlines() if "x 9/10" in line]
    assert len(set(told_prices)) == len(told_prices) > 1
    assert max(map(len, shown.splitlines())) < 200
