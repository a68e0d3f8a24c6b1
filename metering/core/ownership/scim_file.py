"""People from a SCIM 2.0 export: users and groups with their members, as a directory answers.

Reads a ListResponse, an array, or an object with `Users` and `Groups`, all resources of a company
in one file. A person is known by employee number, else `externalId`, else `id`; logins are
`userName` and every address. The team is the enterprise extension's `department`, else the group
they are in; where a teams file is in force only groups it names count, so that mailing lists do
not. `costCenter` stands over that of the team. Whoever is not active has left.

It is a snapshot: `core.ownership.people_snapshots` gives it days. Source: RFC 7643, sections 4.1 to
4.3.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Final

from metering.core.json_items import Item, json_items
from metering.core.ownership.directory_files import LIST_SEPARATOR, DatedRow, DirectoryFile, Kind
from metering.core.ownership.people_snapshots import CHANGED, LEFT
from metering.errors import WHOLE_FILE_REMEDY, RefusedFileError, RejectedError, Rejection, shown

ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_LISTS: Final = ("Resources", "Users", "Groups")
_MARKS: Final = ('"userName"', "urn:ietf:params:scim:")

_Member = tuple[str, int]
"""A group's name, and its line; 0 where only the user says it."""


def is_scim(text: str) -> bool:
    """Return whether a text is an export of SCIM resources."""
    begins = text.removeprefix("\ufeff").lstrip()[:1]
    return begins in {"{", "["} and any(mark in text for mark in _MARKS)


def scim_items(text: str, path: str) -> tuple[Item, ...]:
    """Return the resources of a SCIM export with their lines.

    Args:
        text: the whole file, decoded.
        path: the file as the user named it, for messages.

    Raises:
        RefusedFileError: `bad-json`.
    """
    return json_items(text, path, _LISTS)


def people_of(
    items: Sequence[Item], path: str, *, name: str, teams: Collection[str] = ()
) -> DirectoryFile:
    """Return the people of SCIM resources, a row each, without days.

    Args:
        items: users and groups, with their lines.
        path: the file as the user named it, for messages.
        name: what explanations call the file.
        teams: names of teams, where they are known; no other group counts.

    Raises:
        RefusedFileError: somebody is there twice, or in two groups that are teams.
    """
    users = [(line, item) for line, item in items if "userName" in item]
    groups = _memberships(items)
    rows: list[DatedRow] = []
    rejections: list[Rejection] = []
    left_out: list[str] = []
    for line, user in users:
        try:
            team = _team(line, user, groups, teams)
        except RejectedError as error:
            rejections.append(error.rejection)
            continue
        row = _row(line, user, team, name)
        if not team and not row[LEFT]:
            left_out.append(f"{name}:{line} is in no team")
            continue
        rows.append(row)
    rejections += _repeated(rows)
    if rejections:
        raise RefusedFileError(path, rejections)
    return DirectoryFile(Kind.PEOPLE, name, tuple(rows), left_out=tuple(left_out))


def _row(line: int, user: Mapping[str, object], team: str, name: str) -> DatedRow:
    enterprise = _mapping(user.get(ENTERPRISE))
    meta = _mapping(user.get("meta"))
    addresses = [_text(_mapping(one).get("value")) for one in _list(user.get("emails"))]
    logins = dict.fromkeys(filter(None, (_text(user.get("userName")), *addresses)))
    full = _text(_mapping(user.get("name")).get("formatted"))
    changed = _day(meta.get("lastModified"))
    said = {
        "person": _person(user),
        "team": team,
        "name": _text(user.get("displayName")) or full,
        "logins": LIST_SEPARATOR.join(logins),
        "cost_centre": _text(enterprise.get("costCenter")),
        CHANGED: changed.isoformat() if changed else "",
        LEFT: "yes" if user.get("active") is False else "",
    }
    cells = {column: text for column, text in said.items() if text}
    return DatedRow(name, line, cells, _day(meta.get("created")))


def _person(user: Mapping[str, object]) -> str:
    number = _text(_mapping(user.get(ENTERPRISE)).get("employeeNumber"))
    named = (_text(user.get(one)) for one in ("externalId", "id", "userName"))
    return number or next(filter(None, named), "")


def _team(
    line: int,
    user: Mapping[str, object],
    groups: Mapping[str, Sequence[_Member]],
    teams: Collection[str],
) -> str:
    department = _text(_mapping(user.get(ENTERPRISE)).get("department"))
    if department:
        return department
    own = [(_text(_mapping(one).get("display")), 0) for one in _list(user.get("groups"))]
    found: dict[str, int] = {}
    for name, at in (*groups.get(_text(user.get("id")), ()), *own):
        if name and (not teams or name in teams):
            found.setdefault(name, at)
    if len(found) > 1 and user.get("active") is not False:
        told = " and ".join(f"{name} (line {at})" if at else name for name, at in found.items())
        expected = "one group that is a team; name the teams in a teams file, then no other counts"
        raise RejectedError(
            Rejection(line, "two-owners", "groups", shown(told), expected, WHOLE_FILE_REMEDY)
        )
    return next(iter(found), "")


def _memberships(items: Sequence[Item]) -> dict[str, list[_Member]]:
    groups: defaultdict[str, list[_Member]] = defaultdict(list)
    for line, item in items:
        name = _text(item.get("displayName"))
        for member in _list(item.get("members")):
            groups[_text(_mapping(member).get("value"))].append((name, line))
    return groups


def _repeated(rows: Sequence[DatedRow]) -> Iterator[Rejection]:
    seen: dict[str, int] = {}
    for row in rows:
        first = seen.setdefault(row["person"], row.line)
        if first != row.line:
            expected = f"a person once; line {first} is the same one"
            yield Rejection(
                row.line, "duplicate-key", "id", shown(row["person"]), expected, WHOLE_FILE_REMEDY
            )


def _day(value: object) -> date | None:
    try:
        instant = datetime.fromisoformat(_text(value))
    except ValueError:
        return None
    return instant.astimezone(UTC).date() if instant.tzinfo else None


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
