"""The worked example of every format comes to the figures that its description states.

Each file of `worked_examples/` is the smallest example that the description of its format works
out by hand; the totals here are those figures, and not what the code once gave. A file's name is
that of its ingestor, and more where there are two.
"""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pytest

from metering.core.meters import TOKEN_METERS
from metering.ingest.contract import Rejections, UsageBatch
from metering.ingest.detection import identify
from metering.ingest.readers import Reader
from metering.ingest.registry import BUILT_IN

FOLDER = Path(__file__).parent / "worked_examples"
SUMS = (*(meter.value for meter in TOKEN_METERS), "reasoning", "requests", "reported_nanos")
DOLLAR = 10**9


class Example(NamedTuple):
    """What a file comes to.

    Attributes:
        records: how many.
        nanos: what they cost, in nanos of their currency or credits.
        meters: what they count, by column or meter.
    """

    records: int
    nanos: int
    meters: dict[str, int]


EXAMPLES = {
    # OpenAI: 120,000 in, of which 70,000 from the cache and 10,000 into it; 4,000 are images.
    "openai-usage.json": Example(
        1,
        0,
        {
            "input_uncached": 36_000,
            "input_image_uncached": 4_000,
            "cache_read": 70_000,
            "cache_write_30m": 10_000,
            "output": 9_000,
            "requests": 210,
        },
    ),
    "openai-costs.json": Example(1, 12_345_678_900, {}),
    # Two rows with the same dimensions, both of which count; an empty day is no row.
    "openai-activity-csv.csv": Example(
        2, 0, {"input_uncached": 43_800, "cache_read": 8_000, "output": 6_800, "requests": 9}
    ),
    "openai-cost-csv.csv": Example(1, 4_250_000_000, {}),
    # 12.5 and 1.25 and 50 credits.
    "chatgpt-credits-csv.csv": Example(3, 63_750_000_000, {"credit_micro": 63_750_000}),
    "codex-analytics.json": Example(
        2,
        42_500_000_000,
        {"input_uncached": 90_000, "cache_read": 610_000, "output": 21_000},
    ),
    # 3,500 in, of which 1,950 cached, and 400 out; adding up the last responses gives 4,500.
    "codex-rollouts.jsonl": Example(
        2,
        0,
        {
            "input_uncached": 1_550,
            "cache_read": 1_950,
            "output": 400,
            "reasoning": 260,
            "requests": 2,
        },
    ),
    "codex-rollouts-ledger.jsonl": Example(
        1,
        0,
        {
            "input_uncached": 250,
            "cache_read": 250,
            "cache_write_30m": 500,
            "output": 100,
            "reasoning": 60,
            "requests": 1,
        },
    ),
    "otlp-events-codex.jsonl": Example(
        1,
        0,
        {"input_uncached": 750, "cache_read": 250, "output": 100, "reasoning": 60, "requests": 1},
    ),
    # Anthropic: $7.50 for 1.5 million at $5, and $0.12 for twelve searches.
    "anthropic-messages.json": Example(
        1,
        0,
        {
            "input_uncached": 1_500_000,
            "cache_read": 9_000_000,
            "cache_write_5m": 400_000,
            "output": 220_000,
            "web_search": 12,
        },
    ),
    "anthropic-cost-report.json": Example(2, 7_620_000_000, {}),
    "anthropic-console-cost-csv.csv": Example(3, 17_500_000_000, {}),
    # $1.00 + $1.50 + $0.50 + $0.50.
    "claude-code-analytics.json": Example(
        2,
        3_500_000_000,
        {
            "input_uncached": 200_000,
            "cache_read": 1_000_000,
            "cache_write_unknown": 80_000,
            "output": 60_000,
        },
    ),
    "claude-enterprise-costs.json": Example(1, 412_800_000_000, {"requests": 128}),
    "claude-analytics-costs.json": Example(1, 17_500_000_000, {"requests": 400}),
    "claude-spend-report-csv_2026-10-01_2026-10-31.csv": Example(
        1, 412_800_000_000, {"output": 91_000, "requests": 128}
    ),
    # Three lines, exactly one fact.
    "claude-code-transcripts.jsonl": Example(
        1,
        0,
        {
            "input_uncached": 3,
            "cache_read": 22_000,
            "cache_write_1h": 2_200,
            "output": 159,
            "requests": 1,
        },
    ),
    "otlp-metrics.jsonl": Example(1, 0, {"cache_read": 22_000}),
    "otlp-events-claude-code.jsonl": Example(
        1,
        36_990_000,
        {
            "input_uncached": 3,
            "cache_read": 22_000,
            "cache_write_unknown": 2_200,
            "output": 159,
            "requests": 1,
        },
    ),
    # Cursor: 17.31 cents are billed; the 4 cents of the other event are in the plan.
    "cursor-usage-events.json": Example(
        2,
        173_100_000,
        {
            "input_uncached": 1_200,
            "cache_read": 150_000,
            "cache_write_unknown": 20_000,
            "output": 2_500,
            "requests": 2,
        },
    ),
    "cursor-usage-csv.csv": Example(
        3,
        170_000_000,
        {
            "input_uncached": 2_100,
            "cache_read": 154_000,
            "cache_write_unknown": 20_000,
            "output": 2_800,
            "requests": 3,
        },
    ),
    "cursor-spend.json": Example(1, 17_315_000_000, {"billed_nanos": 17_315_000_000}),
    "cursor-ai-code.json": Example(1, 0, {}),
    # GitHub: what the pool covers costs nothing; 7.2 credits are beyond it.
    "copilot-billing-csv.csv": Example(
        3,
        72_000_000,
        {
            "input_uncached": 14_200,
            "cache_read": 1_122_000,
            "cache_write_unknown": 31_000,
            "output": 13_100,
        },
    ),
    "copilot-usage-api.json": Example(1, 0, {}),
    "copilot-metrics.jsonl": Example(
        1, 523_950_000, {"input_uncached": 1_167_200, "output": 13_100, "requests": 88}
    ),
    "xai-usage.json": Example(1, 12_340_000_000, {}),
    # 0.9 + 2.0 + 0.6 + 0.2 = 3.70 yuan; the two rows of output are off-peak and peak.
    "deepseek-amount-csv.csv": Example(
        5,
        3_700_000_000,
        {
            "input_uncached": 2_000_000,
            "cache_read": 45_000_000,
            "output": 350_000,
            "requests": 850,
        },
    ),
    "deepseek-cost-csv.csv": Example(1, 3_700_000_000, {}),
    # 0.0170 + 0.0051 = EUR 0.0221.
    "mistral-usage.json": Example(2, 22_100_000, {"input_uncached": 10_000, "output": 1_000}),
    "openrouter-activity-csv.csv": Example(
        1,
        12_900_000,
        {
            "input_uncached": 1_000,
            "cache_read": 3_000,
            "output": 600,
            "reasoning": 200,
            "requests": 1,
        },
    ),
    "openrouter-activity.json": Example(
        1, 12_900_000, {"input_uncached": 4_000, "output": 600, "reasoning": 200, "requests": 1}
    ),
    # 400 new and 800 cached and 300 out: 0.0012 + 0.00024 + 0.0045.
    "litellm-spend-logs.jsonl": Example(
        1, 5_940_000, {"input_uncached": 400, "cache_read": 800, "output": 300, "requests": 1}
    ),
    # Cents or dollars: nobody knows, so its cost is not taken.
    "portkey-logs.jsonl": Example(1, 0, {"input_uncached": 1_200, "output": 300, "requests": 1}),
    "helicone-requests.csv": Example(
        1, 6_300_000, {"input_uncached": 1_200, "output": 300, "requests": 1}
    ),
    "langfuse-observations.jsonl": Example(
        1, 5_400_000, {"input_uncached": 200, "cache_read": 1_000, "output": 300, "requests": 1}
    ),
    "kong-ai-logs.jsonl": Example(
        1, 6_300_000, {"input_uncached": 400, "cache_read": 800, "output": 300, "requests": 1}
    ),
    "cloudflare-ai-gateway.jsonl": Example(
        1, 6_300_000, {"input_uncached": 1_200, "output": 300, "requests": 1}
    ),
    "otlp-spans.jsonl": Example(
        1, 0, {"input_uncached": 400, "cache_read": 800, "output": 300, "requests": 1}
    ),
    "salesforce-wallet-events.csv": Example(1, 20 * DOLLAR, {"credit_micro": 20_000_000}),
    # 1,250.4 thousand at $0.0033 and at $0.0019; the same millions at $3, and twelve at $0.30.
    "aws-cur.csv": Example(1, 4_126_320_000, {"input_uncached": 1_250_400}),
    "aws-cur-1.csv": Example(1, 4_126_320_000, {"input_uncached": 1_250_400}),
    "bedrock-invocation-logs.jsonl": Example(
        1, 0, {"input_uncached": 35, "cache_read": 12_000, "output": 446, "requests": 1}
    ),
    "azure-cost-details.csv": Example(1, 2_375_760_000, {"input_uncached": 1_250_400}),
    # 0.37512, less a tenth of a dollar of credit.
    "google-cloud-billing.jsonl": Example(1, 275_120_000, {"input_uncached": 1_250_400}),
    "focus.csv": Example(2, 7_351_200_000, {"input_uncached": 1_250_400, "cache_read": 12_000_000}),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_comes_to_what_its_description_states(name: str, tmp_path: Path) -> None:
    path = FOLDER / name
    ingestor = identify(path, BUILT_IN)
    sums: Counter[str] = Counter()
    records = 0

    with Reader(tmp_path / "scratch", "256MB", 1) as reader:
        for reading in ingestor.read(path, reader):
            assert not isinstance(reading, Rejections)
            if isinstance(reading, UsageBatch):
                rows = reading.rows
                table = rows if isinstance(rows, pa.Table) else rows.to_arrow_table()
                records += table.num_rows
                for row in table.to_pylist(maps_as_pydicts="strict"):
                    sums.update({column: row[column] or 0 for column in SUMS})
                    sums.update(row["other_meters"] or {})

    expected = EXAMPLES[name]
    assert name.startswith(ingestor.name)
    assert records == expected.records
    assert sums.pop("reported_nanos", 0) == expected.nanos
    assert {meter: count for meter, count in sums.items() if count} == expected.meters


def test_an_example_that_tells_no_time_is_refused(tmp_path: Path) -> None:
    path = FOLDER / "codex-exec.jsonl"

    with Reader(tmp_path / "scratch", "256MB", 1) as reader:
        readings = list(identify(path, BUILT_IN).read(path, reader))

    (refused,) = [reading for reading in readings if isinstance(reading, Rejections)]
    assert [item.code for item in refused.items] == ["missing-field"]


def test_every_example_is_worked_out() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {*EXAMPLES, "codex-exec.jsonl"}
