"""A bill is read the same as CSV, as Parquet, and row by row where one of its rows is damaged."""

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from metering.ingest.contract import Ingestor
from metering.ingest.formats.aws_cur import AwsCostAndUsageReport
from metering.ingest.formats.azure_cost_details import AzureCostDetails
from metering.ingest.formats.focus import Focus
from metering.ingest.formats.google_cloud_billing import GoogleCloudBilling
from metering.ingest.golden import render
from metering.ingest.readers import Reader

GOLDEN = Path(__file__).parents[1] / "golden"
TABLES = [
    pytest.param(ingestor, table, id=f"{folder}-{table.stem}")
    for ingestor, folder in (
        (AwsCostAndUsageReport(), "aws_cur"),
        (AzureCostDetails(), "azure_cost_details"),
        (Focus(), "focus"),
        (GoogleCloudBilling(), "google_cloud_billing"),
    )
    for table in sorted((GOLDEN / folder).glob("*.csv"))
]

UNDAMAGED = [
    case
    for case in TABLES
    if "bad-row" not in Path(f"{case.values[1]}.expected").read_text(encoding="utf-8")
]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with Reader(tmp_path / "scratch", "256MB", 1) as opened:
        yield opened


def _later(text: str, table: Path) -> str:
    """Return what was read with every row one line later, since a header is a line, too."""
    shifted = re.sub(r'("row_no": )(\d+)', lambda found: f"{found[1]}{int(found[2]) + 1}", text)
    name = re.escape(f"{table.stem}.parquet")
    return re.sub(
        rf"{name}:(\d+):", lambda found: f"{table.name}:{int(found[1]) + 1}:", shifted
    ).replace(f"{table.stem}.parquet", table.name)


@pytest.mark.parametrize(("ingestor", "table"), UNDAMAGED)
def test_a_table_in_parquet_says_what_it_says_in_csv(
    ingestor: Ingestor, table: Path, reader: Reader, tmp_path: Path
) -> None:
    copy = tmp_path / f"{table.stem}.parquet"
    duckdb.execute(
        f"COPY (FROM read_csv('{table}', all_varchar = true, delim = ',', quote = '\"'))"
        f" TO '{copy}' (FORMAT parquet)"
    )

    assert _later(render(ingestor, copy, reader), table) == render(ingestor, table, reader)


@pytest.mark.parametrize(("ingestor", "table"), TABLES)
def test_a_damaged_row_changes_nothing_else(
    ingestor: Ingestor, table: Path, reader: Reader, tmp_path: Path
) -> None:
    damaged = tmp_path / table.name
    damaged.write_bytes(table.read_bytes().rstrip(b"\r\n") + b"\nof,three,cells\n")

    found = render(ingestor, damaged, reader)

    assert _undamaged(found, table) == _undamaged(render(ingestor, table, reader), table)


def _undamaged(text: str, table: Path) -> str:
    damage = rf"{re.escape(table.name)}:\d+: error\[bad-row\].*\n( {{4}}.*\n)*"
    return re.sub(damage, "", text)
