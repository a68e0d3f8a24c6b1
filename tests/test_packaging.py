"""The wheel, installed elsewhere, starts a ledger, migrates it and finds its templates."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Where each folder of the checkout lies in the wheel.
_FOLDERS = {
    "metering": "metering",
    "alembic": "metering/_alembic",
    "reports": "metering/_reports",
    "sample_logs": "metering/_sample_logs",
}

pytestmark = pytest.mark.packaging


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the source archive, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    # The build tool makes the wheel from the source archive, as whoever packages us does.
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), cwd=ROOT)
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the programs of an environment that holds the wheel and none of the checkout."""
    folder = tmp_path_factory.mktemp("elsewhere") / "100% environment"
    _run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    programs = folder / "bin"
    _run(
        sys.executable,
        *("-m", "pip", "--python", str(programs / "python"), "install", "--quiet"),
        *("--no-deps", "--no-index", "--disable-pip-version-check", str(_wheel(built))),
    )
    # Our dependencies are borrowed, so that nothing is downloaded. The `.pth` files beside them
    # are not read, so the checkout that is installed there for development stays out.
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return programs


def test_the_wheel_holds_the_folders_file_by_file(built: Path) -> None:
    expected = {
        f"{inside}/{path.relative_to(ROOT / outside).as_posix()}"
        for outside, inside in _FOLDERS.items()
        for path in (ROOT / outside).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    with zipfile.ZipFile(_wheel(built)) as wheel:
        held = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert held == expected


def test_the_wheel_brings_its_licences(built: Path) -> None:
    with zipfile.ZipFile(_wheel(built)) as wheel:
        licences = {
            name.partition("/licenses/")[2] for name in wheel.namelist() if "/licenses/" in name
        }

    assert licences == {"LICENSE", "metering/rate_cards/LICENSE.genai-prices"}


def test_the_source_archive_holds_what_the_wheel_is_built_from(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")

    with tarfile.open(archive) as source:
        held = {name.partition("/")[2].partition("/")[0] for name in source.getnames()}

    assert held >= {*_FOLDERS, "tests", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"}


def test_an_installed_program_starts_a_ledger_from_any_folder(
    installed: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "50% of spend"
    folder.mkdir()

    _run(str(installed / "metering"), "init", "ledger", cwd=folder)
    status = _run(str(installed / "metering"), "db", "status", cwd=folder / "ledger")

    assert "current: revision" in status
    assert "list-genai-prices" in status


def test_an_installed_program_finds_its_folders_in_itself(installed: Path, tmp_path: Path) -> None:
    code = (
        "from metering import resources as r;"
        "print(r.migrations_dir(), r.templates_dir(), r.sample_logs_dir(), sep='\\n')"
    )

    found = _run(str(installed / "python"), "-c", code, cwd=tmp_path).splitlines()

    assert [Path(path).name for path in found] == ["_alembic", "_reports", "_sample_logs"]
    assert all(Path(path).is_relative_to(installed.parent) for path in found)


def _wheel(folder: Path) -> Path:
    (wheel,) = folder.glob("*.whl")
    return wheel


def _run(*command: str, cwd: Path | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if "PYTHON" not in name}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
    return done.stdout
