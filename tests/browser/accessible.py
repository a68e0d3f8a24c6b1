"""What every page is held to: the accessibility rules of axe, best practice among them."""

from typing import Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_WANTED: Final = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
}


def assert_accessible(page: Page) -> None:
    """Fail with the rules that a page breaks, and where."""
    found = Axe().run(page, options=_WANTED).response["violations"]
    broken = [(rule["id"], [node["html"][:120] for node in rule["nodes"]][:3]) for rule in found]
    assert broken == [], broken
