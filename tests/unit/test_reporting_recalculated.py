"""LibreOffice opens the workbook, calculates every formula again, and finds the same totals."""

import csv
import os
import re
import shutil
import subprocess
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from metering.reporting.faces.workbook import chargeback_xlsx
from metering.reporting.pack.chargeback import chargeback_report
from tests.support.reporting_specimen import company

# Calculate a workbook again whenever it is opened.
_ALWAYS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop>
</item>
</oor:items>
"""
_EVERY_SHEET = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1"


def test_a_spreadsheet_calculates_the_totals_we_wrote(tmp_path: Path) -> None:
    soffice = shutil.which("soffice")
    if soffice is None:
        if os.environ.get("CI"):
            pytest.fail("CI has no LibreOffice, so the workbook would go unopened")
        pytest.skip("no LibreOffice on this machine")
    snapshot = company()
    [total] = snapshot.totals().values()
    workbook = tmp_path / "pack.xlsx"
    _without_values(chargeback_xlsx(snapshot, chargeback_report(snapshot)), workbook)
    profile = tmp_path / "profile" / "user"
    profile.mkdir(parents=True)
    (profile / "registrymodifications.xcu").write_text(_ALWAYS, encoding="utf-8")

    subprocess.run(
        [
            soffice,
            f"-env:UserInstallation={profile.parent.as_uri()}",
            "--headless",
            *("--convert-to", _EVERY_SHEET, "--outdir", str(tmp_path), str(workbook)),
        ],
        capture_output=True,
        check=True,
        timeout=180,
    )

    billed = Decimal(total).scaleb(-9)
    for sheet in ("Owners", "Models", "Meters", "Days", "Lines"):
        totals, headings = _rows(tmp_path / f"pack-{sheet}.csv")[:2]
        shown = Decimal(totals[headings.index("Billed")])
        assert abs(shown - billed) < Decimal("1e-9"), sheet
    cover = _rows(tmp_path / "pack-Cover.csv")
    [row] = [row for row in cover if row[0] == "Billed, October 2026"]
    assert abs(Decimal(row[1]) - billed) < Decimal("1e-9")


def _rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def _without_values(content: bytes, path: Path) -> None:
    """Write a workbook whose formulas have lost the values we calculated."""
    path.write_bytes(content)
    with zipfile.ZipFile(path) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    emptied = 0
    with zipfile.ZipFile(path, "w") as whole:
        for name, part in parts.items():
            text, count = re.subn(rb"(</f>)<v>[^<]*</v>", rb"\1<v>0</v>", part)
            emptied += count
            whole.writestr(name, text)
    assert emptied > 10
