"""TOML that people write: tables of one name, and the line on which each of their keys stands.

Readers of TOML give no lines, so the words of a table are looked for in its text. A file is taken
whole or refused whole; every refusal names its file, line and key.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from metering.core.patterns import Pattern, PatternError
from metering.errors import WHOLE_FILE_REMEDY, RefusedFileError, RejectedError, Rejection, shown

_HEADER: Final = re.compile(r"^[ \t]*\[\[", re.MULTILINE)
_PLACE: Final = re.compile(r"\(at (?:line (\d+)|end of document)")


class Place:
    """Where a table stands.

    Attributes:
        line: of the table's header.
    """

    def __init__(self, block: str, line: int) -> None:
        self._lines = block.split("\n")
        self.line = line

    def line_of(self, word: str) -> int:
        """Return the line on which a key of the table stands first, or that of its header."""
        key = re.compile(rf"(?<![\w:-])[\"']?{re.escape(word)}[\"']?\s*[=\]]")
        found = (at for at, line in enumerate(self._lines) if key.search(line))
        return self.line + next(found, 0)

    def refused(self, code: str, field: str, found: str, expected: str) -> RejectedError:
        """Return the refusal of one key of the table."""
        return RejectedError(
            Rejection(self.line_of(field), code, field, found, expected, WHOLE_FILE_REMEDY)
        )


def read_toml(text: str, path: str) -> tuple[Mapping[str, object], str]:
    """Return a TOML document, decimals exact, and its text as `tables` wants it.

    Args:
        text: the whole file, decoded.
        path: the file as the user named it, for messages.

    Raises:
        RefusedFileError: `bad-toml`.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    try:
        return tomllib.loads(text, parse_float=Decimal), text
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits is no TOMLDecodeError
        raise RefusedFileError(path, [_not_toml(error, text)]) from error


def tables(
    document: Mapping[str, object], text: str, name: str
) -> Iterator[tuple[Place, Mapping[str, object]]]:
    """Yield the tables of one name, `[[name]]`, each with its place.

    Args:
        document: the file, read.
        text: the file, with line feeds alone.
        name: of the tables, a plain word.
    """
    found = document.get(name, [])
    if not isinstance(found, list):
        found = [found]
    header = re.compile(rf"^[ \t]*\[\[[ \t]*{name}[ \t]*\]\]", re.MULTILINE)
    starts = [match.start() for match in header.finditer(text)]
    others = [match.start() for match in _HEADER.finditer(text)]
    ends = [next((at for at in others if at > start), len(text)) for start in starts]
    if len(starts) != len(found):
        # A header inside a text, or tables in one array: words are looked for in the whole file.
        starts, ends = [0] * len(found), [len(text)] * len(found)
    for table, start, end in zip(found, starts, ends, strict=False):
        place = Place(text[start:end], text.count("\n", 0, start) + 1)
        yield place, table if isinstance(table, Mapping) else {}


def unknown_keys(
    table: Mapping[str, object], known: Sequence[str], place: Place
) -> Iterator[Rejection]:
    """Yield the refusal of each key that is none of `known`."""
    for key in table:
        if key not in known:
            expected = f"one of {', '.join(known)}"
            yield place.refused("unknown-field", key, "there", expected).rejection


def table_in(table: Mapping[str, object], key: str, place: Place) -> Mapping[str, object]:
    """Return the table under a key.

    Raises:
        RejectedError: `missing-field`, or `bad-value` for anything else.
    """
    value = table.get(key)
    if value is None:
        raise place.refused("missing-field", key, "missing", f"{key} = {{ … }}")
    if not isinstance(value, Mapping):
        raise place.refused("bad-value", key, shown(value), f"{key} = {{ … }}")
    return value


def text_in(table: Mapping[str, object], key: str, place: Place) -> str:
    """Return the text under a key, without spaces around it.

    Raises:
        RejectedError: `missing-field`, or `bad-value` for anything else and for empty text.
    """
    value = table.get(key)
    if value is None:
        raise place.refused("missing-field", key, "missing", f'{key} = "…"')
    if not isinstance(value, str) or not value.strip():
        raise place.refused("bad-value", key, shown(value), "text in quotes")
    return value.strip()


def pattern_in(table: Mapping[str, object], key: str, place: Place) -> Pattern:
    """Return the pattern under a key.

    Raises:
        RejectedError: `bad-pattern`, or `bad-value` for anything but text.
    """
    written = table[key]
    if not isinstance(written, str):
        raise place.refused("bad-value", key, shown(written), "a pattern in quotes")
    try:
        return Pattern.parse(written)
    except PatternError as error:
        expected = f"exact text, glob:… or re2:…; {error}"
        raise place.refused("bad-pattern", key, shown(written), expected) from error


def day_text_in(table: Mapping[str, object], key: str, place: Place) -> str:
    """Return the day under a key as text for `core.validity`; empty where there is none.

    Raises:
        RejectedError: `bad-date` for what is neither a day nor text.
    """
    value = table.get(key, "")
    # A date-time is a date too for Python; a rule changes with the day, so its hour would be lost.
    if type(value) is date:
        return value.isoformat()
    if not isinstance(value, str):
        raise place.refused("bad-date", key, shown(value), "a day as YYYY-MM-DD, or nothing")
    return value


def _not_toml(error: Exception, text: str) -> Rejection:
    place = _PLACE.search(str(error))
    line = int(place[1]) if place and place[1] else text.count("\n") + 1
    return Rejection(line, "bad-toml", "", str(error), "TOML 1.0", WHOLE_FILE_REMEDY)
