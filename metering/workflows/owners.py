"""Owners and rules: review those in force by the usage there is, and explain a key."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Final

from metering.books.engine import begin_read, open_engine
from metering.books.migrations import require_current
from metering.core.allocation import Sharing
from metering.core.attribution import (
    DIRECTORY_FIELDS,
    Assign,
    Match,
    Owned,
    Rule,
    RuleSet,
    attribution_fields,
    owner_of,
)
from metering.core.ledger import AccountKind
from metering.core.patterns import Pattern, PatternKind
from metering.core.rule_review import Identity, Remark, review, without_owner
from metering.engine import charge_totals
from metering.engine import charges as engine
from metering.engine.detail import DETAIL_CELLS, open_detail
from metering.engine.owners import NO_OWNER
from metering.usage.lake import Lake
from metering.workflows.day_cells import DayCells, live_cells
from metering.workflows.desired import Policy, desired_charges
from metering.workflows.outcome_owners import outcome_identities
from metering.workflows.people import Pseudonyms, pseudonyms
from metering.workflows.policy import policy_in_force
from metering.workflows.post import FIRST_DAY, LAST_DAY

if TYPE_CHECKING:
    import duckdb

    from metering.settings import Settings

# Each key without owner becomes a rule of its own while its money is counted; more of them than
# this would take longer to decide than anybody would take to read.
_MOST_KEYS: Final = 5_000
_NOBODY: Final = "(nobody)"


@dataclass(frozen=True, slots=True)
class Unowned:
    """Money of one key that nobody owns.

    Attributes:
        field: the column the key was seen in; empty for usage that names nobody at all.
        key: as the usage spells it.
        currency: of `amount_nanos`.
        amount_nanos: net charges without an owner, at the rates in force.
    """

    field: str
    key: str
    currency: str
    amount_nanos: int


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check of owners and rules found.

    Attributes:
        remarks: what is odd.
        unowned: keys without owner, most money first.
        identities: distinct identities of usage that were looked at.
    """

    remarks: tuple[Remark, ...]
    unowned: tuple[Unowned, ...]
    identities: int


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


def check(settings: "Settings") -> Checked:
    """Return what is odd about owners and rules, and whose money nobody owns.

    Looks at all usage in the lake. The amounts are what `post` would charge, so they do not wait
    for one; usage without a rate has no amount and is not told here.
    """
    with _usage(settings) as usage:
        policy = usage.policy
        # Rules over repositories or tickets are for outcomes, which are no usage.
        seen = (*usage.identities, *usage.outcomes) if usage.identities else ()
        remarks = review(policy.rules, policy.directory, seen)
        return Checked(remarks, tuple(_unowned(usage)), len(usage.identities))


def show(settings: "Settings", key: str, day: date) -> tuple[Shown, ...]:
    """Return who pays for usage of a key on a day, one row per identity it was seen with.

    People are there by their pseudonyms, and so are their logins, but for the key that was asked.

    Args:
        settings: where the books and the lake are.
        key: an API key, principal or workspace as the usage spells it.
        day: the charge day.
    """
    names = pseudonyms(settings)
    with _usage(settings) as usage:
        rules, directory = usage.policy.rules, usage.policy.directory
        seen: list[Identity] = [
            identity
            for identity in usage.identities
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


@dataclass(frozen=True, slots=True)
class _Usage:
    """The open cells of all usage, what decides, and the distinct identities in them.

    Attributes:
        outcomes: distinct identities of outcomes.
    """

    duck: "duckdb.DuckDBPyConnection"
    policy: Policy
    cells: DayCells
    identities: tuple[Identity, ...]
    outcomes: tuple[Identity, ...]


@contextmanager
def _usage(settings: "Settings") -> Iterator[_Usage]:
    # Cells that are missing are rolled up into the staging folder, and vanish with it.
    books = open_engine(settings.books_url)
    require_current(books)
    with begin_read(books) as connection, Lake(settings.lake).staging() as staging:
        policy = policy_in_force(connection, settings)
        with live_cells(connection, settings, staging, policy, (FIRST_DAY, LAST_DAY)) as found:
            duck, cells = found
            if cells.files:
                engine.open_cells(duck, cells.files)
            if cells.detail:
                open_detail(duck, cells.detail)
            fields = sorted(attribution_fields(policy.rules))
            yield _Usage(
                duck,
                policy,
                cells,
                _identities(duck, policy.rules, cells),
                outcome_identities(duck, connection, settings, fields),
            )


def _identities(
    duck: "duckdb.DuckDBPyConnection", rules: RuleSet, cells: DayCells
) -> tuple[Identity, ...]:
    fields = sorted(attribution_fields(rules))
    opened = [*(["cells"] if cells.files else []), *([DETAIL_CELLS] if cells.detail else [])]
    rows = dict.fromkeys(
        row for name in opened for row in engine.distinct_values(duck, fields, name)
    )
    return tuple(dict(zip(fields, row, strict=True)) for row in rows)


def _unowned(usage: _Usage) -> Iterator[Unowned]:
    """Yield the money of each key without owner: what it would pay if it owned itself."""
    cells = usage.cells
    if cells.first is None or cells.last is None:
        return
    policy = usage.policy
    lost = without_owner(policy.rules, policy.directory, usage.identities, cells.first, cells.last)
    keys = list(dict.fromkeys(_key_of(identity) for identity in lost))[:_MOST_KEYS]
    rules = _owning_themselves(policy.rules, keys)
    frozen = tuple(replace(reign, sharing=Sharing()) for reign in policy.frozen)
    themselves = replace(policy, rules=rules, sharing=Sharing(), frozen=frozen)
    desired = desired_charges(usage.duck, themselves, (cells.first, cells.last))
    found = []
    for number, currency, nanos in charge_totals.totals_by_debit(usage.duck):
        account = desired.debits[number]
        if account.kind is AccountKind.OWNER and account.cost_centre == _NOBODY:
            found.append(Unowned(account.team, account.project, currency, nanos))
        elif number == NO_OWNER:
            found.append(Unowned("", "", currency, nanos))
    yield from sorted((one for one in found if one.amount_nanos), key=_by_money)


def _by_money(unowned: Unowned) -> tuple[str, int, str, str]:
    return unowned.currency, -unowned.amount_nanos, unowned.field, unowned.key


def _key_of(identity: Identity) -> tuple[str, str]:
    for field in DIRECTORY_FIELDS:
        if identity.get(field):
            return field, identity[field] or ""
    return "", ""


def _owning_themselves(rules: RuleSet, keys: Sequence[tuple[str, str]]) -> RuleSet:
    # After the last rule and the directory, every key pays for itself: what it is charged then is
    # what nobody is charged now, priced and rounded as any other charge.
    position = len(rules.rules) + 1
    lookups = (("asked", (), Assign(owner_of=field)) for field in DIRECTORY_FIELDS)
    own = (
        (
            _NOBODY,
            (Match(field, Pattern(PatternKind.EXACT, key)),),
            Assign(cost_centre=_NOBODY, team=field, project=key),
        )
        for field, key in keys
        if field
    )
    added = (
        Rule(position + at, name, match, assign)
        for at, (name, match, assign) in enumerate((*lookups, *own))
    )
    return RuleSet(rules.name, (*rules.rules, *added))


def _said(identity: Mapping[str, str | None]) -> dict[str, str]:
    return {field: value for field, value in identity.items() if value is not None}
