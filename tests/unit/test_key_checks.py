"""Checks made once for each combination of texts refuse the same records, for the same reasons."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from metering.errors import Rejection
from metering.ingest.bulk import staging
from metering.ingest.bulk.layout import Layout
from metering.ingest.bulk.statement import statement
from metering.ingest.contract import Rejections, UsageBatch
from metering.ingest.formats.bedrock_invocation_logs import BedrockInvocationLogs
from metering.ingest.readers import Reader

GOOD = {
    "schemaType": "ModelInvocationLog",
    "timestamp": "2026-06-15T10:04:11Z",
    "accountId": "444455556666",
    "region": "us-east-1",
    "requestId": "one",
    "operation": "Converse",
    "modelId": "us.anthropic.claude-sonnet-4-6",
    "input": {"inputTokenCount": 35},
    "requestMetadata": {"team": "search"},
}
TWICE = '{"team": "search", "team": "pay"}'


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with Reader(tmp_path / "scratch", "256MB", 1) as opened:
        yield opened


def _read(reader: Reader, path: Path, *records: dict[str, Any]) -> tuple[int, list[Rejection]]:
    lines = (
        json.dumps(GOOD | {"requestId": f"r{place}"} | record)
        for place, record in enumerate(records)
    )
    path.write_text("".join(f"{line}\n" for line in lines).replace('"TWICE"', TWICE))
    count = 0
    rejections: list[Rejection] = []
    for reading in BedrockInvocationLogs().read(path, reader):
        if isinstance(reading, UsageBatch):
            assert not isinstance(reading.rows, pa.Table)
            count += len(reading.rows.project("row_no").fetchall())
        elif isinstance(reading, Rejections):
            rejections += reading.items
    return count, rejections


@pytest.mark.parametrize(
    ("record", "code", "field"),
    [
        ({"requestMetadata": "TWICE"}, "bad-json", "requestMetadata"),
        ({"requestMetadata": [1]}, "bad-json", "requestMetadata"),
        ({"requestMetadata": "team"}, "bad-json", "requestMetadata"),
        ({"requestMetadata": {"team": "\0"}}, "bad-json", "requestMetadata"),
        ({"accountId": "4/4"}, "bad-text", "accountId"),
        ({"region": ""}, "missing-field", "region"),
        ({"modelId": None}, "missing-field", "modelId"),
        # What parts the texts of a combination from one another.
        ({"modelId": "a\0b"}, "bad-text", "modelId"),
        ({"modelId": "a\0b", "region": "us\0east"}, "bad-text", "region"),
        # The first thing that is wrong is told, on either side of what is made apart.
        ({"requestId": "", "requestMetadata": [1]}, "missing-field", "requestId"),
        ({"requestMetadata": [1], "output": {"outputTokenCount": 1.5}}, "bad-json", ""),
        ({"timestamp": "2026-06-15 10:04:11", "modelId": ""}, "naive-timestamp", "timestamp"),
    ],
)
def test_a_record_is_refused_for_the_first_thing_that_is_wrong_with_it(
    reader: Reader, tmp_path: Path, record: dict[str, Any], code: str, field: str
) -> None:
    count, rejections = _read(reader, tmp_path / "log", {}, record, {})

    assert count == 2
    (rejection,) = rejections
    assert (rejection.line, rejection.code) == (2, code)
    assert rejection.field == field or not field


def test_lines_that_are_no_calls_are_not_asked(reader: Reader, tmp_path: Path) -> None:
    other = {"schemaType": "Other", "requestMetadata": [1], "modelId": "a\0b"}

    assert _read(reader, tmp_path / "log", {}, other) == (1, [])


def test_only_a_file_with_a_refused_combination_is_read_again(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = []

    def noting(layout: Layout, source: str, carried: Iterable[str]) -> str:
        sources.append(source)
        return statement(layout, source, carried)

    monkeypatch.setattr(staging, "statement", noting)

    _read(reader, tmp_path / "clean", {}, {"requestMetadata": None}, {"errorCode": "Throttled"})
    _read(reader, tmp_path / "damaged", {}, {"requestMetadata": [1]})

    assert len(sources) == 3
    assert sources[1] == sources[2] != sources[0]
