"""One Chromium for every page that is tested, and what a page asks for while it is open."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

_FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-gpu"]


@pytest.fixture(scope="session")
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


@pytest.fixture
def opened(page: Page, tmp_path: Path) -> Callable[[bytes], list[str]]:
    """Return what opens a page from disk, and tells every request and complaint as they come."""

    def open_page(content: bytes, into: Page | None = None) -> list[str]:
        told: list[str] = []
        shown = into or page
        shown.on("request", lambda request: told.append(request.url))
        shown.on("console", lambda message: told.append(f"console: {message.text}"))
        shown.on("pageerror", lambda error: told.append(f"error: {error}"))
        file = tmp_path / "page.html"
        file.write_bytes(content)
        shown.goto(file.as_uri())
        return told

    return open_page


@pytest.fixture
def evaluated(page: Page) -> Callable[[str], Any]:
    """Return what runs a script in the page."""
    return page.evaluate
