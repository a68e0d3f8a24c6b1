"""Each refusal of a source has its smallest input, and says exactly this.

A folder of `tests/errors/` holds `usage.*`, and `usage.*.expected` with what is printed. Beside
them may stand `ingestor`, the name given with --ingestor, `…_plug_in.py`, a plug-in to install, and
`mappings/`, with mapping files.
"""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from metering.errors import MeteringError
from metering.ingest.contract import Ingestor, Rejections
from metering.ingest.detection import identify
from metering.ingest.readers import Reader
from metering.ingest.registry import BUILT_IN, ENTRY_POINT_GROUP, with_mappings, with_plugins

EXPECTED = sorted((Path(__file__).parent / "errors").glob("*/usage.*.expected"))


def printed(source: Path, scratch: Path) -> str:
    """Return what a user who ingests a file is told."""
    try:
        ingestor = identify(source, ingestors(), forced=named())
        with Reader(scratch, "256MB", 1) as reader:
            readings = tuple(ingestor.read(source, reader))
    except MeteringError as error:
        return f"{error}\n"
    rejected = [
        item for reading in readings if isinstance(reading, Rejections) for item in reading.items
    ]
    return "".join(f"{rejection.message(str(source))}\n" for rejection in rejected)


def ingestors() -> tuple[Ingestor, ...]:
    """Return the built-in ingestors, and those of a plug-in and of mappings in this folder."""
    found = [f"{path.stem}:Acme" for path in Path().glob("*_plug_in.py")]
    plugged = with_plugins(BUILT_IN, [EntryPoint("acme", at, ENTRY_POINT_GROUP) for at in found])
    return with_mappings(plugged, Path("mappings"))


def named() -> str | None:
    path = Path("ingestor")
    return path.read_text(encoding="utf-8").strip() if path.exists() else None


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda path: path.parent.name)
def test_a_refusal_says_where_what_and_what_to_do(
    expected: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
) -> None:
    monkeypatch.chdir(expected.parent)
    monkeypatch.syspath_prepend(expected.parent)

    actual = printed(Path(expected.stem), tmp_path / "scratch")

    if pytestconfig.getoption("--update-golden"):
        expected.write_text(actual, encoding="utf-8")
    assert actual == expected.read_text(encoding="utf-8")
    assert f"error[{expected.parent.name}]" in actual
