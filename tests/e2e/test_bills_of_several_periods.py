"""A bill of several billing periods in one file counts as one file for each of them."""

import json
from pathlib import Path
from typing import Any

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from tests.support.command_line import done, told, verified
from tests.support.ledgers import new_ledger

GOLDEN = Path(__file__).parents[1] / "golden"
CUR_HEAD, CUR_ROW, *_ = (GOLDEN / "aws_cur" / "good.csv").read_text("utf-8").splitlines(True)
FOCUS_HEAD, FOCUS_ROW, *_ = (GOLDEN / "focus" / "aws.csv").read_text("utf-8").splitlines(True)
GOOGLE: dict[str, Any] = {
    "billing_account_id": "01ABCD-000000-000000",
    "service": {"id": "C7E2-9256-1C43", "description": "Vertex AI"},
    "sku": {"id": "1", "description": "Gemini 2.5 Flash GA Text Input - Predictions"},
    "usage_start_time": "2026-06-30T10:00:00Z",
    "usage_end_time": "2026-06-30T11:00:00Z",
    "project": {"id": "ml-prod"},
    "cost": 3,
    "currency": "USD",
    "usage": {"amount": 10_000_000, "unit": "count"},
    "credits": [],
    "cost_type": "regular",
    "export_time": "2026-07-03T00:00:00Z",
}


def row_of_google(month: str, cost: int) -> str:
    return json.dumps(GOOGLE | {"invoice": {"month": month}, "cost": cost}) + "\n"


def next_month(row: str) -> str:
    return row.replace("2026-07-01", "2026-08-01").replace("2026-06", "2026-07")


@pytest.mark.parametrize(
    ("head", "june", "july"),
    [
        (CUR_HEAD, CUR_ROW, next_month(CUR_ROW)),
        (FOCUS_HEAD, FOCUS_ROW, next_month(FOCUS_ROW)),
        # Late usage of one day, on the invoice of the month after it.
        ("", row_of_google("202606", 3), row_of_google("202607", 5)),
    ],
    ids=["aws", "focus", "google"],
)
def test_one_file_of_two_periods_is_what_two_files_are(
    head: str, june: str, july: str, tmp_path: Path
) -> None:
    ledger = new_ledger(tmp_path / "two")
    folder = ledger.home
    (folder / "june").write_text(head + june, encoding="utf-8")
    (folder / "july").write_text(head + july, encoding="utf-8")
    done(ledger, "ingest", folder / "june", folder / "july")
    expected = verified(ledger)
    ledger = new_ledger(tmp_path / "one")
    folder = ledger.home
    (folder / "both").write_text(head + july + june, encoding="utf-8")

    done(ledger, "ingest", folder / "both")

    found = verified(ledger)
    for name in ("ledger_hash", "records", "billed_nanos", "postings"):
        assert found[name] == expected[name], name


def test_a_later_export_of_one_period_leaves_the_others_as_they_are(
    tmp_path: Path,
) -> None:
    ledger = new_ledger(tmp_path / "one")
    folder = ledger.home
    (folder / "both").write_text(
        row_of_google("202606", 3) + row_of_google("202607", 5), encoding="utf-8"
    )
    later = row_of_google("202607", 6).replace("2026-07-03", "2026-07-04")
    (folder / "later").write_text(later, encoding="utf-8")

    done(ledger, "ingest", folder / "both", folder / "later")

    assert verified(ledger)["billed_nanos"] == {"USD": 9_000_000_000}


def test_what_has_left_one_period_of_a_later_file_is_gone(
    tmp_path: Path,
) -> None:
    ledger = new_ledger(tmp_path / "one")
    folder = ledger.home
    (folder / "early").write_text(
        row_of_google("202606", 3) + row_of_google("202607", 5), encoding="utf-8"
    )
    other = row_of_google("202606", 1).replace("Vertex AI", "Compute").replace("C7E2-9256-1C43", "")
    later = (other + row_of_google("202607", 8)).replace("2026-07-03", "2026-07-04")
    (folder / "later").write_text(later, encoding="utf-8")

    done(ledger, "ingest", folder / "early")
    done(ledger, "ingest", folder / "later")

    assert verified(ledger)["billed_nanos"] == {"USD": 8_000_000_000}


def test_parts_of_a_delivery_may_each_be_of_other_periods(
    tmp_path: Path,
) -> None:
    ledger = new_ledger(tmp_path / "one")
    folder = ledger.home
    cur = folder / "cur-00001.csv", folder / "cur-00002.csv"
    cur[0].write_text(CUR_HEAD + CUR_ROW, encoding="utf-8")
    cur[1].write_text(CUR_HEAD + next_month(CUR_ROW) + CUR_ROW, encoding="utf-8")

    receipts = told(ledger, "ingest", *cur)

    assert [receipt["recorded"] for receipt in receipts] == [1, 2]
    by_three = verified(ledger)["billed_nanos"]
    ledger = new_ledger(tmp_path / "other")
    folder = ledger.home
    (folder / "cur.csv").write_text(CUR_HEAD + CUR_ROW, encoding="utf-8")
    done(ledger, "ingest", folder / "cur.csv")
    assert by_three == {"USD": 3 * verified(ledger)["billed_nanos"]["USD"]}


def test_a_table_of_columns_may_be_of_several_periods_too(
    tmp_path: Path,
) -> None:
    ledger = new_ledger(tmp_path / "one")
    folder = ledger.home
    (folder / "both.csv").write_text(FOCUS_HEAD + FOCUS_ROW + next_month(FOCUS_ROW), "utf-8")
    pq.write_table(pa_csv.read_csv(folder / "both.csv"), folder / "both.parquet")

    (receipt,) = told(ledger, "ingest", folder / "both.parquet")

    assert receipt["recorded"] == 2
    assert verified(ledger)["records"] == 2
