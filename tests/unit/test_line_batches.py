"""Every line of every file comes in a batch, once, with its place; what is unreadable is marked."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.ingest.bulk import line_batches
from metering.ingest.bulk.layout import Layout
from metering.ingest.bulk.line_batches import (
    BAD_ENCODING,
    LINE_TOO_LONG,
    TABLE,
    UNFINISHED,
    LineBatches,
)

PLAIN = Layout(fields={"a": "JSON", "b": "VARCHAR"}, required=(), steps=(), columns={}, checks=())
LIVE = Layout(fields={"a": "JSON"}, required=(), steps=(), columns={}, checks=(), live=True)

LINES = st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"\r"))
FILES = st.lists(
    st.builds(
        lambda lines, is_ended: b"\n".join(lines) + b"\n" * (is_ended and bool(lines)),
        st.lists(LINES, max_size=8),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)

Placed = list[tuple[int, int, bytes]]


def read(contents: Sequence[bytes], layout: Layout = PLAIN, *, batch: int = 4 << 20) -> Placed:
    folder = Path(mkdtemp())
    paths = [folder / f"{place}.jsonl" for place in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    batches = LineBatches(paths, layout, batch_bytes=batch)
    with duckdb.connect() as connection, batches.registered(connection):
        found = connection.execute(
            f"SELECT file_no, line_no, CAST(encode(line) AS BLOB) FROM {TABLE}"
        ).fetchall()
    return [(file_no, line_no, line.removesuffix(b"\n")) for file_no, line_no, line in found]


def physical_lines(content: bytes) -> list[bytes]:
    return content.removesuffix(b"\n").split(b"\n") if content else []


def decodable(line: bytes) -> bytes:
    try:
        line.decode()
    except UnicodeDecodeError:
        return BAD_ENCODING.encode()
    return line


@settings(max_examples=100, deadline=None)
@given(FILES, st.integers(1, 40))
def test_every_line_has_its_place_however_files_are_cut_into_batches(
    contents: list[bytes], batch: int
) -> None:
    found = read(contents, batch=batch)

    assert found == [
        (file_no, line_no, decodable(line))
        for file_no, content in enumerate(contents)
        for line_no, line in enumerate(physical_lines(content), start=1)
    ]


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        pytest.param(b'{"a":1}', b'{"a":1}', id="whole"),
        pytest.param(b'{"a":', UNFINISHED.encode(), id="cut"),
        pytest.param(b'{"a":\n', b'{"a":', id="cut, but ended"),
    ],
)
def test_a_last_line_that_is_being_written_is_marked(last: bytes, expected: bytes) -> None:
    found = read([b"{}\n" + last, b"{}"], LIVE)

    assert found == [(0, 1, b"{}"), (0, 2, expected), (1, 1, b"{}")]


def test_a_long_line_is_cut_down_to_what_is_looked_at() -> None:
    long = b'{"a":[1,2],"c":"' + b"x" * (3 << 20) + b'","b":"text"}'
    broken = long[:-1]

    found = read([b"{}\n" + long + b"\n" + broken + b"\n{}\n"])

    assert [line for _, _, line in found[:2]] == [b"{}", b'{"a": [1, 2], "b": "text"}']
    assert found[2][2].startswith(b'{"a":[1,2],"c":"xxx')
    assert len(found[2][2]) < 1 << 20
    assert found[3] == (0, 4, b"{}")


@pytest.mark.parametrize("batch", [16, 1000, 1 << 20])
def test_of_a_line_beyond_the_limit_it_is_known_that_it_is(
    batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("LONGEST_LINE", "_LONG_LINE"):
        monkeypatch.setattr(line_batches, limit, 300)
    longest, longer = b"x" * 300, b"y" * 2000

    found = read([longest + b"\n" + longer + b"\n{}\n" + longer, b"{}"], batch=batch)

    mark = LINE_TOO_LONG.encode()
    assert found == [(0, 1, longest), (0, 2, mark), (0, 3, b"{}"), (0, 4, mark), (1, 1, b"{}")]
