"""Who pays: from what the provider saw (key, workspace, tags …) to an owner, by dated rules.

Ordered rules come first, and the first that matches wins; after the last one the directory (the
owners file) is asked by API key, then principal, then workspace. What nobody claims has no owner
here and goes to `suspense:unattributed`; nothing is guessed.

`owner_of` is the plain reading, rule after rule. `core.ownership.field_sets` gives the same answers
for a hundred thousand distinct values at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import accumulate
from typing import Final

from metering.core.ownership.tickets import ticket_projects
from metering.core.patterns import Pattern

RULE_FIELDS: Final = (
    "provider",
    "platform",
    "billing_account",
    "product",
    "model_raw",
    "api_key",
    "workspace",
    "principal",
    "workflow_key",
    "service_tier",
    "processing",
    "speed",
    "region",
    "endpoint_scope",
    "context_window",
    "conditions",
)
"""The columns a rule may look at; besides these, any tag as `tag:NAME`."""

TAG_PREFIX: Final = "tag:"

TICKET_KEY: Final = "ticket:"
"""Before the prefix of a project's tickets, as the directory knows it: ticket:PAY for PAY-142."""

DIRECTORY_FIELDS: Final = ("api_key", "principal", "workspace")
"""The fields by which the directory is asked after the last rule, in this order."""


@dataclass(frozen=True, slots=True, order=True)
class Owner:
    """Who bears a charge.

    Attributes:
        cost_centre: the code finance books it to; never empty.
        team, project, person: names; empty when not said.
    """

    cost_centre: str
    team: str = ""
    project: str = ""
    person: str = ""


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """Who owned a key from one day to another: a line of the owners file, or what others join to.

    Attributes:
        line: physical line in the file, 1-based.
        key: an API key's name or id, a principal or a workspace, as the usage spells it; a
            repository or a folder of it; TICKET_KEY and a prefix; empty for a person as such.
        valid_from, valid_to: days of the books, half-open; None is unbounded.
        place: the lines that say so, as "keys.csv:3, people.csv:12"; empty where it is `line` of
            the file the directory is named after.
    """

    line: int
    key: str
    person: str
    team: str
    project: str
    cost_centre: str
    valid_from: date | None = None
    valid_to: date | None = None
    place: str = ""

    @property
    def owner(self) -> Owner:
        """The owner this line names."""
        return Owner(self.cost_centre, self.team, self.project, self.person)


@dataclass(frozen=True, slots=True)
class Directory:
    """Who owns which key: entries of one key never overlap (what makes it refuses that).

    Attributes:
        name: the owners file's name, for explanations.
        entries: in file order.
        people: where the directory knows people by themselves, everybody's days; a key's entries
            tell of people only where it does not.
        folders: keys that hold for everything below them: of acme/shop for acme/shop/api.
    """

    name: str = "owners.csv"
    entries: tuple[DirectoryEntry, ...] = ()
    people: tuple[DirectoryEntry, ...] = ()
    folders: frozenset[str] = frozenset()

    def place_of(self, entry: DirectoryEntry) -> str:
        """Return where an entry stands, as "owners.csv:12"."""
        return entry.place or f"{self.name}:{entry.line}"


@dataclass(frozen=True, slots=True)
class Match:
    """One condition of a rule; a field the source does not fill matches no pattern."""

    field: str
    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Assign:
    """Whom a rule names.

    Attributes:
        owner_of: a field whose value is looked up in the directory; "" when the rule names the
            owner itself. Where the directory has no entry for the value and day, the rule does
            not match, and the next one is asked.
        ticket_in: the same, for the projects of the tickets in a field's value: PAY of
            `ana/PAY-142-retry`. Of several, the first that the directory knows.
        cost_centre, team, project, person: the owner; with a lookup, those given here replace
            what the directory says.
    """

    cost_centre: str = ""
    team: str = ""
    project: str = ""
    person: str = ""
    owner_of: str = ""
    ticket_in: str = ""

    @property
    def asked(self) -> str:
        """The field whose value is looked up in the directory; "" for none."""
        return self.owner_of or self.ticket_in

    def keys_in(self, value: str, folders: frozenset[str] = frozenset()) -> tuple[str, ...]:
        """Return the keys of the directory to ask for a value, the first to be asked first.

        Args:
            value: of the field `asked`.
            folders: of the directory.
        """
        if self.ticket_in:
            return tuple(TICKET_KEY + project for project in ticket_projects(value))
        above = accumulate(value.split("/"), "{}/{}".format) if folders and "/" in value else ()
        parents = [folder for folder in above if folder in folders and folder != value]
        return (value, *reversed(parents))

    def applied_to(self, found: Owner) -> Owner:
        """Return the owner found in the directory with this rule's own words over it."""
        said = {
            "cost_centre": self.cost_centre,
            "team": self.team,
            "project": self.project,
            "person": self.person,
        }
        return replace(found, **{name: text for name, text in said.items() if text})

    @property
    def owner(self) -> Owner:
        """The owner the rule names by itself."""
        return Owner(self.cost_centre, self.team, self.project, self.person)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: if every condition holds on a day it is in force, its owner pays.

    Attributes:
        position: 1-based place in the file; the least position that matches wins.
        name: unique in its file; empty only for the lookups that follow the last rule.
        match: all must hold, at most one per field; none means every usage.
        valid_from, valid_to: days of the books, half-open; None is unbounded.
    """

    position: int
    name: str
    match: tuple[Match, ...]
    assign: Assign
    valid_from: date | None = None
    valid_to: date | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields the rule looks at, sorted."""
        looked_up = {self.assign.asked} if self.assign.asked else set()
        return tuple(sorted({condition.field for condition in self.match} | looked_up))


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules file.

    Attributes:
        name: the file's name, for explanations.
        rules: by position.
    """

    name: str = "rules.toml"
    rules: tuple[Rule, ...] = ()

    @property
    def ranked(self) -> tuple[Rule, ...]:
        """The rules and then the directory lookups; an index in here is a rank, the least wins."""
        after = len(self.rules) + 1
        lookups = (
            Rule(after + at, "", (), Assign(owner_of=field))
            for at, field in enumerate(DIRECTORY_FIELDS)
        )
        return (*self.rules, *lookups)


@dataclass(frozen=True, slots=True)
class Owned:
    """An owner, and how it was found.

    Attributes:
        owner: who pays.
        how: for a person, with places: "rule 3 'ci keys'", "owners.csv:12 api_key".
        basis: the same without places, so that it stays when lines are inserted above:
            "rule 'ci keys'", "owners api_key". Charges are keyed by this one.
    """

    owner: Owner
    how: str
    basis: str


def attribution_fields(rules: RuleSet) -> frozenset[str]:
    """Return every field that rules and directory look at: the columns cells must keep."""
    return frozenset(DIRECTORY_FIELDS).union(*(rule.fields for rule in rules.rules))


def owner_of(
    identity: Mapping[str, str | None], day: date, rules: RuleSet, directory: Directory
) -> Owned | None:
    """Return who pays for usage of an identity on a day, and how that was found.

    The plain reading of the rules, one after the other; `Attribution.decide` gives the same
    answers for many identities at once.

    Args:
        identity: field to value, tags as `tag:NAME`; a field left out is one the source left null.
        day: the charge day in the zone of the books.
        rules: the rules in force.
        directory: the owners file in force.

    Returns:
        None when nobody is named: the charge goes to `suspense:unattributed`.
    """
    for rule in rules.ranked:
        if not _holds_on(day, rule.valid_from, rule.valid_to):
            continue
        if not all(_holds(condition, identity) for condition in rule.match):
            continue
        if not rule.assign.asked:
            return owned_by_rule(rule)
        value = identity.get(rule.assign.asked)
        for key in () if value is None else rule.assign.keys_in(value, directory.folders):
            for entry in directory.entries:
                if entry.key == key and _holds_on(day, entry.valid_from, entry.valid_to):
                    return owned_by_entry(rule, entry, directory)
    return None


def owned_by_rule(rule: Rule) -> Owned:
    """Return the answer of a rule that names its owner itself."""
    return Owned(rule.assign.owner, f"rule {rule.position} '{rule.name}'", f"rule '{rule.name}'")


def owned_by_entry(rule: Rule, entry: DirectoryEntry, directory: Directory) -> Owned:
    """Return the answer of a rule that found an entry of the directory."""
    asked = f"ticket in {rule.assign.ticket_in}" if rule.assign.ticket_in else rule.assign.owner_of
    how = f"{directory.place_of(entry)} {asked}"
    basis = f"owners {asked}"
    if not rule.name:
        return Owned(entry.owner, how, basis)
    return Owned(
        rule.assign.applied_to(entry.owner),
        f"rule {rule.position} '{rule.name}', {how}",
        f"rule '{rule.name}', {basis}",
    )


def _holds(condition: Match, identity: Mapping[str, str | None]) -> bool:
    value = identity.get(condition.field)
    return value is not None and condition.pattern.matches(value)


def _holds_on(day: date, start: date | None, end: date | None) -> bool:
    return (start is None or start <= day) and (end is None or day < end)
