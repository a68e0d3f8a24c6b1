"""Which team owns a repository or a folder of it: CODEOWNERS, and GitHub's list of teams.

CODEOWNERS is read as GitHub reads it: of the patterns that match, the last. Usage knows folders and
no files, so a pattern counts when it names everything (`*`) or a folder from the root
(`/services/api/`); patterns of file names, persons and addresses are left out, counted and told.
The file does not say whose it is, so the repository is given beside it.

Teams come as JSON lines, a team each with what it administers:

    gh api graphql --paginate -f query='query($endCursor: String) { organization(login: "ORG") {
      teams(first: 100, after: $endCursor) { pageInfo { hasNextPage endCursor } nodes { slug
        repositories(first: 100) { edges { permission node { nameWithOwner } } } } } } }'
      --jq '.data.organization.teams.nodes[]'

Source: GitHub, "About code owners", "CODEOWNERS syntax".
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from metering.core.json_items import json_items
from metering.core.ownership.directory_files import DatedRow, DirectoryFile, Kind
from metering.errors import WHOLE_FILE_REMEDY, RefusedFileError, RejectedError, Rejection, shown

_NAME: Final = "CODEOWNERS"
_TEAM: Final = re.compile(r"@[A-Za-z0-9-]+/([A-Za-z0-9_.-]+)")
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_EVERYTHING: Final = frozenset({"*", "**", "/", "/*", "/**"})
_ADMINISTERS: Final = "ADMIN"


def is_codeowners(name: str, text: str) -> bool:
    """Return whether a file is CODEOWNERS: by its name, since its content is like many others'."""
    return name.upper().startswith(_NAME) and text.lstrip()[:1] not in {"{", "["}


def is_team_list(text: str) -> bool:
    """Return whether a text is GitHub's list of teams with their repositories."""
    start = text.removeprefix("\ufeff").lstrip()[:2_000]
    return start.startswith("{") and '"slug"' in start and '"repositories"' in start


def parse_codeowners(text: str, path: str, repository: str, *, name: str) -> DirectoryFile:
    """Return which team owns which folder of a repository.

    Args:
        text: the whole file, decoded.
        path: the file as the user named it, for messages.
        repository: OWNER/NAME.
        name: what explanations call the file.

    Raises:
        RefusedFileError: `missing-repository`, or a pattern has two teams.
    """
    if not _REPOSITORY.fullmatch(repository):
        expected = "--repository OWNER/NAME, since the file does not say whose it is"
        found = shown(repository) if repository else "no repository"
        rejection = Rejection(1, "missing-repository", "", found, expected, "say it, and try again")
        raise RefusedFileError(path, [rejection])
    owned: dict[str, DatedRow] = {}
    left_out: list[str] = []
    rejections: list[Rejection] = []
    for line, pattern, owners in _patterns(text):
        folder = _folder(pattern)
        try:
            team = _team(line, pattern, owners)
        except RejectedError as error:
            rejections.append(error.rejection)
            continue
        if folder is None or not team:
            why = "names files, not a folder" if folder is None else "names no team"
            left_out.append(f"{name}:{line} {pattern} {why}")
            continue
        # The last pattern that matches decides: it hides what stood above for the same folder.
        hidden = [one for one in owned if _is_within(one, folder)]
        for one in hidden:
            del owned[one]
        cells = {"repository": repository, "path": folder, "team": team}
        row = DatedRow(name, line, {column: said for column, said in cells.items() if said})
        owned[folder] = row
    if rejections:
        raise RefusedFileError(path, rejections)
    rows = tuple(owned.values())
    return DirectoryFile(Kind.REPOSITORIES, name, rows, scope=repository, left_out=tuple(left_out))


def parse_team_list(text: str, path: str, *, name: str) -> DirectoryFile:
    """Return which team administers which repository.

    Args:
        text: the whole file, decoded.
        path: the file as the user named it, for messages.
        name: what explanations call the file.

    Raises:
        RefusedFileError: `bad-json`.
    """
    rows = [
        DatedRow(name, line, {"repository": repository, "team": team})
        for line, item in json_items(text, path, ())
        if isinstance(team := item.get("slug"), str)
        for repository in _administered(item)
    ]
    return DirectoryFile(Kind.REPOSITORIES, name, tuple(rows))


def _administered(team: Mapping[str, object]) -> Iterator[str]:
    repositories = team.get("repositories")
    edges = repositories.get("edges") if isinstance(repositories, Mapping) else None
    for edge in edges if isinstance(edges, list) else ():
        node = edge.get("node") if isinstance(edge, Mapping) else None
        if isinstance(node, Mapping) and edge.get("permission") == _ADMINISTERS:
            yield str(node.get("nameWithOwner", ""))


def _patterns(text: str) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    for line, written in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        words = re.sub(r"(^|\s)#.*", "", written).split()
        if words and not words[0].startswith("["):
            yield line, words[0], tuple(words[1:])


def _folder(pattern: str) -> str | None:
    """Return the folder that a pattern names, "" for all; None where it names files."""
    if pattern in _EVERYTHING:
        return ""
    plain = pattern.removesuffix("/**")
    # Without a slash before its end a pattern matches at any depth, like a file's name.
    anchored = "/" in plain.rstrip("/")
    if not anchored or any(character in plain for character in "*?[]!\\"):
        return None
    return plain.strip("/")


def _is_within(folder: str, above: str) -> bool:
    return not above or folder == above or folder.startswith(f"{above}/")


def _team(line: int, pattern: str, owners: tuple[str, ...]) -> str:
    teams = [match[1] for owner in owners if (match := _TEAM.fullmatch(owner))]
    if len(set(teams)) > 1:
        raise RejectedError(
            Rejection(
                line,
                "two-owners",
                shown(pattern),
                " and ".join(owner for owner in owners if _TEAM.fullmatch(owner)),
                "one team, since one pays; review by others can be asked for with a person",
                WHOLE_FILE_REMEDY,
            )
        )
    return teams[0] if teams else ""
