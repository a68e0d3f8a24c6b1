"""HTML pages from the templates in `reports/`: one file each, with nothing to fetch.

Charts come from Altair (`charts.py`). Tables are semantic HTML set by the templates: the table
libraries we looked at (great-tables, pandas' Styler) write inline styles and generated ids, which a
strict content policy forbids, know neither a dark page nor a printed one, and cannot hold a
drill-down whose columns stay aligned. A template gets formatted text and places it; undefined names
are errors, everything is escaped, and no template calculates. The one script draws again what the
template has set already, so a mail program that runs none still shows the whole statement.
"""

import base64
import hashlib
import re
from typing import Final

from jinja2 import Environment, StrictUndefined

from metering import __version__
from metering.reporting.brand import Brand
from metering.reporting.faces.explorer import explorers
from metering.reporting.faces.templates import Templates
from metering.reporting.numerals import written_in
from metering.reporting.pack.chargeback import ChargebackReport
from metering.reporting.pack.statement import OwnerStatement
from metering.reporting.snapshot import Snapshot

_STYLE: Final = "style.css"
_SCRIPT: Final = "explore.js"
_CHARGEBACK: Final = "chargeback.html.j2"
_STATEMENT: Final = "statement.html.j2"
_COMMENT: Final = re.compile(r"^\s*//.*\n", re.MULTILINE)


def chargeback_html(
    snapshot: Snapshot, report: ChargebackReport, brand: Brand | None = None
) -> bytes:
    """Return the page of a report: self-contained, the same bytes every time.

    Args:
        snapshot: the report was made from it; the page's drill-down is.
        report: what the page says.
        brand: the company's look; None for ours.
    """
    brand = brand or Brand()
    pages = Pages(brand)
    with written_in(brand.numerals):
        data = explorers(snapshot)
    script = pages.script(_SCRIPT)
    return pages.page(_CHARGEBACK, script=script, report=report, explorers=data)


def statement_html(statement: OwnerStatement, brand: Brand | None = None) -> bytes:
    """Return the page of one owner, without a script."""
    return Pages(brand or Brand()).page(_STATEMENT, script="", report=statement)


class Pages:
    """Pages in a company's look."""

    def __init__(self, brand: Brand) -> None:
        self._brand = brand
        self._templates = Templates(brand.templates)
        # `safe` stands in the templates for what we made ourselves alone: the style sheet, the
        # script, its data (escaped for a script element), and charts, whose names vl-convert has
        # escaped.
        self._environment = Environment(
            loader=self._templates.loader,
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def script(self, name: str) -> str:
        """Return a script without its comments."""
        return _COMMENT.sub("", self._templates.text(name))

    def page(self, name: str, *, script: str, **said: object) -> bytes:
        """Return a page.

        Args:
            name: of its template.
            script: empty for none.
            said: what the template may name.
        """
        style = self._templates.text(_STYLE) + _colours(self._brand)
        logo = self._brand.logo.uri if self._brand.logo else ""
        given = {
            **said,
            "style": style,
            "script": script,
            "policy": _policy(style, script, has_picture=bool(logo)),
            "brand": {"organisation": self._brand.organisation, "logo": logo},
            "version": __version__,
        }
        return self._templates.rendered(self._environment, name, given).encode("utf-8")


def _colours(brand: Brand) -> str:
    if brand.is_house:
        return ""
    dark = f":root {{ --series: {brand.accent_dark}; }}"
    return (
        f":root {{ --series: {brand.accent}; }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ {dark} }}\n"
    )


def _policy(style: str, script: str, *, has_picture: bool) -> str:
    # The one style block and the one script are named by their digests; images, fonts, frames and
    # requests of any kind are refused, so even markup that slipped through could do nothing.
    parts = ["default-src 'none'", f"style-src '{_digest(style)}'"]
    if script:
        parts.append(f"script-src '{_digest(script)}'")
    if has_picture:
        parts.append("img-src data:")
    return "; ".join([*parts, "base-uri 'none'", "form-action 'none'"])


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode()
