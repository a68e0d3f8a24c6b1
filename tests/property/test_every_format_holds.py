"""Whatever a file of any format holds, it ends in records or messages, and every row is counted.

Each good golden file of each ingestor is damaged in some dozens of ways, the same ones in every
run; `make corpus` takes hundreds. A damaged file is read to its end or refused whole with a code;
never with a traceback.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest

from metering.errors import SourceError
from metering.ingest.contract import Ingestor, Noise, Rejections, Slice, UsageBatch
from metering.ingest.detection import identify
from metering.ingest.readers import Reader
from metering.ingest.registry import BUILT_IN
from metering.usage.schema import USAGE_SCHEMA

GOLDEN = Path(__file__).parents[1] / "golden"
LARGEST = 20_000  # a golden file is small; a larger one would make this slow

NUMBERS = (
    *(b"12.5", b"true", b"-1", b"NaN", b"1e400", b"null", b"99999999999999999999", b"1_000"),
    *(b"\xd9\xa3", b'"7"', b"9" * 5000, b"0x1", b"", b"-0.0", b"1E-99", b"Infinity"),
)
PIECES = (
    *(b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r", b"\n", b'"', b"\\ud800", b","),
    *(b"{", b"}", b"[", b"]", b"[" * 5000, b'{"a":' * 5000, b"x" * 70_000, b"\x1f", b"\x01"),
)
TIMES = (
    *(b"0001-01-01", b"9999-12-31", b"2026-13-01", b"2026-02-30", b"2026-10-00", b"1026-10-05"),
    *(b"05/10/2026", b"2026-W41", b"-271821-04-20", b"now", b"2026-10-05T24:61:61Z"),
)


def seeds() -> Iterator[tuple[Ingestor, Path]]:
    """Yield the good golden files: those whose expected text holds no error."""
    for ingestor in BUILT_IN:
        for expected in sorted((GOLDEN / ingestor.name.replace("-", "_")).glob("*.expected")):
            source = expected.with_suffix("")
            is_good = "error[" not in expected.read_text(encoding="utf-8")
            if is_good and source.stat().st_size <= LARGEST:
                yield ingestor, source


SEEDS = {f"{ingestor.name}/{source.name}": (ingestor, source) for ingestor, source in seeds()}


def damaged(content: bytes, random: Random) -> bytes:
    """Return a file with one to three things wrong."""
    for _ in range(random.randint(1, 3)):
        content = random.choice(WAYS)(content, random)
    return content


def with_a_bit_flipped(content: bytes, random: Random) -> bytes:
    if not content:
        return content
    at = random.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << random.randrange(8)]) + content[at + 1 :]


def without_its_end(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content) + 1)]


def in_another_encoding(content: bytes, random: Random) -> bytes:
    encoding = random.choice(["utf-16", "cp1252"])
    return content.decode("utf-8", "replace").encode(encoding, "replace")


def with_something_in_between(content: bytes, random: Random) -> bytes:
    at = random.randrange(len(content) + 1)
    return content[:at] + random.choice(PIECES) + content[at:]


def with_a_line_twice_or_missing(content: bytes, random: Random) -> bytes:
    lines = content.splitlines(keepends=True) or [b""]
    at = random.randrange(len(lines))
    return b"".join([*lines[:at], *[lines[at]] * random.choice([0, 2]), *lines[at + 1 :]])


def with_another_name(content: bytes, random: Random) -> bytes:
    names = re.findall(rb"\w{4,}", content)
    return content.replace(random.choice(names), b"x") if names else content


def with_a_number_that_is_none(content: bytes, random: Random) -> bytes:
    found = list(re.finditer(rb"-?\d+(\.\d+)?", content))
    if not found:
        return content
    number = random.choice(found)
    return content[: number.start()] + random.choice(NUMBERS) + content[number.end() :]


def with_a_time_that_is_none(content: bytes, random: Random) -> bytes:
    found = list(re.finditer(rb"20\d\d-?\d\d(-?\d\d)?", content))
    if not found:
        return content
    time = random.choice(found)
    return content[: time.start()] + random.choice(TIMES) + content[time.end() :]


def with_other_line_ends(content: bytes, random: Random) -> bytes:
    ends = (b"\n", b"\r\n", b"\r", b"\n\n")
    return b"".join(line + random.choice(ends) for line in content.splitlines())


WAYS = (
    with_a_bit_flipped,
    without_its_end,
    in_another_encoding,
    with_something_in_between,
    with_a_line_twice_or_missing,
    with_another_name,
    with_a_number_that_is_none,
    with_a_number_that_is_none,
    with_a_time_that_is_none,
    with_other_line_ends,
)


def refusal(call: Callable[[], object]) -> str | None:
    """Return the code with which a call refuses its file; None if it does not."""
    try:
        call()
    except SourceError as error:
        return error.code
    return None


def accounted(ingestor: Ingestor, path: Path, reader: Reader) -> int:
    """Return how many records, rejections and noise a file gives, the form of each checked."""
    found = 0
    for reading in ingestor.read(path, reader):
        match reading:
            case UsageBatch():
                rows = reading.rows
                table = rows if isinstance(rows, pa.Table) else rows.to_arrow_table()
                assert table.column_names == USAGE_SCHEMA.names
                assert reading.count in (None, table.num_rows)
                assert table["start"].null_count == 0
                found += table.num_rows
            case Rejections(items):
                messages = [item.message(path.name) for item in items]
                assert all(message.count("\n") == 2 for message in messages)
                assert all(item.line >= 0 for item in items)
                found += len(items)
            case Noise(counts):
                assert all(count > 0 for count in counts.values())
                found += sum(counts.values())
            case Slice():
                assert "2000-01-01" <= reading.first_day <= reading.last_day < "2100-01-01"
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_a_damaged_file_ends_in_records_or_messages(
    seed: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    ingestor, source = SEEDS[seed]
    random = Random(seed)  # noqa: S311 - the same damages in every run
    content = source.read_bytes()
    codes: list[str | None] = []

    with Reader(tmp_path / "scratch", "256MB", 1) as reader:
        for number in range(pytestconfig.getoption("--damages")):
            path = tmp_path / f"{number}{source.suffix}"
            path.write_bytes(damaged(content, random))
            codes.append(refusal(partial(identify, path, BUILT_IN)))
            codes.append(refusal(partial(accounted, ingestor, path, reader)))

    assert None in codes, "every damaged file was refused whole"
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)+", code) for code in codes if code)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_row_with_one_wrong_number_is_recorded_or_rejected_and_never_lost(
    seed: str, tmp_path: Path
) -> None:
    ingestor, source = SEEDS[seed]
    random = Random(seed)  # noqa: S311 - the same damages in every run
    content = source.read_bytes()
    numbers = list(re.finditer(rb"(?<=[,:])[1-9]\d{0,8}(?=[,}\r\n])", content))
    counts = set()

    with Reader(tmp_path / "scratch", "256MB", 1) as reader:
        before = accounted(ingestor, source, reader)
        for number, found in enumerate(random.sample(numbers, min(6, len(numbers)))):
            path = tmp_path / f"{number}{source.suffix}"
            path.write_bytes(content[: found.start()] + b"-7" + content[found.end() :])
            with suppress(SourceError):
                counts.add(accounted(ingestor, path, reader))

    assert counts <= {before}
