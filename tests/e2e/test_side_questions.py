"""A side question of Claude Code replays answers of its parent: one answer, in however many files.

The lines are those of the source formats note, section 3.1: expected is exactly one usage fact.
"""

from pathlib import Path

import duckdb
import pytest

from metering.books.lake import live_files
from metering.usage.rows import usage_rows
from metering.workflows.reading import reading
from tests.support.ledgers import fresh_ledger, ingest

_MAIN = (
    '{{"type":"assistant","uuid":"u{number}","isSidechain":false,"sessionId":"s-1",'
    '"timestamp":"2026-10-01T09:00:0{number}.000Z","requestId":"req_A","message":{{"id":"msg_A",'
    '"model":"claude-opus-5","usage":{{"input_tokens":3,"cache_read_input_tokens":22000,'
    '"cache_creation_input_tokens":2200,"cache_creation":{{"ephemeral_5m_input_tokens":0,'
    '"ephemeral_1h_input_tokens":2200}},"output_tokens":{output}}}}}}}'
)
_PARENT = f"{_MAIN.format(number=1, output=2)}\n{_MAIN.format(number=3, output=159)}\n"
_SIDE = (
    '{"type":"assistant","uuid":"u3","isSidechain":true,"agentId":"a1","sessionId":"s-1",'
    '"timestamp":"2026-10-01T09:05:00.000Z","requestId":"req_B","message":{"id":"msg_A",'
    '"model":"claude-opus-5","usage":{"input_tokens":3,"cache_read_input_tokens":50000,'
    '"cache_creation_input_tokens":0,"output_tokens":159}}}\n'
)


@pytest.mark.parametrize(
    "commands",
    [[["parent", "side"]], [["parent"], ["side"]], [["side"], ["parent"]]],
    ids=["together", "parent-first", "side-first"],
)
def test_an_answer_and_its_replay_in_another_file_are_one(
    tmp_path: Path, commands: list[list[str]]
) -> None:
    files = {"parent": tmp_path / "parent.jsonl", "side": tmp_path / "agent-a1.jsonl"}
    files["parent"].write_text(_PARENT, encoding="utf-8")
    files["side"].write_text(_SIDE, encoding="utf-8")
    settings = fresh_ledger(tmp_path / "ledger")

    for names in commands:
        receipts = ingest(settings, *(files[name] for name in names))
        assert not any(receipt.rejected for receipt in receipts)

    with reading(settings) as connection:
        live = [settings.lake / file.path for file in live_files(connection) if file.path]
    rows = duckdb.execute(
        f"SELECT input_uncached, cache_read, cache_write_1h, output FROM {usage_rows(live)}"
    ).fetchall()
    assert rows == [(3, 22000, 2200, 159)]
