"""Daily spend of invented companies, for what is measured on time series.

Harder than a steady company on purpose: levels drift, weekdays differ by function, and some objects
start late, stop, step up, burst, pause over holidays, or spend on few days only.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from random import Random

from metering.analysis.forecast import DailySpend

FIRST = date(2025, 11, 3)
_WEEKENDS = {"engineering": 0.15, "service": 0.75, "studio": 0.05, "batch": 1.0}
_SHAPES = ("steady", "steady", "growing", "late", "step", "burst", "sparse", "fading")


def companies(
    seeds: Iterable[int], objects: int = 40, days: int = 300
) -> Iterator[dict[tuple[str, str], DailySpend]]:
    """Yield companies: series by (function, object), the same for the same seed."""
    for seed in seeds:
        chance = Random(seed)  # noqa: S311 - invented data
        holidays = {chance.randrange(days) for _ in range(days // 40)}
        yield {
            (function, f"{function}-{number}"): DailySpend(
                FIRST, tuple(_series(chance, _WEEKENDS[function], holidays, days))
            )
            for number in range(objects)
            for function in [chance.choice(list(_WEEKENDS))]
        }


def _series(chance: Random, weekend: float, holidays: set[int], days: int) -> Iterator[int]:
    shape = chance.choice(_SHAPES)
    usual = chance.lognormvariate(3.5, 1)
    noise = chance.uniform(0.1, 0.35)
    onset = chance.randrange(days // 4, days // 2)
    slope = chance.uniform(0.001, 0.004) * (-1 if shape == "fading" else 1)
    level = 0.0
    for day in range(days):
        level += chance.gauss(0, 0.02) + (slope if shape in {"growing", "fading"} else 0)
        amount = usual * 2.718281828 ** (level + chance.gauss(0, noise))
        if (FIRST + timedelta(days=day)).weekday() >= 5:
            amount *= weekend
        if day in holidays:
            amount *= 0.1
        if shape == "step" and day >= onset:
            amount *= 2.5
        if shape == "burst" and onset <= day < onset + 6:
            amount *= 12
        quiet = (shape == "late" and day < onset) or (shape == "sparse" and chance.random() < 0.7)
        yield 0 if quiet else round(amount * 10**9)
