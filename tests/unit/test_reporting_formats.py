"""Every format says the same to the nano, names one snapshot, and shows a hostile name as text."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import openpyxl
import pytest
from pypdf import PdfReader

from metering.core.money import nanos_from_decimal_text
from metering.reporting.brand import Brand
from metering.reporting.faces.csvfile import chargeback_csv
from metering.reporting.faces.html import chargeback_html
from metering.reporting.faces.jsonfile import chargeback_json
from metering.reporting.faces.pdf import chargeback_pdf, statement_pdf
from metering.reporting.faces.workbook import chargeback_xlsx
from metering.reporting.figures import MINUS, NIL
from metering.reporting.numerals import numerals_of, written_in
from metering.reporting.pack.chargeback import chargeback_report
from metering.reporting.pack.statement import Statements, file_slug
from metering.reporting.snapshot import (
    BudgetStretch,
    OwnerAmount,
    OwnerAsked,
    SharedPool,
    Snapshot,
)
from metering.reporting.words import shown_name
from tests.support.reporting_specimen import (
    HOSTILE_NAMES,
    PERIOD,
    company,
    lines_of,
    share_of,
    snapshot_of,
)

_FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\uff1d1", "=HYPERLINK(0)", "../../x", "CON")


def _xlsx(snapshot: Snapshot, brand: Brand | None = None) -> bytes:
    return chargeback_xlsx(snapshot, chargeback_report(snapshot), brand)


def _sheets(content: bytes) -> dict[str, list[tuple[Any, ...]]]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}


def _pdf_text(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def _hostile(names: Iterable[str]) -> Snapshot:
    """Return a snapshot in which every name stands wherever a name may stand."""
    rows: list[dict[str, Any]] = []
    every = list(names)
    for name in every:
        where = dict.fromkeys(("cost_centre", "team", "project", "provider", "model"), name)
        foreign = {**where, "billing_account": name, "amount_nanos": 10**9}
        unpriced = {"bearer": "unpriced", "amount_nanos": 0, "reason": name, "quantity": 7}
        rows += [foreign, foreign | unpriced, foreign | share_of(name)]
    return replace(
        snapshot_of(lines_of(*rows), promoted=tuple(every)),
        pools=tuple(SharedPool(name, name) for name in every),
        budgets=tuple(OwnerAmount(name, name, name, "USD", 10**9) for name in every),
    )


def test_every_format_adds_up_to_the_control_total_and_names_the_snapshot() -> None:
    snapshot = company()
    [total] = snapshot.totals().values()
    report = chargeback_report(snapshot)

    rows = csv.DictReader(io.StringIO(chargeback_csv(snapshot).decode(), newline=""))
    in_csv = [(row["billed_cost"], row["snapshot_id"]) for row in rows]
    assert sum(nanos_from_decimal_text(cost or "0") for cost, _ in in_csv) == total
    assert {told for _, told in in_csv} == {snapshot.snapshot_id}

    document = json.loads(chargeback_json(snapshot))
    [account] = document["accounts"]
    billed = [line["billed"] or "0" for line in account["lines"]]
    assert sum(map(nanos_from_decimal_text, billed)) == total
    assert nanos_from_decimal_text(account["billed"]) == total
    assert document["snapshot_id"] == snapshot.snapshot_id

    sheets = _sheets(_xlsx(snapshot))
    _, headings, *lines = sheets["Lines"]
    nanos = headings.index("Billed, nanos")
    assert sum(int(line[nanos]) for line in lines) == total
    assert any(snapshot.snapshot_id in map(str, row) for row in sheets["Cover"])

    page = chargeback_html(snapshot, report).decode()
    [data] = re.findall(r'<script type="application/json" id="detail">(.*?)</script>', page)
    assert sum(map(int, json.loads(data)["rows"]["amount"].split(","))) == total
    assert snapshot.snapshot_id in page

    text = _pdf_text(chargeback_pdf(report))
    assert report.accounts[0].exact in text
    assert report.accounts[0].total in text
    assert snapshot.snapshot_id in text


def test_statements_and_what_nobody_owns_add_up_to_the_control_total() -> None:
    snapshot = company()
    statements = Statements(snapshot)
    names = sorted({row["cost_centre"] for row in snapshot.lines.table.to_pylist()} - {None})

    owned = sum(
        nanos_from_decimal_text(account.exact)
        for name in names
        for account in statements.of(name).accounts
    )

    [total] = snapshot.totals().values()
    assert owned + 206_400_130_000 == total


def test_ten_thousand_hostile_names_are_text_in_the_workbook() -> None:
    hostile = [*HOSTILE_NAMES, *_FORMULAS]
    many = [f"{hostile[n % len(hostile)][:280]}{n}" for n in range(10_000)]
    rows = [{"cost_centre": "CC", "team": "T", "project": name, "amount_nanos": 1} for name in many]

    content = _xlsx(snapshot_of(lines_of(*rows)))

    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        names = parts.namelist()
        sheets = [parts.read(part).decode() for part in names if "worksheets/sheet" in part]
    formulas = [formula for sheet in sheets for formula in re.findall(r"<f>(.*?)</f>", sheet)]
    assert all(re.fullmatch(r"(SUBTOTAL\(109,|SUM\()[A-Z]+\d+:[A-Z]+\d+\)", f) for f in formulas)
    assert not [sheet for sheet in sheets if "<hyperlink" in sheet]
    assert not [part for part in names if "external" in part.lower()]
    cells = {row[2] for row in _sheets(content)["Lines"]}
    assert {shown_name(name) for name in many} <= cells


def test_a_hostile_name_is_text_wherever_it_stands_in_the_workbook() -> None:
    hostile = [*HOSTILE_NAMES, *_FORMULAS]

    content = _xlsx(_hostile(hostile), Brand(organisation="=1+1"))

    cells = {cell for rows in _sheets(content).values() for row in rows for cell in row}
    assert {shown_name(name) for name in hostile} <= cells


def test_a_hostile_name_is_text_on_paper() -> None:
    hostile = [*HOSTILE_NAMES, *_FORMULAS, '#image("x")', "$x$ *b* _i_ @l"]

    text = _pdf_text(chargeback_pdf(chargeback_report(_hostile(hostile))))

    # A long word may break anywhere, and letters that join are extracted as they were set.
    flat = re.sub(r"[\s\u200b]+", "", text)
    for name in hostile:
        plain = re.sub(r"[\s\u200b]+", "", shown_name(name))[:11]
        assert plain in flat or not plain.isascii()


def test_a_hostile_name_is_the_same_name_in_json() -> None:
    hostile = [*HOSTILE_NAMES, *_FORMULAS]

    document = json.loads(chargeback_json(_hostile(hostile)))

    assert {line["cost_centre"] for line in document["accounts"][0]["lines"]} == set(hostile)


def test_the_paper_is_tagged_numbered_and_has_its_fonts_inside() -> None:
    reader = PdfReader(io.BytesIO(chargeback_pdf(chargeback_report(company()))))
    catalog: Any = reader.trailer["/Root"]

    assert catalog["/MarkInfo"]["/Marked"]
    assert catalog["/Lang"] == "en"
    pages = len(reader.pages)
    assert [f"{n} / {pages}" in page.extract_text() for n, page in enumerate(reader.pages, 1)] == [
        True
    ] * pages
    assert "pdfuaid:part" in catalog["/Metadata"].get_data().decode()


def test_amounts_in_the_workbook_are_numbers_and_totals_are_formulas() -> None:
    snapshot = company()
    [total] = snapshot.totals().values()
    book = openpyxl.load_workbook(io.BytesIO(_xlsx(snapshot)))
    values = openpyxl.load_workbook(io.BytesIO(_xlsx(snapshot)), data_only=True)

    owners = book["Owners"]
    column = [cell.value for cell in owners[2]].index("Billed") + 1
    letter = openpyxl.utils.get_column_letter(column)
    assert owners.cell(1, column).value == f"=SUBTOTAL(109,{letter}3:{letter}{owners.max_row})"
    assert values["Owners"].cell(1, column).value == pytest.approx(total / 10**9, abs=1e-9)
    assert {type(row[0].value) for row in owners.iter_rows(3, min_col=column, max_col=column)} == {
        float
    }
    assert owners.freeze_panes == "D3"
    assert {"Owners", "Lines", "Months", "Models"} <= {
        table for sheet in book.worksheets for table in sheet.tables
    }
    with zipfile.ZipFile(io.BytesIO(_xlsx(snapshot))) as parts:
        assert len([part for part in parts.namelist() if "charts/chart" in part]) >= 3


def test_budgets_and_forecasts_are_shown_only_where_there_are_some() -> None:
    plain = company()
    planned = replace(
        plain,
        budgets=(
            OwnerAmount("CC-4100", "Payments", "", "USD", 400 * 10**9),
            OwnerAmount("CC-4100", "Ledger platform", "", "USD", 200 * 10**9),
            OwnerAmount("CC-9999", "", "", "USD", 5 * 10**9),
        ),
        forecasts=(OwnerAmount("CC-4100", "", "", "USD", 700 * 10**9),),
    )

    [account] = chargeback_report(planned).accounts
    lines = {node.line.label: node.line for node in account.owners.nodes}
    assert (lines["CC-4100"].budget, lines["CC-4100"].remaining) == ("600.00", "")
    [payments] = [
        child.line
        for node in account.owners.nodes
        for child in node.children
        if child.line.label == "Payments"
    ]
    assert (payments.budget, payments.remaining) == ("400.00", "47.40")
    assert lines["CC-4100"].forecast == "700.00"
    assert (lines["CC-9999"].amount, lines["CC-9999"].remaining) == (NIL, "5.00")
    assert account.owners.foot[-1].budget == "605.00"
    # Most cost centres have no budget: what is left of all budgets would say nothing.
    assert account.owners.foot[-1].remaining == ""
    page = chargeback_html(planned, chargeback_report(planned)).decode()
    assert ">Budget<" in page
    assert ">Budget<" not in chargeback_html(plain, chargeback_report(plain)).decode()
    assert "Budget" in _pdf_text(chargeback_pdf(chargeback_report(planned)))


def test_a_budget_of_several_months_shows_its_share_and_what_is_left() -> None:
    stretch = BudgetStretch(
        "CC-4100", "", "", "USD", "2026-07..2026-12", *(n * 10**9 for n in (1840, 310, 352, 1500))
    )
    planned = replace(company(), stretches=(stretch,))

    report = chargeback_report(planned)
    [account] = report.accounts
    [shown] = account.stretches
    assert (shown.months, shown.share, shown.left) == ("2026-07 to 2026-12", "310.00", "340.00")
    assert "Budget of several months" in chargeback_html(planned, report).decode()
    [one] = json.loads(chargeback_json(planned))["accounts"][0]["budgets_of_months"]
    assert (one["share_of_month"], one["left"]) == ("310", "340")
    assert "Budgets of months" in _sheets(_xlsx(planned))
    assert "Budgets of months" not in _sheets(_xlsx(company()))


def test_shared_cost_is_shown_with_its_rule_and_adds_up() -> None:
    share = share_of("evaluation")
    pool = {"bearer": "shared", "cost_centre": "pool:evaluation", "team": None, "project": None}
    rows: list[dict[str, Any]] = [
        share | {"cost_centre": "CC-1", "amount_nanos": 7 * 10**9},
        share | {"cost_centre": "CC-2", "amount_nanos": 3 * 10**9},
        share | pool | {"amount_nanos": -10 * 10**9},
        pool | {"amount_nanos": 12 * 10**9, "list_nanos": None},
    ]
    rule = SharedPool("evaluation", "by head count, each first of the month", "version 3")

    report = chargeback_report(replace(snapshot_of(lines_of(*rows)), pools=(rule,)))

    [account] = report.accounts
    [shown] = account.pools
    assert [(line.label, line.amount) for line in shown.lines] == [
        ("CC-1", "7.00"),
        ("CC-2", "3.00"),
        ("Shared", "10.00"),
    ]
    assert (shown.rule, shown.version) == (rule.rule, "version 3")
    assert [node.line.label for node in account.owners.nodes][-1] == "Shared cost not given on"
    assert account.owners.foot[-1].amount == "12.00"


def test_corrections_are_listed_with_the_period_they_belong_to() -> None:
    [account] = chargeback_report(company()).accounts

    [line, total] = account.corrections
    assert (line.label, line.note) == ("CC-4100", "Payments · of September 2026")
    assert line.amount == total.amount == f"{MINUS}0.01"


def test_contract_terms_lie_between_contracted_and_billed() -> None:
    rows: list[dict[str, Any]] = [
        {"amount_nanos": 90 * 10**9, "list_nanos": 100 * 10**9},
        {"meter": "contract_credit", "amount_nanos": -5 * 10**9, "list_nanos": None},
    ]

    [account] = chargeback_report(snapshot_of(lines_of(*rows))).accounts

    assert [(line.label, line.amount) for line in account.costs] == [
        ("At list price", "100.00"),
        ("Discount", f"{MINUS}10.00"),
        ("Contract terms and credits", f"{MINUS}5.00"),
        ("Billed", "85.00"),
    ]
    [node] = account.owners.nodes
    line = node.line
    assert (line.listed, line.discount, line.contracted, line.amount) == (
        "100.00",
        "10.00",
        "90.00",
        "85.00",
    )


def test_who_was_asked_about_spend_without_an_owner_stands_beside_it() -> None:
    asked = OwnerAsked("openai", "key sk-…9f2", "platform team", PERIOD.first_day)
    snapshot = replace(company(), asked=(asked,))
    report = chargeback_report(snapshot)

    assert report.asked == (("openai", "key sk-…9f2", "platform team", "2026-10-01"),)
    assert "key sk-…9f2" in chargeback_html(snapshot, report).decode()
    assert "platform team" in _pdf_text(chargeback_pdf(report))


@pytest.mark.parametrize(
    ("locale", "shown"),
    [
        ("en-US", "2,045.06"),
        ("de-DE", "2.045,06"),
        ("de-CH", "2\u2019045.06"),
        ("fr-FR", "2\u202f045,06"),
    ],
)
def test_numbers_are_written_as_the_locale_writes_them(locale: str, shown: str) -> None:
    with written_in(numerals_of(locale)):
        [account] = chargeback_report(company()).accounts

    assert account.total == shown
    assert account.exact == "2045.062217906"


def test_indian_numbers_are_grouped_by_two_after_the_first_three() -> None:
    assert numerals_of("en-IN").grouped(1_234_567_890) == "1,23,45,67,890"


def test_a_cost_centre_in_capitals_is_its_own_part_of_a_file_name() -> None:
    assert file_slug(("CC-4100",)) == "cc-4100"
    assert re.fullmatch(r"cc-4100-[0-9a-f]{8}", file_slug(("cc-4100",)))


def test_no_name_leaves_its_folder_or_takes_the_file_of_another() -> None:
    names = [*HOSTILE_NAMES, *_FORMULAS, "a/b", "a-b", "..", ".", "x" * 299, "AUX", "nul.txt\n"]
    owners = [(name,) for name in names] + [("a", "b")]

    slugs = [file_slug(owner) for owner in owners]

    assert all(re.fullmatch(r"[a-z0-9-]{1,70}", slug) for slug in slugs)
    assert len(set(slugs)) == len(slugs)


def test_the_statement_of_an_owner_without_a_letter_we_have_is_set_all_the_same() -> None:
    row = {"cost_centre": "財務 🧮", "amount_nanos": 10**9}
    snapshot = snapshot_of(lines_of(row))

    content = statement_pdf(Statements(snapshot).of("財務 🧮"))

    assert content.startswith(b"%PDF")
    assert len(PdfReader(io.BytesIO(content)).pages) == 1


def test_the_appendices_of_the_paper_add_up_to_the_control_total() -> None:
    snapshot = company()
    [total] = snapshot.totals().values()
    [account] = chargeback_report(snapshot).accounts
    appendix = account.appendix

    shown = sum(_cents(project.amount) for project in appendix.projects)
    assert abs(shown - total // 10**7) <= len(appendix.projects)
    for project in appendix.projects:
        parts = sum(_cents(line.amount) for line in project.lines)
        assert abs(parts - _cents(project.amount)) <= len(project.lines)
    assert appendix.columns[-1] == "All"
    *days, whole = appendix.days
    assert whole.amounts[-1] == account.total
    for at, figure in enumerate(whole.amounts):
        assert sum(_cents(day.amounts[at] or "0") for day in days) == _cents(figure)
    text = _pdf_text(chargeback_pdf(chargeback_report(snapshot)))
    assert "By project, model and meter" in text
    assert "Cache write, 5 minutes" in text
    assert "2026-10-01" in text


def test_what_has_no_room_on_paper_is_counted_and_added_up() -> None:
    rows = [{"project": f"P{n:04d}", "amount_nanos": n * 10**9} for n in range(1, 1301)]
    [account] = chargeback_report(snapshot_of(lines_of(*rows))).accounts

    assert len(account.appendix.projects) == 1200
    assert account.appendix.more == ("100 smaller lines, together 5,050.00, are in the workbook.")


def _cents(shown: str) -> int:
    return int(re.sub(f"[,.{NIL}]", "", shown).replace(MINUS, "-") or 0)
