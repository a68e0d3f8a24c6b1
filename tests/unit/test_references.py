"""A reference names lines of the book, or is refused in the words it was given in."""

from pathlib import Path

import pytest

from metering.errors import BookError
from metering.settings import load_settings
from metering.workflows.explaining.references import lines_of
from metering.workflows.ledger_start import start_ledger
from metering.workflows.reading import reading
from metering.workflows.runs import Run
from tests.support.books_rows import NOW


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "2026-13",
        "posting:",
        "posting:1",
        f"posting:{10**18}",
        f"posting:{'9' * 5000}",
        "posting:٣",
    ],
)
def test_what_names_nothing_is_refused(reference: str, tmp_path: Path) -> None:
    start_ledger(tmp_path, Run("init", "nina", NOW))

    with (
        reading(load_settings(tmp_path / "metering.toml")) as connection,
        pytest.raises(BookError) as refused,
    ):
        lines_of(connection, reference)

    assert refused.value.code == "unknown-reference"
    assert f"answers to '{reference[:30]}" in str(refused.value)
