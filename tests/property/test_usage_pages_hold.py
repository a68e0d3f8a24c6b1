"""Whatever a usage page holds, every row is accounted for and no input ends in a traceback."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metering.errors import SourceError
from metering.ingest.contract import Ingestor, Noise, Rejections, UsageBatch
from metering.ingest.detection import identify
from metering.ingest.formats.anthropic_messages import AnthropicMessages
from metering.ingest.formats.openai_usage import OpenAiUsage
from metering.ingest.readers import Reader
from metering.ingest.registry import BUILT_IN
from metering.usage.schema import USAGE_SCHEMA

GOLDEN = Path(__file__).parents[1] / "golden"
SEEDS: dict[str, tuple[Ingestor, Path]] = {
    "openai": (OpenAiUsage(), GOLDEN / "openai_usage" / "completions.json"),
    "anthropic": (AnthropicMessages(), GOLDEN / "anthropic_messages" / "good.json"),
}
HOSTILE = (
    *(b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r", b"\n", b'"', b"\\", b"\\ud800"),
    *(b"-", b"1e400", b"NaN", b"9" * 5000, b"1_000", b"[" * 2000, b'{"a":' * 2000, b"null"),
    *(b"\xd9\xa3", b",", b"}", b"]", b'"data": []', b'"results": []', b'"object": "page",'),
)

hypothesis_settings = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=5),
    st.just({}),
    st.just([]),
)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[tuple[Path, Reader]]:
    # One connection for all examples; what a file holds is remembered by its path.
    with Reader(tmp_path / "scratch", "256MB", 1) as reader:
        yield tmp_path, reader


def written(folder: Path, content: bytes) -> Path:
    """Return a file of this content, under a name of its own: a reader remembers what it read."""
    path = folder / f"{hashlib.sha256(content).hexdigest()}.json"
    path.write_bytes(content)
    return path


def refusal(call: Callable[[], object]) -> str | None:
    """Return the code with which a call refuses its file; None if it does not."""
    try:
        call()
    except SourceError as error:
        return error.code
    return None


def read(ingestor: Ingestor, path: Path, reader: Reader) -> tuple[int, int]:
    """Return how many records and how many rejections a file gives, having checked their form."""
    records = rejections = 0
    for reading in ingestor.read(path, reader):
        match reading:
            case UsageBatch():
                assert isinstance(reading.rows, pa.Table)
                assert reading.rows.schema == USAGE_SCHEMA
                assert reading.count == reading.rows.num_rows
                records += reading.count
            case Rejections(items):
                messages = [item.message(path.name) for item in items]
                assert all(message.count("\n") == 2 for message in messages)
                rejections += len(items)
            case Noise(counts):
                assert all(count > 0 for count in counts.values())
    return records, rejections


@hypothesis_settings
@given(seed=st.sampled_from(sorted(SEEDS)), data=st.data())
def test_a_damaged_file_ends_in_records_or_messages(
    seed: str, data: st.DataObject, folder: tuple[Path, Reader]
) -> None:
    ingestor, source = SEEDS[seed]
    content = source.read_bytes()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content)))
        removed = data.draw(st.sampled_from([0, 0, 1, 2, 64, len(content)]))
        content = content[:at] + data.draw(st.sampled_from(HOSTILE)) + content[at + removed :]
    path = written(folder[0], content)

    assert refusal(lambda: identify(path, BUILT_IN)) in {
        None,
        "bad-encoding",
        "unrecognised-source",
    }
    assert refusal(lambda: read(ingestor, path, folder[1])) in {
        None,
        "bad-encoding",
        "bad-json",
        "bad-page",
        "repeated-bucket",
    }


@hypothesis_settings
@given(seed=st.sampled_from(sorted(SEEDS)), data=st.data())
def test_every_row_is_a_record_or_a_rejection(
    seed: str, data: st.DataObject, folder: tuple[Path, Reader]
) -> None:
    ingestor, source = SEEDS[seed]
    page = json.loads(source.read_bytes())
    rows = [row for bucket in page["data"] for row in bucket["results"]]
    for row in rows:
        row.update(data.draw(st.dictionaries(st.sampled_from(sorted(row)), values, max_size=3)))
    path = written(folder[0], json.dumps(page).encode())

    records, rejections = read(ingestor, path, folder[1])

    assert records + rejections == len(rows)
