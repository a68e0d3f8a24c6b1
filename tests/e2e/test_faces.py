"""Every face of one month says the same total, to the nano, and names the same snapshot."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path

import openpyxl
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from pypdf import PdfReader

from metering.core.money import divide_half_even, nanos_from_decimal_text, plain_decimal
from metering.settings import Settings
from tests.support.command_line import done
from tests.support.ledgers import SAMPLE, fresh_ledger, ingest_and_post


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = fresh_ledger(tmp_path_factory.mktemp("faces") / "ledger")
    ingest_and_post(settings, sorted((SAMPLE / "usage" / "anthropic").iterdir()))
    return settings


def _report(ledger: Settings, name: str, out: Path, *more: str) -> str:
    return done(ledger, "report", name, "2026-10", "--out", out, *more)


def _paper(path: Path) -> str:
    return " ".join(page.extract_text() for page in PdfReader(path).pages)


def _focus(out: Path, version: str) -> int:
    [path] = [one for one in out.rglob("*.parquet") if version in str(one)]
    return int(Decimal(str(pc.sum(pq.read_table(path)["BilledCost"]).as_py())).scaleb(9))


def test_every_face_of_a_month_has_one_total_and_one_snapshot(
    ledger: Settings, tmp_path: Path
) -> None:
    _report(ledger, "chargeback", tmp_path, "--format", "html,pdf,xlsx,csv,json")
    _report(ledger, "review", tmp_path, "--format", "html,pdf,xlsx,json")
    pack = tmp_path / "chargeback-2026-10"
    rows = list(csv.DictReader(io.StringIO(pack.with_suffix(".csv").read_text(encoding="utf-8"))))
    total = sum(nanos_from_decimal_text(row["billed_cost"] or "0") for row in rows)
    [snapshot_id] = {row["snapshot_id"] for row in rows}
    assert total > 10**12

    review = json.loads((tmp_path / "review-2026-10.json").read_text(encoding="utf-8"))
    assert (review["nanos"], review["snapshot_id"]) == (total, snapshot_id)
    exact = plain_decimal(total)
    told = json.loads(pack.with_suffix(".json").read_text(encoding="utf-8"))
    assert exact in json.dumps(told)
    assert f'<span class="code">{exact}</span>' in pack.with_suffix(".html").read_text("utf-8")
    assert f'data-value="{total}"' in (tmp_path / "review-2026-10.html").read_text("utf-8")
    assert exact in _paper(pack.with_suffix(".pdf"))
    assert review["billed"] in _paper(tmp_path / "review-2026-10.pdf")
    for name, column in (("Lines", "Billed"), ("Days", "Billed")):
        sheet = openpyxl.load_workbook(pack.with_suffix(".xlsx"), data_only=True)[name]
        _, headings, *lines = sheet.iter_rows(values_only=True)
        at = headings.index(column)
        assert sum(round(Decimal(repr(line[at])).scaleb(9)) for line in lines) == total
    cover = openpyxl.load_workbook(tmp_path / "review-2026-10.xlsx", data_only=True)["Cover"]
    assert round(Decimal(repr(cover["B8"].value)).scaleb(9)) == total
    for path in (pack.with_suffix(".html"), tmp_path / "review-2026-10.html"):
        assert snapshot_id in path.read_text("utf-8")
    for path in (pack.with_suffix(".pdf"), tmp_path / "review-2026-10.pdf"):
        assert snapshot_id in _paper(path)

    for version in ("1.2", "1.4"):
        out = tmp_path / f"focus-{version}"
        _report(ledger, "focus", out, "--focus-version", version)
        assert _focus(out, version) == total
    journal = json.loads(_report(ledger, "journal", tmp_path, "--format", "json"))
    [entry] = [one for one in journal["entries"] if one["kind"] != "reversal"]
    assert entry["total_minor_units"] == divide_half_even(total, 10**7)
    assert journal["snapshot_id"] == snapshot_id
