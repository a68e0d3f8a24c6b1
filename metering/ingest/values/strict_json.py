"""JSON as a ledger has to read it: nothing repaired, nothing lost, every value on its line.

The standard decoder keeps the last of two equal keys, takes NaN for a number, rounds 0.1 to binary
and forgets where it was. This one marks such values instead, so that one bad record is refused
alone, and walks the outer levels of a document so that each record keeps its physical line.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from metering.errors import SourceError, SourceRef, shown

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_LONGEST_INTEGER: Final = 20


@dataclass(frozen=True, slots=True)
class Oddity:
    """A JSON number that is not a whole number of 64 bits: 12.5, 1e3, NaN, forty digits.

    Attributes:
        spelled: as the file writes it, so that no digit is lost to binary floats.
    """

    spelled: str


@dataclass(frozen=True, slots=True)
class RepeatedKey:
    """An object in which one key stands twice, so that nobody can say which value is meant.

    Attributes:
        key: the key.
    """

    key: str


class Cursor:
    """A place in a JSON text that moves forward over members, elements and whole values.

    Every method raises `SourceError` with code `bad-json` where the text is not JSON; nothing of
    such a file may be recorded, since what follows cannot be told.
    """

    def __init__(self, text: str, path: str) -> None:
        self._text = text
        self._path = path
        self._at = 0
        self._counted = 0  # characters before this one have had their line ends counted
        self._line = 1

    def ahead(self) -> str:
        """Return the next character that is not space, or "" at the end, without passing it."""
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._text[self._at : self._at + 1]

    def line(self) -> int:
        """Return the physical line, 1-based, of the next value."""
        self.ahead()
        return self._line_of(self._at)

    def value(self) -> object:
        """Return the next value, decoded, and pass it.

        Returns:
            None, bool, str, int, list or dict; `Oddity` and `RepeatedKey` for what is none.
        """
        self.ahead()
        try:
            value, self._at = _DECODER.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            raise self._not_json(error.pos, unfinished="Unterminated" in error.msg) from error
        except RecursionError as error:
            raise self._bad_json(self._at, "the value is nested too deeply to be read") from error
        return value

    def members(self) -> Iterator[str]:
        """Yield each key of the object ahead; the caller passes its value before the next."""
        self._pass("{")
        if self.ahead() != "}":
            yield self._key()
            while self.ahead() == ",":
                self._pass(",")
                yield self._key()
        self._pass("}")

    def elements(self) -> Iterator[int]:
        """Yield the line of each element of the list ahead; the caller passes the element."""
        self._pass("[")
        if self.ahead() != "]":
            yield self.line()
            while self.ahead() == ",":
                self._pass(",")
                yield self.line()
        self._pass("]")

    def _key(self) -> str:
        if self.ahead() != '"':
            raise self._not_json(self._at)
        key = self.value()
        self._pass(":")
        return str(key)

    def _pass(self, character: str) -> None:
        if self.ahead() != character:
            raise self._not_json(self._at)
        self._at += 1

    def _not_json(self, position: int, *, unfinished: bool = False) -> SourceError:
        if unfinished or not self._text[position:].strip(" \t\r\n"):
            return self._bad_json(len(self._text.rstrip()), "the file ends inside a value")
        return self._bad_json(
            position, f"found {shown(self._text[position])} where JSON allows none"
        )

    def _bad_json(self, position: int, what: str) -> SourceError:
        return SourceError(
            SourceRef(self._path, self._line_of(position)),
            "bad-json",
            what,
            do="export the file again; nothing of it is recorded",
        )

    def _line_of(self, position: int) -> int:
        if position < self._counted:
            return self._text.count("\n", 0, position) + 1
        self._line += self._text.count("\n", self._counted, position)
        self._counted = position
        return self._line


def _integer(spelled: str) -> int | Oddity:
    # Python refuses to convert thousands of digits; no count needs more than twenty.
    return int(spelled) if len(spelled) <= _LONGEST_INTEGER else Oddity(spelled)


def _object(members: list[tuple[str, object]]) -> dict[str, object] | RepeatedKey:
    values = dict(members)
    if len(values) == len(members):
        return values
    times = Counter(key for key, _ in members)
    return RepeatedKey(next(key for key, count in times.items() if count > 1))


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=Oddity, parse_int=_integer, parse_constant=Oddity
)
