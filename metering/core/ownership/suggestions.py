"""Whose the spend is that nobody owns: by which column it could be told, and the rules for it.

What looks at usage is counted by the engine; here each distinct value of a column is asked for an
owner: whether the directory knows it, whether it holds tickets of a project, whether it is the name
of a team, a project or a cost centre, and whether one owner bears everything else that says the
same (which a bill that everybody is on does not show). Where several cost centres bear it, the
column does not tell whose it is, and nothing is suggested. Nothing is guessed: a value whose owner
nobody knows is told with its money, and its rule has a cost centre to be filled in; an empty one is
refused.

The rules are for the end of the rules file. Where other usage with a value is owned already, by
the directory, the directory is asked before them, so that they only take what nobody owns.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from metering.core.ownership.attribution import (
    DIRECTORY_FIELDS,
    TICKET_KEY,
    Assign,
    Directory,
    DirectoryEntry,
    Owner,
    RuleSet,
)
from metering.core.patterns import LONGEST_PATTERN, Pattern, PatternError

BILL_FIELDS: Final = ("billing_account", "product")
"""Columns that say where usage was bought: a team's own, or everybody's."""

OWNER_FIELDS: Final = (
    "api_key",
    "workspace",
    "principal",
    "workflow_key",
    *BILL_FIELDS,
)
"""Columns that may say whose usage is, besides tags; the others say what was bought."""

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Doubt:
    """Spend without an owner whose usage says one thing in one column.

    Attributes:
        field: the column, or `tag:NAME`.
        value: what it says.
        amount_nanos: by currency.
        bearers: who bears other usage that says the same.
    """

    field: str
    value: str
    amount_nanos: Mapping[str, int]
    bearers: tuple[Owner, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """Whose the spend of one value may be.

    Attributes:
        owner: None where nobody knows.
        because: how it was found, in words; for a value that does not tell, why not.
        asks: how a rule would find the owner in the directory; None for one that names it.
        tells: whether the value may tell whose the spend is.
        is_borne: whether other usage that says the same is owned already.
    """

    value: str
    amount_nanos: Mapping[str, int]
    owner: Owner | None
    because: str
    asks: Assign | None = None
    tells: bool = True
    is_borne: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """What a column would attribute.

    Attributes:
        field: the column, or `tag:NAME`.
        amount_nanos: by currency, of the values that tell, with an owner or yet to be given one.
        known_nanos: of it, what has an owner.
        candidates: its values, most money first.
    """

    field: str
    amount_nanos: Mapping[str, int]
    known_nanos: Mapping[str, int]
    candidates: tuple[Candidate, ...]


def columns(
    doubts: Iterable[Doubt], directory: Directory, currencies: Sequence[str]
) -> tuple[Column, ...]:
    """Return the columns that may tell whose spend is, the one that would attribute most first.

    Args:
        doubts: a field and value once.
        directory: in force.
        currencies: the first is compared first.
    """
    asked = _Asked(directory)
    by_field: defaultdict[str, list[Candidate]] = defaultdict(list)
    for doubt in doubts:
        by_field[doubt.field].append(asked.candidate(doubt))

    def most(nanos: Mapping[str, int]) -> tuple[int, ...]:
        return tuple(-nanos.get(currency, 0) for currency in currencies)

    found = [
        Column(
            field,
            _total(one.amount_nanos for one in candidates if one.tells),
            _total(one.amount_nanos for one in candidates if one.tells and one.owner),
            tuple(sorted(candidates, key=lambda one: (most(one.amount_nanos), one.value))),
        )
        for field, candidates in by_field.items()
        if any(one.tells for one in candidates)
    ]
    return tuple(
        sorted(
            found,
            key=lambda one: (
                most(one.amount_nanos),
                one.field in BILL_FIELDS,
                most(one.known_nanos),
                len(one.candidates),
                one.field,
            ),
        )
    )


def rules_text(field: str, candidates: Iterable[Candidate], rules: RuleSet) -> str:
    """Return the rules for some values of a column, as the end of the rules file; may be empty.

    Args:
        field: the column.
        candidates: of that column; those that do not tell are left out.
        rules: those in force.
    """
    told = [one for one in candidates if one.tells]
    lookups = list(dict.fromkeys(one.asks for one in told if one.asks))
    named = [one for one in told if one.asks is None]
    taken = {rule.name for rule in rules.rules}
    asked_first = (
        [Assign(owner_of=one) for one in DIRECTORY_FIELDS if not _asks(rules, one)]
        if any(one.is_borne for one in named)
        else []
    )
    tables = [
        *(
            _table(_name(f"{one.asked} in the directory", taken), {}, {"owner_of": one.owner_of})
            for one in asked_first
        ),
        *(_lookup(one, taken) for one in lookups),
        *(
            _table(
                _name(f"{field} {one.value}", taken),
                {field: _exact(one.value)},
                _assigned(one.owner or Owner("")),
            )
            for one in named
        ),
    ]
    return "\n".join(tables)


def _lookup(asks: Assign, taken: set[str]) -> str:
    if asks.ticket_in:
        name = _name(f"tickets in {asks.ticket_in}", taken)
        return _table(name, {}, {"ticket_in": asks.ticket_in})
    return _table(_name(f"owner of {asks.owner_of}", taken), {}, {"owner_of": asks.owner_of})


def _asks(rules: RuleSet, field: str) -> bool:
    """Return whether a rule asks the directory by a field already, whatever the day and usage."""
    return any(
        rule.assign == Assign(owner_of=field)
        and not rule.match
        and rule.valid_from is None
        and rule.valid_to is None
        for rule in rules.rules
    )


class _Asked:
    """The directory, by what a value may name."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._keys: dict[str, DirectoryEntry] = {}
        places: defaultdict[str, dict[Owner, str]] = defaultdict(dict)
        for entry in directory.entries:
            self._keys.setdefault(entry.key, entry)
        for entry in (*directory.people, *directory.entries):
            centre = Owner(entry.cost_centre)
            for name, owner, what in (
                (entry.team, replace(centre, team=entry.team), "team"),
                (entry.project, replace(entry.owner, person=""), "project"),
                (entry.cost_centre, centre, "cost centre"),
            ):
                if name:
                    places[name.casefold()].setdefault(owner, f"a {what} of the directory")
        # A name that says two things says nothing.
        self._names = {
            name: next(iter(owners.items())) for name, owners in places.items() if len(owners) == 1
        }

    def candidate(self, doubt: Doubt) -> Candidate:
        """Return whose the spend of a value may be."""
        plain = Candidate(
            doubt.value, doubt.amount_nanos, None, "nobody knows", is_borne=bool(doubt.bearers)
        )
        if len(doubt.value) > LONGEST_PATTERN:
            return replace(plain, because="longer than a rule may say", tells=False)
        for asks in (Assign(owner_of=doubt.field), Assign(ticket_in=doubt.field)):
            entry = self._entry(asks, doubt)
            if entry is not None:
                what = "ticket" if asks.ticket_in else "key"
                because = f"a {what} that {self._directory.place_of(entry)} knows"
                return replace(
                    plain, owner=replace(entry.owner, person=""), because=because, asks=asks
                )
        centres = {bearer.cost_centre for bearer in doubt.bearers}
        if len(centres) > 1:
            because = f"{len(centres)} cost centres bear other usage that says so"
            return replace(plain, because=because, tells=False)
        if doubt.value.casefold() in self._names:
            owner, because = self._names[doubt.value.casefold()]
            if not centres or owner.cost_centre in centres:
                return replace(plain, owner=owner, because=because)
        if doubt.bearers and doubt.field not in BILL_FIELDS:
            because = "bears all other usage that says so"
            return replace(plain, owner=_common(doubt.bearers), because=because)
        return plain

    def _entry(self, asks: Assign, doubt: Doubt) -> DirectoryEntry | None:
        # By these the directory is asked anyway; it did not know an owner on the day.
        if asks.owner_of in DIRECTORY_FIELDS:
            return None
        for key in asks.keys_in(doubt.value, self._directory.folders):
            if key in self._keys and (asks.owner_of or key.startswith(TICKET_KEY)):
                return self._keys[key]
        return None


def _common(owners: Sequence[Owner]) -> Owner:
    """Return what several owners of one cost centre have in common."""
    first = owners[0]
    team = first.team if all(one.team == first.team for one in owners) else ""
    project = first.project if team and all(one == first for one in owners) else ""
    return Owner(first.cost_centre, team, project)


def _total(amounts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in amounts:
        total.update(one)
    return {currency: nanos for currency, nanos in sorted(total.items()) if nanos}


def _assigned(owner: Owner) -> dict[str, str]:
    said = {"team": owner.team, "project": owner.project}
    return {"cost_centre": owner.cost_centre, **{key: text for key, text in said.items() if text}}


def _name(name: str, taken: set[str]) -> str:
    while name in taken:
        name += " again"
    taken.add(name)
    return name


def _exact(value: str) -> str:
    """Return the pattern, as a rules file writes it, that a value alone matches."""
    try:
        plain = Pattern.parse(value).text == value
    except PatternError:
        plain = False
    return value if plain else f"exact:{value}"


def _table(name: str, match: Mapping[str, str], assign: Mapping[str, str]) -> str:
    said = {"name": _text(name), "match": _inline(match), "assign": _inline(assign)}
    return "\n".join(("[[rule]]", *(f"{key} = {text}" for key, text in said.items()), ""))


def _inline(entries: Mapping[str, str]) -> str:
    if not entries:
        return "{}"
    told = ", ".join(f"{_key(key)} = {_text(text)}" for key, text in entries.items())
    return f"{{ {told} }}"


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _text(text: str) -> str:
    # JSON's strings are TOML's, but for one control character that JSON leaves as it is.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
