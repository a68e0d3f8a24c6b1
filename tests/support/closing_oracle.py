"""A second opinion on what a book says, in exact rationals: no code shared with the product.

It is told what happened, in order: reports of days (the fullest report of a day stands), prices,
owners, posts and closes. It says what each month's book holds by day, key and owner, and what the
corrections of each closed month come to, by reason.
"""

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction

Line = tuple[str, str, str]
"""Day, key, owner."""


@dataclass
class Oracle:
    """The book as it ought to be; `booked` is by month and line, `reasons` by month and reason."""

    price: Fraction
    owner: str
    reports: dict[str, dict[str, int]] = field(default_factory=dict)
    booked: Counter[tuple[str, Line]] = field(default_factory=Counter)
    counted: dict[Line, int] = field(default_factory=dict)
    owners_at_close: dict[str, str] = field(default_factory=dict)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)

    def report(self, day: str, tokens: dict[str, int]) -> None:
        if sum(tokens.values()) > sum(self.reports.get(day, {}).values()):
            self.reports[day] = tokens

    def close(self, month: str) -> None:
        self.owners_at_close[month] = self.owner

    def post(self) -> None:
        for day, tokens in self.reports.items():
            owner = self.owners_at_close.get(day[:7], self.owner)
            wanted = {(day, key, owner): count for key, count in tokens.items() if count}
            known = {line for line in self.counted if line[0] == day}
            changes = {
                line: self._change(line, wanted.get(line, 0)) for line in known | set(wanted)
            }
            if day[:7] in self.owners_at_close:
                reason = _reason([self.counted.get(line, 0) for line in changes], changes)
                self.reasons[day[:7], reason] += sum(nanos for _, nanos in changes.values())
            for line, (count, nanos) in changes.items():
                self.booked[self._open_month(day[:7]), line] += nanos
                self.counted[line] = self.counted.get(line, 0) + count

    def _change(self, line: Line, count: int) -> tuple[int, int]:
        held = sum(nanos for (_, booked), nanos in self.booked.items() if booked == line)
        return count - self.counted.get(line, 0), round(count * self.price) - held  # half to even

    def _open_month(self, month: str) -> str:
        while month in self.owners_at_close:
            year, number = map(int, month.split("-"))
            month = f"{year + number // 12:04d}-{number % 12 + 1:02d}"
        return month


def _reason(before: list[int], changes: dict[Line, tuple[int, int]]) -> str:
    counts = [count for count, _ in changes.values()]
    if sum(counts):
        return "restated-usage" if sum(before) else "late-usage"
    return "owner-change" if any(counts) else "corrected-price"
