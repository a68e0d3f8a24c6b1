"""HTML pages from the templates in `reports/`: one file each, with nothing to fetch.

Charts come from Altair (`charts.py`). Tables are semantic HTML set by the templates: the table
libraries we looked at (great-tables, pandas' Styler) write inline styles and generated ids, which a
strict content policy forbids, know neither a dark page nor a printed one, and cannot hold a
drill-down whose columns stay aligned. A template gets formatted text and places it; undefined names
are errors, everything is escaped, and no template calculates.
"""

import base64
import hashlib
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from metering import __version__
from metering.reporting.chargeback import ChargebackReport
from metering.resources import templates_dir

_STYLE: Final = "style.css"
_CHARGEBACK: Final = "chargeback.html.j2"


def chargeback_html(report: ChargebackReport) -> bytes:
    """Return the page of a report: self-contained, without scripts, the same bytes every time."""
    folder = templates_dir()
    style = (folder / _STYLE).read_text(encoding="utf-8")
    page = _environment(folder).get_template(_CHARGEBACK)
    return page.render(
        report=report,
        style=style,
        policy=_policy(style),
        version=__version__,
    ).encode("utf-8")


def _policy(style: str) -> str:
    # The one style block is named by its digest; scripts, images, fonts, frames and requests of
    # any kind are refused, so even markup that slipped through could do nothing.
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _environment(folder: Path) -> Environment:
    # `safe` stands in the templates twice: for our own style sheet, and for charts, in which
    # vl-convert has escaped every name.
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
