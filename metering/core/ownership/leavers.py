"""Keys of people who have left: whose key it still is, by the day after their last one.

A person has left when the last of their days has an end. A key is theirs until the directory gives
it to somebody else or to no person at all; where it only ends, it stays theirs. It does not matter
whether anybody is charged for it: a key that goes on after its person is one to hand over, or to
revoke.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from metering.core.ownership.attribution import Directory, DirectoryEntry


@dataclass(frozen=True, slots=True)
class LeftKey:
    """A key whose person has left.

    Attributes:
        person: as the directory knows them.
        key: as usage spells it.
        since: the first day on which it is theirs and they are not there.
        until: the day from which it is no longer theirs; None if it still is.
        place: the line that ends the person's days.
    """

    person: str
    key: str
    since: date
    until: date | None
    place: str


def left_keys(directory: Directory, last: date) -> tuple[LeftKey, ...]:
    """Return the keys of those who left by a day, sorted; the days of one key are disjoint.

    Args:
        directory: who was there, and whose which key was.
        last: whoever leaves after it is still there.
    """
    ends = _ends(directory)
    by_key: defaultdict[str, list[DirectoryEntry]] = defaultdict(list)
    for entry in directory.entries:
        by_key[entry.key].append(entry)
    found = []
    for key, entries in by_key.items():
        in_time = sorted(entries, key=_first)
        for entry, following in zip(in_time, (*in_time[1:], None), strict=True):
            end = ends.get(entry.person)
            if end is None or end.valid_to is None or end.valid_to > last:
                continue
            since = max(end.valid_to, _first(entry))
            until = _first(following) if following else None
            if until is None or since < until:
                place = directory.place_of(end)
                found.append(LeftKey(entry.person, key, since, until, place))
    return tuple(sorted(found, key=lambda one: (one.person, one.key, one.since)))


def _ends(directory: Directory) -> dict[str, DirectoryEntry]:
    """Return the last entry of everybody, who is there by themselves or by the keys they have."""
    known = {entry.person for entry in directory.people}
    named = (entry for entry in directory.entries if entry.person and entry.person not in known)
    last: dict[str, DirectoryEntry] = {}
    for entry in (*directory.people, *named):
        held = last.setdefault(entry.person, entry)
        last[entry.person] = max(held, entry, key=lambda one: one.valid_to or date.max)
    return last


def _first(entry: DirectoryEntry) -> date:
    return entry.valid_from or date.min
