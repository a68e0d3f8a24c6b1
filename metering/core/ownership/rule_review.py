"""What is odd about the owners and rules in force, given the usage that has been seen.

A rule that never matches is a misspelt pattern or a team that has gone; one that others always
precede charges nobody; two that match the same usage charge by their order alone. None of it is an
error: it is told to whoever keeps the files.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from metering.core.ownership.attribution import Directory, DirectoryEntry, Rule, RuleSet
from metering.core.ownership.directory import Hole
from metering.core.ownership.field_sets import Attribution
from metering.core.validity import days_told
from metering.errors import first_of

_NAMED_RULES: Final = 3

Identity = Mapping[str, str | None]
"""Field to value, tags as `tag:NAME`."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to look at.

    Attributes:
        code: `never-matches`, `shadowed`, `overlapping` or `gap`.
        where: "rules.toml: rule 3 'ci keys'" or "owners.csv:12".
        says: what is odd, in words.
    """

    code: str
    where: str
    says: str


def review(
    rules: RuleSet,
    directory: Directory,
    identities: Sequence[Identity],
    holes: Iterable[Hole] = (),
) -> tuple[Remark, ...]:
    """Return what is odd, rules by position first, then the directory by line.

    Args:
        rules: the rules in force.
        directory: the owners file in force.
        identities: distinct, of all usage that has been seen; none means nothing has, and then
            nothing is said about rules.
        holes: days on which a row of the directory finds nobody who pays. That a person has left
            is no remark: their keys are told with their money, see `core.ownership.leavers`.
    """
    remarks = [*_rule_remarks(rules, directory, identities)] if identities else []
    return (*remarks, *_gaps(directory), *_holes(holes))


def _rule_remarks(
    rules: RuleSet, directory: Directory, identities: Sequence[Identity]
) -> Iterator[Remark]:
    tried = _tried(rules, directory, identities)
    for rank, rule in enumerate(rules.rules):
        where = f"{rules.name}: {_named(rule)}"
        earlier = tried.preceded.get(rank, Counter())
        told = _told(rules, list(earlier.items()))
        if not tried.matched >> rank & 1:
            yield Remark("never-matches", where, "no usage seen so far looks like this")
        elif rank not in tried.winners:
            says = f"it matches usage, but always after {told or 'earlier rules'}"
            yield Remark("shadowed", where, says)
        else:
            differing = [
                (first, count)
                for first, count in earlier.items()
                if rules.rules[first].assign != rule.assign
            ]
            if differing:
                says = f"it matches usage that goes to another owner by {_told(rules, differing)}"
                yield Remark("overlapping", where, says)


def _told(rules: RuleSet, earlier: Sequence[tuple[int, int]]) -> str:
    most = sorted(earlier, key=lambda found: (-found[1], found[0]))
    named = [f"{_named(rules.rules[rank])} (identities: {count:,})" for rank, count in most]
    return ", ".join(first_of(named, _NAMED_RULES))


@dataclass(frozen=True, slots=True)
class _Tried:
    """What became of the rules when they were tried on usage.

    Attributes:
        matched: bits of the ranks that match some identity.
        winners: the ranks that decide on one, on some day.
        preceded: rank to the earlier ranks that took identities it matches, with how many.
    """

    matched: int
    winners: frozenset[int]
    preceded: Mapping[int, Counter[int]]


def _tried(rules: RuleSet, directory: Directory, identities: Sequence[Identity]) -> _Tried:
    attribution = Attribution(rules, directory)
    every_rule = (1 << len(rules.rules)) - 1
    looked_up = sorted({rule.assign.asked for rule in rules.rules} - {""})
    # Identities that meet the same rules, and find the same in the directory, share their fate.
    alike: Counter[tuple[int, tuple[str | None, ...]]] = Counter(
        (mask & every_rule, tuple(identity.get(field) for field in looked_up))
        for identity, mask in zip(identities, _masks(attribution, identities), strict=True)
    )
    matched, winners = 0, set()
    preceded: dict[int, Counter[int]] = {}
    for (mask, values), count in alike.items():
        matched |= mask
        identity = dict(zip(looked_up, values, strict=True))
        won = {rank for _, _, rank, _ in attribution.stretches(mask, identity)}
        winners |= won
        # An identity that dated rules share in turns is no overlap: each has its days.
        first = next(iter(won)) if len(won) == 1 else len(rules.rules)
        for rank in _bits(mask >> first + 1):
            preceded.setdefault(first + 1 + rank, Counter())[first] += count
    return _Tried(matched, frozenset(winners), preceded)


def _masks(attribution: Attribution, identities: Sequence[Identity]) -> Iterable[int]:
    masks = [0] * len(identities)
    for field_set in attribution.field_sets:
        rows = [tuple(identity.get(name) for name in field_set.fields) for identity in identities]
        distinct = list(dict.fromkeys(rows))
        mask_of = dict(zip(distinct, attribution.matching(field_set, distinct), strict=True))
        masks = [mask | mask_of[row] for mask, row in zip(masks, rows, strict=True)]
    return masks


def _bits(mask: int) -> Iterator[int]:
    while mask:
        yield (mask & -mask).bit_length() - 1
        mask &= mask - 1


def _gaps(directory: Directory) -> Iterator[Remark]:
    by_key: dict[str, list[DirectoryEntry]] = {}
    for entry in directory.entries:
        by_key.setdefault(entry.key, []).append(entry)
    for entries in by_key.values():
        in_time = sorted(entries, key=lambda entry: entry.valid_from or date.min)
        for entry, following in pairwise(in_time):
            end, start = entry.valid_to, following.valid_from
            if end is not None and start == end + timedelta(days=1):
                says = (
                    f"nobody owns this key on {end}, which lies between this line and"
                    f" {directory.place_of(following)}; valid_to is the day after the last one"
                )
                yield Remark("gap", directory.place_of(entry), says)


def _holes(holes: Iterable[Hole]) -> Iterator[Remark]:
    for row, start, end in holes:
        if row["key"] and row["person"]:
            continue
        what = next((name for name in ("project", "team") if row[name]), "owner")
        says = f"nobody pays for it {days_told(start, end)}: nothing is said of its {what} then"
        yield Remark("gap", row.place, says)


def _named(rule: Rule) -> str:
    return f"rule {rule.position} '{rule.name}'"
