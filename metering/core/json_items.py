"""The objects of a JSON document with the line on which each begins."""

import json
from collections.abc import Collection, Generator, Iterator, Mapping
from typing import Final

from metering.errors import WHOLE_FILE_REMEDY, RefusedFileError, Rejection

_SPACE: Final = " \t\r\n"
_DECODER: Final = json.JSONDecoder()

Item = tuple[int, Mapping[str, object]]
"""Physical line of the object's first character, 1-based, and the object."""


def json_items(text: str, path: str, lists: Collection[str]) -> tuple[Item, ...]:
    """Return the objects of a JSON document.

    Args:
        text: the whole file, decoded: an array, an object with some of `lists`, or an object to
            a line.
        path: the file as the user named it, for messages.
        lists: names of the arrays to look into.

    Raises:
        RefusedFileError: `bad-json`.
    """
    text = text.removeprefix("\ufeff")
    try:
        found = list(_items(text, lists))
    except (ValueError, RecursionError) as error:
        at = error.pos if isinstance(error, json.JSONDecodeError) else 0
        line = text.count("\n", 0, at) + 1
        said = error.msg if isinstance(error, json.JSONDecodeError) else "it nests too deeply"
        rejection = Rejection(line, "bad-json", "", said, "JSON", WHOLE_FILE_REMEDY)
        raise RefusedFileError(path, [rejection]) from error
    lines = _lines(text, [at for at, _ in found])
    return tuple(
        (line, item)
        for line, (_, item) in zip(lines, found, strict=True)
        if isinstance(item, Mapping)
    )


def _items(text: str, lists: Collection[str]) -> Iterator[tuple[int, object]]:
    at = _skip(text, 0)
    while at < len(text):
        if text[at] == "[":
            at = yield from _array(text, at)
        elif text[at] == "{" and _holds(text, at, lists):
            at = yield from _object(text, at, lists)
        else:
            item, end = _DECODER.raw_decode(text, at)
            yield at, item
            at = end
        at = _skip(text, at)


def _holds(text: str, at: int, lists: Collection[str]) -> bool:
    value, _ = _DECODER.raw_decode(text, at)
    return isinstance(value, dict) and any(isinstance(value.get(name), list) for name in lists)


def _object(text: str, at: int, lists: Collection[str]) -> Generator[tuple[int, object], None, int]:
    # The decoder has read it once, so its punctuation is right.
    at = _skip(text, at + 1)
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        if name in lists and text[at] == "[":
            at = yield from _array(text, at)
        else:
            _, at = _DECODER.raw_decode(text, at)
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return at + 1


def _array(text: str, at: int) -> Generator[tuple[int, object], None, int]:
    at = _skip(text, at + 1)
    while text[at : at + 1] != "]":
        item, end = _DECODER.raw_decode(text, at)
        yield at, item
        at = _skip(text, end)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif text[at : at + 1] != "]":
            raise json.JSONDecodeError("an array is not closed", text, at)
    return at + 1


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _lines(text: str, offsets: list[int]) -> Iterator[int]:
    line, reached = 1, 0
    for at in offsets:
        line += text.count("\n", reached, at)
        reached = at
        yield line
