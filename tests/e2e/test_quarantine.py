"""A refused record is open until its file was read in another form, however that came about."""

import gzip
from pathlib import Path

from tests.support.command_line import metering, told
from tests.support.ledgers import SAMPLE, fresh_ledger

LOG = SAMPLE / "usage" / "litellm" / "spend-logs-2026-10.jsonl.gz"


def test_a_corrected_file_that_was_ingested_by_hand_is_read_again(tmp_path: Path) -> None:
    ledger = fresh_ledger(tmp_path / "ledger")
    first, second, *_ = gzip.decompress(LOG.read_bytes()).splitlines(keepends=True)
    log = tmp_path / "log.jsonl"
    log.write_bytes(first + second.replace(b'"prompt_tokens":', b'"prompt_tokens":-'))
    assert metering(ledger, "ingest", log).exit_code == 1
    assert metering(ledger, "quarantine", "retry").exit_code == 1, "nothing was corrected"

    log.write_bytes(first + second)
    assert metering(ledger, "ingest", log).exit_code == 0

    assert told(ledger, "quarantine", "retry") == {"resolved": 1, "still_open": 0, "missing": []}
    assert told(ledger, "quarantine", "list") == []
    assert told(ledger, "verify")["recorded"] == 2
