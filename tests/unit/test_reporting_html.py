"""The page is one file that asks for nothing, and shows foreign names as text."""

import html
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from metering.reporting.charts.drawing import ranking_svg
from metering.reporting.charts.plots import Bar
from metering.reporting.faces.html import chargeback_html
from metering.reporting.pack.chargeback import chargeback_report
from metering.reporting.snapshot import Snapshot
from metering.reporting.words import shown_name
from metering.resources import templates_dir
from tests.support.reporting_specimen import HOSTILE_NAMES, company, lines_of, snapshot_of

ROOT = Path(__file__).resolve().parents[2]
_RENDER = (
    "import sys\n"
    "from metering.reporting.pack.chargeback import chargeback_report\n"
    "from metering.reporting.faces.html import chargeback_html\n"
    "from tests.support.reporting_specimen import company\n"
    "snapshot = company()\n"
    "sys.stdout.buffer.write(chargeback_html(snapshot, chargeback_report(snapshot)))\n"
)


class _Elements(HTMLParser):
    """Counts what a browser would make of the markup."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes.update(name for name, _ in attrs)


def _page(snapshot: Snapshot) -> str:
    return chargeback_html(snapshot, chargeback_report(snapshot)).decode("utf-8")


def _elements(page: str) -> _Elements:
    found = _Elements()
    found.feed(page)
    return found


@pytest.fixture(scope="module")
def page() -> str:
    return _page(company())


def test_the_page_names_its_period_currency_status_and_snapshot(page: str) -> None:
    for told in ("October 2026", "USD", "estimate", "9f2c61d07ab4", "2026-11-03 02:14 UTC"):
        assert told in page


def test_the_page_says_how_it_was_made(page: str) -> None:
    made = page[page.index("How it was made") :]

    for told in ("anthropic-contract", "version 2", "genai-prices 0.2.3", "litellm-2026-10"):
        assert told in made


def test_the_page_has_its_own_script_alone_and_nothing_to_fetch(page: str) -> None:
    found = _elements(page)

    assert not found.names & {"link", "img", "iframe", "object", "embed", "base", "form"}
    assert not {name for name in found.attributes if name.startswith("on")}
    assert not found.attributes & {"src", "srcset", "style", "action"}
    own = page.replace('"http://www.w3.org/2000/svg"', "")
    assert not re.findall(r"https?://|url\(|@import|fetch\(|XMLHttpRequest", own)
    assert re.findall(r"<script[^>]*>", page) == [
        '<script type="application/json" id="detail">',
        "<script>",
    ]


def test_the_policy_allows_the_one_style_and_the_one_script_and_nothing_else(page: str) -> None:
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)

    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[\w+/]{43}='; "
        r"script-src 'sha256-[\w+/]{43}='; base-uri 'none'; form-action 'none'",
        html.unescape(policy),
    )


def test_the_page_without_its_script_is_the_whole_statement(page: str) -> None:
    static = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)

    for told in ("CC-5100", "Alert triage", "78.77", "2,045.06", "rounding"):
        assert told in static


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_adds_no_element_and_is_shown(name: str, page: str) -> None:
    row = {"cost_centre": name, "team": name, "project": name, "amount_nanos": 10**9}
    foreign = row | {"model": name, "provider": name, "billing_account": name}
    suspense = foreign | {"bearer": "unattributed", "cost_centre": None, "team": None}
    unpriced = suspense | {"bearer": "unpriced", "amount_nanos": 0, "reason": name}

    hostile = _page(snapshot_of(lines_of(foreign, suspense, unpriced), promoted=(name,)))

    found, known = _elements(hostile), _elements(page)
    assert found.names <= known.names
    assert found.attributes <= known.attributes
    assert shown_name(name) in html.unescape(hostile)
    data = re.findall(r'<script type="application/json" id="detail">(.*?)</script>', hostile)
    assert shown_name(name) in json.loads(data[0])["names"]["team"]
    assert not re.search("[<>&\u2028\u2029]", data[0])


def test_a_name_cannot_turn_the_direction_of_writing() -> None:
    assert shown_name("a\u202eb\u2066c\x1b[31m") == "a\ufffdb\ufffdc\ufffd[31m"


def test_a_name_in_a_chart_is_text_and_is_cut_by_count() -> None:
    svg = ranking_svg([Bar("<b>" + "é" * 60, 10, "1.00 & more")])

    assert "&lt;b&gt;" in svg
    assert "é" * 23 + "…" in svg
    assert "é" * 24 not in svg
    assert "1.00 &amp; more" in svg


@pytest.mark.parametrize(
    "template", sorted(templates_dir().rglob("*.j2")), ids=lambda path: path.name
)
def test_a_template_does_not_calculate(template: Path) -> None:
    markup = template.read_text(encoding="utf-8")
    for expression in re.findall(r"{{(.+?)}}|{%(.+?)%}", markup, re.DOTALL):
        # Words, what is filled into them, and the dashes that take blanks away.
        code = re.sub(r'"[^"]*"( %)?|^-|-$', "", "".join(expression))
        assert not re.search(r"[-+*/%]|\b(sum|round|int|float)\b", code), expression


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles"])
def test_the_same_ledger_gives_the_same_bytes_on_any_machine(page: str, zone: str) -> None:
    environment = {**os.environ, "TZ": zone, "PYTHONHASHSEED": "7", "LC_ALL": "C"}

    rendered = subprocess.run(
        [sys.executable, "-c", _RENDER], cwd=ROOT, env=environment, capture_output=True, check=True
    )

    assert rendered.stdout.decode("utf-8") == page
