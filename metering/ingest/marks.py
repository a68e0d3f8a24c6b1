"""What tells one format from another: the keys of its JSON, the columns of its table.

Every answer is a `Verdict` with its reason, which a user reads when no format claims a file.
"""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from metering.ingest.contract import Sample, Verdict

_MEMBER: Final = re.compile(r'"([\w.:$@/ -]{1,64}+)"\s*+:', re.ASCII)


def by_keys(
    sample: Sample, keys: Sequence[str], foreign: Mapping[str, str], matching: str
) -> Verdict:
    """Judge a JSON page by keys that stand somewhere in its head.

    Args:
        sample: the head of the file.
        keys: all of these are there.
        foreign: none of these is there; what each is of, in words.
        matching: the reason when it matches.
    """
    if sample.head is None:
        return Verdict(matches=False, because="it is not UTF-8 text")
    if not sample.head.lstrip().startswith(("{", "[")):
        return Verdict(matches=False, because="it does not begin with a JSON page")
    members = _members_of(sample.head)
    found = len(members.intersection(keys))
    if found < len(keys):
        lacking = next(key for key in keys if key not in members)
        return Verdict(False, f"its first rows have no {lacking!r}", found)
    for key, owner in foreign.items():
        if key in members:
            return Verdict(False, f"{key!r} is of {owner}", found)
    return Verdict(True, matching, found)


def has_key(head: str, key: str) -> bool:
    """Return whether a JSON text has a member of that name at any depth."""
    return key in _members_of(head)


@lru_cache(maxsize=2)
def _members_of(head: str) -> frozenset[str]:
    """Return the names of all members; one head is asked for the keys of every format."""
    return frozenset(_MEMBER.findall(head))


def by_header(sample: Sample, columns: Sequence[str], foreign: Sequence[str] = ()) -> Verdict:
    """Judge a CSV table by its header.

    Args:
        sample: the head of the file.
        columns: all of these are there, in any order.
        foreign: none of these is there.
    """
    header = header_of(sample)
    if not header:
        return Verdict(matches=False, because="it does not begin with a CSV header")
    found = len({*columns} & {*header})
    for column in columns:
        if column not in header:
            return Verdict(False, f"the header lacks {column!r}", found)
    for column in foreign:
        if column in header:
            return Verdict(False, f"the header has {column!r}", found)
    return Verdict(True, "the header has every column", found)


def by_columns(
    sample: Sample,
    columns: Sequence[str],
    spelling: Callable[[str], str] = str,
) -> Verdict:
    """Judge a table, CSV or Parquet, by the names of its columns.

    Args:
        sample: the head of the file.
        columns: all of these are there, in any order.
        spelling: how a name becomes one of `columns`.
    """
    names = {spelling(column) for column in columns_of(sample)}
    if not names:
        return Verdict(matches=False, because="it is neither CSV with a header nor Parquet")
    found = len({*columns} & names)
    for column in columns:
        if column not in names:
            return Verdict(False, f"its columns lack {column!r}", found)
    return Verdict(True, "it has every column", found)


def columns_of(sample: Sample) -> tuple[str, ...]:
    """Return the names of a table's columns, CSV or Parquet; none where the file is no table."""
    return sample.columns or header_of(sample)


def header_of(sample: Sample) -> tuple[str, ...]:
    """Return the cells of the first line; none where that is no row of a table."""
    head = sample.head or ""
    first = sample.lines[:1] or (head,)
    if first[0].lstrip().startswith(("{", "[")):
        return ()
    try:
        return tuple(next(csv.reader(first, strict=True), ()))
    except csv.Error:
        return ()
