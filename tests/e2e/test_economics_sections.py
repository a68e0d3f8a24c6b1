"""Each of E1 to E11 is worked out over the ledger, and shown by command and review alike."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from metering.settings import FILE_NAME, Settings, load_settings
from metering.workflows.flat.flat_files import import_flat
from metering.workflows.posting.post import post
from tests.support.command_line import done, metering, told
from tests.support.ledgers import SAMPLE, company_ledger, run

_ECONOMICS = """
[outcomes.values]
pull_request = "USD 400.00"

[economics]
frontier = ["claude-opus-*", "gpt-5*"]
one_off = ["growth/campaigns"]
[economics.references]
"claude-opus-5" = "claude-sonnet-5"
[economics.explorations."growth/pitch-bot"]
cap = "USD 1300"
from = 2026-09-15
review = 2026-11-15
[economics.costs."payments/refunds"]
services = "USD 900"
[[economics.incentives]]
name = "leaderboard"
day = 2026-09-22
days = 14
[[economics.scenarios]]
name = "half of it on Haiku"
route = ["claude-sonnet-5=claude-haiku-4-5@50%"]
[[economics.scenarios]]
name = "what nobody sells"
route = ["claude-sonnet-5=no-such-model"]
"""
_CAPACITY = """
[[capacity]]
name = "cluster"
currency = "USD"
from = 2026-10-01
lease = "3100.00"
watts = 1000
pue = "1.25"
kwh = "0.10"
tokens_per_second = 1000
api_price = "2.00"
serves = { provider = "own", platform = "own-capacity" }
idle = { cost_centre = "CC-9000", team = "it", project = "idle" }
"""


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("economics")
    settings = company_ledger(folder / "ledger")
    file = settings.home / FILE_NAME
    file.write_text(file.read_text(encoding="utf-8") + _ECONOMICS, encoding="utf-8")
    settings = load_settings(file)
    flat = folder / "capacity.toml"
    flat.write_text(_CAPACITY, encoding="utf-8")
    agreed = [flat, SAMPLE / "flat" / "flat.toml", SAMPLE / "flat" / "seats.csv"]
    import_flat(settings, run("flat import"), agreed)
    post(settings, run("post"))
    return settings


@pytest.fixture(scope="module")
def document(ledger: Settings) -> dict[str, Any]:
    found: dict[str, Any] = told(ledger, "economics", "2026-10")
    return found


def test_every_analysis_has_its_figures_or_says_what_it_needs(document: dict[str, Any]) -> None:
    names = [f"E{number}" for number in range(1, 12)]
    assert [name for name in document if name.startswith("E")] == names
    for name in names:
        part = document[name]
        assert part["found"] or part["missing"], name
        for gap in part["missing"]:
            assert gap["what"], name
            assert gap["needs"], name


def test_effects_sum_to_the_change_of_every_row(document: dict[str, Any]) -> None:
    found = document["E1"]["found"]
    company = found["company"]
    for parts in (found["by_provider"], found["by_project"]):
        assert sum(part["after"] for part in parts.values()) == company["after"]
    rows = [company, *found["by_provider"].values(), *found["by_project"].values()]
    if found["with_feed"]:
        rows.append(found["with_feed"])
    for row in rows:
        assert sum(nanos or 0 for nanos in row["effects"].values()) == row["after"] - row["before"]


def test_seats_are_compared_without_telling_of_anybody(
    document: dict[str, Any], ledger: Settings
) -> None:
    found = document["E3"]["found"]
    [plan] = [one for one in found["plans"] if one["bills"]]
    bills = plan["bills"]
    assert min(group["people"] for group in bills["groups"]) >= 5
    assert sum(group["people"] for group in bills["groups"]) == bills["people"]
    assert sum(group["usage_nanos"] for group in bills["groups"]) == bills["metered_bill"]
    assert bills["seats_bill"] == bills["people"] * found["seat_nanos"]
    assert all(one["people"] is None or one["people"] >= 5 for one in found["projects"])
    # Copilot's seats are in the books, and what their holders did with them is not.
    assert any("copilot" in gap["what"] for gap in document["E3"]["missing"])
    text = json.dumps(document) + done(ledger, "economics", "2026-10")
    assert not re.search(r"u-[a-z]+\b|Marek|principal", text)


def test_the_factors_multiply_to_the_cost_of_an_outcome(document: dict[str, Any]) -> None:
    chain = document["E4"]["found"]
    then, now = 1.0, 1.0
    for before, after in zip(chain["before"].values(), chain["after"].values(), strict=True):
        then, now = then * before, now * after
    assert sum(chain["effects"].values()) == pytest.approx(now - then)


def test_scenarios_are_priced_and_what_cannot_be_says_why(document: dict[str, Any]) -> None:
    listed, cheaper, impossible = document["E5"]["found"]
    assert listed["name"] == "list prices alone"
    assert cheaper["booked"] == listed["booked"]
    assert cheaper["then"] < cheaper["booked"]
    assert "no-such-model" in impossible["why_not"]
    assert any("no-such-model" in gap["needs"] for gap in document["E5"]["missing"])


def test_an_outcome_is_worth_what_finance_says(document: dict[str, Any]) -> None:
    [unit] = [
        one
        for one in document["E6"]["found"]["units"]
        if (one["project"], one["kind"]) == ("refunds", "pull_request")
    ]
    found = unit["found"]
    assert unit["value_nanos"] == 400 * 10**9
    assert found["self_funding"] == pytest.approx(400 * 10**9 / found["average"])
    stack = document["E6"]["found"]["stack"]["payments/refunds"]
    assert stack["services"] == 900 * 10**9
    # The cost of an outcome is fully loaded, and a month's services are spread over its days.
    parts = ("usage", "flat", "platform", "services", "review", "rework")
    assert found["cost_nanos"] == sum(unit[f"{part}_nanos"] for part in parts)
    assert unit["services_nanos"] / 10**9 == pytest.approx(900 * 12 / 365 * 7 * unit["weeks"], 0.02)


def test_capacity_is_worked_out_as_the_books_charge_it(document: dict[str, Any]) -> None:
    [capacity] = document["E7"]["found"]["capacity"]
    use, found = capacity["use"], capacity["economics"]
    # 100 USD of lease and 3 USD of power a day.
    assert use["cost_nanos"] == 31 * 103 * 10**9
    assert found["cost_nanos"] == use["cost_nanos"]
    assert found["utilisation"] == use["utilisation"] == use["tokens"] / use["rated_tokens"]
    rated = 31 * 86_400 * 1_000
    assert found["break_even"] == pytest.approx(31 * 103 / (rated / 1e6 * 2))
    assert found["tokens_per_watt_year"] == pytest.approx(use["tokens"] * 8_760 / (31 * 24 * 1_000))
    [commitment] = document["E7"]["found"]["commitments"]
    assert (
        commitment["committed_nanos"] - commitment["used_nanos"] == commitment["use"]["shortfall"]
    )


def test_clients_sum_to_the_bill(document: dict[str, Any]) -> None:
    clients = document["E8"]["found"]["clients"]
    total = sum(one["nanos"] for one in clients)
    assert total == document["E1"]["found"]["company"]["after"]
    assert all(one["settled_nanos"] + one["pending_nanos"] <= one["nanos"] for one in clients)


def test_classes_and_moves_sum_to_the_bill_and_a_bet_is_watched(document: dict[str, Any]) -> None:
    found = document["E9"]["found"]
    company = document["E1"]["found"]["company"]["after"]
    assert sum(found["by_class"].values()) == company
    owned = sum(
        part["after"] for name, part in document["E1"]["found"]["by_project"].items() if name
    )
    assert sum(one["nanos"] for one in found["moved"]) == owned
    [bet] = found["explorations"]
    assert bet["state"] in ("nearly_spent", "spent")
    assert bet["spent_nanos"] >= 0.8 * bet["cap_nanos"]
    [luxury] = found["luxury"]
    assert 0 < luxury["premium"]["nanos"] < luxury["tokens_nanos"]
    assert luxury["premium"]["shown"] is False


def test_an_incentive_is_compared_by_class_and_in_total(document: dict[str, Any]) -> None:
    [one] = document["E11"]["found"]
    growth = one["found"]["growth"]
    classes = one["found"]["by_class"].values()
    assert sum(part["nanos"] for part in classes) == growth["nanos"]
    assert one["days_known"] == 14


def test_the_review_has_a_section_for_each(ledger: Settings, tmp_path: Path) -> None:
    done(ledger, "report", "review", "2026-10", "--out", str(tmp_path), "--format", "html,json")
    page = (tmp_path / "review-2026-10.html").read_text(encoding="utf-8")
    for number in range(1, 12):
        assert page.count(f'id="E{number}"') == 1
    review = json.loads((tmp_path / "review-2026-10.json").read_text(encoding="utf-8"))
    (seats,) = [part for part in review["economics"] if part["analysis"] == "E3"]
    (drawn,) = seats["plots"]
    used = [covered + beyond for covered, beyond, _ in (bar["nanos"] for bar in drawn["bars"])]
    assert used == [row["values"][1] for row in seats["tables"][1]["rows"]]
    assert "Which multiplier moved the cost of an outcome" in page
    assert "unknown; it needs usage of github by person" in page


def test_the_command_shows_one_section_in_words(ledger: Settings) -> None:
    shown = done(ledger, "economics", "2026-10", "--section", "e7")
    assert shown.startswith("E7  What capacity")
    assert "cluster" in shown
    assert "E6" not in shown


def test_questions_name_the_command_that_answers() -> None:
    questions = told("economics", "--questions")["questions"]
    assert len(questions) == 24
    assert all(one["where"] for one in questions)
    assert metering("economics").exit_code == 2
