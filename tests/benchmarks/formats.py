"""Measure the ingest of bulk formats against DuckDB's bare scan of the same files.

    python -m tests.benchmarks.formats                      # every format
    python -m tests.benchmarks.formats --only cur otlp      # some of them

The bare scan reads every value of a file, as DuckDB finds the columns, and hashes it. Ours
recognises the files, hashes, reads, checks and records them in a new ledger. Both run in turn, each
in a process of its own, and the least processor time of each counts, since the machine may be
shared. Most rows of a bill and most bytes of a log are of no interest to us; that is as in life.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb

from tests.benchmarks.corpus import write_spend_logs
from tests.benchmarks.transcripts import write_transcripts

_MEMORY: Final = "1GB"
_DAY: Final = "TIMESTAMP '2026-06-01' + INTERVAL (i % 30) DAY + INTERVAL (hash(i, 1) % 24) HOUR"
_CALLS: Final = 300_000
# Who uses what is a property of a workload, of which a company has some hundreds.
_WORKLOAD: Final = "(hash(i, 2) % 1200)"
_TEAM: Final = f"printf('team-%d', {_WORKLOAD} % 50)"
_ROLE: Final = f"printf('arn:aws:sts::444455556666:assumed-role/App%d/session', {_WORKLOAD} % 200)"


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.formats")
    parser.add_argument("--only", nargs="*", choices=tuple(_CORPORA), default=tuple(_CORPORA))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="keep the corpora here, and reuse them")
    parser.add_argument("--part", choices=("floor", "ours"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        if options.part:
            (name,) = options.only
            print(json.dumps(_PARTS[options.part](folder / name)))
            return
        print(f"{'':14s}{'MB':>8s}{'floor':>9s}{'ours':>9s}{'ratio':>8s}{'peak MiB':>10s}")
        for name in options.only:
            _tell(name, folder, options.repeat)


def _tell(name: str, folder: Path, repeat: int) -> None:
    home = folder / name
    if not home.exists():
        making = folder / f"{name}-in-the-making"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        _CORPORA[name].write(making)
        making.rename(home)
    runs = [(_run("floor", name, folder), _run("ours", name, folder)) for _ in range(repeat)]
    floor = min(floor["cpu"] for floor, _ in runs)
    ours = min(ours["cpu"] for _, ours in runs)
    peak = max(ours["peak_mib"] for _, ours in runs)
    size = sum(path.stat().st_size for path in _files(home)) / 1e6
    print(f"{name:14s}{size:8,.0f}{floor:7.2f} s{ours:7.2f} s{ours / floor:7.2f}x{peak:10,.0f}")


def _run(part: str, name: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.formats", "--part", part]
    command += ["--folder", str(folder), "--only", name]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _measured(work: Callable[[], object]) -> dict[str, float]:
    before, began = time.process_time(), time.perf_counter()
    work()
    return {
        "cpu": time.process_time() - before,
        "seconds": time.perf_counter() - began,
        "peak_mib": _peak_mib(),
    }


def _peak_mib() -> float:
    # What getrusage says of a process that was forked off a large one is that one's size.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _floor(home: Path) -> dict[str, float]:
    connection = duckdb.connect()
    files = [str(path) for path in _files(home)]
    parquet = files[0].endswith(".parquet")
    source = f"read_parquet({files})" if parquet else f"read_json({files}, sample_size = 2048)"
    # To count would be answered from the statistics of a Parquet file, unread.
    query = f"SELECT bit_xor(hash(found)) FROM {source} AS found"
    return _measured(lambda: connection.execute(query).fetchall())


def _ours(home: Path) -> dict[str, float]:
    from metering.ingest.registry import BUILT_IN  # noqa: PLC0415 - none of the floor
    from metering.settings import load_settings  # noqa: PLC0415
    from metering.workflows.intake.ingest import Order, ingest_files  # noqa: PLC0415
    from metering.workflows.ledger_start import start_ledger  # noqa: PLC0415
    from metering.workflows.runs import Run  # noqa: PLC0415

    ledger = home / "ledger"
    shutil.rmtree(ledger, ignore_errors=True)
    run = Run("bench", "bench", datetime.now(UTC))
    start_ledger(ledger, run)
    settings = replace(load_settings(ledger / "metering.toml"), memory_limit=_MEMORY)
    recorded = 0

    def work() -> None:
        nonlocal recorded
        for receipt in ingest_files(settings, run, _files(home), Order(BUILT_IN)):
            if receipt.rejections:
                raise AssertionError(receipt.rejections[0])
            recorded += receipt.recorded

    found = _measured(work)
    if not recorded:
        raise AssertionError(home)
    return found


_PARTS: Final = {"floor": _floor, "ours": _ours}


def _files(home: Path) -> list[Path]:
    patterns = ("*.parquet", "*.jsonl", "projects/*/*.jsonl")
    return sorted(path for pattern in patterns for path in home.glob(pattern))


# --- what is read -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Corpus:
    """How the files of a format are made."""

    write: Callable[[Path], object]


def _copy(query: str, target: Path) -> None:
    form = "FORMAT parquet, COMPRESSION zstd" if target.suffix == ".parquet" else "FORMAT json"
    duckdb.connect().execute(f"COPY ({query}) TO '{target}' ({form})")


def _write_cur(home: Path) -> None:
    """A month of CUR 2.0 for one payer: one row in forty is of Bedrock."""
    _copy(
        f"""
        WITH rows AS (
            SELECT i, hash(i, 8) % 40 = 0 AS ai, {_DAY} AS begun, 1 + hash(i, 3) % 90000 AS blocks
            FROM range(8_000_000) r(i)
        )
        SELECT '111122223333' AS bill_payer_account_id, 'AWS' AS bill_billing_entity,
            TIMESTAMP '2026-06-01' AS bill_billing_period_start_date,
            TIMESTAMP '2026-07-01' AS bill_billing_period_end_date, '' AS bill_invoice_id,
            printf('%012d', 444455550000 + {_WORKLOAD} % 40) AS line_item_usage_account_id,
            'Usage' AS line_item_line_item_type, begun AS line_item_usage_start_date,
            begun + INTERVAL 1 HOUR AS line_item_usage_end_date,
            CASE WHEN ai THEN 'AmazonBedrock' ELSE ['AmazonEC2', 'AmazonS3', 'AWSLambda',
                'AmazonRDS'][1 + (hash(i, 5) % 4)::INT] END AS line_item_product_code,
            CASE WHEN ai THEN 'USW2-Claude4.6Sonnet-' || ['input-tokens', 'output-tokens',
                'cache-read-input-token-count'][1 + (hash(i, 6) % 3)::INT]
                ELSE 'BoxUsage:t3.micro' END AS line_item_usage_type,
            printf('arn:aws:ec2:us-west-2:i-%016x', CASE WHEN ai THEN {_WORKLOAD}
                ELSE hash(i, 7) % 20000 END) AS line_item_resource_id,
            CASE WHEN ai THEN blocks / 1000 ELSE 24.0 END::DOUBLE AS line_item_usage_amount,
            CASE WHEN ai THEN '0.0033' ELSE '0.0104' END AS line_item_unblended_rate,
            CASE WHEN ai THEN blocks / 1000 * 0.0033 ELSE 0.2496 END::DOUBLE
                AS line_item_unblended_cost,
            'USD' AS line_item_currency_code, 'per unit of use' AS line_item_line_item_description,
            CASE WHEN ai THEN {_ROLE} END AS line_item_iam_principal,
            CASE WHEN ai THEN '1K tokens' ELSE 'Hrs' END AS pricing_unit,
            MAP([]::VARCHAR[], []::VARCHAR[]) AS product, 'us-west-2' AS product_region_code,
            MAP(['user_team'], [{_TEAM}]) AS resource_tags,
            MAP([]::VARCHAR[], []::VARCHAR[]) AS tags,
            printf('%032x', hash(i, 9)) AS identity_line_item_id
        FROM rows ORDER BY begun
        """,
        home / "cur.parquet",
    )


def _write_google(home: Path) -> None:
    """A month of a Cloud Billing export as BigQuery writes it: one row in forty is of Vertex AI."""
    _copy(
        f"""
        WITH rows AS (
            SELECT i, hash(i, 8) % 40 = 0 AS ai, {_DAY} AS begun,
                1000 + hash(i, 3) % 9000000 AS tokens
            FROM range(8_000_000) r(i)
        )
        SELECT '01ABCD-000000-000000' AS billing_account_id,
            {{'id': CASE WHEN ai THEN 'C7E2-9256-1C43' ELSE '6F81-5844-456A' END,
              'description': CASE WHEN ai THEN 'Vertex AI' ELSE 'Compute Engine' END}} AS service,
            {{'id': '0000-1111-2222', 'description': CASE WHEN ai
                THEN 'Gemini 2.5 Flash GA Text Input - Predictions'
                ELSE 'N1 Predefined Instance Core running in Americas' END}} AS sku,
            begun::TIMESTAMPTZ AS usage_start_time,
            (begun + INTERVAL 1 HOUR)::TIMESTAMPTZ AS usage_end_time,
            {{'id': printf('project-%d', {_WORKLOAD} % 300)}} AS project,
            [{{'key': 'team', 'value': {_TEAM}}}] AS labels, {{'location': 'global'}} AS location,
            CASE WHEN ai THEN tokens * 3e-7 ELSE 5.0 END::DOUBLE AS "cost", 'USD' AS currency,
            {{'amount': CASE WHEN ai THEN tokens ELSE 10 END::DOUBLE, 'unit': 'requests',
              'amount_in_pricing_units': CASE WHEN ai THEN tokens ELSE 10 END::DOUBLE,
              'pricing_unit': 'count'}} AS usage,
            [{{'name': 'Promo', 'amount': -0.001::DOUBLE}}] AS credits,
            {{'month': '202606'}} AS invoice, 'regular' AS cost_type,
            {{'effective_price': CASE WHEN ai THEN 0.0000003 ELSE 0.5 END::DECIMAL(38, 9),
              'pricing_unit_quantity': 1.0::DOUBLE}} AS price,
            TIMESTAMPTZ '2026-07-02 00:00:00+00' AS export_time
        FROM rows ORDER BY begun
        """,
        home / "billing.parquet",
    )


def _write_bedrock(home: Path) -> None:
    """A night's export of invocation logs, with the texts in them unless one turns that off.

    A log is an object for each hour, in which calls follow one another; what a night in Europe
    takes of them began before midnight in UTC.
    """
    called = f"TIMESTAMP '2026-06-14 22:00:00' + INTERVAL (i * 86400 // {_CALLS}) SECOND"
    text = "lorem ipsum " * 40
    _copy(
        f"""
        SELECT 'ModelInvocationLog' AS "schemaType", '1.0' AS "schemaVersion",
            strftime({called}, '%Y-%m-%dT%H:%M:%SZ') AS "timestamp", '444455556666' AS "accountId",
            {{'arn': {_ROLE}}} AS "identity",
            'us-east-1' AS region, 'us-west-2' AS "inferenceRegion",
            printf('%016x-%08x', hash(i, 9), i) AS "requestId", 'Converse' AS operation,
            'us.anthropic.claude-sonnet-4-6' AS "modelId",
            {{'inputContentType': 'application/json', 'inputTokenCount': hash(i, 3) % 9000,
              'cacheReadInputTokenCount': hash(i, 4) % 90000, 'cacheWriteInputTokenCount': 0,
              'inputBodyJson': {{'messages': [{{'role': 'user', 'content': '{text}'}}]}}}} AS input,
            {{'outputContentType': 'application/json', 'outputTokenCount': hash(i, 5) % 4000,
              'outputBodyJson': {{'content': '{text}'}}}} AS output,
            {{'team': {_TEAM}, 'ticket': printf('PAY-%d', {_WORKLOAD})}} AS "requestMetadata"
        FROM range({_CALLS}) r(i)
        """,
        home / "invocations.jsonl",
    )


def _write_otlp(home: Path) -> None:
    """Spans by the dozen to a line, as a collector writes them; one in three is of a model."""

    def attribute(key: str, kind: str, value: str) -> str:
        return f"{{'key': '{key}', 'value': {{'{kind}': {value}}}}}"

    tokens = {"input_tokens": 3, "cache_read.input_tokens": 4, "output_tokens": 5}
    of_model = (
        attribute("gen_ai.operation.name", "stringValue", "'chat'"),
        attribute("gen_ai.provider.name", "stringValue", "'anthropic'"),
        attribute("gen_ai.response.model", "stringValue", "'claude-sonnet-4-6'"),
    )
    counts = (
        attribute(f"gen_ai.usage.{name}", "intValue", f"(hash(i, {seed}) % 900)::VARCHAR")
        for name, seed in tokens.items()
    )
    of_web = (
        attribute("http.request.method", "stringValue", "'POST'"),
        attribute("url.path", "stringValue", "'/v1/charges'"),
        attribute("server.address", "stringValue", "'pay.example.com'"),
    )
    _copy(
        f"""
        WITH spans AS (
            SELECT i // 12 AS line, to_json({{
                'traceId': printf('%032x', hash(i // 4)),
                'spanId': printf('%016x', hash(i)), 'parentSpanId': '', 'name': 'chat',
                'kind': 3, 'startTimeUnixNano': (1780272000000000000 + i * 8000000000)::VARCHAR,
                'endTimeUnixNano': (1780272001000000000 + i * 8000000000)::VARCHAR,
                'attributes': CASE WHEN i % 3 = 0
                    THEN rtrim(to_json([{", ".join(of_model)}])::VARCHAR, ']') || ','
                        || ltrim(to_json([{", ".join(counts)}])::VARCHAR, '[')
                    ELSE to_json([{", ".join(of_web)}])::VARCHAR END::JSON,
                'status': {{'code': 1}}}}) AS span
            FROM range(300_000) r(i)
        )
        SELECT [{{'resource': {{'attributes': [
                {attribute("service.name", "stringValue", "'pay-agent'")},
                {attribute("team", "stringValue", "printf('team-%d', line % 50)")}]}},
            'scopeSpans': [{{'scope': {{'name': 'genai'}}, 'spans': list(span)}}]}}]
            AS "resourceSpans"
        FROM spans GROUP BY line ORDER BY line
        """,
        home / "spans.jsonl",
    )


_CORPORA: Final = {
    "cur": _Corpus(_write_cur),
    "google": _Corpus(_write_google),
    "bedrock": _Corpus(_write_bedrock),
    "otlp": _Corpus(_write_otlp),
    "transcripts": _Corpus(lambda home: write_transcripts(home, 400)),
    "litellm": _Corpus(
        lambda home: write_spend_logs(duckdb.connect(), 400_000, 1, home / "spend-logs.jsonl")
    ),
}


if __name__ == "__main__":
    main()
