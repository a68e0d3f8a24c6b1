"""People from an LDAP directory as JSON: the entries of a search, as `ldap3` writes them.

An entry has a `dn` and its attributes, beside it or under `attributes`; a value is text or a list.
The classes are those of inetOrgPerson and of Active Directory, whatever the case of their names:

    person   employeeNumber, employeeID, uid, sAMAccountName      the first that is there
    logins   uid, sAMAccountName, userPrincipalName, mail, proxyAddresses
    team     department, departmentNumber, else the group they are a member of
    name     displayName, cn
    left     userAccountControl with its second bit, nsAccountLock, loginDisabled
    days     whenCreated, createTimestamp; whenChanged, modifyTimestamp

They become the resources that SCIM has for the same things, and are read as those are (see
`core.ownership.scim_file`): a snapshot, whose changes are dated by difference.

Source: RFC 2798 (inetOrgPerson), RFC 4517 section 3.3.13 (generalized time); Microsoft's
"userAccountControl property flags".
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from metering.core.json_items import Item, json_items
from metering.core.ownership.scim_file import ENTERPRISE

_LISTS: Final = ("entries",)
_ENTRY: Final = re.compile(r'"(dn|distinguishedName)"\s*:', re.IGNORECASE)
_TIME: Final = re.compile(r"([0-9]{14})(?:[.,][0-9]+)?Z")
_DISABLED: Final = 2
_SMTP: Final = re.compile(r"(?i:smtp:)(.+)")

_Attributes = Mapping[str, Sequence[str]]


def is_ldap(text: str) -> bool:
    """Return whether a text is an export of LDAP entries."""
    begins = text.removeprefix("\ufeff").lstrip()[:1]
    return begins in {"{", "["} and _ENTRY.search(text) is not None


def ldap_items(text: str, path: str) -> tuple[Item, ...]:
    """Return the entries of an export as the resources that SCIM has for them.

    Args:
        text: the whole file, decoded.
        path: the file as the user named it, for messages.

    Raises:
        RefusedFileError: `bad-json`.
    """
    return tuple(
        (line, resource)
        for line, item in json_items(text, path, _LISTS)
        for resource in [_resource(_attributes(item))]
        if resource
    )


def _resource(said: _Attributes) -> Mapping[str, object]:
    members = said.get("member", ()) or said.get("uniquemember", ())
    if members:
        return {"displayName": _first(said, "cn"), "members": [{"value": one} for one in members]}
    logins = [*_all(said, ("uid", "samaccountname", "userprincipalname"))]
    if not logins:
        return {}
    addresses = [*_all(said, ("mail",)), *_addresses(said.get("proxyaddresses", ()))]
    person = _first(said, "employeenumber", "employeeid", "uid", "samaccountname") or logins[0]
    return {
        "id": _first(said, "dn", "distinguishedname"),
        "userName": logins[0],
        "emails": [{"value": one} for one in (*logins[1:], *addresses)],
        "displayName": _first(said, "displayname", "cn"),
        "active": not _has_left(said),
        ENTERPRISE: {
            "employeeNumber": person,
            "department": _first(said, "department", "departmentnumber"),
        },
        "meta": {
            "created": _instant(_first(said, "whencreated", "createtimestamp")),
            "lastModified": _instant(_first(said, "whenchanged", "modifytimestamp")),
        },
    }


def _attributes(item: Mapping[str, object]) -> dict[str, Sequence[str]]:
    nested = item.get("attributes")
    said = {**item, **nested} if isinstance(nested, Mapping) else dict(item)
    found: dict[str, Sequence[str]] = {}
    for name, value in said.items():
        values = value if isinstance(value, list) else [value]
        texts = [str(one).strip() for one in values if isinstance(one, str | int)]
        found[name.casefold()] = [text for text in texts if text]
    return found


def _first(said: _Attributes, *names: str) -> str:
    return next(_all(said, names), "")


def _all(said: _Attributes, names: Iterable[str]) -> Iterator[str]:
    return (value for name in names for value in said.get(name, ()))


def _addresses(values: Iterable[str]) -> Iterator[str]:
    return (match[1] for value in values if (match := _SMTP.fullmatch(value)))


def _has_left(said: _Attributes) -> bool:
    flags = _first(said, "useraccountcontrol")
    locked = _first(said, "nsaccountlock", "logindisabled").casefold() == "true"
    return locked or (flags.isdecimal() and bool(int(flags) & _DISABLED))


def _instant(text: str) -> str:
    """Return a generalized time as ISO 8601; what is one already, or no time, as it is."""
    match = _TIME.fullmatch(text)
    if match is None:
        return text
    return datetime.strptime(match[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC).isoformat()
