"""The chargeback page in a real browser: it opens from disk, asks for nothing, and can be used."""

import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from pypdf import PdfReader

from metering.reporting.brand import Brand
from metering.reporting.faces.html import chargeback_html, statement_html
from metering.reporting.figures import MINUS, NIL
from metering.reporting.numerals import numerals_of, written_in
from metering.reporting.pack.chargeback import chargeback_report
from metering.reporting.pack.statement import Statements
from metering.reporting.snapshot import OwnerAmount, SharedPool, Snapshot
from metering.reporting.words import shown_name
from tests.browser.accessible import assert_accessible
from tests.support.reporting_specimen import HOSTILE_NAMES, company, lines_of, share_of, snapshot_of

pytestmark = pytest.mark.browser

_Opened = Callable[..., list[str]]
_Evaluated = Callable[[str], Any]
_OPEN_ALL = """(async () => {
  for (let left = 8; left; left -= 1) {
    const button = document.querySelector(".owners .opens[aria-expanded=false]");
    if (!button) break;
    button.click();
    await new Promise((done) => setTimeout(done));
  }
})()"""


def _html(snapshot: Snapshot, brand: Brand | None = None) -> bytes:
    numerals = (brand or Brand()).numerals
    with written_in(numerals):
        return chargeback_html(snapshot, chargeback_report(snapshot), brand)


def _every_section() -> Snapshot:
    """Return the specimen with shared cost and plans, so that no part of the page is missing."""
    shared = {"cost_centre": "CC-4100", "team": "Payments", **share_of("evaluation")}
    pool = {"bearer": "shared", "cost_centre": "pool:evaluation", "team": None, "project": None}
    rows = [
        *company().lines.table.to_pylist(),
        shared | {"amount_nanos": 10**9},
        pool | {"amount_nanos": 10**9, "list_nanos": None},
        pool | share_of("evaluation") | {"amount_nanos": -(10**9)},
    ]
    snapshot = company()
    return replace(
        snapshot_of(lines_of(*rows)),
        pools=(SharedPool("evaluation", "by head count", "version 3"),),
        budgets=(OwnerAmount("CC-4100", "", "", "USD", 600 * 10**9),),
        forecasts=(OwnerAmount("CC-4100", "", "", "USD", 700 * 10**9),),
        tie_outs=snapshot.tie_outs,
        cards=snapshot.cards,
        sources=snapshot.sources,
        quarantined=3,
    )


def _body(page: Page) -> Locator:
    return page.locator("table.owners tbody")


def _opens(page: Page, name: str) -> Locator:
    return _body(page).get_by_role("button", name=name).first


def _labels(page: Page) -> list[str]:
    return _body(page).locator("tr.item.level0 th").all_inner_texts()


def _cells(row: Locator) -> list[str]:
    return [" ".join(text.split()) for text in row.locator("th, td").all_inner_texts()]


def test_the_page_opens_from_disk_and_requests_only_itself(
    page: Page, opened: _Opened, evaluated: _Evaluated, tmp_path: Path
) -> None:
    told = opened(_html(company()))
    evaluated(_OPEN_ALL)
    page.get_by_role("searchbox", name="Find").fill("gpt")
    page.wait_for_load_state("networkidle")

    assert told == [(tmp_path / "page.html").as_uri()]


def test_the_style_is_applied_under_the_policy(
    page: Page, opened: _Opened, evaluated: _Evaluated
) -> None:
    opened(_html(company()))

    billed = page.locator(".headline .amount")
    assert evaluated("getComputedStyle(document.body).maxWidth") == "1200px"
    expect(billed).to_have_css("font-variant-numeric", "lining-nums tabular-nums")


@pytest.mark.parametrize("locale", ["en-US", "de-CH", "en-IN"])
def test_the_script_draws_what_the_template_set(
    browser: Browser, page: Page, opened: _Opened, locale: str
) -> None:
    content = _html(_every_section(), Brand(numerals=numerals_of(locale)))
    quiet = browser.new_context(java_script_enabled=False)
    without = quiet.new_page()
    opened(content, without)
    opened(content)
    page.get_by_role("button", name="Open to projects").click()

    drawn, given = (shown.locator("table.owners tr") for shown in (page, without))
    assert drawn.count() == given.count() > 25
    script = "rows => rows.map(r => [...r.cells].map(c => c.textContent.replace(/\\s+/g, ' ')))"
    assert drawn.evaluate_all(script)[1:] == given.evaluate_all(script)[1:]
    quiet.close()


def test_a_reader_drills_down_to_the_day_with_the_keyboard_alone(
    page: Page, opened: _Opened
) -> None:
    opened(_html(company()))
    for name in ("CC-4100", "Payments", "Dispute assistant", "claude-sonnet-4-5", "Cache read"):
        _opens(page, name).focus()
        page.keyboard.press("Enter")
        expect(_opens(page, name)).to_be_focused()
        expect(_opens(page, name)).to_have_attribute("aria-expanded", "true")

    days = _body(page).locator("tr.day")
    expect(days).to_have_count(14)
    expect(days.first.locator("th")).to_contain_text("2026-10-01")


def test_days_add_up_to_the_meter_as_shown(page: Page, opened: _Opened) -> None:
    opened(_html(company()))
    for name in ("CC-4210", "Customer care", "Ticket deflection", "gpt-5", "Output"):
        _opens(page, name).click()

    days = _body(page).locator("tr.day .billed").all_inner_texts()
    left = _body(page).locator("tr.rounding.level5 .billed").all_inner_texts()
    [meter] = (
        _body(page).locator("tr.level4", has_text="Output").locator(".billed").all_inner_texts()
    )
    assert sum(map(_minor, [*days, *left])) == _minor(meter)


def test_the_figures_of_a_column_stand_under_each_other(
    opened: _Opened, evaluated: _Evaluated
) -> None:
    opened(_html(company()))
    evaluated(_OPEN_ALL)

    edges = evaluated(
        "[...document.querySelectorAll('.owners .billed')]"
        ".map(e => Math.round(e.getBoundingClientRect().right))"
    )

    assert len(edges) > 40
    assert len(set(edges)) == 1


def test_a_column_sorts_and_says_so(page: Page, opened: _Opened) -> None:
    opened(_html(company()))
    heading = page.locator("table.owners thead")
    assert _labels(page)[0] == "CC-4300"

    heading.get_by_role("button", name="Billed").click()
    expect(heading.locator("th[aria-sort]")).to_have_attribute("aria-sort", "ascending")
    assert _labels(page)[0] == "CC-5100"
    heading.get_by_role("button", name="Owner").click()

    # What nobody owns stays below the owners.
    assert _labels(page) == ["CC-4100", "CC-4210", "CC-4300", "CC-5000", "CC-5100", "Unattributed"]


def test_words_and_choices_find_lines_and_their_exact_sum(page: Page, opened: _Opened) -> None:
    snapshot = company()
    opened(_html(snapshot))
    wanted = [
        row["amount_nanos"]
        for row in snapshot.lines.table.to_pylist()
        if row["model"] == "gpt-5" and row["team"] == "Payments" and row["bearer"] == "owner"
    ]

    page.get_by_role("combobox", name="Model").select_option(label="gpt-5")
    page.get_by_role("searchbox", name="Find").fill("payments")

    told = page.get_by_role("status")
    expect(told).to_have_text(re.compile(rf"of [\d,]+ lines, USD {_shown(sum(wanted))}$"))
    foot = page.locator("table.owners tfoot tr")
    assert _cells(foot)[0] == "Found"
    assert _cells(foot)[4] == _shown(sum(wanted))
    # The month before is kept by owner, not by model: nothing is shown rather than too much.
    assert _cells(foot)[6] == ""

    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_role("searchbox", name="Find")).to_be_focused()
    assert _cells(foot)[0] == "Total"


def test_nothing_found_is_said(page: Page, opened: _Opened) -> None:
    opened(_html(company()))
    page.get_by_role("searchbox", name="Find").fill("no such thing")

    expect(page.get_by_role("status")).to_have_text(re.compile(rf"^0 of .* USD {NIL}$"))
    expect(_body(page).locator("tr")).to_have_count(0)


def test_lines_are_sorted_opened_and_shown_in_parts(page: Page, opened: _Opened) -> None:
    rows = [{"project": f"P{n:04d}", "amount_nanos": n * 10**9} for n in range(1, 451)]
    opened(_html(snapshot_of(lines_of(*rows))))
    page.get_by_role("radio", name="Lines").check()
    lines = page.locator("table.lines tbody tr")

    expect(lines).to_have_count(200)
    expect(lines.first).to_contain_text("P0450")
    page.get_by_role("button", name="Show 200 more of 250").click()
    expect(lines).to_have_count(400)
    page.locator("table.lines thead").get_by_role("button", name="Billed").click()
    expect(lines.first).to_contain_text("P0001")
    lines.first.get_by_role("button", name="Output").click()
    expect(lines.nth(1)).to_contain_text("2026-10-05")
    assert _cells(page.locator("table.lines tfoot tr"))[-1] == "101,475.00"


def test_sums_are_exact_beyond_what_a_browser_number_holds(page: Page, opened: _Opened) -> None:
    rows = [
        {"project": f"P{n}", "amount_nanos": 9_007_199_254_740_993 + n, "quantity": 2**60}
        for n in range(2)
    ]
    opened(_html(snapshot_of(lines_of(*rows))))

    assert _cells(page.locator("table.owners tfoot tr"))[4] == "18,014,398.51"
    page.get_by_role("radio", name="Lines").check()
    expect(page.locator("table.lines tbody tr").first).to_contain_text("1,152,921,504,606,846,976")


@pytest.mark.parametrize("width", [360, 800, 1280])
def test_the_page_never_scrolls_sideways(
    page: Page, opened: _Opened, evaluated: _Evaluated, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    long = {"team": "x" * 300, "project": "y" * 300, "model": "z" * 300, "amount_nanos": 10**16}
    opened(_html(snapshot_of(lines_of(long))))
    evaluated("document.querySelectorAll('details').forEach(d => d.open = true)")
    evaluated(_OPEN_ALL)

    assert evaluated("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible_in_light_and_in_dark(
    browser: Browser, opened: _Opened, scheme: Any
) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    opened(_html(_every_section()), page)
    assert_accessible(page)

    page.evaluate(_OPEN_ALL)
    assert_accessible(page)
    page.get_by_role("radio", name="Lines").check()
    assert_accessible(page)
    dark = "matchMedia('(prefers-color-scheme: dark)').matches"
    assert page.evaluate(dark) == (scheme == "dark")
    context.close()


def test_a_statement_is_accessible_and_has_no_script(page: Page, opened: _Opened) -> None:
    opened(statement_html(Statements(company()).of("CC-4100")))

    expect(page.get_by_role("heading", level=1)).to_have_text("CC-4100")
    expect(page.locator("script")).to_have_count(0)
    assert_accessible(page)


def test_a_statement_on_a_phone_shows_what_is_billed(page: Page, opened: _Opened) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    opened(statement_html(Statements(company()).of("CC-4100")))

    expect(page.get_by_role("columnheader", name="List")).to_be_hidden()
    expect(page.get_by_text("stand here in a wider window")).to_be_visible()
    box = page.get_by_role("columnheader", name="Billed").last.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= 390


def test_on_paper_every_owner_is_open_and_pages_are_numbered(page: Page, opened: _Opened) -> None:
    opened(_html(company()))
    page.get_by_role("radio", name="Lines").check()

    paper = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))

    text = "\n".join(sheet.extract_text() for sheet in paper.pages)
    for name in ("Dispute assistant", "Alert triage", "Policy answers"):
        assert name in text
    assert f"1 / {len(paper.pages)}" in paper.pages[0].extract_text()
    expect(page.get_by_role("radio", name="Lines")).to_be_checked()


def test_on_paper_a_total_stands_once_below_its_lines(page: Page, opened: _Opened) -> None:
    usual = {"amount_nanos": 10**9, "list_nanos": 2 * 10**9}
    rows = [usual | {"cost_centre": f"CC-{place}"} for place in range(40)]
    opened(_html(snapshot_of(lines_of(*rows))))

    page.emulate_media(media="print")
    sheets = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages

    texts = [sheet.extract_text() for sheet in sheets]
    first = next(at for at, text in enumerate(texts) if "CC-0" in text)
    last = next(at for at, text in enumerate(texts) if "CC-9" in text)
    assert first < last
    assert not [at for at in range(first, last) if "Total 80.00" in texts[at]]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_is_text_and_nothing_runs(
    page: Page, opened: _Opened, evaluated: _Evaluated, tmp_path: Path, name: str
) -> None:
    row = {"cost_centre": name, "team": name, "project": name, "amount_nanos": 10**9}
    foreign = row | {"model": name, "provider": name}
    share = row | share_of(name)
    pools = (SharedPool(name, name),)
    told = opened(_html(replace(snapshot_of(lines_of(foreign, share)), pools=pools)))
    evaluated(_OPEN_ALL)
    page.get_by_role("radio", name="Lines").check()
    page.wait_for_load_state("networkidle")

    foreign_elements = "img, iframe, object, embed, link, form, base, b, i, audio, video"
    handlers = (
        "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
        ".filter(a => a.startsWith('on'))"
    )
    assert page.locator(foreign_elements).count() == 0
    assert page.locator("script").count() == 2
    assert evaluated(handlers) == []
    assert page.title() == "Chargeback 2026-10, estimate"
    assert told == [(tmp_path / "page.html").as_uri()]
    page.get_by_role("radio", name="Statement").check()
    shown = re.sub(r"\s+", " ", shown_name(name))
    assert _body(page).locator("bdi").first.inner_text().strip() == shown.strip()


def _minor(shown: str) -> int:
    return int(re.sub(f"[,.{NIL}]", "", shown).replace(MINUS, "-") or "0")


def _shown(nanos: int) -> str:
    cents = -(-nanos // 10**7) if nanos % 10**7 > 5 * 10**6 else nanos // 10**7
    return f"{cents // 100:,}.{cents % 100:02d}"
