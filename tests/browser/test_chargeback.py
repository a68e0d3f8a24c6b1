"""The chargeback page in a real browser: it opens from disk, asks for nothing, and can be used."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from metering.reporting.chargeback import chargeback_report
from metering.reporting.html import chargeback_html
from metering.reporting.snapshot import Snapshot
from metering.reporting.words import shown_name
from tests.reporting_specimen import HOSTILE_NAMES, company, lines_of, snapshot_of

pytestmark = pytest.mark.browser

_FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-gpu"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail("CI has no chromium, so the pages would go untested")
        pytest.skip("no chromium on this machine")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def _open(page: Page, folder: Path, snapshot: Snapshot) -> list[str]:
    """Open a snapshot's page from disk and return every request and complaint, as they come."""
    told: list[str] = []
    page.on("request", lambda request: told.append(request.url))
    page.on("console", lambda message: told.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: told.append(f"error: {error}"))
    file = folder / "chargeback.html"
    file.write_bytes(chargeback_html(chargeback_report(snapshot)))
    page.goto(file.as_uri())
    return told


def _evaluated(page: Page, script: str) -> Any:
    return page.evaluate(script)


def test_the_page_opens_from_disk_and_requests_only_itself(page: Page, tmp_path: Path) -> None:
    told = _open(page, tmp_path, company())
    page.wait_for_load_state("networkidle")

    assert told == [(tmp_path / "chargeback.html").as_uri()]


def test_the_style_is_applied_under_the_policy(page: Page, tmp_path: Path) -> None:
    _open(page, tmp_path, company())

    billed = page.locator(".headline .amount")
    assert _evaluated(page, "getComputedStyle(document.body).maxWidth") == "1110px"
    expect(billed).to_have_css("font-variant-numeric", "lining-nums tabular-nums")


def test_a_reader_drills_down_with_the_keyboard_alone(page: Page, tmp_path: Path) -> None:
    _open(page, tmp_path, company())
    meter = page.get_by_role("rowheader", name="Cache read").filter(visible=True)
    expect(meter).to_have_count(0)

    for line in ("CC-4100", "Payments", "Dispute assistant"):
        page.locator("summary", has_text=line).first.focus()
        page.keyboard.press("Enter")

    expect(meter).to_have_count(1)


def test_the_figures_of_a_column_stand_under_each_other(page: Page, tmp_path: Path) -> None:
    _open(page, tmp_path, company())
    _evaluated(page, "document.querySelectorAll('.ledger details').forEach(d => d.open = true)")

    edges = _evaluated(
        page,
        "[...document.querySelectorAll('.ledger .billed, .leaf td:last-child')]"
        ".map(e => Math.round(e.getBoundingClientRect().right))",
    )

    assert len(edges) > 100
    assert len(set(edges)) == 1


@pytest.mark.parametrize("width", [360, 800, 1280])
def test_the_page_never_scrolls_sideways(page: Page, tmp_path: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    long = {"team": "x" * 300, "project": "y" * 300, "model": "z" * 300, "amount_nanos": 10**16}
    _open(page, tmp_path, snapshot_of(lines_of(long)))
    _evaluated(page, "document.querySelectorAll('details').forEach(d => d.open = true)")

    assert _evaluated(page, "document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_in_light_and_in_dark(
    browser: Browser, tmp_path: Path, scheme: Any
) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    _open(page, tmp_path, company())

    paper = _luminance(page, "getComputedStyle(document.body).backgroundColor")
    assert (paper > 0.5) == (scheme == "light")
    for selector in ("h1", ".note", ".quiet", ".stamp", ".verdict", ".prior", ".mark", "a"):
        script = f"getComputedStyle(document.querySelector('{selector}')).color"
        ink = _luminance(page, script)
        contrast = (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05)
        assert contrast >= 4.5, f"{selector} has {contrast:.1f}"
    context.close()


def test_on_paper_every_line_is_open(page: Page, tmp_path: Path) -> None:
    _open(page, tmp_path, company())
    page.emulate_media(media="print")

    folded = _evaluated(
        page,
        "[...document.querySelectorAll('.leaf')].filter(t => !t.checkVisibility()).length",
    )

    assert folded == 0


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_is_text_and_nothing_runs(page: Page, tmp_path: Path, name: str) -> None:
    row = {"cost_centre": name, "team": name, "project": name, "amount_nanos": 10**9}
    told = _open(page, tmp_path, snapshot_of(lines_of(row | {"model": name, "provider": name})))
    page.wait_for_load_state("networkidle")

    foreign = (
        "script, img, iframe, object, embed, link, form, base, b, i:not(.leaf i), audio, video"
    )
    handlers = (
        "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
        ".filter(a => a.startsWith('on'))"
    )
    assert page.locator(foreign).count() == 0
    assert _evaluated(page, handlers) == []
    assert page.title() == "Chargeback 2026-10, estimate"
    assert told == [(tmp_path / "chargeback.html").as_uri()]
    expect(page.locator(".ledger summary bdi").first).to_have_text(
        re.sub(r"\s+", " ", shown_name(name))
    )


def _luminance(page: Page, script: str) -> float:
    """Return the relative luminance of a colour (WCAG 2.2, 0 black to 1 white)."""
    channels = [int(part) / 255 for part in re.findall(r"\d+", _evaluated(page, script))[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
