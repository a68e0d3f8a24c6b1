"""What the first record of a bulk file calls its fields: a table's header, or the keys of JSON."""

import csv
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache

from metering.ingest.contract import Sample, Verdict


def by_names(
    sample: Sample, required: Sequence[str], matching: str, *, foreign: Sequence[str] = ()
) -> Verdict:
    """Judge a file of records by the names of their fields.

    Args:
        sample: the head of the file.
        required: all of these are there.
        matching: the reason when it matches.
        foreign: none of these is there.
    """
    names = names_in(sample)
    if not names:
        return Verdict(matches=False, because="it is neither a table nor JSON objects")
    found = len({*required} & names)
    for field in required:
        if field not in names:
            return Verdict(False, f"it lacks the field {field!r}", found)
    for field in foreign:
        if field in names:
            return Verdict(False, f"it has the field {field!r}", found)
    return Verdict(True, matching, found)


@lru_cache(maxsize=2)
def names_in(sample: Sample) -> frozenset[str]:
    """Return the names of the first record that can be read, or of a table's header.

    What was found is kept, since every format asks it of one file before the next is looked at.
    """
    return frozenset(sample.columns) or _names_of_text(sample)


@lru_cache(maxsize=2)
def first_object(sample: Sample) -> Mapping[str, object]:
    """Return the first JSON object that can be read, on a line or in a list; else nothing."""
    start = (sample.head or "").lstrip()
    if start.startswith("["):
        return _object_at(start.removeprefix("[").lstrip()) or {}
    if not start.startswith("{"):
        return {}
    objects = (_object_at(line) for line in (*sample.lines, start))
    return next((fields for fields in objects if fields), {})


def _names_of_text(sample: Sample) -> frozenset[str]:
    if (sample.head or "").lstrip().startswith(("{", "[")):
        return frozenset(first_object(sample))
    try:
        return frozenset(next(csv.reader(sample.lines[:1]), ()))
    except csv.Error:  # a bare carriage return, for one
        return frozenset()


def _object_at(text: str) -> Mapping[str, object] | None:
    try:
        value, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
