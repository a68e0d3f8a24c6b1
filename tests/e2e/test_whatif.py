"""`metering whatif`: what changes nothing comes out as booked, and nothing reaches the book."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from metering.settings import load_settings
from metering.workflows.posting.post import post
from tests.support.command_line import metering, told
from tests.support.contract_cards import TENTH_OFF, VOLUME_AND_MINIMUM
from tests.support.ledgers import SAMPLE, fresh_ledger, ingest, ledger_hash, run


@pytest.fixture(scope="module")
def posted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("posted") / "ledger"
    settings = fresh_ledger(home)
    usage = SAMPLE / "usage"
    ingest(
        settings,
        usage / "openai" / "completions-2026-10.json",
        usage / "anthropic" / "messages-2026-10.json",
    )
    post(settings, run("post"))
    (home / "contract.toml").write_text(TENTH_OFF, encoding="utf-8")
    return home


@pytest.fixture
def ledger(posted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "ledger"
    shutil.copytree(posted, home)
    monkeypatch.chdir(home)
    return home


def whatif(*arguments: str) -> dict[str, dict[str, Any]]:
    groups = told("whatif", "2026-10", *arguments)["groups"]
    return {group["model"]: group for group in groups}


def _middle(groups: dict[str, dict[str, Any]]) -> int:
    return sum(group["middle_nanos"] for group in groups.values())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--list-prices"],
        ["--route", "claude-opus-5=claude-opus-5"],
        ["--price-change", "openai=+0%"],
        ["--cache-rate", "0"],
        ["--batch", "openai@0%"],
    ],
)
def test_a_scenario_that_changes_nothing_is_what_is_booked_to_the_nano(
    ledger: Path, arguments: list[str]
) -> None:
    del ledger
    for group in whatif(*arguments).values():
        assert group["low_nanos"] == group["middle_nanos"] == group["booked_nanos"]
        assert group["high_nanos"] == group["booked_nanos"] > 0


def test_a_card_moves_what_reprice_says_it_would_move(ledger: Path) -> None:
    moved = told("prices", "reprice", "--dry-run", "--card", str(ledger / "contract.toml"))["moved"]

    groups = whatif("--card", str(ledger / "contract.toml"))

    booked = sum(group["booked_nanos"] for group in groups.values())
    assert _middle(groups) - booked == sum(one["moved_nanos"] for one in moved) < 0


def test_nothing_of_it_reaches_the_book(ledger: Path) -> None:
    settings = load_settings(ledger / "metering.toml")
    before = ledger_hash(settings)

    whatif("--card", str(ledger / "contract.toml"), "--price-change", "anthropic=-75%")

    assert ledger_hash(settings) == before
    assert "contract-openai" not in metering("prices", "list").stdout


def test_a_price_cut_takes_its_share_of_every_line(ledger: Path) -> None:
    del ledger
    found = whatif("--price-change", "anthropic=-75%")

    opus = found["claude-opus-5"]
    # Every line is rounded by itself, half a nano at most.
    assert abs(4 * opus["middle_nanos"] - opus["booked_nanos"]) < 2_000
    assert found["gpt-5.6-sol"]["middle_nanos"] == found["gpt-5.6-sol"]["booked_nanos"]


def test_a_route_is_priced_by_the_target_with_the_same_tokens(ledger: Path) -> None:
    del ledger
    whole = whatif("--route", "claude-opus-5=claude-sonnet-5")["claude-opus-5"]
    part = whatif("--route", "claude-opus-5=claude-sonnet-5@50%")["claude-opus-5"]

    assert whole["goes_to"] == ["claude-sonnet-5"]
    # By the list of October each meter of the target costs two fifths of the source's.
    assert abs(5 * whole["middle_nanos"] - 2 * whole["booked_nanos"]) < 10_000
    assert abs(2 * part["middle_nanos"] - whole["middle_nanos"] - whole["booked_nanos"]) < 10**7


def test_more_tokens_and_demand_make_a_range(ledger: Path) -> None:
    del ledger
    route = ("--route", "claude-opus-5=claude-sonnet-5")
    plain = whatif(*route)["claude-opus-5"]

    tokens = whatif(*route, "--tokens", "claude-sonnet-5=1..1.5")["claude-opus-5"]
    demand = whatif(*route, "--demand", "0.5")["claude-opus-5"]

    assert tokens["low_nanos"] == plain["middle_nanos"] == demand["low_nanos"]
    assert tokens["middle_nanos"] == pytest.approx(1.25 * plain["middle_nanos"])
    assert tokens["high_nanos"] == pytest.approx(1.5 * plain["middle_nanos"])
    # An index of one uses up the whole saving; a half gives the geometric mean.
    assert demand["high_nanos"] == pytest.approx(plain["booked_nanos"], rel=1e-6)
    mean = (plain["booked_nanos"] * plain["middle_nanos"]) ** 0.5
    assert demand["middle_nanos"] == pytest.approx(mean, rel=1e-6)


def test_more_cache_and_batches_cost_less_and_less_cache_more(ledger: Path) -> None:
    del ledger
    name = "gpt-5.6-sol"
    booked = whatif("--list-prices")[name]["booked_nanos"]

    cached = whatif("--cache-rate", f"{name}=95%")[name]["middle_nanos"]
    uncached = whatif("--cache-rate", f"{name}=0")[name]["middle_nanos"]
    left = whatif("--cache-rate", "0")[name]["middle_nanos"]
    batch = whatif("--batch", name)[name]["middle_nanos"]

    assert cached < left == booked < uncached
    assert batch == pytest.approx(booked / 2)


def test_another_vendor_changes_the_concentration_and_tells_what_it_lacks(ledger: Path) -> None:
    del ledger
    found = told("whatif", "2026-10", "--route", "claude-opus-5=gpt-5.6-sol")

    assert found["hhi_before"] != found["hhi_after"]
    assert any("gpt-5.6-sol has no price for cache_write_1h" in note for note in found["notes"])
    assert "yield assumed equal" in found["assumption"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say what is different"),
        (["--route", "claude-opus-5"], "is no route"),
        (["--price-change", "deepseek=75%"], "is no price change"),
        (["--price-change", "deepseek=-101%"], "takes off more than the price"),
        (["--cache-rate", "60"], "is no cache rate"),
        (["--batch", "openai@101%"], "a share is at most 100%"),
        (["--tokens", "m=2..1"], "the lower bound comes first"),
        (["--demand", "much"], "is no number of 0 or more"),
    ],
)
def test_what_cannot_be_understood_is_a_mistake_of_the_command_line(
    ledger: Path, arguments: list[str], message: str
) -> None:
    del ledger
    result = metering("whatif", "2026-10", *arguments)

    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--route", "claude-opus-5=nobody-1"], "no rate card prices nobody-1"),
        (["--route", "nobody-1=claude-opus-5"], "the route of nobody-1 matches no usage"),
        (["--price-change", "mistral=-5%"], "the price change of mistral matches no usage"),
        (["--tokens", "claude-opus-5=2"], "no route leads to claude-opus-5"),
        (["--route", "claude-opus-5=deepseek-v4-flash"], "is sold in several places"),
    ],
)
def test_a_part_that_matches_nothing_is_refused(
    ledger: Path, arguments: list[str], message: str
) -> None:
    del ledger
    result = metering("whatif", "2026-10", *arguments)

    assert result.exit_code == 1
    assert "error[bad-scenario]" in result.stderr
    assert message in result.stderr


def test_the_table_ends_with_the_total_of_the_period(ledger: Path) -> None:
    del ledger
    result = metering("whatif", "2026-10", "--route", "claude-opus-5=claude-sonnet-5")

    rows = [line.split() for line in result.stdout.splitlines() if line.strip()]
    assert rows[-1][0] == "total"
    assert "vendor concentration (HHI) in USD" in result.stderr
    assert "yield assumed equal" in result.stderr


@pytest.fixture
def with_terms(ledger: Path) -> Path:
    (ledger / "terms.toml").write_text(VOLUME_AND_MINIMUM, encoding="utf-8")
    assert metering("prices", "import", str(ledger / "terms.toml")).exit_code == 0
    post(load_settings(ledger / "metering.toml"), run("post"))
    return ledger


def _of_openai(found: dict[str, Any]) -> tuple[int, int]:
    """Return what openai costs as booked, and then, with its terms; in nanos."""
    groups = [group for group in found["groups"] if group["provider"] == "openai"]
    booked = sum(group["booked_nanos"] for group in groups) + found["settled_nanos"]["USD"]
    then = found["settled_then_nanos"]["middle"]["USD"]
    return booked, sum(group["middle_nanos"] for group in groups) + then


def test_terms_are_settled_on_the_usage_of_the_scenario(with_terms: Path) -> None:
    del with_terms
    same = told("whatif", "2026-10", "--price-change", "openai=+0%")
    cheaper = told("whatif", "2026-10", "--price-change", "openai=-50%")
    dearer = told("whatif", "2026-10", "--price-change", "openai=+1000%")

    assert same["settled_then_nanos"]["middle"] == same["settled_nanos"]
    # Below the minimum nothing is saved: what usage costs less, the minimum asks for.
    assert _of_openai(same) == _of_openai(cheaper) == (5_000 * 10**9, 5_000 * 10**9)
    # Above it the tiers give back a tenth of what lies beyond 100 USD.
    usage = sum(g["middle_nanos"] for g in dearer["groups"] if g["provider"] == "openai")
    assert usage > 5_600 * 10**9
    assert abs(_of_openai(dearer)[1] - (usage - (usage - 100 * 10**9) // 10)) <= 1


def test_a_contract_that_is_tried_out_is_settled(ledger: Path) -> None:
    (ledger / "terms.toml").write_text(VOLUME_AND_MINIMUM, encoding="utf-8")

    found = told("whatif", "2026-10", "--card", str(ledger / "terms.toml"))

    usage = sum(g["middle_nanos"] for g in found["groups"] if g["provider"] == "openai")
    assert found["settled_nanos"] == {}
    assert found["settled_then_nanos"]["middle"]["USD"] == 5_000 * 10**9 - usage
