"""The outside judge: the FinOps Foundation's validator finds nothing in what we write.

It needs older versions of what we use ourselves, so it lives in an environment of its own under
`build/`, made from `.ci/focus-validator.txt` once. It reads its rules from its own package and asks
no network.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from metering.core.periods import BillingPeriod
from metering.reporting.focus.columns import FocusVersion
from metering.workflows.reports.focus import write_focus
from tests.support.ledgers import SAMPLE, fresh_ledger, ingest_and_post

ROOT = Path(__file__).resolve().parents[1]
_HOME: Final = ROOT / "build" / "focus-validator"
_PINS: Final = ROOT / ".ci" / "focus-validator.txt"
_CRITERIA: Final = (
    "ACCOUNT_NAMING_SUPPORTED",
    "NEGOTIATED_PRICING_SUPPORTED",
    "PUBLIC_PRICE_LIST_SUPPORTED",
    "USAGE_MEASUREMENT_SUPPORTED",
    "UNIT_PRICING_SUPPORTED",
    "SUB_ACCOUNT_SUPPORTED",
    "TAGGING_SUPPORTED",
    "MULTIPLE_PRICING_CATEGORIES_SUPPORTED",
    "MULTIPLE_SUB_ACCOUNT_TYPES_SUPPORTED",
    "MULTIPLE_BILLING_ACCOUNT_TYPES_SUPPORTED",
    "PRICING_BILLING_CURRENCY_DIFFERENCES_SUPPORTED",
)
# Two of these rules contradict each other, so that one fails whatever the file says.
_CONTRADICTORY: Final = frozenset(
    {"InvoiceId-C-000-O", "InvoiceId-C-003-C", "InvoiceId-C-004-C", "InvoiceId-C-005-C"}
)
_FEWEST_RULES: Final = 250

# Runs in the validator's own environment: prints each rule's verdict, true, false or null.
_JUDGE: Final = """
import contextlib, io, json, os, pathlib, sys
import focus_validator
from focus_validator.validator import Validator
os.chdir(sys.argv[3])
os.symlink(pathlib.Path(focus_validator.__file__).parent, "focus_validator")
judge = Validator(
    data_filename=sys.argv[1], output_destination=None, output_type="console",
    focus_dataset="CostAndUsage", rules_version="1.2", rules_block_remote_download=True,
    applicability_criteria=sys.argv[2],
)
with contextlib.redirect_stdout(io.StringIO()):
    found = judge.validate().by_rule_id
details = {rule: entry.get("details") or {} for rule, entry in found.items()}
print(json.dumps({
    rule: None if details[rule].get("skipped")
    else [bool(entry.get("ok")), str(details[rule].get("message"))]
    for rule, entry in found.items()
}))
"""


def _newer_python() -> str | None:
    """Return a Python 3.12 or 3.13: what is on the path, or one that pyenv keeps."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    kept = [str(home / "bin" / "python") for home in sorted(pyenv.glob("versions/3.1[23]*"))]
    asked = "import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 13))"
    for candidate in (*kept, "python3.12", "python3.13", "python3"):
        path = shutil.which(candidate)
        if path and not subprocess.run([path, "-c", asked], check=False).returncode:
            return path
    return None


@pytest.fixture(scope="module")
def judge() -> Path:
    """Return the Python of the validator's environment, made when it is not there."""
    python = _HOME / "bin" / "python"
    if (_HOME / ".made").exists() and (_HOME / ".made").read_text() == _PINS.read_text():
        return python
    newer = _newer_python()
    if newer is None:
        # On a developer's machine a skip is honest; in CI it would pass for a pass.
        missing = "focus-validator needs Python 3.12 or 3.13, and there is none here"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    subprocess.run([newer, "-m", "venv", "--without-pip", "--clear", str(_HOME)], check=True)
    # By the pip of ours, and compiled as far as it is imported: that is a quarter of the work.
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    subprocess.run([*pip, "--quiet", "install", "--no-compile", "-r", str(_PINS)], check=True)
    (_HOME / ".made").write_text(_PINS.read_text())
    return python


def _verdicts(judge: Path, data: Path, scratch: Path) -> dict[str, Any]:
    done = subprocess.run(
        [str(judge), "-c", _JUDGE, str(data), ",".join(_CRITERIA), str(scratch)],
        capture_output=True,
        text=True,
        check=True,
    )
    verdicts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return verdicts


def test_the_official_validator_finds_nothing(judge: Path, tmp_path: Path) -> None:
    settings = fresh_ledger(tmp_path / "ledger")
    usage = sorted((SAMPLE / "usage").rglob("*2026-10*"))
    ingest_and_post(settings, [path for path in usage if path.is_file()])
    out = tmp_path / "out"
    written = write_focus(settings, BillingPeriod(2026, 10), out, FocusVersion.V1_2)
    scratch = tmp_path / "judge"
    scratch.mkdir()
    verdicts = _verdicts(judge, written.paths[0], scratch)
    passed = [rule for rule, verdict in verdicts.items() if verdict and verdict[0]]
    failed = {
        rule: verdict[1]
        for rule, verdict in verdicts.items()
        if verdict and not verdict[0] and rule not in _CONTRADICTORY
    }
    assert failed == {}
    assert len(passed) > _FEWEST_RULES
