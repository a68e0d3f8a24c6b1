"""Deciding who pays for a hundred thousand distinct values at once.

Rules are grouped by the *set of fields* they look at. Each set is decided over its own distinct
values, never over the cross product of all columns: where rows hold millions of combinations, a
set holds thousands. Whoever joins the answers of the sets takes the least rank of each day; that
is the rule `core.ownership.attribution.owner_of` would find first.

Per field and distinct value a whole number holds one bit for each rank that the value does not
rule out; the fields' numbers are ANDed, and the lowest bit set is the rule that wins.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import repeat
from operator import and_
from typing import Final

from metering.core.ownership.attribution import (
    Assign,
    Directory,
    Owned,
    Rule,
    RuleSet,
    owned_by_entry,
    owned_by_rule,
)
from metering.core.patterns import Pattern, PatternKind, PatternSet

Values = tuple[str | None, ...]
"""What usage says in the fields of one set; None where the source does not say."""

Answer = tuple[int, date | None, date | None, int, int]
"""Position of the values, first day or None, end day (exclusive) or None, rank, owner index."""

_Stretch = tuple[date | None, date | None, int, int]

# Day arithmetic on ordinals: bounds that are None become numbers beyond every day.
_ALWAYS: Final = 0
_NEVER: Final = date.max.toordinal() + 1


@dataclass(frozen=True, slots=True)
class FieldSet:
    """The rules that look at the same fields.

    Attributes:
        fields: sorted names; empty for rules without a condition, whose only values are `()`.
        ranks: the rules' ranks, ascending.
    """

    fields: tuple[str, ...]
    ranks: tuple[int, ...]


class Attribution:
    """Rules and directory made ready to decide on many values.

    Ranks order everything: the rules of the file from 0, in its order, then the directory asked
    by API key, principal and workspace.

    Attributes:
        field_sets: the sets of fields that must be decided, in the order of their least rank.
        owned: every owner that can be the answer; answers point into it.
    """

    def __init__(self, rules: RuleSet, directory: Directory) -> None:
        self._ranked = rules.ranked
        self._entries = _entries_by_key(directory)
        self._first_owned, self.owned = _owned_by_rank(self._ranked, directory)
        self._folders = directory.folders
        self._lookups = sum(1 << at for at, rule in enumerate(self._ranked) if rule.assign.asked)
        self.field_sets = _field_sets(self._ranked)

    def decide(self, field_set: FieldSet, values: Sequence[Values]) -> list[Answer]:
        """Return, for each of the values, the least rank that matches in each stretch of days.

        Args:
            field_set: one of `field_sets`.
            values: distinct; each has one entry per field of the set, in its order.

        Returns:
            Rows (position in `values`, from, to, rank, owner index), half-open days, None
            unbounded; stretches of the same values do not overlap. Values and days that no rule
            of the set matches have no row.
        """
        known: dict[tuple[int, Values], tuple[_Stretch, ...]] = {}
        answers: list[Answer] = []
        matching = self.matching(field_set, values)
        for position, (row, mask) in enumerate(zip(values, matching, strict=True)):
            if not mask:
                continue
            # What follows depends on the values only where the directory is asked for them.
            key = (mask, row if mask & self._lookups else ())
            stretches = known.get(key)
            if stretches is None:
                identity = dict(zip(field_set.fields, row, strict=True))
                stretches = known[key] = tuple(self.stretches(mask, identity))
            for start, end, rank, owner in stretches:
                answers.append((position, start, end, rank, owner))
        return answers

    def matching(self, field_set: FieldSet, values: Sequence[Values]) -> Iterable[int]:
        """Return, for each of the values, bits of the ranks whose conditions hold, days aside.

        Args:
            field_set: one of `field_sets`.
            values: as for `decide`.
        """
        every = sum(1 << rank for rank in field_set.ranks)
        matching: Iterable[int] = repeat(every, len(values))
        for at, name in enumerate(field_set.fields):
            column = [row[at] for row in values]
            masks = self._masks(field_set.ranks, name, set(column))
            matching = map(and_, matching, map(masks.__getitem__, column))
        return matching

    def stretches(self, mask: int, identity: Mapping[str, str | None]) -> Iterator[_Stretch]:
        """Yield who owns an identity from when to when: (from, to, rank, owner index).

        Args:
            mask: bits of the ranks whose conditions the identity meets.
            identity: field to value, at least for the fields that those ranks look up.
        """
        free: list[tuple[int, int]] = [(_ALWAYS, _NEVER)]
        while mask and free:
            rank = (mask & -mask).bit_length() - 1
            mask &= mask - 1
            for start, end, entry in self._in_force(self._ranked[rank], identity):
                taken, free = _cut(free, start, end)
                for first, last in taken:
                    yield _day(first), _day(last), rank, self._first_owned[rank] + entry

    def _in_force(
        self, rule: Rule, identity: Mapping[str, str | None]
    ) -> Iterator[tuple[int, int, int]]:
        start, end = _ordinals(rule.valid_from, rule.valid_to)
        if not rule.assign.asked:
            yield start, end, 0
            return
        # An earlier key's days are taken before a later one is asked: of a folder, of a ticket.
        for key in rule.assign.keys_in(identity[rule.assign.asked] or "", self._folders):
            for first, last, entry in self._entries.get(key, ()):
                if max(start, first) < min(end, last):
                    yield max(start, first), min(end, last), entry

    def _masks(
        self, ranks: Sequence[int], name: str, distinct: set[str | None]
    ) -> dict[str | None, int]:
        # Per distinct value of one field: a bit for each rank that the value does not rule out.
        # Every rule of a set looks at every field of it, so a missing value rules all of them out.
        exact: dict[str, int] = {}
        patterns: dict[Pattern, int] = {}
        unconditional = 0
        lookups: dict[Assign, int] = {}
        for rank in ranks:
            bit, rule = 1 << rank, self._ranked[rank]
            pattern = next((c.pattern for c in rule.match if c.field == name), None)
            if rule.assign.asked == name:
                how = Assign(owner_of=rule.assign.owner_of, ticket_in=rule.assign.ticket_in)
                lookups[how] = lookups.get(how, 0) | bit
            if pattern is None:
                unconditional |= bit
            elif pattern.kind is PatternKind.EXACT:
                exact[pattern.text] = exact.get(pattern.text, 0) | bit
            else:
                patterns[pattern] = patterns.get(pattern, 0) | bit
        together, bits = PatternSet(tuple(patterns)), tuple(patterns.values())
        masks: dict[str | None, int] = {None: 0}
        for value in distinct:
            if value is None:
                continue
            mask = exact.get(value, 0) | unconditional
            for at in together.matching(value) if bits else ():
                mask |= bits[at]
            for how, ranks_asking in lookups.items():
                if not any(key in self._entries for key in how.keys_in(value, self._folders)):
                    mask &= ~ranks_asking
            masks[value] = mask
        return masks


def _field_sets(ranked: Sequence[Rule]) -> tuple[FieldSet, ...]:
    ranks: dict[tuple[str, ...], list[int]] = {}
    for rank, rule in enumerate(ranked):
        ranks.setdefault(rule.fields, []).append(rank)
    return tuple(FieldSet(fields, tuple(found)) for fields, found in ranks.items())


def _owned_by_rank(
    ranked: Sequence[Rule], directory: Directory
) -> tuple[list[int], tuple[Owned, ...]]:
    # A rule that names its owner has one place in the table; one that asks the directory has as
    # many as the directory has entries, in their order.
    first: list[int] = []
    owned: list[Owned] = []
    for rule in ranked:
        first.append(len(owned))
        if not rule.assign.asked:
            owned.append(owned_by_rule(rule))
            continue
        owned.extend(owned_by_entry(rule, entry, directory) for entry in directory.entries)
    return first, tuple(owned)


def _entries_by_key(directory: Directory) -> dict[str, tuple[tuple[int, int, int], ...]]:
    by_key: dict[str, list[tuple[int, int, int]]] = {}
    for at, entry in enumerate(directory.entries):
        start, end = _ordinals(entry.valid_from, entry.valid_to)
        by_key.setdefault(entry.key, []).append((start, end, at))
    return {key: tuple(sorted(found)) for key, found in by_key.items()}


def _ordinals(start: date | None, end: date | None) -> tuple[int, int]:
    return (
        _ALWAYS if start is None else start.toordinal(),
        _NEVER if end is None else end.toordinal(),
    )


def _day(ordinal: int) -> date | None:
    return None if ordinal in (_ALWAYS, _NEVER) else date.fromordinal(ordinal)


def _cut(
    free: Sequence[tuple[int, int]], start: int, end: int
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    # What of the free stretches lies inside [start, end), and what is left outside of it.
    inside = [(max(a, start), min(b, end)) for a, b in free if max(a, start) < min(b, end)]
    before = [(a, min(b, start)) for a, b in free if a < min(b, start)]
    after = [(max(a, end), b) for a, b in free if max(a, end) < b]
    return inside, sorted(before + after)
