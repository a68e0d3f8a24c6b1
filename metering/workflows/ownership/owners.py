"""Explain who pays for a key on a day, by which rule or line."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from metering.core.ownership.attribution import DIRECTORY_FIELDS, Owned, owner_of
from metering.core.ownership.rule_review import Identity
from metering.workflows.ownership.people import Pseudonyms, pseudonyms
from metering.workflows.ownership.seen_usage import seen_usage

if TYPE_CHECKING:
    from metering.settings import Settings


@dataclass(frozen=True, slots=True)
class Shown:
    """Who pays for a key on a day.

    Attributes:
        identity: what usage of this key says in the fields that rules read, without empty ones.
        owned: None when nobody owns it.
        is_seen: such usage is in the lake; otherwise the key was tried in each field by itself.
    """

    identity: Identity
    owned: Owned | None
    is_seen: bool


def show(settings: "Settings", key: str, day: date) -> tuple[Shown, ...]:
    """Return who pays for usage of a key on a day, one row per identity it was seen with.

    People are there by their pseudonyms, and so are their logins, but for the key that was asked.

    Args:
        settings: where the books and the lake are.
        key: an API key, principal or workspace as the usage spells it.
        day: the charge day.
    """
    names = pseudonyms(settings)
    with seen_usage(settings) as usage:
        # Of a closed month those that decide it, and stand-ins of people who are no longer kept.
        reign = usage.policy.reign_on(day)
        rules, directory = reign.rules, reign.directory
        seen: list[Identity] = [
            identity
            for identity in usage.identities()
            if any(identity.get(field) == key for field in DIRECTORY_FIELDS)
        ]
    tried: list[Identity] = [{field: key} for field in DIRECTORY_FIELDS]
    people = {entry.key: entry.person for entry in directory.entries if entry.person}
    return tuple(
        Shown(
            {
                field: names.of(people[value]) if value != key and value in people else value
                for field, value in _said(identity).items()
            },
            _unnamed(owner_of(identity, day, rules, directory), names),
            bool(seen),
        )
        for identity in seen or tried
    )


def _unnamed(owned: Owned | None, names: Pseudonyms) -> Owned | None:
    if owned is None:
        return None
    return replace(owned, owner=replace(owned.owner, person=names.of(owned.owner.person)))


def _said(identity: Mapping[str, str | None]) -> dict[str, str]:
    return {field: value for field, value in identity.items() if value is not None}
