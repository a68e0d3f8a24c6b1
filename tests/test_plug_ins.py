"""A format as a distribution of its own: installed, recognised, tested with our kit, posted."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from metering.cli.main import main
from metering.ingest.contract import Ingestor
from metering.ingest.golden import check
from metering.ingest.registry import installed

EXAMPLE = Path(__file__).parent / "plugin_example"
SOURCE = EXAMPLE / "golden" / "usage.csv"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder into which the example was installed, without a network."""
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run(
        [*pip, "--no-build-isolation", "--disable-pip-version-check", "--target", target, EXAMPLE],
        check=True,
        capture_output=True,
    )
    return target


@pytest.fixture
def acme(site: Path, monkeypatch: pytest.MonkeyPatch) -> Ingestor:
    """Return the ingestor of the example, as its entry point names it."""
    monkeypatch.syspath_prepend(str(site))
    importlib.invalidate_caches()
    (found,) = [ingestor for ingestor in installed() if ingestor.name == "acme-usage"]
    return found


def test_the_example_comes_from_where_it_was_installed(acme: Ingestor, site: Path) -> None:
    assert Path(str(sys.modules[type(acme).__module__].__file__)).is_relative_to(site)


def test_the_kit_reads_the_golden_file_of_the_example(
    acme: Ingestor, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    check(acme, SOURCE, tmp_path, update=bool(pytestconfig.getoption("--update-golden")))


def test_the_kit_shows_the_lines_that_differ(acme: Ingestor, tmp_path: Path) -> None:
    source = tmp_path / "usage.csv"
    source.write_text(SOURCE.read_text(encoding="utf-8").replace("1200", "1201"), encoding="utf-8")
    expected = SOURCE.with_name("usage.csv.expected").read_text(encoding="utf-8")
    source.with_name("usage.csv.expected").write_text(expected, encoding="utf-8")

    with pytest.raises(AssertionError, match=r'-.*"input_uncached": 1200') as raised:
        check(acme, source, tmp_path / "scratch")

    assert '+{"row_no": 2' in str(raised.value)


def test_the_kit_says_that_a_file_is_not_recognised(acme: Ingestor, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("day,team\n", encoding="utf-8")

    with pytest.raises(
        AssertionError, match=r"other\.csv is not recognised: the header lacks 'mod"
    ):
        check(acme, tmp_path / "other.csv", tmp_path / "scratch")


def test_what_a_plug_in_reads_is_recorded_and_seen_as_unpriced(
    acme: Ingestor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    assert runner.invoke(main, ["init"]).exit_code == 0

    listed = runner.invoke(main, ["ingestors", "--format", "json"])
    ingested = runner.invoke(main, ["ingest", str(SOURCE), "--format", "json"])
    posted = runner.invoke(main, ["post"])
    verified = runner.invoke(main, ["verify", "--format", "json"])

    assert acme.name in [row["name"] for row in json.loads(listed.stdout)]
    (receipt,) = json.loads(ingested.stdout)
    assert (receipt["ingestor"], receipt["recorded"], receipt["rejected"]) == ("acme-usage", 2, 2)
    assert posted.exit_code == 0
    assert json.loads(verified.stdout)["unpriced_records"] == 2
