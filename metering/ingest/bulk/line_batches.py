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
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from metering.ingest.bulk.layout import LONGEST_HELD, LONGEST_LINE, Fields, Form, Layout
from metering.ingest.fingerprints import Readable, opened_as_it_lies

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

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
_BLOCK: Final = 256 << 10
# Parsed, a line may take many times its length: of a longer one only what is looked at is parsed.
_LONG_LINE: Final = 2 << 20
_LINE_END: Final = ord("\n")
_WORD: Final = 8
_SHOWN_OF_LONG: Final = 32 << 10


@dataclass(frozen=True, slots=True)
class LineBatches:
    """The lines of files, one file after the other.

    Attributes:
        paths: the files, unpacked.
        layout: of their format: a line that is too long for DuckDB is cut down to its fields; and
            where it says that a file may still be growing, a last line without its line end that
            is no JSON is marked as unfinished.
        opened: what opens one of them, to read all of it.
        batch_bytes: what a batch has room for, if no line is longer.
    """

    paths: Sequence[Path]
    layout: Layout
    opened: "Callable[[Path], AbstractContextManager[Readable]]" = opened_as_it_lies
    batch_bytes: int = _BATCH

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
            batch.begin(file_no)
            with self.opened(path) as stream:
                while batch.is_full or batch.read(stream):
                    if not batch.is_full:
                        continue
                    begun = batch.cut()
                    yield batch.record(self.layout.fields)
                    if len(begun) > LONGEST_LINE:
                        # It is only known that it is too long; the rest of it is not kept.
                        begun = LINE_TOO_LONG.encode() + _from_line_end(stream)
                    batch = batch.following(begun, self.batch_bytes)
            batch.end_line(is_live=self.layout.live)
        batch.cut()
        yield batch.record(self.layout.fields)


class _Batch:
    """Lines of one or several files, in one piece of memory.

    Args:
        size: bytes there is room for.
        read_so_far: the file of the line before, and how many lines of it came before.
    """

    def __init__(self, size: int, read_so_far: tuple[int, int] = (0, 0)) -> None:
        # Of Arrow's own pool, which hands out again what it got back; with room for a line end that
        # the last line of a file may lack.
        self._memory = pa.allocate_buffer(size + 1)
        self._view = memoryview(self._memory).cast("B")
        self._room = size
        self._size = 0
        self._files: list[int] = []
        self._begins: list[int] = []
        self._ends: npt.NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._read_so_far = read_so_far

    @property
    def is_full(self) -> bool:
        """Whether there is no room for more."""
        return self._size >= self._room

    def begin(self, file_no: int) -> None:
        """Have what is read from now on be of a file."""
        self._files.append(file_no)
        self._begins.append(self._size)

    def read(self, stream: Readable) -> bool:
        """Read what there is room for; say whether there was anything."""
        length = stream.readinto(self._view[self._size : self._room])
        self._size += length
        return length > 0

    def end_line(self, *, is_live: bool) -> None:
        """Give the last line of the file its line end, if it has none.

        Args:
            is_live: the file may still be growing: where that line is no JSON, a mark replaces it.
        """
        file = self._view[self._begins[-1] : self._size]
        if not file or file[-1] == _LINE_END:
            return
        if is_live:
            _, _, line = bytes(file).rpartition(b"\n")
            if not _is_json(line):
                self._size -= len(line) - 1
                self._view[self._size - 1] = ord(UNFINISHED)
        self._view[self._size] = _LINE_END
        self._size += 1

    def cut(self) -> bytes:
        """Leave whole lines alone; return what stands behind them, the beginning of another."""
        self._ends = _line_ends(np.frombuffer(self._view, np.uint8, self._size))
        end = int(self._ends[-1]) if len(self._ends) else 0
        begun = bytes(self._view[end : self._size])
        self._size = end
        return begun

    def record(self, fields: Fields) -> pa.RecordBatch:
        """Return the lines, as views of the memory they were read into, and where they stand."""
        offsets = np.zeros(len(self._ends) + 1, dtype=np.int32)
        offsets[1:] = self._ends
        places = np.searchsorted(offsets, [*self._begins, self._size])
        file_nos = np.repeat(np.array(self._files, dtype=np.int32), np.diff(places))
        line_nos = np.arange(1, len(self._ends) + 1, dtype=np.int64)
        for file_no, begin, end in zip(self._files, places, places[1:], strict=False):
            before, count = self._read_so_far
            count = count if file_no == before else 0
            line_nos[begin:end] += count - begin
            self._read_so_far = (file_no, count + int(end - begin))
        return pa.RecordBatch.from_arrays(
            [
                _readable(self._memory, offsets, fields),
                _numbers(pa.int64(), line_nos),
                _numbers(pa.int32(), file_nos),
            ],
            schema=_SCHEMA,
        )

    def following(self, begun: bytes, size: int) -> "_Batch":
        """Return the batch that comes after this one, once `record` was called.

        Args:
            begun: what it begins with, of the last file of this one.
            size: bytes it has room for, unless `begun` wants more.
        """
        batch = _Batch(max(size, 2 * len(begun)), self._read_so_far)
        batch.begin(self._files[-1])
        batch._view[: len(begun)] = begun
        batch._size = len(begun)
        return batch


def _line_ends(octets: "npt.NDArray[np.uint8]") -> "npt.NDArray[np.int64]":
    """Return the places behind line ends; eight octets without one are passed over at once."""
    whole = len(octets) - len(octets) % _WORD
    is_end = octets == _LINE_END
    words = np.flatnonzero(is_end[:whole].view(np.uint64) != 0)
    at, within = np.nonzero(is_end[:whole].reshape(-1, _WORD)[words])
    return np.concatenate([words[at] * _WORD + within, whole + np.flatnonzero(is_end[whole:])]) + 1


def _readable(
    memory: pa.Buffer, offsets: "npt.NDArray[np.int32]", fields: Fields
) -> pa.StringArray:
    """Return lines as texts: of those that are too long what is looked at, or a mark."""
    count = len(offsets) - 1
    lines = pa.StringArray.from_buffers(count, pa.py_buffer(offsets.data), memory)
    if not np.any(np.diff(offsets) > _LONG_LINE):
        with suppress(pa.ArrowInvalid):
            lines.validate(full=True)
            return lines
    text = memory.slice(0, max(int(offsets[-1]) - 1, 0)).to_pybytes()
    texts = [_presentable(line, fields) + b"\n" for line in text.split(b"\n")]
    offsets = np.cumsum([0, *map(len, texts)], dtype=np.int32)
    return pa.StringArray.from_buffers(
        count, pa.py_buffer(offsets.data), pa.py_buffer(b"".join(texts))
    )


def _presentable(line: bytes, fields: Fields) -> bytes:
    if len(line) > LONGEST_LINE:
        return LINE_TOO_LONG.encode()
    return _short(line, fields) if len(line) > _LONG_LINE else _decodable(line)


def _numbers(
    kind: pa.DataType, values: "npt.NDArray[np.int64] | npt.NDArray[np.int32]"
) -> "pa.Array[Any]":
    # Not `pa.array`: it imports pandas for a look at what it is given.
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values.data)])


def _from_line_end(stream: Readable) -> bytes:
    """Pass over the rest of a line; return its line end and what was read with it."""
    buffer = bytearray(_BLOCK)
    while length := stream.readinto(memoryview(buffer)):
        end = buffer.find(b"\n", 0, length)
        if end >= 0:
            return bytes(buffer[end:length])
    return b""


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
