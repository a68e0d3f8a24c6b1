"""Lists of Python values as Arrow arrays, without pandas.

`pa.array` imports pandas for a look at what it is given, and that takes longer than to read a file
of some megabytes.
"""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate, chain
from typing import Any, Final

import pyarrow as pa

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_NUMBERS: Final = frozenset({int, type(None)})


def array_of(values: Sequence[Any], kind: pa.DataType) -> "pa.Array[Any]":
    """Return values as an array of their kind.

    Args:
        values: of one column; None is null.
        kind: 64-bit integers, texts, instants in microseconds, or a map from and to these.

    Raises:
        TypeError, AttributeError: a value is of another kind; a truth value is no number, and an
            instant has a zone.
        OverflowError: a number has more than 64 bits, or the texts come to more than 2 GiB.
    """
    if values.count(None) == len(values):
        return pa.nulls(len(values), kind)  # type: ignore[call-overload,no-any-return]  # of any type
    if pa.types.is_map(kind):
        return _maps(values, kind)
    if pa.types.is_string(kind):
        return _texts(values, kind)
    if pa.types.is_timestamp(kind):
        values = [None if value is None else (value - _EPOCH) // _MICROSECOND for value in values]
    if not _NUMBERS.issuperset(map(type, values)):
        raise TypeError(f"a value of {kind} is not a whole number")
    numbers = array("q", [value or 0 for value in values])
    return pa.Array.from_buffers(kind, len(values), [_filled(values), pa.py_buffer(numbers)])


def _texts(values: Sequence[str | None], kind: pa.DataType) -> "pa.Array[Any]":
    texts = [b"" if value is None else value.encode() for value in values]
    buffers = [_filled(values), _offsets(texts), pa.py_buffer(b"".join(texts))]
    return pa.Array.from_buffers(kind, len(values), buffers)


def _maps(values: Sequence[Mapping[str, Any] | None], kind: Any) -> "pa.Array[Any]":
    maps = [value or {} for value in values]
    entries = pa.StructArray.from_arrays(
        [
            array_of(list(chain.from_iterable(maps)), kind.key_type),
            array_of(list(chain.from_iterable(one.values() for one in maps)), kind.item_type),
        ],
        fields=[kind.key_field, kind.item_field],
    )
    buffers = [_filled(values), _offsets(maps)]
    return pa.Array.from_buffers(kind, len(values), buffers, children=[entries])


def _offsets(parts: Iterable[bytes | Mapping[str, Any]]) -> pa.Buffer:
    """Return where each part begins, and where the last one ends."""
    return pa.py_buffer(array("i", accumulate(map(len, parts), initial=0)))


def _filled(values: Sequence[object]) -> pa.Buffer | None:
    """Return a bit for each value, set where it is not null; None where none is."""
    if None not in values:
        return None
    bits = "".join("0" if value is None else "1" for value in reversed(values))
    return pa.py_buffer(int(bits, 2).to_bytes(-(-len(bits) // 8), "little"))
