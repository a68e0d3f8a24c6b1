"""Foreign values, checked once: a typed accessor returns what it was asked for, or refuses.

Nothing is repaired. A whole number is a JSON integer: neither true, nor 12.5, nor "12". An instant
names its zone. What is refused says which field, what was found and what would do, and becomes a
rejection of that one record.
"""

import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from metering.errors import Rejection, shown
from metering.ingest.values.strict_json import Oddity, RepeatedKey

_LARGEST_WHOLE_NUMBER: Final = 2**63 - 1
_DECIMAL: Final = re.compile(r"-?\d{1,20}(\.\d{1,60})?([eE][+-]?\d{1,2})?", re.ASCII)
_LONGEST_TEXT: Final = 1000
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
_DAY: Final = re.compile(r"20\d\d-\d\d-\d\d", re.ASCII)
_RFC3339: Final = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})[Tt ](?P<time>\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?)"
    r"(?P<zone>[Zz]|[+-]\d{2}:\d{2})?",
    re.ASCII,
)

_WHOLE_NUMBER: Final = "a whole number, 0 or more, without quotes or decimals"
_TEXT: Final = f"text of at most {_LONGEST_TEXT} characters, without NUL"
_INSTANT: Final = "an instant as YYYY-MM-DDTHH:MM:SSZ, from 2000 to 2099"
_UNIX_SECONDS: Final = "whole seconds since 1970, from 2000 to 2099"


class FieldRefused(Exception):  # noqa: N818 - a refusal that becomes a value, never a crash
    """One field of one record cannot be used; a format turns it into a `Rejection`.

    Attributes:
        code: stable, kebab-case.
        field: its name as the source spells it, dotted when nested; "" for the whole record.
        found: the value alone, already cut for display.
        expected: what would have been accepted, in words.
        remedy: what the user does, where it is not to correct the field.
    """

    def __init__(
        self,
        code: str,
        field: str,
        found: str,
        expected: str,
        remedy: str = "correct the field and ingest the file again",
    ) -> None:
        self.code = code
        self.field = field
        self.found = found
        self.expected = expected
        self.remedy = remedy
        super().__init__(f"{code}: {field}")

    def at(self, line: int) -> Rejection:
        """Return the rejection of the record that starts on `line`."""
        return Rejection(line, self.code, self.field, self.found, self.expected, self.remedy)


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one JSON object, under the names a message shows.

    Attributes:
        values: decoded by `strict_json`.
        within: dotted name of the object itself, ending in a dot; "" for a record.
    """

    values: Mapping[str, object]
    within: str = ""

    @classmethod
    def of(cls, value: object, name: str = "") -> "Fields":
        """Return the fields of a decoded object.

        Raises:
            FieldRefused: `duplicate-key` or `bad-record`; it is no object with distinct keys.
        """
        if isinstance(value, RepeatedKey):
            key = shown(value.key)[1:-1]
            field = f"{name}.{key}" if name else key
            raise FieldRefused("duplicate-key", field, "two values", "each key once in an object")
        if not isinstance(value, Mapping):
            raise FieldRefused("bad-record", name, as_found(value), "an object in braces")
        return cls(value, f"{name}." if name else "")

    def part(self, name: str) -> "Fields":
        """Return the fields of a nested object, which must be there."""
        return Fields.of(self.required(name), self.within + name)

    def parts(self, name: str) -> tuple["Fields", ...]:
        """Return the fields of each object in a list; none where the source leaves it out or null.

        Raises:
            FieldRefused: `bad-record`; it is no list, or holds something else.
        """
        values = self.values.get(name)
        if values is None:
            return ()
        if not isinstance(values, list):
            raise self.refused("bad-record", name, "a list of objects")
        return tuple(
            Fields.of(value, f"{self.within}{name}[{place}]") for place, value in enumerate(values)
        )

    def part_if_any(self, name: str) -> "Fields":
        """Return the fields of a nested object; none where the source leaves it out or null."""
        value = self.values.get(name)
        return Fields.of({} if value is None else value, self.within + name)

    def whole_number(self, name: str) -> int:
        """Return a count from 0 to 2^63-1.

        Raises:
            FieldRefused: `missing-field`, or `bad-quantity` for anything else, null included.
        """
        value = self.required(name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.refused("bad-quantity", name, _WHOLE_NUMBER)
        if value > _LARGEST_WHOLE_NUMBER:
            raise self.refused("bad-quantity", name, "a whole number below 2^63")
        return value

    def whole_number_if_any(self, name: str) -> int | None:
        """Return a count, or None where the source leaves it out or null."""
        return None if self.values.get(name) is None else self.whole_number(name)

    def text_if_any(self, name: str) -> str | None:
        """Return text as the source spells it, or None where it leaves it out, null or empty.

        Raises:
            FieldRefused: `bad-text`; no text, too long, or not storable as UTF-8.
        """
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str) or not _is_storable(value):
            raise self.refused("bad-text", name, _TEXT)
        return value

    def decimal_text_if_any(self, name: str) -> str | None:
        """Return a number as it is spelled, with or without quotes, or None where there is none.

        For numbers that are shown and never calculated with.

        Raises:
            FieldRefused: `bad-quantity`; it is no plain decimal.
        """
        value = self.values.get(name)
        if value is None or value == "":
            return None
        spelled = value.spelled if isinstance(value, Oddity) else str(value)
        if isinstance(value, bool) or not _DECIMAL.fullmatch(spelled):
            raise self.refused("bad-quantity", name, "a decimal number")
        return spelled

    def text(self, name: str) -> str:
        """Return text that has to be there.

        Raises:
            FieldRefused: `missing-field`, or `bad-text`, null and the empty text included.
        """
        self.required(name)
        value = self.text_if_any(name)
        if value is None:
            raise self.refused("bad-text", name, _TEXT)
        return value

    def one_of(self, name: str, known: Collection[str]) -> str | None:
        """Return text out of a documented list, or None where the source leaves it out or null.

        Raises:
            FieldRefused: `bad-text`; or `unknown-value`, since what has a name that nobody has
                documented may have a price that nobody knows.
        """
        value = self.text_if_any(name)
        if value is not None and value not in known:
            raise FieldRefused(
                "unknown-value",
                self.within + name,
                shown(value),
                " or ".join(known),
                "ask the provider what it means; until then the record stays in quarantine",
            )
        return value

    def refuse_other_counts(self, known: Collection[str]) -> None:
        """Refuse an object of counts that has one of something that nobody has documented.

        Raises:
            FieldRefused: `unknown-value`; it may have a price that nobody knows.
        """
        for name in sorted(self.values.keys() - set(known)):
            if self.values[name] not in (0, None):
                raise FieldRefused(
                    "unknown-value",
                    self.within + name,
                    as_found(self.values[name]),
                    f"counts of {', '.join(known)} alone",
                    "ask the provider what it means; until then the record stays in quarantine",
                )

    def flag_if_any(self, name: str) -> bool | None:
        """Return true or false, or None where the source leaves it out or null.

        Raises:
            FieldRefused: `bad-flag`; 0, 1 and "true" are not truth values.
        """
        value = self.values.get(name)
        if value is None or isinstance(value, bool):
            return value
        raise self.refused("bad-flag", name, "true, false or null")

    def instant(self, name: str) -> datetime:
        """Return an RFC 3339 instant in UTC, cut to microseconds.

        Raises:
            FieldRefused: `missing-field`; `naive-timestamp` where the zone is left out, since
                taking it as local or as UTC would be a guess; `bad-instant` for anything else.
        """
        value = self.required(name)
        match = _RFC3339.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise self.refused("bad-instant", name, _INSTANT)
        if match["zone"] is None:
            raise self.refused("naive-timestamp", name, "an instant with its zone, such as Z")
        return self._in_range(name, f"{match['date']}T{match['time']}{match['zone'].upper()}")

    def day(self, name: str) -> date:
        """Return a calendar day written YYYY-MM-DD.

        Raises:
            FieldRefused: `missing-field`, or `bad-date`.
        """
        value = self.required(name)
        if isinstance(value, str) and _DAY.fullmatch(value):
            with suppress(ValueError):
                return date.fromisoformat(value)
        raise self.refused("bad-date", name, "a day as YYYY-MM-DD, from 2000 to 2099")

    def unix_instant(self, name: str) -> datetime:
        """Return an instant given in whole seconds since 1970.

        Raises:
            FieldRefused: `missing-field`, or `bad-instant`; milliseconds are out of range and
                so are refused rather than taken for the year 50000.
        """
        value = self.required(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.refused("bad-instant", name, _UNIX_SECONDS)
        if not _EARLIEST.timestamp() <= value < _LATEST.timestamp():
            raise self.refused("bad-instant", name, _UNIX_SECONDS)
        return datetime.fromtimestamp(value, UTC)

    def refused(self, code: str, name: str, expected: str) -> FieldRefused:
        """Return the refusal of a field that is there, for the caller to raise."""
        return FieldRefused(code, self.within + name, as_found(self.values.get(name)), expected)

    def required(self, name: str) -> object:
        """Return a value unchecked, null included.

        Raises:
            FieldRefused: `missing-field`; the record has no such field.
        """
        if name not in self.values:
            raise FieldRefused(
                "missing-field", self.within + name, "left out", "every record to have it"
            )
        return self.values[name]

    def _in_range(self, name: str, text: str) -> datetime:
        try:
            instant = datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise self.refused("bad-instant", name, _INSTANT) from error
        if not _EARLIEST <= instant < _LATEST:
            raise self.refused("bad-instant", name, _INSTANT)
        return instant


def as_found(value: object) -> str:
    """Return a decoded value as a message shows it: as JSON spells it, and never its insides."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case Oddity(spelled):
            return shown(spelled)
        case Mapping() | RepeatedKey():
            return "an object"
        case list():
            return "a list"
        case _:
            return shown(value)


def _is_storable(text: str) -> bool:
    # A lone surrogate can be written in JSON but not in UTF-8; NUL ends a text in other tools.
    if len(text) > _LONGEST_TEXT or "\0" in text:
        return False
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
