"""People under pseudonyms: the key, and asking whom one stands for, which is kept.

What leaves the books names nobody; who needs a name asks for it with a reason. The key of the
pseudonyms lies outside of the ledger's folders, so that a copy of these names nobody either.
"""

import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.analysis.anonymity import FEWEST_PEOPLE
from metering.books import directory as directory_book
from metering.books.engine import begin_write
from metering.books.migrations import open_books
from metering.books.runs import record_run
from metering.core.ownership.directory_files import DatedRow
from metering.core.ownership.pseudonyms import PREFIX, pseudonym
from metering.errors import BookError, shown

if TYPE_CHECKING:
    from metering.settings import Settings
    from metering.workflows.runs import Run

_KEY_BYTES: Final = 32
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_SQLITE: Final = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Revealed:
    """Whom a pseudonym stands for.

    Attributes:
        person: as the directory knows them.
        name: in words; empty when not said.
        logins: what usage calls them.
        places: the lines that say so, as "hr.csv:12".
        run_id: of the run that keeps who asked, and why.
    """

    person: str
    name: str
    logins: tuple[str, ...]
    places: tuple[str, ...]
    run_id: int


class Pseudonyms:
    """What people are called outside of the books."""

    def __init__(self, key: bytes | None) -> None:
        self._key = key

    def of(self, person: str) -> str:
        """Return a person's pseudonym; without a key the same word for everybody."""
        if not person:
            return ""
        return pseudonym(self._key, person) if self._key else f"{PREFIX}hidden"


def create_key(settings: "Settings") -> Path | None:
    """Make the key of the pseudonyms where there is none yet, readable by its owner alone.

    Returns:
        Where it was written; None where one is there already, or nothing can be written there.
    """
    path = settings.people_key_file
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft.touch(mode=stat.S_IRUSR | stat.S_IWUSR, exist_ok=False)
        try:
            draft.write_text(secrets.token_hex(_KEY_BYTES) + "\n", encoding="ascii")
            # A link is there whole or not at all, and never over a key that is there.
            path.hardlink_to(draft)
        finally:
            draft.unlink()
    except OSError:
        return None
    return path


def pseudonyms(settings: "Settings") -> Pseudonyms:
    """Return the pseudonyms of this ledger; without a key they tell people not even apart.

    Raises:
        BookError: `unsafe-people-key`: the key lies with the data, others may read it, or it is
            none.
    """
    path = settings.people_key_file
    if path.resolve().parent in _data_folders(settings) or path.resolve().is_relative_to(
        settings.lake.resolve()
    ):
        raise _unsafe(path, "lies with the data that it protects", "move it elsewhere")
    try:
        mode = path.stat().st_mode
        content = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return Pseudonyms(None)
    if mode & _OTHERS:
        raise _unsafe(path, "can be read by other accounts", f"chmod 600 {path}")
    try:
        key = bytes.fromhex(content)
    except ValueError:
        key = b""
    if len(key) < _KEY_BYTES:
        raise _unsafe(path, "is no key of 64 hexadecimal digits", "restore it from your backup")
    return Pseudonyms(key)


def reveal(settings: "Settings", run: "Run", asked: str, reason: str) -> Revealed:
    """Return whom a pseudonym stands for, and keep who asked and why.

    Everybody whom the directory has ever known is looked for, also in versions that are no longer
    in force. The question is kept even when nobody is found.

    Args:
        settings: the key, and who may ask.
        run: who asks, when; its arguments name the pseudonym and the reason, never the person.
        asked: the pseudonym.
        reason: why; not empty.

    Raises:
        BookError: `reveal-not-permitted`: [people] reveal_by does not name the account;
            `unknown-pseudonym`: nobody has it.
    """
    if run.user not in settings.reveal_by:
        raise BookError(
            "reveal-not-permitted",
            f"{run.user} may not ask whom a pseudonym stands for",
            do="have [people] reveal_by of metering.toml name the account, if it shall",
        )
    names = pseudonyms(settings)
    books = open_books(settings.books_url)
    arguments = {**run.arguments, "pseudonym": asked, "reason": reason}
    with begin_write(books) as connection:
        run_id = record_run(connection, run.command, arguments, run.started_at, run.user)
        rows = [
            row
            for row in directory_book.rows_of_people(connection)
            if names.of(row["person"]) == asked
        ]
    if not rows or asked == f"{PREFIX}hidden":
        raise BookError(
            "unknown-pseudonym",
            f"nobody in the directory is {shown(asked)}",
            details=("expected: a pseudonym that was made with the key in use",),
            do="compare the key file with the one it was made with",
        )
    return Revealed(
        person=rows[-1]["person"],
        name=next((row["name"] for row in reversed(rows) if row["name"]), ""),
        logins=tuple(dict.fromkeys(login for row in rows for login in _logins(row))),
        places=tuple(dict.fromkeys(row.place for row in rows)),
        run_id=run_id,
    )


def _logins(row: DatedRow) -> tuple[str, ...]:
    return (row["key"],) if row["key"] else row.listed("logins")


def fewest_people(settings: "Settings") -> int:
    """Return of how few people nothing is shown: k, or what [people] fewest asks for beyond it.

    Raises:
        BookError: `bad-settings`: it is less than k.
    """
    said = settings.fewest_people
    if said is not None and said < FEWEST_PEOPLE:
        raise BookError(
            "bad-settings",
            f"metering.toml: [people] fewest is {said}",
            details=(f"expected: {FEWEST_PEOPLE} or more",),
            do="correct it, or take it out; where line managers read along, 10 is usual",
        )
    return said or FEWEST_PEOPLE


def _data_folders(settings: "Settings") -> frozenset[Path]:
    folders = {settings.home.resolve(), settings.lake.resolve()}
    if settings.books_url.startswith(_SQLITE):
        folders.add(Path(settings.books_url.removeprefix(_SQLITE)).resolve().parent)
    return frozenset(folders)


def _unsafe(path: Path, what: str, do: str) -> BookError:
    return BookError("unsafe-people-key", f"the key of people's pseudonyms, {path}, {what}", do=do)
