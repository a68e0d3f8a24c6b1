"""Files read together hold what each holds alone, whatever is wrong with their lines."""

import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from duckdb import DuckDBPyRelation

from metering.ingest.contract import Noise, Pack, Rejections, UsageBatch
from metering.ingest.fingerprints import fingerprint_of
from metering.ingest.formats.claude_code_transcripts import ClaudeCodeTranscripts
from metering.ingest.readers import Reader
from metering.usage.schema import USAGE_SCHEMA

GOLDEN = Path(__file__).parents[1] / "golden" / "claude_code_transcripts"


SESSION, BAD, ONE = (
    (GOLDEN / name).read_bytes() for name in ("session.jsonl", "bad.jsonl", "one_answer.jsonl")
)
LINE = ONE.splitlines(keepends=True)[0]
COLUMNS = ", ".join(f'CAST("{name}" AS VARCHAR)' for name in USAGE_SCHEMA.names)

Held = tuple[list[tuple[object, ...]], dict[str, int], tuple[object, ...]]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with Reader(tmp_path / "scratch", "256MB", 2) as opened:
        yield opened


def written(folder: Path, *contents: bytes) -> list[Path]:
    paths = [folder / f"{place}.jsonl" for place in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


def alone(reader: Reader, path: Path) -> Held:
    rows: list[tuple[object, ...]] = []
    noise: dict[str, int] = {}
    rejections: tuple[object, ...] = ()
    for reading in ClaudeCodeTranscripts().read(path, reader):
        match reading:
            case UsageBatch():
                assert isinstance(reading.rows, DuckDBPyRelation)
                reading.rows.create_view("alone", replace=True)
                query = f"SELECT {COLUMNS} FROM alone ORDER BY row_no"
                rows = reader.connection.execute(query).fetchall()
            case Rejections():
                rejections += reading.items
            case Noise():
                noise = dict(reading.counts)
    return rows, noise, rejections


def together(reader: Reader, paths: list[Path]) -> list[Held | None]:
    pack = ClaudeCodeTranscripts().read_pack(paths, reader)
    assert isinstance(pack, Pack)
    pack.rows.create_view("packed", replace=True)
    held: list[Held | None] = []
    for path, file in zip(paths, pack.files, strict=True):
        rows = reader.connection.execute(
            f"SELECT {COLUMNS} FROM packed WHERE source = ? ORDER BY row_no",
            [reader.fingerprint(path).sha256],
        ).fetchall()
        if file is None:
            assert rows == []
            held.append(None)
            continue
        assert len(rows) == file.records
        held.append((rows, dict(file.noise), file.rejections))
    return held


def test_a_pack_holds_what_its_files_hold_alone(reader: Reader, tmp_path: Path) -> None:
    paths = written(
        tmp_path,
        SESSION,
        BAD,
        ONE,
        LINE.replace(b'"msg_', b'"msg_other_'),
        # The same answers, of another session: in a file of its own each is an answer.
        SESSION.replace(b"s-2", b"s-3"),
        gzip.compress(ONE + LINE, mtime=0),
    )

    assert together(reader, paths) == [alone(reader, path) for path in paths]


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(ONE + b"\n" + LINE, id="an empty line"),
        pytest.param(ONE + b"  \n" + LINE, id="a blank line"),
        pytest.param(LINE[:40] + b"\n" + LINE, id="a line that was cut"),
        pytest.param(ONE.rstrip(b"\n") + b"\n" + LINE[:40], id="a last line cut short"),
        pytest.param(b"{}\n\xff\xfe\n" + LINE, id="bytes that are not UTF-8"),
        pytest.param(LINE.rstrip(b"\n") * 2 + b"\n", id="two objects on a line"),
        pytest.param(b'["type"]\nnull\n7\n' + LINE, id="no objects"),
        pytest.param(b'{"message":{},' + LINE[1:] + LINE, id="a name twice, no usage in the first"),
        pytest.param(b'{"version":"1",' + LINE[1:] + LINE, id="a name twice, beside usage"),
        pytest.param(b'{"type":"user","type":"user"}\n' + LINE, id="a name twice, without usage"),
        pytest.param(b"\n", id="nothing but an empty line"),
        pytest.param(b"", id="nothing at all"),
    ],
)
def test_a_damaged_line_costs_a_pack_that_line_alone(
    reader: Reader, tmp_path: Path, damaged: bytes
) -> None:
    paths = written(tmp_path, ONE, damaged, SESSION)

    assert together(reader, paths) == [alone(reader, path) for path in paths]


def test_what_a_pack_hashes_as_it_reads_is_what_was_received(
    reader: Reader, tmp_path: Path
) -> None:
    contents = [ONE, b"", gzip.compress(SESSION, mtime=0), b"\xef\xbb\xbf" + LINE.rstrip(b"\n")]
    paths = written(tmp_path, *contents)

    ClaudeCodeTranscripts().read_pack(paths, reader)

    prints = [reader.fingerprint(path) for path in paths]
    assert prints == [fingerprint_of(path) for path in paths]
    assert [one.sha256 for one in prints] == [hashlib.sha256(one).hexdigest() for one in contents]


def test_of_files_with_the_same_bytes_one_is_read(reader: Reader, tmp_path: Path) -> None:
    paths = written(tmp_path, ONE, SESSION, ONE)

    pack = ClaudeCodeTranscripts().read_pack(paths, reader)

    assert isinstance(pack, Pack)
    assert [file is None for file in pack.files] == [False, False, True]
