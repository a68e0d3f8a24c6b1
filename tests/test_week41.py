"""Week 41 of the sample company: a file of every format, and all of them tell one story."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from metering.ingest.contract import Ingestor, Rejections, UsageBatch
from metering.ingest.detection import identify
from metering.ingest.readers import Reader
from metering.ingest.registry import BUILT_IN

LOGS = Path(__file__).resolve().parents[1] / "sample_logs"
WEEK = LOGS / "week-41"
README = (LOGS / "README.md").read_text(encoding="utf-8")
FILES = sorted(path for path in WEEK.rglob("*") if path.is_file())
# By how much an export rounds each of its rows, at most.
NANO, HALF_CENT = 1, 5_000_000
# `codex exec --json` says neither when nor which model: every turn of it is refused.
REFUSED = {"codex-exec"}


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with Reader(tmp_path / "scratch", "256MB", 1) as opened:
        yield opened


def of(name: str) -> Path:
    """Return the file of a format."""
    (found,) = (WEEK / name).iterdir()
    return found


def ingestor(name: str) -> Ingestor:
    return next(one for one in BUILT_IN if one.name == name)


def records(name: str, reader: Reader) -> pa.Table:
    """Return every record of the file of a format."""
    readings = ingestor(name).read(of(name), reader)
    batches = [reading.rows for reading in readings if isinstance(reading, UsageBatch)]
    tables = [rows if isinstance(rows, pa.Table) else rows.to_arrow_table() for rows in batches]
    return pa.concat_tables(tables)


def dollars(name: str, reader: Reader) -> int:
    """Return the nanos that the file of a format says were spent."""
    return sum(cell or 0 for cell in records(name, reader)["reported_nanos"].to_pylist())


def tokens(name: str, reader: Reader, *meters: str) -> Counter[str]:
    """Return the tokens of a format by model."""
    found: Counter[str] = Counter()
    for row in records(name, reader).select(["model_raw", *meters]).to_pylist():
        found[row["model_raw"]] += sum(row[meter] or 0 for meter in meters)
    return found


@pytest.mark.parametrize("built_in", BUILT_IN, ids=lambda one: one.name)
def test_every_format_has_a_sample(built_in: Ingestor) -> None:
    usual = {"openai-usage", "openai-costs", "anthropic-messages", "litellm-spend-logs"}
    usual |= {"claude-code-transcripts"}

    assert built_in.name in usual or len(list((WEEK / built_in.name).iterdir())) == 1
    assert built_in.name in usual or f"| `{built_in.name}/` |" in README


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_a_sample_is_recognised_and_read_whole(path: Path, reader: Reader) -> None:
    found = identify(path, BUILT_IN)
    readings = list(found.read(path, reader))

    refused = [reading for reading in readings if isinstance(reading, Rejections)]
    assert found.name == path.parent.name
    assert bool(refused) == (found.name in REFUSED)
    assert (records(found.name, reader).num_rows > 0) == (not refused)


@pytest.mark.parametrize(
    ("bill", "other", "step"),
    [
        ("aws-cur", "aws-cur-1", 0),
        ("cursor-usage-events", "cursor-usage-csv", HALF_CENT),
        ("cursor-usage-csv", "cursor-dashboard-events", NANO),
        ("cursor-usage-events", "cursor-spend", NANO * 45),
        ("anthropic-cost-report", "anthropic-console-cost-csv", HALF_CENT),
        ("anthropic-cost-report", "claude-analytics-costs", NANO * 5),
        ("deepseek-amount-csv", "deepseek-cost-csv", NANO * 5),
        ("openrouter-activity-csv", "openrouter-activity", NANO),
        ("openrouter-activity-csv", "openrouter-generations", NANO),
        ("xai-usage", "xai-requests", NANO),
        ("xai-usage", "xai-prepaid", HALF_CENT),
    ],
)
def test_two_exports_of_one_bill_come_to_the_same(
    bill: str, other: str, step: int, reader: Reader
) -> None:
    total, told = dollars(bill, reader), dollars(other, reader)

    assert total > 10**8
    assert abs(total - told) <= step * records(other, reader).num_rows


@pytest.mark.parametrize(
    ("one", "other", "meters"),
    [
        ("anthropic-console-usage-csv", "claude-analytics-usage", ("cache_read", "output")),
        ("gemini-usage-logs", "vertex-request-logs", ("input_uncached", "cache_read", "output")),
        ("portkey-logs", "cloudflare-ai-gateway", ("output",)),
        ("helicone-requests", "langfuse-observations", ("input_uncached", "output")),
        ("otlp-spans", "kong-ai-logs", ("cache_read", "output")),
    ],
)
def test_two_logs_of_the_same_requests_count_the_same(
    one: str, other: str, meters: tuple[str, ...], reader: Reader
) -> None:
    assert tokens(one, reader, *meters) == tokens(other, reader, *meters)


def test_the_cloud_bills_what_ran_through_the_gateway(reader: Reader) -> None:
    log = LOGS / "usage" / "litellm" / "spend-logs-2026-10.jsonl.gz"
    spent = 0
    for reading in ingestor("litellm-spend-logs").read(log, reader):
        if isinstance(reading, UsageBatch):
            rows = reading.rows
            table = rows if isinstance(rows, pa.Table) else rows.to_arrow_table()
            spent += sum(
                row["reported_nanos"] or 0
                for row in table.select(["provider", "start", "reported_nanos"]).to_pylist()
                if row["provider"] == "aws"
                and "2026-10-05" <= f"{row['start']:%Y-%m-%d}" <= "2026-10-09"
            )

    assert dollars("aws-cur", reader) == spent > 100 * 10**9
