"""Which outcomes answer for which spend, worked out a second time: row by row and day by day.

It shares nothing with the engine but the definition (token-maxing, 3.4), and is as slow as it is
plain.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Used:
    """One row of usage."""

    day: date
    team: str
    project: str
    key: str
    nanos: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Produced:
    """One outcome; a reversal weighs less than nothing."""

    day: date
    team: str
    project: str
    key: str
    weight_e4: int


def answered(
    used: Sequence[Used], produced: Sequence[Produced], windows: Mapping[str, int]
) -> Iterator[tuple[Used, str]]:
    """Yield each row of usage with what answers for it.

    Args:
        used: all usage.
        produced: all outcomes.
        windows: days by project; projects of different teams have different names.
    """
    by_key: dict[tuple[str, str], Counter[date]] = defaultdict(Counter)
    by_project: dict[str, Counter[date]] = defaultdict(Counter)
    feeds: dict[str, date] = {}
    for one in produced:
        by_project[one.project][one.day] += one.weight_e4
        if one.key:
            by_key[one.project, one.key][one.day] += one.weight_e4
        if one.weight_e4 > 0:
            feeds[one.team] = max(one.day, feeds.get(one.team, one.day))
    last = max(one.day for one in used)
    for row in used:
        days = [row.day + timedelta(days=at) for at in range(windows[row.project] + 1)]
        if _weight(by_key.get((row.project, row.key)), days) > 0:
            yield row, "keyed"
        elif _weight(by_project.get(row.project), days) > 0:
            yield row, "project"
        elif days[-1] > last:
            yield row, "pending"
        elif row.team not in feeds:
            yield row, "no_feed"
        else:
            yield row, "feed_silent" if row.day > feeds[row.team] else "has_feed"


def _weight(weights: Mapping[date, int] | None, days: Sequence[date]) -> int:
    return sum(weights.get(day, 0) for day in days) if weights else 0
