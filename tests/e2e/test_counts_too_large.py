"""A count that no books can hold is refused with its file, and never ends in a traceback."""

import json
from pathlib import Path

import pytest

from metering.settings import Settings
from tests.support.command_line import metering, told
from tests.support.ledgers import fresh_ledger
from tests.support.transcript_lines import answer

LARGEST = 10**18 - 1


@pytest.fixture
def ledger(tmp_path: Path) -> Settings:
    return fresh_ledger(tmp_path / "ledger")


def page(*results: dict[str, object]) -> str:
    bucket = {"object": "bucket", "start_time": 1790812800, "end_time": 1790899200}
    return json.dumps({"object": "page", "data": [{**bucket, "results": results}]})


def test_counts_that_add_up_beyond_64_bits_refuse_their_file(
    ledger: Settings, tmp_path: Path
) -> None:
    kind = {"object": "organization.usage.completions.result", "num_model_requests": 1}
    largest = {**kind, "input_tokens": LARGEST, "output_tokens": 1, "model": "gpt-5.6-sol"}
    path = tmp_path / "page.json"
    path.write_text(page(*[largest] * 10), encoding="utf-8")

    refused = metering(ledger, "ingest", path)

    assert refused.exit_code == 1
    assert f"{path}: error[amount-too-large]" in refused.stderr
    assert told(ledger, "verify")["records"] == 0


def test_the_files_beside_it_are_recorded(ledger: Settings, tmp_path: Path) -> None:
    sessions = [tmp_path / f"{number}.jsonl" for number in range(3)]
    for number, path in enumerate(sessions):
        path.write_text(answer(number, number, 20) + "\n", encoding="utf-8")
    huge = "\n".join(answer(100 + number, 100 + number, LARGEST) for number in range(10))
    sessions[2].write_text(huge + "\n", encoding="utf-8")

    done = metering(ledger, "ingest", *sessions)

    assert done.exit_code == 1
    assert f"{sessions[2]}: error[amount-too-large]" in done.stderr
    assert told(ledger, "verify")["records"] == 2
