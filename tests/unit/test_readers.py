"""A file is read the same however it is packed, and a damaged one is refused or accounted for."""

import gzip
import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from metering.errors import SourceError
from metering.ingest.contract import Noise, Reading, Rejections, UsageBatch
from metering.ingest.decompression import ArchiveLimits
from metering.ingest.formats.claude_code_transcripts import ClaudeCodeTranscripts
from metering.ingest.formats.litellm_spend_logs import LiteLlmSpendLogs
from metering.ingest.golden import render
from metering.ingest.readers import Reader
from metering.usage.schema import USAGE_SCHEMA
from metering.usage.staging import Staging

GOLDEN = Path(__file__).parents[1] / "golden"
GOOD = (GOLDEN / "litellm_spend_logs" / "good.jsonl").read_bytes()
LINES = GOOD.splitlines(keepends=True)
SESSION = (GOLDEN / "claude_code_transcripts" / "session.jsonl").read_bytes()


def zipped(data: bytes, *names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, data)
    return packed.getvalue()


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "zstd": zstandard.ZstdCompressor().compress,
    "zip": lambda data: zipped(data, "../../logs.jsonl"),
}
SAME: dict[str, Callable[[bytes], bytes]] = {
    **PACKINGS,
    "byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "byte order mark inside gzip": lambda data: gzip.compress(b"\xef\xbb\xbf" + data),
    "gzip of two members": lambda data: gzip.compress(data[:500]) + gzip.compress(data[500:]),
    "gzip with padding": lambda data: gzip.compress(data) + b"\0" * 512,
    "zstd of two frames": lambda data: PACKINGS["zstd"](data[:500]) + PACKINGS["zstd"](data[500:]),
    "other line ends": lambda data: data.replace(b"\n", b"\r\n"),
    "no last line end": lambda data: data.removesuffix(b"\n"),
}


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with Reader(tmp_path / "scratch", "256MB", 1) as opened:
        yield opened


def spend_logs(reader: Reader, path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return render(LiteLlmSpendLogs(), path, reader)


def refusal(reader: Reader, path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(SourceError) as refused:
        reader.plain(path)
    return refused.value.code


@pytest.mark.parametrize("packing", SAME)
def test_the_same_records_come_out_of_any_packing(
    packing: str, reader: Reader, tmp_path: Path
) -> None:
    plain = spend_logs(reader, tmp_path / "plain", GOOD)

    packed = spend_logs(reader, tmp_path / "packed", SAME[packing](GOOD))

    assert packed == plain
    assert plain.count("\n") == len(LINES)


@pytest.mark.parametrize("packing", PACKINGS)
def test_compressed_data_that_is_cut_anywhere_is_refused(
    packing: str, reader: Reader, tmp_path: Path
) -> None:
    whole = PACKINGS[packing](GOOD)

    codes = {
        refusal(reader, tmp_path / f"cut-{length}", whole[:length])
        for length in range(12, len(whole), max(1, len(whole) // 32))
    }

    assert codes <= {"truncated-file", "damaged-file"}


@pytest.mark.parametrize("packing", PACKINGS)
def test_what_unpacks_beyond_the_limit_is_refused(packing: str, tmp_path: Path) -> None:
    limits = ArchiveLimits(ratio=20, free_bytes=10_000)
    with Reader(tmp_path / "scratch", "256MB", 1, limits) as reader:
        small = reader.plain(_written(tmp_path / "small", PACKINGS[packing](b"x" * 10_000)))
        assert small.stat().st_size == 10_000

        code = refusal(reader, tmp_path / "bomb", PACKINGS[packing](b"x" * 1_000_000))

    assert code == "archive-too-large"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (gzip.compress(gzip.compress(GOOD)), "bad-archive"),
        (zipped(GOOD, "a.jsonl", "b.jsonl"), "bad-archive"),
        (zipped(GOOD), "bad-archive"),
        (GOOD.decode().encode("utf-16"), "bad-encoding"),
        (GOOD.decode().encode("utf-16-le"), "bad-encoding"),
        (gzip.compress(GOOD.decode().encode("utf-16-be")), "bad-encoding"),
    ],
)
def test_what_is_not_one_text_is_refused(
    data: bytes, code: str, reader: Reader, tmp_path: Path
) -> None:
    assert refusal(reader, tmp_path / "file", data) == code


def test_a_plain_file_is_used_where_it_lies(reader: Reader, tmp_path: Path) -> None:
    path = _written(tmp_path / "logs.jsonl", GOOD)

    assert reader.plain(path) == path


def test_a_page_is_read_whole_up_to_its_limit(reader: Reader, tmp_path: Path) -> None:
    path = _written(tmp_path / "page.json.gz", gzip.compress(b'{"data": []}'))

    assert reader.content(path) == b'{"data": []}'
    with pytest.raises(SourceError, match="page-too-large"):
        reader.content(path, limit=11)


def test_a_fingerprint_is_of_the_bytes_as_received(reader: Reader, tmp_path: Path) -> None:
    data = gzip.compress(GOOD)
    path = _written(tmp_path / "logs.jsonl.gz", data)

    fingerprint = reader.fingerprint(path)

    assert fingerprint.sha256 == hashlib.sha256(data).hexdigest()
    assert fingerprint.size_bytes == len(data)
    assert reader.fingerprint(path) is fingerprint


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("is_hashed_first", [True, False])
def test_a_file_that_somebody_writes_to_while_it_is_read_is_refused(
    reader: Reader, tmp_path: Path, *, packed: bool, is_hashed_first: bool
) -> None:
    path = _written(tmp_path / "logs.jsonl", gzip.compress(GOOD) if packed else GOOD)
    if is_hashed_first:
        reader.fingerprint(path)
    reader.plain(path)

    with path.open("ab") as more:
        more.write(b"\n")

    with pytest.raises(SourceError, match="somebody wrote to it while it was read"):
        reader.fingerprint(path)


def test_a_file_name_is_never_a_pattern(reader: Reader, tmp_path: Path) -> None:
    _written(tmp_path / "logs1.jsonl", GOOD)

    assert spend_logs(reader, tmp_path / "logs[1]*?.jsonl", LINES[0]).count("\n") == 1


def test_scratch_space_is_empty_after_closing(tmp_path: Path) -> None:
    with Reader(tmp_path / "scratch", "256MB", 1) as reader:
        spend_logs(reader, tmp_path / "logs.jsonl.gz", gzip.compress(GOOD))

    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_batch_has_the_usage_schema(reader: Reader, tmp_path: Path) -> None:
    path = _written(tmp_path / "logs.jsonl", GOOD)

    (batch,) = LiteLlmSpendLogs().read(path, reader)

    assert isinstance(batch, UsageBatch)
    assert not isinstance(batch.rows, pa.Table)
    table = batch.rows.to_arrow_table()
    assert table.schema.names == USAGE_SCHEMA.names
    assert [_plainly(kind) for kind in table.schema.types] == [
        _plainly(kind) for kind in USAGE_SCHEMA.types
    ]
    assert table.num_rows == batch.count == len(LINES)


def test_texts_of_which_there_are_few_are_stored_as_texts(reader: Reader, tmp_path: Path) -> None:
    lines = [LINES[0].replace(b"chatcmpl-abc", b"chatcmpl-%d" % number) for number in range(50)]
    path = _written(tmp_path / "logs.jsonl", b"".join(lines))
    staging = Staging(reader.connection, tmp_path / "staged", ingestor="it's", account="o'hara")

    (batch,) = LiteLlmSpendLogs().read(path, reader)
    assert isinstance(batch, UsageBatch)
    staging.add(batch.rows)

    (file,) = staging.files()
    stored = pq.read_table(file, partitioning=None)
    assert "dictionary" not in str(stored.schema)
    assert set(map(str, stored["tags"].to_pylist())) == {
        "[('end_user', 'ana'), ('key_alias', 'ci'), ('project', 'PAY')]"
    }
    texts = ("ingestor", "billing_account", "product", "provider", "grain")
    assert {name: set(stored[name].to_pylist()) for name in texts} == {
        "ingestor": {"it's"},
        "billing_account": {"o'hara"},
        "product": {"api"},
        "provider": {"anthropic"},
        "grain": {"request"},
    }
    assert len(set(stored["record_key"].to_pylist())) == len(lines)


def test_a_damaged_line_costs_that_line_alone(reader: Reader, tmp_path: Path) -> None:
    damaged = [
        LINES[0],
        LINES[1][:200] + b"\n",
        b"\n",
        LINES[3].replace(b"u-7", b"u-\xff"),
        b"[1, 2]\n",
        LINES[5].replace(b"u-7", b"u-\0"),
        LINES[6].replace(b"u-7", b"\\ud800"),
        LINES[7],
    ]
    path = _written(tmp_path / "logs.jsonl", b"".join(damaged))

    readings = tuple(LiteLlmSpendLogs().read(path, reader))

    assert _lines(readings) == [1, 8]
    assert _codes(readings) == {
        2: "bad-json",
        4: "bad-encoding",
        5: "bad-json",
        6: "bad-json",
        7: "bad-json",
    }
    assert _noise(readings) == {"empty lines": 1}


@pytest.mark.parametrize("damage", [b"", b"{\n"], ids=["clean file", "damaged file"])
@pytest.mark.parametrize("padding", [0, 50_000], ids=["short line", "long line"])
@pytest.mark.parametrize(
    ("twice", "codes"), [("note", {}), ("spend", {2: "bad-json"})], ids=["unused", "used"]
)
def test_a_name_that_stands_twice_is_refused_only_where_it_is_used(
    twice: str, codes: dict[int, str], padding: int, damage: bytes, reader: Reader, tmp_path: Path
) -> None:
    line = LINES[0].rstrip()[:-1] + b',"note":1,"%s":2,"messages":"%s"}\n' % (
        twice.encode(),
        b"x" * padding,
    )
    path = _written(tmp_path / "logs.jsonl", LINES[0] + line + LINES[1] + damage)

    found = _codes(tuple(LiteLlmSpendLogs().read(path, reader)))

    assert found == {**codes, **({4: "bad-json"} if damage else {})}


def test_a_row_keeps_its_physical_line_behind_cells_of_several_lines(
    reader: Reader, tmp_path: Path
) -> None:
    header = "request_id,call_type,startTime,model,prompt_tokens,completion_tokens,"
    header += "custom_llm_provider,metadata,messages\r\n"
    row = "{},acompletion,2026-09-21 14:13:20,m,1,1,openai,{{}},{}\r\n"
    table = header + row.format("a", '"one\ntwo\n""three"""') + row.format("b", "") + "\r\n"
    path = _written(tmp_path / "logs.csv", (table + row.format("c", "x,y")).encode())

    readings = tuple(LiteLlmSpendLogs().read(path, reader))

    assert _lines(readings) == [2, 5]
    assert _codes(readings) == {7: "bad-row"}
    assert _noise(readings) == {"empty lines": 1}


def test_columns_of_a_table_that_are_not_looked_at_may_be_called_anything(
    reader: Reader, tmp_path: Path
) -> None:
    lines = (GOLDEN / "litellm_spend_logs" / "table.csv").read_text(encoding="utf-8").splitlines()
    plain = "\n".join(lines[:3]) + "\n"
    added = (",Model,", "0,a,", "1,,")
    odd = "".join(f"{cells}{line}\n" for cells, line in zip(added, lines, strict=False))

    expected = spend_logs(reader, tmp_path / "plain.csv", plain.encode())
    actual = spend_logs(reader, tmp_path / "odd.csv", odd.encode())

    assert actual == expected


def test_a_last_line_that_is_cut_is_noise_only_where_the_file_may_still_grow(
    reader: Reader, tmp_path: Path
) -> None:
    session = tuple(
        ClaudeCodeTranscripts().read(_written(tmp_path / "session.jsonl", SESSION), reader)
    )
    logs = tuple(LiteLlmSpendLogs().read(_written(tmp_path / "logs.jsonl", GOOD[:-50]), reader))

    assert _noise(session)["incomplete last line"] == 1
    assert _codes(session) == {}
    assert _codes(logs) == {len(LINES): "bad-json"}


def test_a_long_line_is_read_in_little_memory(tmp_path: Path) -> None:
    picture = b'"content":"' + b"x" * 20_000_000 + b'"'
    answer = (
        SESSION.splitlines()[2]
        .replace(b'"content":[]', b"")
        .replace(b'"role":"assistant"', b'"role":"assistant",' + picture)
    )
    lines = [answer.replace(b"msg_1", f"msg_{n}".encode()) for n in range(4)]
    path = _written(tmp_path / "session.jsonl", b"\n".join(lines) + b"\n")

    with Reader(tmp_path / "scratch", "128MB", 1) as reader:
        readings = tuple(ClaudeCodeTranscripts().read(path, reader))

        assert _lines(readings) == [1, 2, 3, 4]


def test_what_people_wrote_is_in_no_scratch_file(tmp_path: Path) -> None:
    with Reader(tmp_path / "scratch", "256MB", 1) as reader:
        path = _written(tmp_path / "session.jsonl", SESSION.rpartition(b"\n")[0] + b"\n")
        assert b"CANARY" in path.read_bytes()

        readings = tuple(ClaudeCodeTranscripts().read(path, reader))
        staged = [
            reader.connection.sql(f"FROM read_parquet('{file}')").to_arrow_table().to_pylist()
            for file in (tmp_path / "scratch").rglob("*-staged")
        ]

        assert _lines(readings)
        assert len(staged) == 1
        assert "CANARY" not in str(staged)


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _lines(readings: tuple[Reading, ...]) -> list[int]:
    (batch,) = (reading for reading in readings if isinstance(reading, UsageBatch))
    assert not isinstance(batch.rows, pa.Table)
    return [row[0] for row in batch.rows.project("row_no").fetchall()]


def _codes(readings: tuple[Reading, ...]) -> dict[int, str]:
    return {
        item.line: item.code
        for reading in readings
        if isinstance(reading, Rejections)
        for item in reading.items
    }


def _noise(readings: tuple[Reading, ...]) -> dict[str, int]:
    return {
        what: count
        for reading in readings
        if isinstance(reading, Noise)
        for what, count in reading.counts.items()
    }


def _plainly(kind: pa.DataType) -> str:
    # Which field of a map may be null is Parquet's business, not the schema's; and a text of which
    # there are few may come as an enumeration.
    text = str(kind).replace(" not null", "")
    return re.sub(r"dictionary<values=string, indices=\w+, ordered=0>", "string", text)
