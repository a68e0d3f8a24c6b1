"""Open points and tie-outs are numbers in the workbook, and nothing on paper is torn off."""

import io
from collections.abc import Iterator

import openpyxl
import pytest
from pypdf import PdfReader

from metering.core.closing.invoices import Invoice, InvoiceCategory, InvoiceLine
from metering.core.closing.tieout import LedgerSide, tie_out
from metering.reporting.faces.html import chargeback_html
from metering.reporting.faces.pdf import chargeback_pdf
from metering.reporting.faces.workbook import chargeback_xlsx
from metering.reporting.pack.chargeback import chargeback_report
from metering.reporting.snapshot import Snapshot
from tests.support.reporting_specimen import PERIOD, company, lines_of, snapshot_of

_BILLION = 10**9


def _rows(snapshot: Snapshot, sheet: str) -> list[dict[str, object]]:
    content = chargeback_xlsx(snapshot, chargeback_report(snapshot))
    book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    _, headings, *rows = book[sheet].iter_rows(values_only=True)
    return [dict(zip(map(str, headings), row, strict=True)) for row in rows]


def _pages(snapshot: Snapshot) -> Iterator[list[str]]:
    content = chargeback_pdf(chargeback_report(snapshot))
    for page in PdfReader(io.BytesIO(content)).pages:
        yield page.extract_text().splitlines()


def test_open_points_are_numbers_in_the_workbook() -> None:
    rows = _rows(company(), "Open points")

    told = {
        (row["Point"], row["What"]): (row["Quantity"], row["Unit"], row["Amount"]) for row in rows
    }
    assert told["unpriced", "gpt-6-preview"] == (911_204, "tokens", None)
    assert told["unattributed", "gpt-5"] == (None, None, pytest.approx(206.40013))
    assert told["correction", "CC-4100"] == (None, None, pytest.approx(-0.01204))
    assert told["quarantine", "refused when they were read"] == (3, "records", None)


def test_a_tie_out_in_the_workbook_says_whether_it_ties_and_what_else_is_known() -> None:
    ledger = [
        LedgerSide("anthropic", "acme", "USD", _BILLION),
        LedgerSide("mistral", "acme", "USD", 0, unpriced=(("output", 5),)),
    ]
    line = InvoiceLine(2, InvoiceCategory.USAGE, "usage", _BILLION)
    bill = Invoice("INV-1", "anthropic", "acme", PERIOD, "USD", (line,))
    ties = tie_out(PERIOD, ledger, [bill])

    rows = _rows(snapshot_of(lines_of({"amount_nanos": _BILLION}), tie_outs=ties), "Tie-out")

    assert [(row["Provider"], row["Line"], row["Amount"], row["Verdict"]) for row in rows] == [
        ("anthropic", "priced from usage", 1, "ties"),
        ("mistral", "nothing owed", 0, "no invoice yet"),
    ]
    assert rows[1]["Note"] == "usage without a rate has no amount here; the open points list it"


def test_an_invoice_in_a_currency_that_nothing_is_charged_in_is_shown() -> None:
    line = InvoiceLine(2, InvoiceCategory.USAGE, "usage", 9 * _BILLION)
    bill = Invoice("INV-EUR", "openai", "acme", PERIOD, "EUR", (line,))
    ties = tie_out(PERIOD, [LedgerSide("openai", "acme", "USD", _BILLION)], [bill])
    snapshot = snapshot_of(lines_of({"amount_nanos": _BILLION}), tie_outs=ties)

    report = chargeback_report(snapshot)

    _, euros = report.accounts
    [tie] = euros.tie_outs
    assert (euros.currency, tie.verdict, tie.invoiced) == ("EUR", "unexplained", "9.00")
    page = chargeback_html(snapshot, report).decode()
    assert page.count("invoice INV-EUR") == 3  # the cover, the open points, line by line
    assert page.count(">By model <") == 1
    assert any("invoice INV-EUR" in line for lines in _pages(snapshot) for line in lines)


def test_the_heading_of_a_project_is_never_the_last_line_of_a_page() -> None:
    # Pages break anywhere in so many projects, whatever a line takes.
    rows = [
        {"project": f"P{project}", "meter": meter, "amount_nanos": _BILLION + project}
        for project in range(150)
        for meter in ("output", "cache_read", "input_uncached")[: 1 + project % 3]
    ]

    pages = [
        [line for line in lines if line.startswith(("CC-1 / Team / P", "openai gpt-5"))]
        for lines in _pages(snapshot_of(lines_of(*rows)))
    ]

    ends = [lines[-1] for lines in pages if lines]
    assert len(ends) > 3
    assert not [line for line in ends if line.startswith("CC-1")]
    # Its lines go on below its name.
    assert not [lines[0] for lines in pages if lines and not lines[0].startswith("CC-1")]


def test_list_and_contracted_price_are_on_paper_where_they_are_not_what_is_billed() -> None:
    same = snapshot_of(lines_of({"amount_nanos": _BILLION, "list_nanos": _BILLION}))

    assert not [line for lines in _pages(same) for line in lines if "Contracted" in line]
    assert [line for lines in _pages(company()) for line in lines if "Contracted" in line]


def test_each_remark_of_a_tie_out_has_a_line_of_its_own() -> None:
    side = LedgerSide(
        "openai", "acme", "USD", _BILLION, adjusted_nanos=5, unpriced=(("output", 5),)
    )
    ties = tie_out(PERIOD, [side], [])

    lines = [line for lines in _pages(snapshot_of(lines_of({}), tie_outs=ties)) for line in lines]

    assert "usage without a rate has no amount here; the open points list it" in lines
