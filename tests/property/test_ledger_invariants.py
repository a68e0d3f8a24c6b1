"""The same facts give the same ledger: in any order, under any name, split, packed or repeated."""

import gzip
import json
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.usage.lake import file_sha256
from metering.workflows.posting.post import post
from metering.workflows.verify import verify
from tests.support.ledgers import SAMPLE, fresh_ledger, ingest, ingest_and_post, ledger_hash, run

USAGE = SAMPLE / "usage"
# A few files that meet in every way: a restated range, a byte-identical copy, events, transcripts.
FILES = (
    USAGE / "openai" / "completions-2026-10-01-to-14.json",
    USAGE / "openai" / "completions-2026-10.json",
    USAGE / "anthropic" / "messages-2026-09.json",
    USAGE / "anthropic" / "messages-2026-09-copy.json",
    USAGE / "litellm" / "spend-logs-2026-06.jsonl.gz",
    *sorted((USAGE / "claude-code").rglob("*.jsonl"))[:2],
)


@pytest.fixture(scope="module")
def expected_hash(tmp_path_factory: pytest.TempPathFactory) -> str:
    ledger = fresh_ledger(tmp_path_factory.mktemp("expected") / "ledger")
    ingest_and_post(ledger, FILES)
    return ledger_hash(ledger)


@settings(max_examples=6)
@given(data=st.data())
def test_any_order_of_the_same_files_gives_the_same_ledger(
    data: st.DataObject, expected_hash: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    order = data.draw(st.permutations(FILES))
    posts = data.draw(st.sets(st.integers(0, len(order) - 1), max_size=2))
    ledger = fresh_ledger(tmp_path_factory.mktemp("order") / "ledger")

    for number, path in enumerate(order):
        ingest(ledger, path)
        if number in posts:
            post(ledger, run())
    post(ledger, run())

    assert ledger_hash(ledger) == expected_hash


def test_ingesting_and_posting_everything_again_changes_nothing(
    expected_hash: str, tmp_path: Path
) -> None:
    ledger = fresh_ledger(tmp_path / "ledger")
    ingest_and_post(ledger, FILES)

    again = ingest(ledger, *FILES)
    posted = post(ledger, run())

    assert [receipt.recorded for receipt in again] == [0] * len(FILES)
    assert posted.postings == 0
    assert ledger_hash(ledger) == expected_hash


def test_other_names_line_ends_and_packing_change_nothing(
    expected_hash: str, tmp_path: Path
) -> None:
    ledger = fresh_ledger(tmp_path / "ledger")
    log = gzip.decompress(FILES[4].read_bytes())
    disguised = [
        _written(tmp_path / "a.txt", FILES[0].read_bytes()),
        _written(tmp_path / "b.json.gz", gzip.compress(FILES[1].read_bytes())),
        _written(tmp_path / "c", FILES[2].read_bytes().replace(b"\n", b"\r\n")),
        _written(tmp_path / "d.log", log.replace(b"\n", b"\r\n")),
        _written(tmp_path / "e.log", b"\xef\xbb\xbf" + log),
        *FILES[5:],
    ]

    ingest_and_post(ledger, disguised)

    assert ledger_hash(ledger) == expected_hash


@settings(max_examples=4)
@given(cuts=st.lists(st.integers(1, 1_000), min_size=1, max_size=3, unique=True))
def test_a_log_split_at_any_lines_gives_the_same_ledger(
    cuts: list[int], expected_hash: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("split")
    ledger = fresh_ledger(folder / "ledger")
    lines = gzip.decompress(FILES[4].read_bytes()).splitlines(keepends=True)
    edges = [0, *sorted(cut for cut in cuts if cut < len(lines)), len(lines)]
    parts = [
        _written(folder / f"part-{start}.jsonl", b"".join(lines[start:end]))
        for start, end in pairwise(edges)
    ]

    ingest_and_post(ledger, [*FILES[:4], *reversed(parts), *FILES[5:]])

    assert ledger_hash(ledger) == expected_hash


def test_receipts_add_up_to_the_records_of_each_file(tmp_path: Path) -> None:
    ledger = fresh_ledger(tmp_path / "ledger")
    lines = gzip.decompress(FILES[4].read_bytes()).splitlines()

    receipts = ingest(ledger, *FILES, FILES[4])

    for receipt in receipts:
        assert receipt.records_in == receipt.recorded + receipt.already_known + receipt.rejected
    assert receipts[4].records_in == len(lines)
    assert receipts[-1].already_known == len(lines)
    verified = verify(ledger)
    assert verified.recorded + verified.already_known + verified.rejected == sum(
        receipt.records_in for receipt in receipts if not receipt.known_before
    )


def test_the_total_is_owned_unattributed_or_unpriced_and_nothing_else(tmp_path: Path) -> None:
    ledger = fresh_ledger(tmp_path / "ledger")
    ingest_and_post(ledger, FILES)

    verified = verify(ledger, full=True)

    assert verified.problems == ()
    assert 0 <= verified.unattributed_nanos["USD"] < verified.billed_nanos["USD"]


@settings(max_examples=4)
@given(growth=st.integers(-500, 500))
def test_a_restated_day_is_posted_as_a_difference_and_the_later_export_wins(
    growth: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("restated")
    early = _written(folder / "early.json", _page(days=2, output=1_000))
    late = _written(folder / "late.json", _page(days=3, output=1_000 + growth))
    ledgers = [fresh_ledger(folder / name) for name in ("forward", "backward")]

    ingest_and_post(ledgers[0], [early])
    ingest_and_post(ledgers[0], [late])
    ingest_and_post(ledgers[1], [late])
    ingest_and_post(ledgers[1], [early])

    hashes = {ledger_hash(ledger) for ledger in ledgers}
    billed = {verify(ledger).billed_nanos["USD"] for ledger in ledgers}
    assert len(hashes) == 1
    # Opus 5 output is 25 USD per million: 25,000 nanos a token, on each of three days.
    assert billed == {3 * (1_000 + growth) * 25_000}


def _page(*, days: int, output: int) -> bytes:
    result: dict[str, Any] = {
        "uncached_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output,
        "server_tool_use": {"web_search_requests": 0},
        "account_id": None,
        "api_key_id": "apikey_01Pay",
        "workspace_id": None,
        "service_account_id": None,
        "model": "claude-opus-5",
        "service_tier": "standard",
        "context_window": "0-200k",
        "inference_geo": "global",
    }
    buckets = [
        {
            "starting_at": f"2026-10-{day:02d}T00:00:00Z",
            "ending_at": f"2026-10-{day + 1:02d}T00:00:00Z",
            "results": [result],
        }
        for day in range(1, days + 1)
    ]
    return json.dumps({"data": buckets, "has_more": False, "next_page": None}).encode()


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_lake_file_that_cannot_be_read_makes_the_books_unsound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = fresh_ledger(tmp_path / "ledger")
    ingest_and_post(ledger, FILES[:1])
    closed, *others = sorted((ledger.lake / "usage").rglob("*.parquet"))

    def hashed(path: Path) -> str:
        # Whoever runs the tests may be allowed to read everything.
        if path == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return file_sha256(path)

    monkeypatch.setattr("metering.workflows.verify.file_sha256", hashed)

    (told,) = verify(ledger, full=True).problems
    name = closed.relative_to(ledger.lake)
    assert others
    assert (
        told == f"{name}: the book names this lake file, and it cannot be read: Permission denied"
    )


def test_a_lake_file_that_is_gone_or_changed_makes_the_books_unsound(tmp_path: Path) -> None:
    ledger = fresh_ledger(tmp_path / "ledger")
    ingest_and_post(ledger, FILES[:1])
    files = sorted((ledger.lake / "usage").rglob("*.parquet"))

    content = files[0].read_bytes()
    files[0].write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    shutil.move(files[1], tmp_path / "elsewhere")

    assert len(verify(ledger).problems) == 1
    assert any("not those that were recorded" in one for one in verify(ledger, full=True).problems)
