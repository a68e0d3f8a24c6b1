"""Dates with slashes are read in one way only, or the file is refused."""

from pathlib import Path

import pytest

from metering.errors import SourceError
from metering.ingest.formats.copilot_billing_csv import CopilotBillingCsv
from metering.ingest.readers import Reader
from metering.ingest.values.day_order import DayOrder, order_of

HEADER = (
    "date,product,sku,model,quantity,unit_type,applied_cost_per_quantity,gross_amount,"
    "discount_amount,net_amount,username,organization\n"
)


@pytest.mark.parametrize(
    ("date", "order"),
    [
        ("9/13/26", DayOrder.MONTH_FIRST),
        ("13/9/2026", DayOrder.DAY_FIRST),
        ("9/12/26", DayOrder.UNDECIDED),
        ("2026-09-13", DayOrder.YEAR_FIRST),
        (None, DayOrder.YEAR_FIRST),
    ],
)
def test_a_date_decides_for_the_order_it_can_be_read_in(date: str, order: DayOrder) -> None:
    assert order_of(date) is order


@pytest.mark.parametrize(
    ("dates", "refused"),
    [
        (("9/1/26", "9/30/26"), ""),
        (("9/1/26", "2026-09-02"), ""),
        (("1/9/26", "13/9/26"), "dates are written with the day first"),
        (("9/1/26", "9/2/26"), ""),
    ],
)
def test_a_report_of_copilot_out_of_a_spreadsheet_is_of_one_month(
    dates: tuple[str, ...], refused: str, tmp_path: Path
) -> None:
    row = "{},copilot,copilot_ai_credit,m,5,ai-credits,1,5,0,5,ana,acme\n"
    path = tmp_path / "report.csv"
    path.write_text(HEADER + "".join(map(row.format, dates)), encoding="utf-8")

    with Reader(tmp_path / "scratch", "256MB", 1) as reader:
        if not refused:
            assert list(CopilotBillingCsv().read(path, reader))
            return
        with pytest.raises(SourceError, match=refused) as caught:
            list(CopilotBillingCsv().read(path, reader))

    assert caught.value.code == "ambiguous-date"
