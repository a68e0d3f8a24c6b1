"""Rules, directories and what usage says, drawn at random: few names, so that they meet often."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import strategies as st

from metering.core.ownership.attribution import (
    Assign,
    Directory,
    DirectoryEntry,
    Match,
    Rule,
    RuleSet,
)
from metering.core.patterns import Pattern

FIRST_DAY = date(2026, 10, 1)
DAYS = [FIRST_DAY + timedelta(days=n) for n in range(6)]
FIELDS = ["api_key", "workspace", "principal", "tag:project"]
VALUES = ["a", "ab", "abc", "b", "ba", "x-1", "x\n1"]
PATTERNS = [
    "a",
    "ab",
    "x-1",
    "glob:a*",
    "glob:*b*",
    "glob:?",
    "glob:x*1",
    "re2:a|b",
    "re2:(?i)AB.*",
]


def is_not_empty(bounds: tuple[date | None, date | None]) -> bool:
    start, end = bounds
    return start is None or end is None or start < end


some_day = st.none() | st.sampled_from(DAYS)
validity = st.tuples(some_day, some_day).filter(is_not_empty)
conditions = st.dictionaries(
    st.sampled_from(FIELDS), st.sampled_from(PATTERNS).map(Pattern.parse), max_size=3
).map(lambda found: tuple(Match(name, pattern) for name, pattern in found.items()))
assigns = st.builds(Assign, cost_centre=st.sampled_from(["C1", "C2", "C3"])) | st.builds(
    Assign, owner_of=st.sampled_from(FIELDS), project=st.sampled_from(["", "P"])
)


@st.composite
def rule_sets(draw: st.DrawFn) -> RuleSet:
    drawn = draw(st.lists(st.tuples(conditions, assigns, validity), max_size=8))
    return RuleSet(
        rules=tuple(
            Rule(at, f"r{at}", match, assign, start, end)
            for at, (match, assign, (start, end)) in enumerate(drawn, start=1)
        )
    )


@st.composite
def directories(draw: st.DrawFn) -> Directory:
    entries: list[DirectoryEntry] = []
    for key in draw(st.lists(st.sampled_from(VALUES), unique=True, max_size=4)):
        moves = sorted(draw(st.sets(st.sampled_from(DAYS), max_size=3)))
        bounds: list[date | None] = [None, *moves, None]
        for start, end in pairwise(bounds):
            if draw(st.booleans()):
                line = len(entries) + 2
                entries.append(DirectoryEntry(line, key, "", "t", "p", f"D{line}", start, end))
    return Directory(entries=tuple(entries))


identities = st.dictionaries(
    st.sampled_from(FIELDS), st.none() | st.sampled_from(VALUES), max_size=len(FIELDS)
)
