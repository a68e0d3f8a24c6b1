"""The traps of the sample company are where its README says, and its numbers hold together."""

import csv
import gzip
import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOGS = ROOT / "sample_logs"
EXPECTED = json.loads((ROOT / "tests/sample_company/expected.json").read_text(encoding="utf-8"))


def _results(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the results of a page file, each with the start of its bucket."""
    page = json.loads((LOGS / "usage" / name).read_text(encoding="utf-8"))
    for bucket in page["data"]:
        for result in bucket["results"]:
            yield str(bucket.get("starting_at") or bucket["start_time"]), result


def _requests(month: str) -> list[dict[str, Any]]:
    data = (LOGS / "usage" / "litellm" / f"spend-logs-{month}.jsonl.gz").read_bytes()
    return [json.loads(line) for line in gzip.decompress(data).splitlines()]


def _lines(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_every_openai_result_adds_up() -> None:
    files = sorted((LOGS / "usage" / "openai").glob("completions-*.json"))

    for path in files:
        for _, row in _results(f"openai/{path.name}"):
            parts = ("input_cached_tokens", "input_cache_write_tokens", "input_uncached_tokens")
            assert row["input_tokens"] == sum(row[part] for part in parts)
            assert row["input_uncached_tokens"] == row["input_text_tokens"]
            assert row["input_cached_tokens"] == row["input_cached_text_tokens"]
            assert row["output_tokens"] == row["output_text_tokens"]

    assert len(files) == 7


def test_no_request_has_more_cached_than_prompt_tokens() -> None:
    for row in _requests("2026-10"):
        usage = row["metadata"]["usage_object"]
        cached = usage.get("cache_read_input_tokens", 0)
        written = usage.get("cache_creation_input_tokens", 0)

        assert cached + written <= row["prompt_tokens"]
        assert row["total_tokens"] == row["prompt_tokens"] + row["completion_tokens"]


def test_the_copy_is_the_same_file() -> None:
    folder = LOGS / "usage" / "anthropic"

    assert (folder / "messages-2026-09-copy.json").read_bytes() == (
        folder / "messages-2026-09.json"
    ).read_bytes()


def test_one_day_was_restated_and_no_other() -> None:
    early = Counter(
        (start, json.dumps(row))
        for start, row in _results("openai/completions-2026-10-01-to-14.json")
    )
    late = Counter(
        (start, json.dumps(row)) for start, row in _results("openai/completions-2026-10.json")
    )

    superseded = list((early - late).elements())

    assert [(start, json.loads(row)["api_key_id"]) for start, row in superseded] == [
        ("1791936000", "key_helpdesk")
    ]


def test_the_gateway_exports_overlap_in_five_requests() -> None:
    august, september = _requests("2026-08"), _requests("2026-09")

    assert august[-5:] == september[:5]
    assert not {row["request_id"] for row in august} & {row["request_id"] for row in september[5:]}


def test_the_two_heavy_users_spend_alike_and_work_unlike() -> None:
    october = [row for row in _requests("2026-10") if row["status"] == "success"]
    spend: Counter[str] = Counter()
    for row in october:
        spend[row["user"]] += round(Decimal(str(row["spend"])) * 1_000_000)
    services = spend.pop("")
    (first, most), (second, less), (_, next_one) = spend.most_common(3)
    pulls = json.loads((LOGS / "outcomes/pull-requests-build-farm.json").read_text("utf-8"))
    merged = Counter(p["author"]["login"] for p in pulls if (p["mergedAt"] or "") >= "2026-10")

    assert {first, second} == {"u-ines", "u-tomas"}
    assert services > 0
    assert most < 2 * less
    assert next_one * 10 < less
    assert merged["ines"] >= 20
    assert merged["tomas"] == 0


def test_the_invoices_charge_what_the_usage_ought_to_cost() -> None:
    expected = {(row["provider"], row["period"]): row["cents"] for row in EXPECTED["by_account"]}
    charged: dict[tuple[str, str], str] = {}
    for path in sorted((LOGS / "invoices").glob("*.csv")):
        for line in _lines(path):
            key = (line["provider"], line["period"])
            if line["category"] == "usage":
                charged.setdefault(key, line["amount"])

    assert {key: Decimal(text) for key, text in charged.items()} == {
        key: Decimal(text) for key, text in expected.items()
    }


@pytest.mark.parametrize(
    "path", sorted((LOGS / "invoices").glob("*.csv")), ids=lambda path: path.name
)
def test_every_invoice_adds_up(path: Path) -> None:
    lines = _lines(path)
    totals = {line["invoice_id"]: Decimal(line["invoice_total"]) for line in lines}
    sums = {
        invoice: sum(Decimal(x["amount"]) for x in lines if x["invoice_id"] == invoice)
        for invoice in totals
    }

    assert sums == totals


def test_expected_amounts_are_the_same_by_account_and_by_owner() -> None:
    by_account = sum(Decimal(row["usd"]) for row in EXPECTED["by_account"])
    by_owner = sum(Decimal(row["usd"]) for row in EXPECTED["by_owner"])

    assert by_account == by_owner
