"""A report that stands as it would be written is told again, and anything else is worked out."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from metering.settings import FILE_NAME
from metering.workflows.reports.unchanged import KEPT_NAME
from tests.support.command_line import metering
from tests.support.ledgers import SAMPLE, fresh_ledger, ingest_and_post

LOGO = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'


@pytest.fixture(scope="module")
def posted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = fresh_ledger(tmp_path_factory.mktemp("unchanged") / "ledger")
    ingest_and_post(settings, sorted((SAMPLE / "usage" / "anthropic").iterdir()))
    (settings.home / "logo.svg").write_text(LOGO, encoding="utf-8")
    (settings.home / "own").mkdir()
    look = '[report]\nlogo = "logo.svg"\ntemplates = "own"\n'
    toml = settings.home / FILE_NAME
    toml.write_text(f"{toml.read_text(encoding='utf-8')}\n{look}", encoding="utf-8")
    return settings.home


@pytest.fixture
def home(posted: Path, tmp_path: Path) -> Path:
    return shutil.copytree(posted, tmp_path / "ledger")


def _metering(home: Path, *words: str) -> Result:
    done = metering("--config", home / FILE_NAME, *words)
    assert done.exit_code == 0, done.output
    return done


def _report(home: Path, *more: str) -> Result:
    words = ("report", "chargeback", "2026-10", "--out", str(home / "out"), *more)
    return _metering(home, *words, *(() if "--format" in more else ("--format", "csv,json")))


def _standing(folder: Path) -> dict[str, tuple[int, int]]:
    """Return the files of a folder, each with what tells it from one that took its place."""
    found = {path.name: path.stat() for path in folder.iterdir()}
    # The number of a file that is gone may be given to the next.
    return {name: (said.st_ino, said.st_mtime_ns) for name, said in found.items()}


def _said(done: Result) -> tuple[str, str]:
    return done.stdout, done.stderr


@pytest.mark.parametrize(
    "report",
    [
        ("chargeback", "--format", "html,csv,json"),
        ("chargeback", "--as-of", "2099-01-01", "--format", "csv"),
        ("statement", "--format", "html"),
        ("focus", "--format", "parquet,csv"),
        ("review", "--format", "json"),
    ],
    ids=" ".join,
)
def test_a_report_that_nothing_has_changed_says_the_same_and_is_not_written_again(
    home: Path, report: tuple[str, ...]
) -> None:
    name, *more = report
    words = ("report", name, "2026-10", "--out", str(home / "out"), *more)
    first = _metering(home, *words)
    written = _standing(home / "out")

    again = _metering(home, *words)

    assert _said(again) == _said(first)
    assert _standing(home / "out") == written


def _edit_the_settings(home: Path) -> None:
    toml = home / FILE_NAME
    text = toml.read_text(encoding="utf-8")
    toml.write_text(text.replace("[report]", '[report]\nlocale = "de-DE"'), encoding="utf-8")


def _import_owners(home: Path) -> None:
    owners = home / "more.csv"
    owners.write_text(
        "key,person,team,project,cost_centre,valid_from,valid_to\nk,,t,p,CC-1,2026-01-01,\n",
        encoding="utf-8",
    )
    _metering(home, "owners", "import", str(owners))


@pytest.mark.parametrize(
    "change",
    [
        _edit_the_settings,
        _import_owners,
        lambda home: (home / "logo.svg").write_text(LOGO.replace("9", "8"), encoding="utf-8"),
        lambda home: (home / "own" / "extra.html.j2").write_text("", encoding="utf-8"),
        lambda home: (home / "out" / "chargeback-2026-10.csv").unlink(),
        lambda home: (home / "out" / "chargeback-2026-10.json").write_text("{}", encoding="utf-8"),
        lambda home: (home / KEPT_NAME).unlink(),
        lambda home: (home / KEPT_NAME).write_text('{"cut', encoding="utf-8"),
    ],
    ids=["settings", "books", "logo", "templates", "gone", "edited", "forgotten", "damaged"],
)
def test_a_report_is_worked_out_again_once_something_it_is_made_of_is_another(
    home: Path, change: Callable[[Path], object]
) -> None:
    _report(home)
    before = _standing(home / "out")
    change(home)

    again = _report(home)

    assert {name for name, node in _standing(home / "out").items() if before[name] == node} == set()
    assert _said(again) == _said(_report(home, "--as-of", "2099-01-01"))


def test_other_faces_and_folders_are_reports_of_their_own(home: Path) -> None:
    _report(home, "--format", "csv")
    _report(home, "--format", "json")
    (home / "there").mkdir()
    shutil.copy(home / "out" / "chargeback-2026-10.csv", home / "there")
    before = _standing(home / "there")

    words = ("report", "chargeback", "2026-10", "--format", "csv", "--out", str(home / "there"))
    _metering(home, *words)

    assert sorted(_standing(home / "out")) == ["chargeback-2026-10.csv", "chargeback-2026-10.json"]
    assert _standing(home / "there") != before
    assert len(json.loads((home / KEPT_NAME).read_bytes())) == 3


def test_what_is_kept_is_bounded(home: Path) -> None:
    _report(home, "--format", "csv")
    kept = json.loads((home / KEPT_NAME).read_bytes())
    [entry] = kept.values()
    many = {f"older-{number}": entry for number in range(60)}
    (home / KEPT_NAME).write_text(json.dumps(many), encoding="utf-8")

    _report(home, "--format", "csv")

    left = json.loads((home / KEPT_NAME).read_bytes())
    assert len(left) == 50
    assert list(left)[-1] == next(iter(kept))
