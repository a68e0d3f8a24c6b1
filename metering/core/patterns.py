"""Patterns a rule may hold: exact text, a glob, or an RE2 expression.

Every pattern is compared with the *whole* value: a glob `ci-*` does not match `my-ci-1`. Both
globs and expressions run on RE2, whose time is linear in the value whatever the pattern; a pattern
RE2 refuses (look-around, back-references) is refused here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

import re2  # type: ignore[import-untyped]  # google-re2 ships no types

LONGEST_PATTERN: Final = 500
"""Characters; a longer pattern is a list in disguise and belongs into several rules."""

_SET_MEMORY_BYTES: Final = 64 << 20
_EVERYTHING: Final = "(?s).*"


class PatternKind(StrEnum):
    """How a pattern is written; the prefix in a rules file, without its colon."""

    EXACT = "exact"
    GLOB = "glob"
    RE2 = "re2"


_PREFIXES: Final = frozenset(kind.value for kind in PatternKind)


class PatternError(ValueError):
    """A pattern cannot be used; the message says why, for the file's author."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a value must look like; the whole value, never a part of it.

    Attributes:
        kind: how `text` is written.
        text: the pattern without its prefix.
    """

    kind: PatternKind
    text: str

    @classmethod
    def parse(cls, written: str) -> "Pattern":
        """Return the pattern as a rules file writes it: `glob:…`, `re2:…`, else exact text.

        `exact:…` is for a value that itself begins with one of the prefixes.

        Raises:
            PatternError: it is empty, longer than `LONGEST_PATTERN`, or RE2 refuses it.
        """
        prefix, colon, rest = written.partition(":")
        kind, text = PatternKind.EXACT, written
        if colon and prefix in _PREFIXES:
            kind, text = PatternKind(prefix), rest
        if not text:
            raise PatternError("it is empty")
        if len(text) > LONGEST_PATTERN:
            raise PatternError(f"it has {len(text)} characters; {LONGEST_PATTERN} are allowed")
        pattern = cls(kind, text)
        if kind is not PatternKind.EXACT:
            _compiled(pattern.expression)
        return pattern

    @property
    def expression(self) -> str:
        """The RE2 expression that matches the same values, to be anchored at both ends."""
        if self.kind is PatternKind.GLOB:
            return glob_expression(self.text)
        return self.text if self.kind is PatternKind.RE2 else re2.escape(self.text)

    def matches(self, value: str) -> bool:
        """Say whether the whole of `value` looks like this."""
        if self.kind is PatternKind.EXACT:
            return value == self.text
        return _compiled(self.expression).fullmatch(value) is not None

    def __str__(self) -> str:
        return self.text if self.kind is PatternKind.EXACT else f"{self.kind}:{self.text}"


class PatternSet:
    """Several patterns asked at once: all that match a value, in one pass over it.

    RE2's set reports running out of memory as "nothing matches". Each set therefore also holds an
    expression that matches everything: when that one is missing from an answer, the patterns are
    asked one by one instead.
    """

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._patterns = tuple(patterns)
        self._set = _set_of(self._patterns)

    def matching(self, value: str) -> list[int]:
        """Return the positions of the patterns that match the whole of `value`, in any order."""
        found = self._set.Match(value) if self._set is not None else None
        if not found:
            return [at for at, pattern in enumerate(self._patterns) if pattern.matches(value)]
        everything = len(self._patterns)
        return [at for at in found if at != everything]


def glob_expression(glob: str) -> str:
    """Return the RE2 expression of a glob: `*` any text, `?` one character, `[a-z]`, `[!a-z]`.

    Raises:
        PatternError: a `[` has no `]`.
    """
    parts = ["(?s)"]
    at = 0
    while at < len(glob):
        character = glob[at]
        if character == "[":
            end = _class_end(glob, at)
            parts.append(_class_expression(glob[at + 1 : end]))
            at = end
        else:
            parts.append({"*": ".*", "?": "."}.get(character) or re2.escape(character))
        at += 1
    return "".join(parts)


def _class_end(glob: str, start: int) -> int:
    # A "]" right after "[" or "[!" stands for itself, as in every shell.
    first = start + 2 if glob[start + 1 : start + 2] == "!" else start + 1
    end = glob.find("]", first + 1)
    if end < 0:
        raise PatternError("a '[' has no ']'; a bracket itself is written '[[]'")
    return end


def _class_expression(inside: str) -> str:
    negated = inside.startswith("!")
    members = inside[1:] if negated else inside
    # The hyphen stays as it is, since it makes the ranges; all else stands for itself.
    escaped = "".join(c if c == "-" else re2.escape(c) for c in members)
    return f"[{'^' if negated else ''}{escaped}]"


@lru_cache(maxsize=4096)
def _compiled(expression: str) -> Any:
    try:
        return re2.compile(expression, _quiet_options())
    except re2.error as error:
        reason = error.args[0] if error.args else error
        told = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise PatternError(f"RE2 refuses it: {told}") from error


def _set_of(patterns: Sequence[Pattern]) -> Any:
    options = _quiet_options()
    options.max_mem = _SET_MEMORY_BYTES
    together = re2.Set.FullMatchSet(options)
    for pattern in patterns:
        together.Add(pattern.expression)
    together.Add(_EVERYTHING)
    try:
        together.Compile()
    except re2.error:
        return None  # too large together, though each one is fine: they are asked one by one
    return together


def _quiet_options() -> Any:
    options = re2.Options()
    options.log_errors = False  # RE2 would write to stderr by itself
    return options
