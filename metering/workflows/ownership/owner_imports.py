"""Take the files of the directory and the rules into force: together, whole, or not at all.

What each file is about is seen in its content. The directory that they make, with what is in force
and not replaced, is joined before anything is written: files that name each other may come in any
order, and two that disagree change nothing.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.books import directory as directory_book
from metering.books import rules as rule_book
from metering.books.engine import begin_write
from metering.books.migrations import open_books
from metering.books.runs import record_run
from metering.core.ownership.attribution import RuleSet
from metering.core.ownership.directory import joined
from metering.core.ownership.directory_files import (
    DirectoryFile,
    Kind,
    is_snapshot,
    kind_of,
    parse_directory_file,
)
from metering.core.ownership.ldap_file import is_ldap, ldap_items
from metering.core.ownership.people_snapshots import difference
from metering.core.ownership.repository_files import (
    is_codeowners,
    is_team_list,
    parse_codeowners,
    parse_team_list,
)
from metering.core.ownership.rules_file import parse_rules
from metering.core.ownership.scim_file import is_scim, people_of, scim_items
from metering.errors import BookError, RefusedFilesError, Rejection
from metering.workflows.text_files import TextFile, read_text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings
    from metering.workflows.runs import Run

_RULE_HEADER: Final = re.compile(r"^[ \t]*\[\[?[ \t]*rule\b", re.MULTILINE)
# A rules file from which everything was taken out, or that `init` has just written.
_ONLY_COMMENTS: Final = re.compile(r"\ufeff?\s*(#[^\n]*\s*)+")
_RULES: Final = "rules"


@dataclass(frozen=True, slots=True)
class Said:
    """What the command line says of the files.

    Attributes:
        as_of: the day of a snapshot, such as a SCIM export; its rows get their days by difference
            to what is in force.
        repository: whose CODEOWNERS file it is, as OWNER/NAME.
    """

    as_of: date | None = None
    repository: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did with one file.

    Attributes:
        kind: "rules", or what a file of the directory is about: "owners", "people" …
        name: of the file, as explanations call it.
        version: of its kind, now in force.
        is_new: False when this very content was in force already; nothing is changed then.
        count: entries, lines or rules in force now.
        left_out: lines that say nothing about owners, in words.
    """

    kind: str
    name: str
    version: int
    is_new: bool
    count: int
    left_out: tuple[str, ...] = ()


def import_file(settings: "Settings", run: "Run", path: Path) -> Imported:
    """Take one file into force; see `import_files`."""
    return import_files(settings, run, [path])[0]


def import_files(
    settings: "Settings", run: "Run", paths: Sequence[Path], said: Said | None = None
) -> tuple[Imported, ...]:
    """Take files of the directory (CSV, JSON, CODEOWNERS) and rules (TOML) into force.

    Args:
        settings: where the books are, and what the columns of an HR export are called.
        run: who does this, when.
        paths: told apart by content; of one kind, one.
        said: what the files do not say themselves.

    Returns:
        One for each file, in their order.

    Raises:
        RefusedFileError, RefusedFilesError: something in a file, or between two, cannot be taken;
            nothing changes then.
        BookError: `file-twice`: two files of one kind.
        SourceError: one cannot be read as UTF-8 text.
    """
    said = said or Said()
    files = [read_text(path) for path in paths]
    books = open_books(settings.books_url)
    with begin_write(books) as connection:
        before = directory_book.files_in_force(connection)
        parsed = _all_parsed(settings, files, before, said)
        _refuse_twice(parsed)
        brought = [one for one in parsed if isinstance(one, DirectoryFile)]
        named = {one.name: str(file.path) for one, file in zip(parsed, files, strict=True)}
        _refuse_misfits(before, brought, named)
        return _taken(connection, run, settings, list(zip(parsed, files, strict=True)))


def _all_parsed(
    settings: "Settings", files: Sequence[TextFile], before: Sequence[DirectoryFile], said: Said
) -> list[DirectoryFile | RuleSet]:
    # Which group is a team may be said by a file that is given after the export of the groups.
    found: dict[int, DirectoryFile | RuleSet] = {}
    for at in sorted(range(len(files)), key=lambda at: _is_export(files[at].text)):
        teams = [
            one
            for one in found.values()
            if isinstance(one, DirectoryFile) and one.kind is Kind.TEAMS
        ]
        known = [one for one in before if not teams or one.kind is not Kind.TEAMS]
        found[at] = _parsed(settings, files[at], [*known, *teams], said)
    return [found[at] for at in range(len(files))]


def _parsed(
    settings: "Settings", file: TextFile, known: Sequence[DirectoryFile], said: Said
) -> DirectoryFile | RuleSet:
    text, path, name = file.text, str(file.path), file.path.name
    if _RULE_HEADER.search(text) or _ONLY_COMMENTS.fullmatch(text):
        return parse_rules(text, path, name=name)
    if is_codeowners(name, text):
        return parse_codeowners(text, path, said.repository, name=name)
    if is_team_list(text):
        return parse_team_list(text, path, name=name)
    columns = settings.people_columns
    if _is_export(text):
        items = scim_items(text, path) if is_scim(text) else ldap_items(text, path)
        snapshot = people_of(items, path, name=name, teams=_teams(known))
    else:
        kind = kind_of(text, columns)
        snapshot = parse_directory_file(text, path, kind, name=name, columns=columns)
        if kind is not Kind.PEOPLE or not is_snapshot(text, columns, said.as_of):
            return snapshot
    people = next((one for one in known if one.kind is Kind.PEOPLE), None)
    return difference(people, snapshot, said.as_of, path)


def _is_export(text: str) -> bool:
    """Return whether a file is what a directory service says of people and groups."""
    return is_scim(text) or is_ldap(text)


def _teams(known: Iterable[DirectoryFile]) -> frozenset[str]:
    return frozenset(
        name
        for file in known
        if file.kind is Kind.TEAMS
        for row in file.rows
        for name in (row["team"], *row.listed("aliases"))
    )


def _refuse_twice(parsed: Sequence[DirectoryFile | RuleSet]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for one in parsed:
        key = (_RULES, "") if isinstance(one, RuleSet) else (one.kind.value, one.scope)
        if key in seen:
            raise BookError(
                "file-twice",
                f"{seen[key]} and {one.name} are both {key[0]}{f' of {key[1]}' * bool(key[1])}",
                do="give one of them, or put their lines into one file",
            )
        seen[key] = one.name


def _refuse_misfits(
    before: Sequence[DirectoryFile],
    brought: Sequence[DirectoryFile],
    paths: Mapping[str, str],
) -> None:
    replaced = {(file.kind, file.scope) for file in brought}
    kept = [file for file in before if (file.kind, file.scope) not in replaced]
    if not brought:
        return
    refused: defaultdict[str, list[Rejection]] = defaultdict(list)
    for name, rejection in joined([*kept, *brought]).refused:
        refused[paths.get(name, name)].append(rejection)
    if refused:
        raise RefusedFilesError(refused)


def _taken(
    connection: "Connection",
    run: "Run",
    settings: "Settings",
    parsed: Sequence[tuple[DirectoryFile | RuleSet, TextFile]],
) -> tuple[Imported, ...]:
    versions = directory_book.file_versions(connection)
    rules = rule_book.rule_set_version(connection)
    run_ids: list[int] = []

    def run_id() -> int:
        if not run_ids:
            run_ids.append(
                record_run(connection, run.command, run.arguments, run.started_at, run.user)
            )
        return run_ids[0]

    imported = []
    for one, file in parsed:
        if isinstance(one, RuleSet):
            is_new = rules.source_sha256 != file.sha256
            version = (
                rule_book.store_rule_set(connection, run_id(), one, file.sha256)
                if is_new
                else rules
            )
            named = (_RULES, version.source_name, version.version)
            imported.append(Imported(*named, is_new, len(one.rules)))
            continue
        digest = _digest(settings, one, file)
        known = versions.get((one.kind, one.scope))
        is_new = known is None or known.source_sha256 != digest
        if known is None or is_new:
            known = directory_book.store_directory_file(connection, run_id(), one, digest)
        named = (one.kind.value, known.source_name, known.version)
        imported.append(Imported(*named, is_new, len(one.rows), one.left_out))
    return tuple(imported)


def _digest(settings: "Settings", one: DirectoryFile, file: TextFile) -> str:
    """Return the digest of a file's content, and of what else decides how it is read."""
    said: list[object] = []
    if one.kind is Kind.PEOPLE and settings.people_columns:
        said.append(dict(settings.people_columns))
    if one.as_of is not None:
        said.append(one.as_of.isoformat())
    if not said:
        return file.sha256
    text = json.dumps([file.sha256, *said], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
