"""Where a file lies says nothing of its records, whatever its folders are called."""

import gzip
import shutil
from pathlib import Path

import pytest

from metering.workflows.verify import verify
from tests.support.command_line import done
from tests.support.ledgers import SAMPLE, fresh_ledger, ingest_and_post, ledger_hash

GOLDEN = Path(__file__).parents[1] / "golden"
# As partitions of tables are called, after columns that the files have.
PARTITIONS = "provider=acme/model=other/user=zoe/BILLING_PERIOD=2020-01/ServiceName=x/timestamp=1"


def _sources(folder: Path) -> list[Path]:
    """Copy a file of every way of reading to a folder, and return them."""
    folder.mkdir(parents=True)
    log = SAMPLE / "usage" / "litellm" / "spend-logs-2026-10.jsonl.gz"
    sources = [
        log,
        GOLDEN / "aws_cur" / "good.csv",
        GOLDEN / "focus" / "table.parquet",
        GOLDEN / "claude_code_transcripts" / "one_answer.jsonl",
        GOLDEN / "google_cloud_billing" / "array.json",
    ]
    copies = [
        shutil.copyfile(path, folder / f"{at}-{path.name}") for at, path in enumerate(sources)
    ]
    plain = folder / "log.jsonl"
    with gzip.open(log) as stream:
        # Another file than its packed form, which is known by its bytes.
        plain.write_bytes(b"\n".join(stream.read().splitlines()[:40]) + b"\n")
    return [*copies, plain]


def test_folders_that_name_columns_change_no_amount(tmp_path: Path) -> None:
    hashes = set()
    for name, below in (("plain", "sources"), ("named", PARTITIONS)):
        ledger = fresh_ledger(tmp_path / name)
        ingest_and_post(ledger, _sources(tmp_path / f"of-{name}" / below))
        assert verify(ledger).problems == ()
        hashes.add(ledger_hash(ledger))

    assert len(hashes) == 1


@pytest.mark.parametrize("command", [("owners", "suggest"), ("outcomes", "costs", "2026-10")])
def test_usage_that_carries_no_tag_at_all_is_looked_through(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    ledger = fresh_ledger(tmp_path / "ledger")
    ingest_and_post(ledger, [SAMPLE / "usage" / "openai" / "completions-2026-10.json"])

    done(ledger, *command)
