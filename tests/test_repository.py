"""What may be in the repository, and what may not."""

import gzip
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SAMPLE_LOGS = ROOT / "sample_logs"
_EXPECTED = Path("tests/sample_company/expected.json")

_TOP_LEVEL = {
    *("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "Makefile"),
    *("metering", "alembic", "reports", "tests", "sample_logs"),
    *(".ci", ".gitignore"),
}
# In pieces, so that this file does not find itself.
_REGISTRY_HOSTS = re.compile(
    "|".join(
        (
            r"\bpypi\." + r"org\b",
            r"\bpython" + r"hosted\.org\b",
            r"\bregistry\.npmjs\." + r"org\b",
            r"\bdeb\." + r"debian\.org\b",
            r"--(extra-)?index-" + r"url\b",
        )
    )
)
_MACHINE_PATHS = re.compile(r"(?<![\w.])/" + r"(work|root|home/\w|Users/\w|opt/pypi)[\w/-]*")


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - whichever git the machine has
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = [Path(name) for name in listed.stdout.split("\0") if name]
    return [name for name in names if (ROOT / name).is_file()]


TRACKED = _tracked()


def _content(path: Path) -> bytes:
    """Return what a file says; a compressed one may be spelt otherwise by another zlib."""
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def test_the_top_level_is_fixed() -> None:
    assert {name.parts[0] for name in TRACKED} <= _TOP_LEVEL


@pytest.mark.parametrize("forbidden", [_REGISTRY_HOSTS, _MACHINE_PATHS], ids=["hosts", "paths"])
def test_no_file_names_a_machine_of_ours(forbidden: re.Pattern[str]) -> None:
    found = [
        f"{name}: {match[0]}"
        for name in TRACKED
        if name.suffix not in {".gz", ".zst", ".zip", ".parquet"}
        for match in forbidden.finditer((ROOT / name).read_text("utf-8", "replace"))
    ]

    assert found == []


def test_every_pin_is_one_version_and_nothing_else() -> None:
    lines = (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[\w.+!]+", line)] == []


def test_the_ci_run_can_be_started() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_the_sample_company_stays_small() -> None:
    size = sum(path.stat().st_size for path in SAMPLE_LOGS.rglob("*") if path.is_file())

    assert size < 5_000_000


def test_the_generator_writes_the_sample_company_as_it_is(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "tests.sample_company.generate", str(tmp_path)],
        cwd=ROOT,
        check=True,
    )

    written = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    kept = {path.relative_to(SAMPLE_LOGS) for path in SAMPLE_LOGS.rglob("*") if path.is_file()}
    expected = Path("expected.json")
    assert written - {expected} == kept - {Path("README.md")}
    assert (tmp_path / expected).read_bytes() == (ROOT / _EXPECTED).read_bytes()
    for name in sorted(written - {expected}):
        assert _content(tmp_path / name) == _content(SAMPLE_LOGS / name), name
