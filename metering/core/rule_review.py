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

from metering.core.attribution import Directory, DirectoryEntry, Rule, RuleSet
from metering.core.field_sets import Attribution

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
    rules: RuleSet, directory: Directory, identities: Sequence[Identity]
) -> tuple[Remark, ...]:
    """Return what is odd, rules by position first, then the owners file by line.

    Args:
        rules: the rules in force.
        directory: the owners file in force.
        identities: distinct, of all usage that has been seen; none means nothing has, and then
            nothing is said about rules.
    """
    remarks = [*_rule_remarks(rules, directory, identities)] if identities else []
    return (*remarks, *_gaps(directory))


def without_owner(
    rules: RuleSet, directory: Directory, identities: Sequence[Identity], first: date, last: date
) -> tuple[Identity, ...]:
    """Return the identities nobody owns on some day from `first` to `last`, both inclusive."""
    attribution = Attribution(rules, directory)
    days = last.toordinal() - first.toordinal() + 1
    found = []
    for identity, mask in zip(identities, _masks(attribution, identities), strict=True):
        owned = sum(
            max(0, _last(end, last) - _first(start, first))
            for start, end, _, _ in attribution.stretches(mask, identity)
        )
        if owned < days:
            found.append(identity)
    return tuple(found)


def _first(start: date | None, bound: date) -> int:
    return max(start or bound, bound).toordinal()


def _last(end: date | None, bound: date) -> int:
    # The bound is inclusive and an end is not.
    after = bound.toordinal() + 1
    return after if end is None else min(end.toordinal(), after)


def _rule_remarks(
    rules: RuleSet, directory: Directory, identities: Sequence[Identity]
) -> Iterator[Remark]:
    matched, winners, together = _tried(Attribution(rules, directory), len(rules.rules), identities)
    for rank, rule in enumerate(rules.rules):
        where = f"{rules.name}: {_named(rule)}"
        if not matched >> rank & 1:
            yield Remark("never-matches", where, "no usage seen so far looks like this")
        elif rank not in winners:
            others = ", ".join(
                _named(rules.rules[one]) for one, two in sorted(together) if two == rank
            )
            says = f"it matches usage, but always after {others or 'earlier rules'}"
            yield Remark("shadowed", where, says)
        for (one, two), count in sorted(together.items()):
            first = rules.rules[one]
            if two == rank and rank in winners and first.assign != rule.assign:
                says = f"{_named(first)} comes first for {count} of the identities it matches"
                yield Remark("overlapping", where, says)


def _tried(
    attribution: Attribution, explicit: int, identities: Sequence[Identity]
) -> tuple[int, set[int], Counter[tuple[int, int]]]:
    """Return the ranks that match, those that win, and how often one wins over another."""
    every_rule = (1 << explicit) - 1
    matched, winners = 0, set()
    together: Counter[tuple[int, int]] = Counter()
    for identity, mask in zip(identities, _masks(attribution, identities), strict=True):
        matched |= mask
        won = {rank for _, _, rank, _ in attribution.stretches(mask, identity)}
        winners |= won
        # An identity that dated rules share in turns is no overlap: each has its days.
        if len(won) == 1:
            (first,) = won
            others = mask & every_rule & ~(1 << first)
            together.update((first, rank) for rank in _bits(others) if rank > first)
    return matched, winners, together


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
                    f"nobody owns this key on {end}, which lies between this line and line"
                    f" {following.line}; valid_to is the day after the last one"
                )
                yield Remark("gap", f"{directory.name}:{entry.line}", says)


def _named(rule: Rule) -> str:
    return f"rule {rule.position} '{rule.name}'"
