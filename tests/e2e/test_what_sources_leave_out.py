"""What a source leaves out is seen on the report: a model, dollars, days, tokens; never a zero."""

import csv
import json
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.support.command_line import done, metering

GOLDEN = Path(__file__).parents[1] / "golden"
WITHOUT_A_MODEL = {
    "object": "organization.usage.completions.result",
    "input_tokens": 1000,
    "output_tokens": 100,
    "num_model_requests": 3,
    "api_key_id": "key_9aQ",
    "model": None,
}


pytestmark = pytest.mark.usefixtures("ledger_here")


def reported(*files: object, period: str = "2026-10") -> tuple[str, list[dict[str, str]]]:
    """Ingest files, post, and return what the terminal shows of the report, and its rows."""
    done("ingest", *files)
    done("post")
    shown = done("report", "chargeback", period, "--out", "out", "--format", "csv")
    with Path(f"out/chargeback-{period}.csv").open(encoding="utf-8", newline="") as stream:
        return shown, list(csv.DictReader(stream))


def test_requests_without_a_model_are_unpriced_by_name() -> None:
    bucket = {"object": "bucket", "start_time": 1790812800, "end_time": 1790899200}
    page = {"object": "page", "has_more": False, "next_page": None}
    data = [{**bucket, "results": [WITHOUT_A_MODEL]}]
    Path("usage.json").write_text(json.dumps({**page, "data": data}), encoding="utf-8")

    shown, rows = reported("usage.json")

    assert "1,000 tokens of no model named (Input, not cached), 2026-10-01" in shown
    assert {(row["token_class"], row["quantity"], row["billed_cost"]) for row in rows} == {
        ("input_uncached", "1000", ""),
        ("output", "100", ""),
    }


def test_credits_without_dollars_are_unpriced_until_the_contract_says() -> None:
    shown, rows = reported(GOLDEN / "chatgpt_credits_csv" / "good.csv")

    assert "13,750,000 millionths of a credit of gpt_5_6_sol" in shown
    assert {row["unit"] for row in rows} == {"millionths of a credit"}
    assert {row["billed_cost"] for row in rows} == {""}


def test_a_report_of_a_range_without_dates_is_of_the_month_in_its_name() -> None:
    name = "spend-report_2026-10-01_2026-10-31.csv"

    shown, rows = reported(GOLDEN / "claude_spend_report_csv" / name)

    assert "412.80" in shown
    assert [(row["period"], row["billed_cost"]) for row in rows] == [("2026-10", "412.8")]
    assert rows[0]["price_version"] == "as billed by the provider"


def test_a_range_that_is_no_month_is_refused() -> None:
    source = GOLDEN / "claude_spend_report_csv" / "last_90_days_2026-08-03_2026-10-31.csv"

    refused = metering("ingest", source)

    assert refused.exit_code == 1
    assert "error[not-month-to-date]" in refused.stderr


@pytest.mark.parametrize("bill", ["aws_cur/good.csv", "azure_cost_details/good.csv"])
def test_consumption_units_are_charged_as_billed_and_have_no_tokens(bill: str) -> None:
    text = (GOLDEN / bill).read_text(encoding="utf-8-sig").splitlines()
    units = [row for row in text if "CCU" in row or "Claude Consumption Unit" in row]
    Path("bill.csv").write_text("\n".join([text[0], *units]) + "\n", encoding="utf-8")

    _, rows = reported("bill.csv", period="2026-06")
    explained = done("explain", "2026-06")

    assert [(row["billed_cost"], row["token_class"]) for row in rows] == [("2.5", "billed_nanos")]
    assert {(row["quantity"], row["unit"]) for row in rows} == {("", "")}
    assert "2.50 USD, as the bill states it" in explained
    assert "bill.csv:2  USD 2.500000000" in explained


def test_what_a_bill_states_has_no_quantity_on_any_face() -> None:
    bill = GOLDEN / "aws_cur" / "good.csv"
    reported(bill, period="2026-06")
    explained = done("explain", "2026-06", "--charges", "20", "--format", "json")
    done("report", "chargeback", "2026-06", "--out", "out", "--format", "json,xlsx,html")

    charges = json.loads(explained)["explained"]
    assert {(one["quantity"], one["traced_quantity"]) for one in charges} == {(None, None)}
    for one in charges:
        assert one["examples"], "every amount opens to the line of the bill"
        assert sum(line["amount_nanos"] for line in one["examples"]) == one["amount_nanos"]
    (ledger,) = json.loads(Path("out/chargeback-2026-06.json").read_bytes())["accounts"]
    assert {line["quantity"] for line in ledger["lines"]} == {None}
    workbook = load_workbook("out/chargeback-2026-06.xlsx")
    for title in ("Lines", "Meters"):
        table = [row for row in workbook[title].iter_rows(values_only=True) if any(row)]
        heading = next(row for row in table if "Quantity" in row)
        below = table[table.index(heading) + 1 :]
        assert {row[heading.index("Quantity")] for row in below} == {None}
