"""JSON Lines as a stream of Arrow batches: the text of each line, and where it stands.

DuckDB's own reader of JSON stops at the first line that is none, and pays for every file anew. Of
lines it is handed, each says for itself what is wrong with it, and many small files cost no more
than a large one. A batch holds whole lines, of several files where they are small; memory is
bounded by it, or by one line where that is longer.

What cannot be handed on is replaced by a mark, one control character, which no JSON line can be.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from metering.ingest.bulk.layout import LONGEST_HELD, LONGEST_LINE, Fields, Form, Layout

if TYPE_CHECKING:
    import duckdb
    import numpy.typing as npt

TABLE: Final = "line_batches"
BAD_ENCODING: Final = "\x01"
LINE_TOO_LONG: Final = "\x02"
UNFINISHED: Final = "\x03"
NOT_JSON: Final = "\x04"

_COLUMNS: Final[Mapping[str, pa.DataType]] = {
    "line": pa.utf8(),
    "line_no": pa.int64(),
    "file_no": pa.int32(),
}
_SCHEMA: Final = pa.schema(_COLUMNS)
# As many lines of a usual length as DuckDB takes at once: for fewer its statements cost as much.
_BATCH: Final = 4 << 20
# What is read into memory that was in use just before costs no time to get it.
_BLOCK: Final = 256 << 10
# Parsed, a line may take many times its length: of a longer one only what is looked at is parsed.
_LONG_LINE: Final = 2 << 20
_LINE_END: Final = ord("\n")
_SHOWN_OF_LONG: Final = 32 << 10


@dataclass(frozen=True, slots=True)
class LineBatches:
    """The lines of files, one file after the other.

    Attributes:
        paths: the files, unpacked.
        layout: of their format: a line that is too long for DuckDB is cut down to its fields; and
            where it says that a file may still be growing, a last line without its line end that
            is no JSON is marked as unfinished.
        batch_bytes: what a batch has room for, if no line is longer.
        block_bytes: what is read at once.
    """

    paths: Sequence[Path]
    layout: Layout
    batch_bytes: int = _BATCH
    block_bytes: int = _BLOCK

    @contextmanager
    def registered(self, connection: "duckdb.DuckDBPyConnection") -> Iterator[None]:
        """Have the lines stand as `TABLE` on a connection, to be read once.

        Columns: `line`, with its line end; `line_no`, in its file, from 1; `file_no`, the place of
        the file, from 0.
        """
        reader = pa.RecordBatchReader.from_batches(_SCHEMA, self._batches())
        connection.register(TABLE, reader)
        try:
            yield
        finally:
            connection.unregister(TABLE)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        batch = _Batch(self.batch_bytes)
        for file_no, path in enumerate(self.paths):
            for block in _blocks(path, self.block_bytes):
                lines = self._marked(block)
                if not batch.has_room_for(lines):
                    yield batch.record()
                    batch = _Batch(max(len(lines), self.batch_bytes), batch.read_so_far)
                batch.add(file_no, lines)
        yield batch.record()

    def _marked(self, block: bytes) -> bytes:
        """Return the lines of a block, with marks for one that is unfinished or too long."""
        if not block.endswith(b"\n"):
            before, end, last = block.rpartition(b"\n")
            if self.layout.live and not _is_json(last):
                last = UNFINISHED.encode()
            block = before + end + last + b"\n"
        if len(block) > _LONG_LINE:
            first, end, rest = block.partition(b"\n")
            block = _short(first, self.layout.fields) + end + rest
        return block


class _Batch:
    """Lines of one or several files, in one piece of memory.

    Args:
        size: bytes there is room for.
        read_so_far: the file of the line before, and how many lines of it came before.

    Attributes:
        read_so_far: the same for the batch that follows, once `record` was called.
    """

    def __init__(self, size: int, read_so_far: tuple[int, int] = (0, 0)) -> None:
        # Of Arrow's own pool, which hands out again what it got back.
        self._memory = pa.allocate_buffer(size)
        self._view = memoryview(self._memory).cast("B")
        self._size = 0
        self._files: list[int] = []
        self._begins: list[int] = []
        self.read_so_far = read_so_far

    def has_room_for(self, lines: bytes) -> bool:
        """Say whether lines fit in."""
        return self._size + len(lines) <= len(self._view)

    def add(self, file_no: int, lines: bytes) -> None:
        """Add lines, the last of them with its line end."""
        if not self._files or self._files[-1] != file_no:
            self._files.append(file_no)
            self._begins.append(self._size)
        end = self._size + len(lines)
        self._view[self._size : end] = lines
        self._size = end

    def record(self) -> pa.RecordBatch:
        """Return the lines, as views of the memory they were gathered in."""
        octets = np.frombuffer(self._view, np.uint8, self._size)
        ends = np.flatnonzero(octets == _LINE_END) + 1
        offsets = np.zeros(len(ends) + 1, dtype=np.int32)
        offsets[1:] = ends
        places = np.searchsorted(offsets, [*self._begins, self._size])
        file_nos = np.repeat(np.array(self._files, dtype=np.int32), np.diff(places))
        line_nos = np.arange(1, len(ends) + 1, dtype=np.int64)
        before, count = self.read_so_far
        for file_no, begin, end in zip(self._files, places, places[1:], strict=False):
            line_nos[begin:end] -= begin - (count if file_no == before else 0)
            self.read_so_far = (file_no, int(line_nos[end - 1]))
        return pa.RecordBatch.from_arrays(
            [
                _readable(self._memory, offsets),
                _numbers(pa.int64(), line_nos),
                _numbers(pa.int32(), file_nos),
            ],
            schema=_SCHEMA,
        )


def _readable(memory: pa.Buffer, offsets: "npt.NDArray[np.int32]") -> pa.StringArray:
    """Return texts, with marks for those that are not UTF-8."""
    count = len(offsets) - 1
    lines = pa.StringArray.from_buffers(count, pa.py_buffer(offsets.data), memory)
    try:
        lines.validate(full=True)
    except pa.ArrowInvalid:
        text = memory.slice(0, int(offsets[-1]) - 1).to_pybytes()
        texts = [_decodable(line) + b"\n" for line in text.split(b"\n")]
        offsets = np.cumsum([0, *map(len, texts)], dtype=np.int32)
        return pa.StringArray.from_buffers(
            count, pa.py_buffer(offsets.data), pa.py_buffer(b"".join(texts))
        )
    return lines


def _numbers(
    kind: pa.DataType, values: "npt.NDArray[np.int64] | npt.NDArray[np.int32]"
) -> "pa.Array[Any]":
    # Not `pa.array`: it imports pandas for a look at what it is given.
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values.data)])


def _blocks(path: Path, size: int) -> Iterator[bytes]:
    """Yield blocks of whole lines; instead of a line beyond the limit, a mark.

    The last line of a file may be without its line end. Only the first line of a block can be
    longer than what is read at once.
    """
    rest = bytearray()
    with path.open("rb", buffering=0) as stream:
        while block := stream.read(size):
            end = block.rfind(b"\n") + 1
            if end:
                yield _marked_if_long(rest, block[:end])
                rest = bytearray(block[end:])
            elif len(rest) <= LONGEST_LINE:
                # Beyond the limit it is only known that it is; the rest of it is not kept.
                rest += block
    if rest:
        yield LINE_TOO_LONG.encode() if len(rest) > LONGEST_LINE else bytes(rest)


def _marked_if_long(rest: bytearray, lines: bytes) -> bytes:
    first = lines.find(b"\n")
    if len(rest) + first > LONGEST_LINE:
        return LINE_TOO_LONG.encode() + lines[first:]
    return bytes(rest) + lines


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _decodable(line: bytes) -> bytes:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return BAD_ENCODING.encode()
    return line


class _Object(dict[str, object]):
    """An object of which the first of each name counts, as to DuckDB; and what stands twice."""

    def __init__(self, members: list[tuple[str, object]]) -> None:
        super().__init__(reversed(members))
        times = Counter(name for name, _ in members) if len(self) < len(members) else Counter()
        self.repeated = frozenset(name for name, count in times.items() if count > 1)


def _short(line: bytes, fields: Fields) -> bytes:
    """Return what a long line says in the given fields; the beginning of one that is no JSON."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return BAD_ENCODING.encode()
    try:
        value = json.loads(text, object_pairs_hook=_Object)
    except (ValueError, RecursionError):
        return _no_json(text)
    if isinstance(value, _Object) and not value.repeated.isdisjoint(fields):
        return _no_json(text)
    cut = json.dumps(_only(value, fields)).encode()
    return cut if len(cut) <= LONGEST_HELD else LINE_TOO_LONG.encode()


def _no_json(text: str) -> bytes:
    # Its beginning stands for it; the mark makes sure that this is no JSON either.
    return (text[:_SHOWN_OF_LONG] + NOT_JSON).encode()


def _only(value: object, form: Form) -> object:
    match value:
        case list() if isinstance(form, tuple):
            return [_only(element, form[0]) for element in value]
        case dict() if isinstance(form, Mapping):
            return {field: _only(value[field], of) for field, of in form.items() if field in value}
        case _:
            return value
