"""Daily spend of invented companies, for what is measured on time series.

Harder than a steady company on purpose: levels drift, weekdays differ by function, and some objects
start late, stop, step up, burst, pause over holidays, or spend on few days only.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from math import exp
from random import Random

from metering.analysis.forecast import DailySpend

Company = dict[tuple[str, str], DailySpend]
"""Series of equal length by (function, object)."""

FIRST = date(2025, 11, 3)
_WEEKENDS = {"engineering": 0.15, "service": 0.75, "studio": 0.05, "batch": 1.0}
_SHAPES = ("steady", "steady", "growing", "late", "step", "burst", "sparse", "fading")


def companies(seeds: Iterable[int], objects: int = 40, days: int = 300) -> Iterator[Company]:
    """Yield companies of objects of all shapes, the same for the same seed."""
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


@dataclass(frozen=True, slots=True)
class Times:
    """What all of a company goes through.

    Attributes:
        growth: of the level a day, as a logarithm; half of it differs by object.
        surge: by how much growth is multiplied in the last third.
        price_cut: whether what most objects pay falls to a half or so on one day.
        launches: share of objects that begin on some day and take weeks to grow up.
        holidays: whether Christmas, Easter and single days are nearly empty.
        bursts: at most, of an object: days or weeks at a multiple.
        days: of history.
    """

    growth: float = 0.0
    surge: float = 1.0
    price_cut: bool = False
    launches: float = 0.0
    holidays: bool = False
    bursts: int = 0
    days: int = 365


TIMES = {
    "quiet": Times(),
    "growth": Times(growth=0.004),
    "surge": Times(growth=0.001, surge=3.0),
    "price cut": Times(price_cut=True),
    "launches": Times(launches=0.5),
    "holidays": Times(holidays=True),
    "bursts": Times(bursts=3),
    "half a year": Times(days=185),
    "everything": Times(0.002, 1.0, price_cut=True, launches=0.5, holidays=True, bursts=3),
}


def companies_in(name: str, seeds: Iterable[int], objects: int = 24) -> Iterator[Company]:
    """Yield companies that go through the times of a name, the same for the same seed."""
    times = TIMES[name]
    for seed in seeds:
        chance = Random(f"{name} {seed}")  # noqa: S311 - invented data
        empty = _empty_days(chance, times)
        cut = (chance.randrange(90, times.days - 60), chance.uniform(0.3, 0.7))
        shared = _walk(chance, times.days)
        yield {
            (function, f"{function}-{number}"): DailySpend(
                FIRST, tuple(_through(chance, times, _WEEKENDS[function], empty, cut, shared))
            )
            for number in range(objects)
            for function in [chance.choice(list(_WEEKENDS))]
        }


def _empty_days(chance: Random, times: Times) -> set[int]:
    if not times.holidays:
        return set()
    christmas, easter = ((day - FIRST).days for day in (date(2025, 12, 22), date(2026, 4, 3)))
    single = {chance.randrange(times.days) for _ in range(8)}
    return {*range(christmas, christmas + 13), *range(easter, easter + 4), *single}


def _walk(chance: Random, days: int) -> list[float]:
    """Return what moves all objects at once: as a logarithm, back to zero within weeks."""
    steps = [0.0]
    for _ in range(days):
        steps.append(0.97 * steps[-1] + chance.gauss(0, 0.02))
    return steps


def _through(
    chance: Random,
    times: Times,
    weekend: float,
    empty: set[int],
    cut: tuple[int, float],
    shared: list[float],
) -> Iterator[int]:
    usual, noise = chance.lognormvariate(3.5, 1.2), chance.uniform(0.1, 0.4)
    begins = chance.randrange(times.days - 40) if chance.random() < times.launches else 0
    grown_up = chance.uniform(5, 40)
    slope = chance.gauss(times.growth, times.growth / 2)
    is_cut = times.price_cut and chance.random() < 0.6
    bursts = [
        (chance.randrange(times.days), chance.randrange(2, 15), chance.uniform(2, 12))
        for _ in range(chance.randint(0, times.bursts))
    ]
    level = 0.0
    for day in range(times.days):
        level += chance.gauss(0, 0.02) + slope * (times.surge if day > 2 * times.days / 3 else 1)
        amount = usual * exp(level + shared[day] + chance.gauss(0, noise))
        if (FIRST + timedelta(days=day)).weekday() >= 5:
            amount *= weekend
        if day in empty:
            amount *= 0.15
        if is_cut and day >= cut[0]:
            amount *= cut[1]
        for first, length, multiple in bursts:
            amount *= multiple if first <= day < first + length else 1
        if begins:
            amount *= max(0.0, 1 - exp((begins - 1 - day) / grown_up))
        yield round(amount * 10**9)
