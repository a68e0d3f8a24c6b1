"""What can go wrong, and how it is said.

Data that cannot be read is a value (`Rejection`), kept with its file and line; everything else is
an exception below `MeteringError`, whose message is printed as it stands. A message has four
parts: where, which field, what was found, what to do. It never holds the rest of a row: rows may
hold a prompt or a person's address.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_SHOWN_CHARACTERS: Final = 40
_TOLD_REJECTIONS: Final = 20

WHOLE_FILE_REMEDY: Final = "correct it and give the file again; nothing of it has been taken"
"""What a user does about a file that is taken whole or not at all."""


def shown(value: object) -> str:
    """Return one foreign value as a message shows it: quoted, printable, 40 characters at most."""
    text = str(value)
    cut = text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
    return f"'{on_one_line(cut)}'"


def on_one_line(text: str) -> str:
    """Return foreign text without control characters, line ends included.

    A file may be named so that the end of its name reads like the next message.
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else "�" for c in text)


def first_of(texts: Iterable[str], most: int) -> tuple[str, ...]:
    """Return what a message tells of many: the first `most`, then how many there are beside."""
    every = tuple(texts)
    beside = len(every) - most
    return (*every[:most], f"and {beside:,} more") if beside > 0 else every


@dataclass(frozen=True, slots=True, order=True)
class SourceRef:
    """A place in a source file.

    Attributes:
        path: the file as the user named it.
        line: physical line, 1-based; 0 when the place is the file as a whole.
    """

    path: str
    line: int = 0

    def __str__(self) -> str:
        path = on_one_line(self.path)
        return f"{path}:{self.line}" if self.line else path


@dataclass(frozen=True, slots=True, order=True)
class Rejection:
    """One record that was refused; kept in quarantine until it is retried or accepted.

    Attributes:
        line: physical line, 1-based; for a JSON page, the ordinal of the record (see `unit`).
        code: stable, kebab-case; has a directory under `tests/errors/`.
        field: the field that was refused, as the source spells it; empty for the whole record.
        found: that value alone, already cut by `shown`.
        expected: what would have been accepted, in words.
        remedy: what the user does now.
    """

    line: int
    code: str
    field: str
    found: str
    expected: str
    remedy: str = "correct the field and ingest the file again"

    def message(self, path: str) -> str:
        """Return the three-line message, `FILE:LINE` first so that editors can jump."""
        what = f"{self.field} is {self.found}" if self.field else f"found {self.found}"
        return (
            f"{SourceRef(path, self.line)}: error[{self.code}]: {what}\n"
            f"    expected: {self.expected}\n"
            f"    do:       {self.remedy}"
        )


class RejectedError(ValueError):
    """One record is refused; whoever reads the file collects the rejection and goes on.

    Attributes:
        rejection: what the user is told.
    """

    def __init__(self, rejection: Rejection) -> None:
        self.rejection = rejection
        super().__init__(rejection.code)


class MeteringError(Exception):
    """The base of everything a command reports without a traceback.

    Attributes:
        code: stable, kebab-case; scripts match on it, never on words.
    """

    code = "metering-error"


class SourceError(MeteringError):
    """A file cannot be read at all; nothing of it is recorded.

    Args:
        where: file, or file and line.
        code: stable error code.
        what: what was found, one line.
        details: further lines, each "label: text" or a plain sentence.
        do: what the user does now.
    """

    def __init__(
        self, where: SourceRef, code: str, what: str, *, details: tuple[str, ...] = (), do: str = ""
    ) -> None:
        self.where = where
        self.code = code
        lines = [f"{where}: error[{code}]: {what}", *(f"    {line}" for line in details)]
        if do:
            lines.append(f"    do:       {do}")
        super().__init__("\n".join(lines))


def refuse_unspeakable_name(path: str) -> None:
    """Refuse a file whose name is no text, since the books could not keep where a record is from.

    Args:
        path: as the system gave it; bytes that are not UTF-8 stand in it as lone surrogates.

    Raises:
        SourceError: `unreadable-file`.
    """
    try:
        path.encode("utf-8")
    except UnicodeEncodeError as error:
        raise SourceError(
            SourceRef(path),
            "unreadable-file",
            "its name is not text in UTF-8",
            do="rename it, and name it again",
        ) from error


class RefusedFileError(MeteringError):
    """A file that is taken whole or not at all cannot be taken; nothing of it is recorded.

    For files people write (owners, rules, invoices): all their mistakes are told at once.

    Args:
        path: the file as the user named it.
        rejections: one per mistake, at least one; told in the order of their lines.
    """

    def __init__(self, path: str, rejections: Sequence[Rejection]) -> None:
        self.rejections = tuple(sorted(rejections))
        self.code = self.rejections[0].code
        messages = (rejection.message(path) for rejection in self.rejections)
        super().__init__("\n".join(first_of(messages, _TOLD_REJECTIONS)))


class RefusedFilesError(MeteringError):
    """Files that are taken together do not fit together; nothing of any is recorded.

    Args:
        refused: a file as the user named it, to what is refused in it; at least one.
    """

    def __init__(self, refused: Mapping[str, Sequence[Rejection]]) -> None:
        files = [RefusedFileError(path, refused[path]) for path in sorted(refused)]
        self.code = files[0].code
        super().__init__("\n".join(map(str, files)))


class BookError(MeteringError):
    """The books say no: no rate card, period closed, currencies differ, schema outdated."""

    def __init__(
        self, code: str, what: str, *, details: tuple[str, ...] = (), do: str = ""
    ) -> None:
        self.code = code
        lines = [f"error[{code}]: {what}", *(f"    {line}" for line in details)]
        if do:
            lines.append(f"    do:       {do}")
        super().__init__("\n".join(lines))


class PullError(MeteringError):
    """A provider's API gives nothing usable; files that were pulled before stay.

    Args:
        provider: name of the connector.
        code: stable error code.
        what: what happened, one line; never the key.
        details: further lines.
        do: what the user does now.
    """

    def __init__(
        self, provider: str, code: str, what: str, *, details: tuple[str, ...] = (), do: str = ""
    ) -> None:
        self.code = code
        lines = [f"{provider}: error[{code}]: {what}", *(f"    {line}" for line in details)]
        if do:
            lines.append(f"    do:       {do}")
        super().__init__("\n".join(lines))


class LedgerError(AssertionError):
    """We broke an invariant of our own; the traceback is wanted."""
