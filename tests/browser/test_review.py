"""The review in a real browser: it opens from disk, asks for nothing, and can be used."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

from metering.reporting.review.contents import review_html
from tests.browser.accessible import assert_accessible
from tests.support.reporting_specimen import HOSTILE_NAMES
from tests.support.review_specimen import review_of

pytestmark = pytest.mark.browser

_Opened = Callable[..., list[str]]
_Evaluated = Callable[[str], Any]
_SPLIT = "Spend by what answers for it"


def _names(page: Page) -> list[str]:
    region = page.get_by_role("region", name=_SPLIT)
    return region.locator("tbody tr:not([hidden]) th").all_inner_texts()


def test_the_review_opens_from_disk_and_requests_only_itself(
    page: Page, opened: _Opened, tmp_path: Path
) -> None:
    told = opened(review_html(review_of()))
    page.get_by_role("searchbox", name="Find").fill("search")
    page.get_by_role("button", name="Open every finding").click()
    page.wait_for_load_state("networkidle")

    assert told == [(tmp_path / "page.html").as_uri()]
    assert page.title() == "Review of AI spend 2026-10, estimate"


def test_a_column_sorts_by_what_it_says_exactly_and_keeps_its_total_below(
    page: Page, opened: _Opened
) -> None:
    # Shown alike to the cent, they differ by nanos.
    opened(review_html(review_of("Alpha", "Beta", "Gamma")))
    heading = page.get_by_role("region", name=_SPLIT).locator("thead")

    heading.get_by_role("button", name="Spend").focus()
    page.keyboard.press("Enter")
    expect(heading.locator("th[aria-sort]")).to_have_attribute("aria-sort", "descending")
    assert [name[0] for name in _names(page)] == ["G", "B", "A", "A"]
    assert _names(page)[-1] == "All"
    heading.get_by_role("button", name="Spend").click()
    assert [name[0] for name in _names(page)] == ["A", "B", "G", "A"]


def test_words_find_rows_and_findings_and_no_total_is_left_of_something_else(
    page: Page, opened: _Opened
) -> None:
    opened(review_html(review_of("Alpha", "Beta", "Gamma")))

    page.get_by_role("searchbox", name="Find").fill("beta")
    assert _names(page) == ["Beta / Beta"]
    expect(page.locator("article.finding:not([hidden])")).to_have_count(1)
    expect(page.get_by_role("status")).to_have_text("2 of 7 rows and findings")
    page.get_by_role("searchbox", name="Find").fill("nothing of the kind")
    assert _names(page) == []
    page.get_by_role("searchbox", name="Find").fill("")
    assert len(_names(page)) == 4


def test_a_finding_opens_to_its_numbers_with_the_keyboard(page: Page, opened: _Opened) -> None:
    opened(review_html(review_of()))
    finding = page.locator("article.finding").first

    expect(finding.get_by_text("Benign explanations to rule out")).to_be_hidden()
    finding.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(finding.get_by_text("Benign explanations to rule out")).to_be_visible()
    page.get_by_role("button", name="Open every finding").click()
    expect(page.get_by_text("Benign explanations to rule out").last).to_be_visible()


def test_without_a_script_the_review_says_all_of_it(browser: Browser, opened: _Opened) -> None:
    quiet = browser.new_context(java_script_enabled=False)
    page = quiet.new_page()
    opened(review_html(review_of()), page)

    expect(page.get_by_role("searchbox")).to_have_count(0)
    expect(page.get_by_role("heading", name="What to look at")).to_be_visible()
    assert len(_names(page)) == 4
    quiet.close()


def test_on_paper_every_finding_is_open_and_pages_are_numbered(page: Page, opened: _Opened) -> None:
    opened(review_html(review_of()))

    paper = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))

    text = "\n".join(sheet.extract_text() for sheet in paper.pages)
    assert text.count("Benign explanations to rule out") == 3
    assert f"1 / {len(paper.pages)}" in paper.pages[0].extract_text()
    assert "Open every finding" not in text


@pytest.mark.parametrize("width", [360, 800, 1280])
def test_the_review_never_scrolls_sideways(
    page: Page, opened: _Opened, evaluated: _Evaluated, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    opened(review_html(review_of("x" * 300, "Short")))
    page.get_by_role("button", name="Open every finding").click()

    assert evaluated("document.documentElement.scrollWidth") <= width


def test_on_a_phone_the_first_figure_of_every_table_stands_beside_its_name(
    page: Page, opened: _Opened, evaluated: _Evaluated
) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    opened(review_html(review_of("Alpha", "Beta", "A longer name of a team and its project")))

    edges = evaluated(
        """[...document.querySelectorAll(".scroll table")].filter(one => one.offsetParent)
            .flatMap(one => [...one.tBodies[0].rows]).filter(row => row.cells.length > 1)
            .map(row => row.cells[1].getBoundingClientRect().right)"""
    )

    assert edges
    assert max(edges) <= 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_review_is_accessible_in_light_and_in_dark(
    browser: Browser, opened: _Opened, scheme: Any
) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    opened(review_html(review_of()), page)
    assert_accessible(page)
    page.get_by_role("button", name="Open every finding").click()
    assert_accessible(page)
    context.close()


def test_hostile_names_are_text_and_nothing_runs(
    page: Page, opened: _Opened, evaluated: _Evaluated, tmp_path: Path
) -> None:
    told = opened(review_html(review_of(*HOSTILE_NAMES)))
    page.get_by_role("button", name="Open every finding").click()
    page.wait_for_load_state("networkidle")

    foreign_elements = "img, iframe, object, embed, link, form, base, b, i, audio, video"
    handlers = (
        "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
        ".filter(a => a.startsWith('on'))"
    )
    assert page.locator(foreign_elements).count() == 0
    assert page.locator("script").count() == 1
    assert evaluated(handlers) == []
    assert page.title() == "Review of AI spend 2026-10, estimate"
    assert told == [(tmp_path / "page.html").as_uri()]
