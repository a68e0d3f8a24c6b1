"""A review says the same in every face, to the nano, and shows a hostile name as text."""

import io
import re
import zipfile
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from pypdf import PdfReader

from metering.reporting.brand import Brand, Logo
from metering.reporting.charts.plot_svg import plot_svg
from metering.reporting.charts.plots import (
    Bar,
    Bars,
    Bridge,
    BridgeStep,
    Course,
    CourseWeek,
    Divided,
    DividedBar,
    Fan,
    Plot,
)
from metering.reporting.figures import MINUS, NIL, number_text
from metering.reporting.numerals import numerals_of, written_in
from metering.reporting.review.contents import FinanceReview, Row, Section, review_html
from metering.reporting.review.pdf import review_pdf
from metering.reporting.review.xlsx import review_xlsx
from tests.support.reporting_specimen import HOSTILE_NAMES
from tests.support.review_specimen import review_of

_FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "=HYPERLINK(0)", "../../x", "CON", "")
_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>'


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


def _elements(page: bytes) -> list[tuple[str, tuple[str, ...]]]:
    parser = _Elements()
    parser.feed(page.decode())
    return parser.found


def _sheets(content: bytes) -> dict[str, list[tuple[Any, ...]]]:
    book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}


def _pdf_text(content: bytes) -> str:
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    return " ".join(text.split())


def _nanos(units: object) -> int:
    return round(Decimal(repr(units)).scaleb(9))


def test_every_face_has_the_same_amounts_to_the_nano() -> None:
    review = review_of()
    [bought] = review.sections[0].tables
    total, rows = bought.rows[-1], bought.rows[:-1]

    assert total.values[0] == review.nanos == sum(int(row.values[0] or 0) for row in rows)
    page = review_html(review).decode()
    for row in bought.rows:
        assert f'data-value="{row.values[0]}"' in page
    sheets = _sheets(review_xlsx(review))
    assert _nanos(sheets["Cover"][7][1]) == review.nanos
    totals, headings, *lines = sheets["Spend by what answers for it"]
    at = headings.index("Spend")
    assert [_nanos(line[at]) for line in lines] == [row.values[0] for row in rows]
    assert _nanos(totals[at]) == review.nanos
    found = sheets["Findings"][2:]
    assert [_nanos(line[4]) for line in found] == [one.nanos for one in review.sections[1].findings]
    paper = _pdf_text(review_pdf(review))
    for row in bought.rows:
        assert row.cells[0] in page
        assert row.cells[0] in paper
    assert review.billed in paper


def test_every_face_names_the_snapshot_and_is_the_same_twice() -> None:
    review = review_of()
    for face in (review_html, review_pdf, review_xlsx):
        assert face(review) == face(review)
    assert review.snapshot_id in review_html(review).decode()
    assert review.snapshot_id in _pdf_text(review_pdf(review))
    assert review.snapshot_id in str(_sheets(review_xlsx(review))["Cover"])


def test_every_chart_of_the_page_is_a_native_chart_of_the_workbook() -> None:
    review = review_of()
    parts = zipfile.ZipFile(io.BytesIO(review_xlsx(review))).namelist()
    charts = [name for name in parts if re.fullmatch(r"xl/charts/chart\d+\.xml", name)]
    assert len(charts) == review_html(review).count(b"<svg") == 5


def test_no_row_or_note_holds_what_a_name_would_hide() -> None:
    name = "invoice\u202efdp.exe\x1b[2J"

    row, section = Row(name, (name,)), Section("Who", f"{name} is silent")

    assert row == Row("invoice\ufffdfdp.exe\ufffd[2J", ("invoice\ufffdfdp.exe\ufffd[2J",))
    assert section.note == "invoice\ufffdfdp.exe\ufffd[2J is silent"


def test_hostile_names_are_text_in_every_face() -> None:
    # The first stands in the title of a chart as well.
    names = ("=cmd|' /C calc'!A0", *HOSTILE_NAMES, *_FORMULAS)
    plain = [f"Name {place}" for place in range(len(names))]
    page, harmless = review_html(review_of(*names)), review_html(review_of(*plain))

    def apart_from_text(content: bytes) -> list[tuple[str, tuple[str, ...]]]:
        # Names of many characters draw no further element; only what is drawn twice may differ.
        return [one for one in _elements(content) if one[0] not in {"g", "path", "text", "tspan"}]

    assert apart_from_text(page) == apart_from_text(harmless)
    assert "\u202e" not in unescape(page.decode())

    content = review_xlsx(review_of(*names))
    book = openpyxl.load_workbook(io.BytesIO(content))
    formulas = [
        cell.value
        for sheet in book.worksheets
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    ]
    assert formulas
    assert all(str(formula).startswith("=SUBTOTAL(109,") for formula in formulas)
    assert not any("hyperlink" in name for name in zipfile.ZipFile(io.BytesIO(content)).namelist())
    paper = _pdf_text(review_pdf(review_of(*names)))
    assert "</script><script>" in paper.replace(" ", "").replace("\u200b", "")
    assert "{{ 7 * 7 }}" in paper


def test_a_review_has_the_look_of_its_company(tmp_path: Path) -> None:
    (tmp_path / "review.html.j2").write_text(
        '{% extends "page.html.j2" %}{% block main %}Ours: {{ review.billed }}{% endblock %}',
        encoding="utf-8",
    )
    review = review_of()
    brand = Brand("Nordwind AG", Logo(_SVG), "#7a1f5c", "#e0a0c8", tmp_path)

    page = review_html(review, brand).decode()
    assert f"Ours: {review.billed}" in page
    plain = replace(brand, templates=None)
    page = review_html(review, plain).decode()
    assert 'alt="Nordwind AG"' in page
    assert "--series: #7a1f5c" in page
    assert b"7A1F5C" in zipfile.ZipFile(io.BytesIO(review_xlsx(review, plain))).read(
        "xl/charts/chart1.xml"
    )
    assert "Nordwind AG" in str(_sheets(review_xlsx(review, plain))["Cover"])
    assert review_pdf(review, plain) != review_pdf(review)


def test_numbers_are_written_as_the_locale_writes_them() -> None:
    with written_in(numerals_of("de-DE")):
        review = review_of()
        assert number_text(Fraction(-123_456, 100)) == "\N{MINUS SIGN}1.234,56"
    assert "3.733,70" in review.billed
    assert review.billed in _pdf_text(review_pdf(review))
    assert review.billed in review_html(review).decode()
    assert review.nanos == review_of().nanos


def _empty(review: FinanceReview) -> FinanceReview:
    bare = tuple(replace(one, tables=(), plots=(), findings=()) for one in review.sections)
    return replace(review, nanos=0, billed=NIL, change="", sections=bare, economics=())


def test_a_review_of_nothing_is_still_a_review() -> None:
    review = _empty(review_of())
    assert b"October 2026" in review_html(review)
    assert "October 2026" in _pdf_text(review_pdf(review))
    assert "Findings" not in _sheets(review_xlsx(review))


_DAY = date(2026, 5, 4)


@pytest.mark.parametrize(
    "plot",
    [
        Bars("t", "d", "USD", ()),
        Bars("t", "d", "", (Bar("a", None, "unknown"), Bar("b", -5, f"{MINUS}5"))),
        Divided("t", "d", "USD", ("a", "b"), ()),
        Divided("t", "d", "USD", ("a", "b"), (DividedBar("n", (0, -7), NIL),)),
        Bridge("t", "d", "USD", ()),
        Bridge("t", "d", "USD", (BridgeStep("a", -5, f"{MINUS}5", is_level=True),)),
        Course("t", "d", (CourseWeek(_DAY, 0.0, None),), _DAY, 0, None),
        Fan("t", "d", "USD", _DAY, (), (), 0, 0, (), (NIL, NIL, NIL)),
        Fan("t", "d", "JPY", _DAY, (-5, -9), (), -9, -9, (3,), (NIL, f"{MINUS}9", NIL)),
    ],
    ids=lambda plot: type(plot).__name__,
)
def test_a_plot_of_nothing_or_of_less_than_nothing_is_drawn(plot: Plot) -> None:
    assert plot_svg(plot).startswith("<svg")
    review = review_of("One")
    drawn = replace(review, sections=(replace(review.sections[0], plots=(plot,)),))
    assert "Charts" in _sheets(review_xlsx(drawn))


def test_a_bridge_keeps_its_colours_and_its_signs() -> None:
    steps = (
        BridgeStep("September", 10, "10", is_level=True),
        BridgeStep("Price", -4, f"{MINUS}4"),
        BridgeStep("Volume", 6, "+6"),
        BridgeStep("October", 12, "12", is_level=True),
    )
    svg = plot_svg(Bridge("t", "d", "USD", steps))
    for colour in ("--series", "--attention", "--settled"):
        assert f"var({colour})" in svg
    assert f"{MINUS}4" in svg
    assert "+6" in svg
