"""The finance review: the book's figures on one page that fetches nothing and names nobody."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from metering.reporting.figures import MINUS, NIL
from metering.settings import FILE_NAME, Settings
from metering.workflows.verify import verify
from tests.support.command_line import done
from tests.support.ledgers import company_ledger, copied

_FORBIDDEN = ("misuse", "abuse", "cheating", "guilty", "fraud", "u-tomas", "Marek")


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return company_ledger(tmp_path_factory.mktemp("review") / "ledger")


def _write(ledger: Settings, out: Path, *more: str) -> None:
    done(ledger, "report", "review", "2026-10", "--out", out, *more)


@pytest.fixture(scope="module")
def review(ledger: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("review")
    _write(ledger, out, "--format", "json")
    found: dict[str, Any] = json.loads((out / "review-2026-10.json").read_text(encoding="utf-8"))
    return found


def _number(text: str) -> int:
    plain = text.translate({ord(","): None, ord("."): None, ord(MINUS): "-"})
    return 0 if text == NIL else int(plain)


def test_the_effects_of_each_row_add_up_to_its_change(review: dict[str, Any]) -> None:
    section = review["sections"][0]
    by_provider, with_outcomes = section["tables"]
    for row in (*by_provider["rows"], *with_outcomes["rows"]):
        before, *effects, after = map(_number, row["cells"])
        # Each figure is rounded to the cent by itself.
        assert abs(before + sum(effects) - after) <= len(effects)
        before, *effects, after = row["values"]
        assert before + sum(effects) == after
    assert by_provider["rows"][-1]["kind"] == "total"


def test_nothing_is_told_twice_and_every_bridge_adds_up(review: dict[str, Any]) -> None:
    parts = (*review["sections"], *review["economics"])

    captions = [one["caption"] for part in parts for one in part["tables"]]
    assert len(captions) == len(set(captions))
    analyses = [part["analysis"] for part in parts if part["analysis"]]
    assert sorted(analyses, key=lambda name: int(name[1:])) == [f"E{at}" for at in range(1, 12)]
    plots = {part["analysis"]: part["plots"] for part in parts if part["analysis"]}
    for analysis, count in (("E1", 3), ("E2", 1), ("E4", 1), ("E9", 2), ("E10", 1)):
        assert len(plots[analysis]) == count, analysis
    for bridge in (*plots["E1"], *plots["E4"]):
        first, *effects, last = (step["nanos"] for step in bridge["steps"])
        assert first + sum(effects) == last


def test_what_is_answered_for_waits_or_is_not_is_what_is_billed(
    ledger: Settings, review: dict[str, Any]
) -> None:
    headline = {row["name"]: row["values"][0] for row in review["headline"]}
    parts = ("Answered for by outcomes", "Waiting for outcomes", "No outcome answers for it")
    assert sum(headline[part] for part in parts) == review["nanos"]
    assert sum(sum(bar["nanos"]) for bar in review["split"]["bars"]) == review["nanos"]
    bought = review["sections"][1]["tables"][0]
    assert bought["rows"][-1]["values"][0] == review["nanos"]
    assert verify(ledger).ledger_hash.startswith(review["snapshot_id"])


def test_the_page_fetches_nothing_and_names_nobody(ledger: Settings, tmp_path: Path) -> None:
    _write(ledger, tmp_path)
    page = (tmp_path / "review-2026-10.html").read_text(encoding="utf-8")
    assert "default-src &#39;none&#39;" in page
    assert not re.findall(r"(?:src|href)=\"(?!#)", page)
    # The one script is named in the policy by its digest; the page says all without it.
    assert page.count("<script") == 1
    assert "script-src &#39;sha256-" in page
    for word in _FORBIDDEN:
        assert word not in page
    assert "Benign explanations to rule out" in page
    again = tmp_path / "again"
    _write(ledger, again)
    for face in ("html", "pdf", "xlsx"):
        name = f"review-2026-10.{face}"
        assert (again / name).read_bytes() == (tmp_path / name).read_bytes()


def test_books_in_a_currency_that_no_provider_charges_have_a_review_in_theirs(
    ledger: Settings, review: dict[str, Any], tmp_path: Path
) -> None:
    euros = copied(ledger.home, tmp_path / "ledger")
    settings = (euros.home / FILE_NAME).read_text(encoding="utf-8")
    (euros.home / FILE_NAME).write_text(settings.replace('"USD"', '"EUR"'), encoding="utf-8")

    _write(euros, tmp_path, "--format", "json")

    found = json.loads((tmp_path / "review-2026-10.json").read_text(encoding="utf-8"))
    assert (found["currency"], found["billed"]) == ("USD", review["billed"])
