"""Every file in tests/golden/<ingestor>/ is recognised by that ingestor and read as expected.

The expected text is checked by hand against the source, line numbers included, when a file is
added; `pytest --update-golden` rewrites it afterwards, and the difference is reviewed.
"""

from pathlib import Path

import pytest

from metering.ingest.contract import Ingestor
from metering.ingest.detection import identify
from metering.ingest.golden import render
from metering.ingest.outcomes import registry as outcomes
from metering.ingest.readers import Reader
from metering.ingest.registry import BUILT_IN

GOLDEN = Path(__file__).parent / "golden"
# A file may be of a format of usage and of one of outcomes: each command asks its own.
PEERS: dict[str, tuple[Ingestor, ...]] = {
    ingestor.name.replace("-", "_"): peers
    for peers in (BUILT_IN, outcomes.BUILT_IN)
    for ingestor in peers
}
FOLDERS = [GOLDEN / name for name in PEERS]
SOURCES = sorted(
    path for folder in FOLDERS for path in folder.glob("*") if path.suffix != ".expected"
)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_source_is_read_as_expected(
    source: Path, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    ingestor = identify(source, PEERS[source.parent.name])
    assert ingestor.name == source.parent.name.replace("_", "-")
    expected = source.with_name(f"{source.name}.expected")

    with Reader(tmp_path / "scratch", "256MB", 1) as reader:
        actual = render(ingestor, source, reader)

    if pytestconfig.getoption("--update-golden"):
        expected.write_text(actual, encoding="utf-8")
    assert actual == expected.read_text(encoding="utf-8")


def test_every_expected_text_has_its_source() -> None:
    expected = sorted(
        path.with_suffix("") for folder in FOLDERS for path in folder.glob("*.expected")
    )

    assert expected == SOURCES
