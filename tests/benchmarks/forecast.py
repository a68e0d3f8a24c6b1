"""Measure the month forecast: error against run rate, and how often its 80 % intervals hold.

    python -m tests.benchmarks.forecast                       # companies of our own making
    python -m tests.benchmarks.forecast --times               # growth, holidays, price cuts, …
    python -m tests.benchmarks.forecast --data DIR [DIR…]     # folders with a usage.csv

A folder is one in the layout of the practice data: usage.csv with date, team, project and
cost_usd, projects.csv with the function of each project. Cells are level x known days; the error
is WAPE of the month's total.
"""

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from metering.analysis.forecast import DailySpend, MonthForecast, month_forecast
from metering.core.money import nanos_from_decimal_text
from metering.core.periods import BillingPeriod
from tests.support.spending import TIMES, companies, companies_in

KNOWN_DAYS = (3, 5, 10, 15, 20, 25)
_SEEDS = range(6)
_LEVELS = ("company", "function", "object")


@dataclass(slots=True)
class Cell:
    """What one level and number of known days came to.

    Attributes:
        forecast_error, run_rate_error, total: nanos, added up.
        held, tried: intervals.
    """

    forecast_error: int = 0
    run_rate_error: int = 0
    total: int = 0
    held: int = 0
    tried: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """All cells, and how many forecasts were refused."""

    cells: dict[tuple[str, int], Cell] = field(default_factory=lambda: defaultdict(Cell))
    refused: list[str] = field(default_factory=list)

    def add(self, level: str, spend: DailySpend) -> None:
        """Forecast every whole month of a series as of some of its days."""
        period = BillingPeriod.of(spend.first)
        while period.end_day <= spend.last + timedelta(days=1):
            if period.first_day >= spend.first:
                for known in KNOWN_DAYS:
                    self._add_one(level, spend, period, known)
            period = BillingPeriod.of(period.end_day)

    def _add_one(self, level: str, spend: DailySpend, period: BillingPeriod, known: int) -> None:
        begins = (period.first_day - spend.first).days
        ends = (period.end_day - spend.first).days
        total = sum(spend.nanos[begins:ends])
        until = DailySpend(spend.first, spend.nanos[: begins + known])
        found = month_forecast(until, period)
        if not isinstance(found, MonthForecast):
            self.refused.append(found.reason)
            return
        cell = self.cells[level, known]
        cell.forecast_error += abs(found.total - total)
        cell.run_rate_error += abs(found.known * (ends - begins) // known - total)
        cell.total += total
        cell.held += found.low <= total <= found.high
        cell.tried += 1

    def coverage(self, level: str) -> float:
        """Return the share of intervals of a level that held."""
        cells = [cell for (of, _), cell in self.cells.items() if of == level]
        return sum(cell.held for cell in cells) / sum(cell.tried for cell in cells)

    def better_than_run_rate(self) -> float:
        """Return the share of cells whose error is below that of run rate."""
        cells = self.cells.values()
        return sum(cell.forecast_error < cell.run_rate_error for cell in cells) / len(cells)


def measured(objects: Mapping[tuple[str, str], DailySpend], into: Measured) -> None:
    """Add the objects of one company, their functions, and the company.

    Args:
        objects: series of equal length by (function, object).
        into: where the figures are added.
    """
    by_function: dict[str, list[DailySpend]] = defaultdict(list)
    for (function, _), spend in objects.items():
        into.add("object", spend)
        by_function[function].append(spend)
    for parts in by_function.values():
        into.add("function", total_of(parts))
    into.add("company", total_of(objects.values()))


def total_of(parts: Iterable[DailySpend]) -> DailySpend:
    """Return the sum of series of equal length."""
    (first, *_), nanos = zip(*((part.first, part.nanos) for part in parts), strict=True)
    return DailySpend(first, tuple(map(sum, zip(*nanos, strict=True))))


def _read(folder: Path) -> dict[tuple[str, str], DailySpend]:
    with (folder / "projects.csv").open(newline="", encoding="utf-8") as file:
        functions = {(row["team"], row["project"]): row["function"] for row in csv.DictReader(file)}
    nanos: dict[tuple[str, str], dict[date, int]] = defaultdict(lambda: defaultdict(int))
    with (folder / "usage.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            spent = nanos_from_decimal_text(row["cost_usd"][:-3])
            nanos[row["team"], row["project"]][date.fromisoformat(row["date"])] += spent
    first = min(min(days) for days in nanos.values())
    count = (max(max(days) for days in nanos.values()) - first).days + 1
    days = [first + timedelta(days=at) for at in range(count)]
    return {
        (functions[key], "/".join(key)): DailySpend(first, tuple(of.get(day, 0) for day in days))
        for key, of in nanos.items()
    }


def lines(of: Measured) -> Iterator[str]:
    """Yield the table that is printed."""
    yield f"{'level':10}{'known':>6}{'months':>8}{'run rate':>10}{'forecast':>10}{'coverage':>10}"
    for (level, known), cell in sorted(of.cells.items(), key=lambda row: row[0]):
        yield (
            f"{level:10}{known:6d}{cell.tried:8d}{cell.run_rate_error / cell.total:10.1%}"
            f"{cell.forecast_error / cell.total:10.1%}{cell.held / cell.tried:10.1%}"
        )
    yield f"better than run rate in {of.better_than_run_rate():.0%} of cells"
    for level in _LEVELS:
        yield f"80 % intervals of each {level} held in {of.coverage(level):.1%}"
    yield f"refused: {len(of.refused)}"


def lines_by_times(seeds: range) -> Iterator[str]:
    """Yield how often the intervals held in companies that go through each of the times."""
    yield f"{'times':14}" + "".join(f"{level:>10}" for level in _LEVELS) + f"{'run rate':>10}"
    for name in TIMES:
        found = Measured()
        for company in companies_in(name, seeds):
            measured(company, found)
        held = "".join(f"{found.coverage(level):10.1%}" for level in _LEVELS)
        yield f"{name:14}{held}{found.better_than_run_rate():10.0%}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, nargs="+", help="folders with a usage.csv")
    parser.add_argument("--times", action="store_true", help="companies in times of all kinds")
    options = parser.parse_args()
    if options.times:
        for line in lines_by_times(_SEEDS):
            print(line, flush=True)
        return
    found = Measured()
    for objects in map(_read, options.data) if options.data else companies(_SEEDS):
        measured(objects, found)
    for line in lines(found):
        print(line)


if __name__ == "__main__":
    main()
