"""A file of each format goes from the command line into sound books, and costs what it says.

Each golden file that is good is ingested into a ledger of its own. What a metered source says was
billed is what is posted, to the nano; sources of other roles post nothing.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import done, metering, told, verified

GOLDEN = Path(__file__).parents[1] / "golden"

# What each file costs, by currency, worked out by hand from its rows.
BILLED: dict[str, dict[str, int]] = {
    "anthropic_console_cost_csv/generation_2026_08.csv": {},
    # Opus 5: 7.50 + 4.50 + 2.50 + 5.50 + 0.12 searches; twice 0.001903 fast in the US; 0.00001.
    "anthropic_console_usage_csv/good.csv": {"USD": 20_123_816_000},
    "anthropic_cost_report/good.json": {},
    # 4.12632 of usage, less 0.82632 of it taken back, credit, refund, discount and rounding.
    "aws_cur/corrections.csv": {"USD": 1_500_000_000},
    # Twelve rows of AI, a discount among them; tax and another service are left out.
    "aws_cur/good.csv": {"USD": 979_193_382_800},
    # Two lines of models of the Marketplace, told by their tokens alone: 2.50 + 8.25.
    "aws_cur/without_products.csv": {"USD": 10_750_000_000},
    # 4.12632 + 0.33825 + 0.00396 + 11.2028125 + 1.25 + 2.50, less a discount of 0.412632.
    "aws_cur_1/good.csv": {"USD": 19_008_710_500},
    "aws_cur_1/table.parquet": {"USD": 19_008_710_500},
    # 2.37576 of usage, less 0.47576 of it taken back, a refund and a rounding.
    "azure_cost_details/corrections.csv": {"USD": 1_399_999_960},
    # A model by its dates of the year first, Claude in consumption units and one of others' models:
    # they were billed with 2.37576, 2.50 and 6.
    "azure_cost_details/few_columns.csv": {"USD": 10_875_760_000},
    "azure_cost_details/good.csv": {"USD": 29_730_410_000},
    "claude_analytics_costs/good.json": {},
    "claude_analytics_usage/good.json": {},
    "claude_code_analytics/good.json": {},
    "claude_enterprise_costs/buckets.json": {},
    "claude_enterprise_costs/by_user.json": {},
    "claude_enterprise_usage/buckets.json": {},
    "claude_spend_report_csv/spend-report_2026-10-01_2026-10-31.csv": {"USD": 412_800_000_000},
    "codex_analytics/good.json": {},
    "codex_rollouts/counts.jsonl": {},
    "codex_rollouts/ledger.jsonl": {},
    "copilot_billing_csv/ai_usage.csv": {"USD": 149_000_000},
    # 0.072 beyond the pool, less 0.022 of it taken back and a discount without use.
    "copilot_billing_csv/corrections.csv": {"USD": 40_000_000},
    "copilot_billing_csv/metered_detailed.csv": {"USD": 1_372_000_000},
    "copilot_billing_csv/premium_requests.csv": {"USD": 160_000_000},
    "copilot_metrics/good.jsonl": {},
    "copilot_usage_api/month.json": {},
    "cursor_ai_code/commits.json": {},
    "cursor_daily_usage/good.json": {},
    "cursor_dashboard_events/good.json": {"USD": 3_320_000_000},
    "cursor_spend/good.json": {},
    "cursor_usage_csv/v1.csv": {"USD": 460_000_000},
    "cursor_usage_csv/v2.csv": {},
    "cursor_usage_csv/v3.csv": {"USD": 2_270_000_000},
    "cursor_usage_events/good.json": {"USD": 173_223_457},
    "deepseek_amount_csv/hours_around_a_month.csv": {"CNY": 240_000},
    "deepseek_amount_csv/new_header.csv": {"CNY": 3_700_000_000},
    "deepseek_cost_csv/good.csv": {},
    "focus/aws.csv": {"USD": 7_076_320_000},
    "focus/specification_1_4.csv": {"USD": 7_351_200_000},
    # 0.37512 less its credit, less 0.07512 and its credit taken back, a correction and a rounding.
    "google_cloud_billing/corrections.jsonl": {"USD": 69_999_996},
    # Net of three credits, of which one is four tenths of a nano.
    "google_cloud_billing/good.jsonl": {"USD": 22_587_020_000},
    "mistral_usage/good.json": {"EUR": 124_100_000},
    # 43,800 new at $4 a million, 8,000 cached at $0.40, 6,800 out at $20.
    "openai_activity_csv/good.csv": {"USD": 314_400_000},
    "openai_batch_output/good.jsonl": {},
    "openai_cost_csv/generation_2026_09.csv": {},
    "openai_costs/good.json": {},
    "openrouter_activity/good.json": {"USD": 12_900_000},
    "openrouter_activity_csv/good.csv": {"USD": 12_912_446},
    "openrouter_generations/good.jsonl": {},
    "xai_prepaid/good.json": {},
    "xai_requests/good.jsonl": {},
    "xai_usage/good.json": {"USD": 12_340_000_100},
    "azure_apim_token_metrics/good.jsonl": {},
    "groq_requests/good.jsonl": {},
    "cloudflare_ai_gateway/good.jsonl": {},
    "helicone_requests/good.csv": {},
    "helicone_requests/good.jsonl": {},
    "kong_ai_logs/good.jsonl": {},
    "langfuse_observations/good.jsonl": {},
    "langfuse_observations/table.csv": {},
    "portkey_logs/good.jsonl": {},
    "otlp_events/codex.jsonl": {},
    "otlp_events/good.jsonl": {},
    "otlp_metrics/claude_code_cumulative.jsonl": {},
    "otlp_metrics/claude_code_delta.jsonl": {},
    "otlp_metrics/codex.jsonl": {},
    "otlp_metrics/genai.jsonl": {},
    "otlp_spans/good.jsonl": {},
}


pytestmark = pytest.mark.usefixtures("ledger_here")


@pytest.mark.parametrize("name", BILLED)
def test_a_file_becomes_postings_of_what_it_says_was_billed(name: str) -> None:
    done("ingest", GOLDEN / name)
    once = verified()
    done("ingest", GOLDEN / name)
    twice = verified()

    assert {code: nanos for code, nanos in once["billed_nanos"].items() if nanos} == BILLED[name]
    assert once["unpriced_records"] == 0
    assert once["recorded"] > 0
    assert twice["ledger_hash"] == once["ledger_hash"]


def test_explain_names_the_record_of_an_answer_on_one_line() -> None:
    answer = json.loads((GOLDEN / "openai_usage" / "cache_writes.json").read_text(encoding="utf-8"))
    Path("answer.json").write_text(json.dumps(answer), encoding="utf-8")
    done("ingest", "answer.json")
    done("post")

    told_of = metering("explain", "2026-10").stdout

    assert "answer.json:1 record 3  4,000" in told_of


def without_and_with(card: str, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Post a file, then import a rate card; return what `verify` says before and after it."""
    done("ingest", GOLDEN / name)
    before = verified()
    Path("card.toml").write_text(card, encoding="utf-8")
    done("prices", "import", "card.toml")
    return before, verified()


CREDITS_AT_FOUR_CENTS = """
[card]
name = "acme"
kind = "contract"
currency = "USD"

[[rates]]
provider = "openai"
platform = "chatgpt"
match = "any"
per = 1000000
prices = { credit_micro = "0.04" }
source = "the contract"
read = 2026-10-01
"""


def test_credits_stay_unpriced_until_the_contract_says_what_they_cost() -> None:
    before, after = without_and_with(CREDITS_AT_FOUR_CENTS, "chatgpt_credits_csv/good.csv")

    # 12.5 + 1.25 + 50 credits, and two millionths of one.
    assert not any(before["billed_nanos"].values())
    assert before["unpriced_records"] == 4
    assert after["billed_nanos"] == {"USD": 2_550_000_080}
    assert after["unpriced_records"] == 0


FLEX_CREDITS = """
[card]
name = "salesforce-contract"
kind = "contract"
currency = "USD"

[[rates]]
provider = "salesforce"
platform = "agentforce"
models = ["FlexCredits"]
per = 1000000
prices = { credit_micro = "0.004" }
source = "order form"
read = 2026-09-01
"""


@pytest.mark.parametrize(
    ("name", "unpriced", "nanos"),
    [
        # 110 credits of the card that has a price; one credit of another card has none.
        ("salesforce_wallet_events/good.csv", (3, 1), 440_000_000),
        ("salesforce_wallet_totals/daily.csv", (4, 1), 5_120_000_000),
    ],
)
def test_credits_of_one_card_have_the_price_of_that_card(
    name: str,
    unpriced: tuple[int, int],
    nanos: int,
) -> None:
    first, then = without_and_with(FLEX_CREDITS, name)

    assert (first["unpriced_records"], then["unpriced_records"]) == unpriced
    assert then["billed_nanos"] == {"USD": nanos}


OWN_LLAMA = """
[card]
name = "own"
kind = "contract"
currency = "USD"

[[rates]]
provider = "own"
platform = "own-capacity"
match = "any"
per = 1000000
prices = { input_uncached = "0.50", cache_read = "0.05", output = "1.50", request = "0" }
source = "what the servers cost by the hour, and what they answered in it"
read = 2026-09-01
"""


@pytest.mark.parametrize(
    ("name", "unpriced", "nanos"),
    [
        # 41,100 new, 60,100 cached, 2,140 out.
        ("inference_server_metrics/vllm.prom", 3, 20_550_000 + 3_005_000 + 3_210_000),
        # 2,000 new, 1,600 cached, 900 out; a request without tokens is priced at nothing.
        ("own_model_logs/good.jsonl", 4, 1_000_000 + 80_000 + 1_350_000),
    ],
)
def test_own_capacity_stays_unpriced_until_the_house_has_a_rate_card(
    name: str,
    unpriced: int,
    nanos: int,
) -> None:
    before, after = without_and_with(OWN_LLAMA, name)

    assert not any(before["billed_nanos"].values())
    assert before["unpriced_records"] == unpriced
    assert after["billed_nanos"] == {"USD": nanos}
    assert after["unpriced_records"] == 0


@pytest.mark.parametrize(
    "name", ["openai_activity_csv/without_usage.csv", "codex_exec/started_and_failed.jsonl"]
)
def test_a_file_without_usage_is_recorded_and_says_nothing_about_any_day(name: str) -> None:
    done("ingest", GOLDEN / name)

    found = told("verify")
    assert found["sources"] == 1
    assert found["records"] == 0
    assert found["sound"] is True


def test_two_views_of_one_usage_are_refused_with_both_names() -> None:
    done("ingest", GOLDEN / "openai_usage" / "completions.json")
    activity = metering("ingest", GOLDEN / "openai_activity_csv" / "good.csv")
    done("ingest", GOLDEN / "anthropic_messages" / "good.json")
    console = metering("ingest", GOLDEN / "anthropic_console_usage_csv" / "good.csv")

    assert (activity.exit_code, console.exit_code) == (1, 1)
    assert "error[overlapping-metered]" in activity.stderr
    assert "already metered by openai-usage" in activity.stderr
    assert "error[overlapping-metered]" in console.stderr
    assert "already metered by anthropic-messages" in console.stderr


def test_a_later_spend_report_of_a_month_replaces_the_earlier_one() -> None:
    text = (
        GOLDEN / "claude_spend_report_csv" / "spend-report_2026-10-01_2026-10-31.csv"
    ).read_text(encoding="utf-8")
    month, to_date = Path("2026-10-01_2026-10-31.csv"), Path("2026-10-01_2026-10-10.csv")
    month.write_text(text, encoding="utf-8")
    to_date.write_text(text.replace("412.80", "100.00"), encoding="utf-8")

    done("ingest", month)
    done("ingest", to_date)

    assert verified()["billed_nanos"] == {"USD": 412_800_000_000}


@pytest.mark.parametrize("names", [("good", "ungrouped"), ("ungrouped", "good")])
def test_two_cost_reports_of_a_day_are_versions_of_one_and_never_added(
    names: tuple[str, str],
) -> None:
    for name in names:
        done("ingest", GOLDEN / "anthropic_cost_report" / f"{name}.json")

    # Of the first day either the two rows by description are live, or the one of the whole; the
    # second day has two rows. The report that reaches further wins, whatever came first.
    found = told("verify")
    assert found["recorded"] == 5
    assert found["records"] == 4
