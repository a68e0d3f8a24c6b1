"""TOML that people write about a format: each part is checked as it is asked for.

What a document says that nobody knows is refused like what it gets wrong: no file is read with
half of a meaning.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from metering.errors import SourceError, SourceRef, shown

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", re.ASCII)
_LONGEST_NAME: Final = 40
_REMEDY: Final = "correct the mapping; until then no file is read"
# What rows are called while they are read.
_RESERVED: Final = ("m_", "line_", "refused_by", "shared_key", "place", "snapshot", "stands_for")


@dataclass(frozen=True, slots=True)
class TomlDocument:
    """A mapping file that was read and is not yet checked.

    Attributes:
        path: the file, for messages.
        values: as TOML decodes it.
        sections: the keys that each section may have; none where any is allowed.
    """

    path: Path
    values: Mapping[str, object]
    sections: Mapping[str, tuple[str, ...]]

    @classmethod
    def read(cls, path: Path, sections: Mapping[str, tuple[str, ...]]) -> Self:
        """Return the document of a file.

        Raises:
            SourceError: `bad-mapping`; it is not readable TOML.
        """
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise SourceError(
                SourceRef(str(path)),
                "bad-mapping",
                f"it is not readable TOML: {error}",
                do=_REMEDY,
            ) from error
        return cls(path, values, sections)

    def refused(self, what: str, expected: str) -> SourceError:
        """Return the refusal of the document, for the caller to raise."""
        return SourceError(
            SourceRef(str(self.path)),
            "bad-mapping",
            what,
            details=(f"expected: {expected}",),
            do=_REMEDY,
        )

    def refuse_unknown(
        self, section: str, values: Mapping[str, object], known: tuple[str, ...]
    ) -> None:
        """Refuse a key that nobody knows; `section` is "" at the top."""
        for key in values:
            if known and key not in known:
                where = f"[{section}] has" if section else "there is"
                raise self.refused(f"{where} no {shown(key)}", ", ".join(known))

    def refuse_reserved(self, fields: tuple[str, ...], *, is_table: bool) -> None:
        """Refuse fields of the source whose names mean something else while rows are read."""
        for field in fields:
            if field.lower().startswith(_RESERVED) or not field.isprintable():
                raise self.refused(f"the field {shown(field)} is reserved", "another name")
            if not is_table and any(other.startswith(f"{field}.") for other in fields):
                raise self.refused(f"{shown(field)} is a field and an object", "one of the two")

    def name(self) -> str:
        """Return the name of the mapping."""
        name = self.text("name")
        if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
            raise self.refused(f"name is {shown(name)}", "words in small letters with hyphens")
        return name

    def text(self, key: str, *, default: str | None = None) -> str:
        """Return a text at the top; without a default it has to be there."""
        value = self.values.get(key, default)
        if not isinstance(value, str) or (not value and default is None):
            raise self.refused(f"{key} is left out", "text")
        return value

    def one_of(self, key: str, known: tuple[str, ...], *, default: str | None = None) -> str:
        """Return a text at the top out of a list."""
        value = self.values.get(key, default)
        if value not in known:
            raise self.refused(f"{key} is {shown(value)}", " or ".join(known))
        return str(value)

    def whole(self, key: str, value: object) -> int:
        """Return a whole number of 1 or more; `key` is what it is called in the message."""
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self.refused(f"{key} is {shown(value)}", "a whole number, 1 or more")
        return value

    def section(self, section: str) -> Mapping[str, object]:
        """Return a section; an empty one where the document has none."""
        values = self.values.get(section, {})
        if not isinstance(values, dict):
            raise self.refused(f"{section} is no section", f"[{section}]")
        self.refuse_unknown(section, values, self.sections[section])
        return values

    def texts(self, section: str) -> dict[str, str]:
        """Return a section in which everything is text."""
        values = self.section(section)
        for key, value in values.items():
            if not isinstance(value, str) or not value:
                raise self.refused(f"[{section}] {key} is {shown(value)}", "text")
        return {key: str(value) for key, value in values.items()}

    def recognised_by(self) -> tuple[str, ...]:
        """Return the fields by which a file is recognised."""
        fields = self.section("recognise").get("fields")
        if not isinstance(fields, list) or not fields:
            raise self.refused("nothing says how it is recognised", "fields in [recognise]")
        if not all(isinstance(one, str) and one for one in fields):
            raise self.refused("[recognise] fields is no list of texts", "names of fields")
        return tuple(str(one) for one in fields)

    def time_form(self, known: tuple[str, ...]) -> str:
        """Return how instants are written; the first form where the document does not say."""
        form = self.section("time").get("form", known[0])
        if form not in known:
            raise self.refused(f"[time] form is {shown(form)}", " or ".join(known))
        return str(form)
