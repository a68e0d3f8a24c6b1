"""How usage is made up: ratios whose shift names a pattern, and what the shift alone would cost.

None of them is a finding by itself: an evaluation suite repeats prompts, a better model costs more,
a nightly batch runs at night. A shift counts together with the outcomes, and where it says how much
spend it explains, the outcomes are asked about exactly that much.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

import numpy as np

from metering.analysis.evidence.heavy_tails import log_mean, log_ratio
from metering.analysis.evidence.spreads import stated
from metering.analysis.evidence.vendor_moves import common_moves
from metering.analysis.observed.headcount import people_by_day
from metering.analysis.observed.panel import DAYS_PER_WEEK, Floats, Panel
from metering.analysis.observed.windows import Windows

_MAD: Final = 0.6745
_LEAST_SCALE: Final = 0.02
# Benign shifts of any size are common, so a shift of forty scales says hardly more than one of ten.
_FREEDOM: Final = 1.0
_SHIFTS: Final = (2.5, 5.0, 10.0, 20.0, 40.0)
_STRONGEST: Final = 1.5
_MOST_IMPLIED: Final = 2.0
_LEAST_IMPLIED: Final = 0.15
# Sharing of the denominator that keeps a ratio finite when its denominator is nearly used up.
_REST: Final = 0.03


class Pattern(StrEnum):
    """What the spend beyond its outcomes looks like; the value is what a page says."""

    NONE = "more spend, no more outcomes"
    REPEATS = "repeated prompts"
    FAILURES = "failing requests"
    PROMPTS = "longer prompts"
    UNCACHED = "prompts that miss the cache"
    PREMIUM = "dearer models for the same work"
    OUTPUT = "longer answers"
    REASONING = "more reasoning"
    OFF_HOURS = "work outside office hours"
    SESSIONS = "long automated sessions"
    BURSTS = "spend bunched on a few days"
    WEEK_END = "spend late in the week"
    MONTH_END = "spend at the end of the month"
    LOST = "work under keys that never reach an outcome"
    REVERSED = "outcomes that are taken back"


_PROMPT_CLASSES: Final = ("input_tokens", "cached_input_tokens", "cache_write_tokens")
_FRIDAY: Final = 4
# Spend of one person is as even as it can be.
_LEAST_PEOPLE: Final = 2
# A pattern is of some of the people as often as not; honest change is so now and then.
_SOME_OF_THEM: Final = (0.45, 0.10)
_MONTH_END: Final = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio whose rise is looked for: objects by days above, objects by days below.

    Attributes:
        above: summed over the days of a window.
        below: likewise.
    """

    above: Floats
    below: Floats


@dataclass(frozen=True, slots=True)
class Composition:
    """What the composition says of each window.

    Attributes:
        shifts: pattern -> objects by windows: log of the ratio inside over outside, less what most
            objects did in the same window.
        clarity: pattern -> log of how much more likely the shift is when the pattern is there; it
            names the pattern.
        support: the same, no more than benign shifts of any size allow; it counts as evidence.
        implied: pattern -> log spend ratio that the shift alone would explain; absent where a
            shift does not say.
        of_some: log of how much more likely it is that so much of the spend is of some of the
            people, where it is a pattern (D18); it names none, and goes with any.
    """

    shifts: Mapping[Pattern, Floats]
    clarity: Mapping[Pattern, Floats]
    support: Mapping[Pattern, Floats]
    implied: Mapping[Pattern, Floats]
    of_some: Floats


def ratios_of(panel: Panel) -> dict[Pattern, Ratio]:
    """Return the ratios that the panel's counts allow, without the vendors' common moves."""
    found = {**_of_tokens(panel), **_of_requests(panel), **_of_time(panel), **_of_work(panel)}
    return dict(sorted(found.items()))


def _neutral(panel: Panel, above: Floats, below: Floats) -> Floats:
    """Return objects by days of a numerator by cell, without its vendor's common moves."""
    return panel.on_grid(above / common_moves(panel, above, below).factor)


def _of_tokens(panel: Panel) -> dict[Pattern, Ratio]:
    cells, counts = panel.frames.cells, panel.counts
    found = {Pattern.PREMIUM: Ratio(panel.spend, panel.on_grid(at_own_prices(panel)))}
    if {*_PROMPT_CLASSES} <= counts.keys():
        uncached = (cells["input_tokens"] + cells["cache_write_tokens"]).to_numpy(np.float64)
        prompts = uncached + cells["cached_input_tokens"].to_numpy(np.float64)
        below = panel.on_grid(prompts)
        found[Pattern.UNCACHED] = Ratio(_neutral(panel, uncached, prompts), below)
    if "reasoning_tokens" in counts:
        found[Pattern.REASONING] = Ratio(counts["reasoning_tokens"], counts["output_tokens"])
    return found


def _of_requests(panel: Panel) -> dict[Pattern, Ratio]:
    cells, counts = panel.frames.cells, panel.counts
    if "requests" not in counts:
        return {}
    requests = counts["requests"]

    def neutral(*names: str) -> Floats:
        above = np.asarray(sum(cells[name].to_numpy(np.float64) for name in names), np.float64)
        return _neutral(panel, above, cells["requests"].to_numpy(np.float64))

    found = {Pattern.OUTPUT: Ratio(neutral("output_tokens"), requests)}
    if {*_PROMPT_CLASSES} <= counts.keys():
        found[Pattern.PROMPTS] = Ratio(neutral(*_PROMPT_CLASSES), requests)
    if "distinct_prompts" in counts:
        found[Pattern.REPEATS] = Ratio(requests, neutral("distinct_prompts"))
    if "failed_requests" in counts:
        failed = neutral("failed_requests")
        found[Pattern.FAILURES] = Ratio(requests, np.maximum(requests - failed, _REST * requests))
    if "offhours_requests" in counts:
        office = np.maximum(requests - counts["offhours_requests"], _REST * requests)
        found[Pattern.OFF_HOURS] = Ratio(requests, office)
    if "sessions" in counts:
        found[Pattern.SESSIONS] = Ratio(requests, counts["sessions"])
    return found


def _of_time(panel: Panel) -> dict[Pattern, Ratio]:
    dates = [panel.day(number) for number in range(panel.days)]
    late_week = np.array([day.weekday() == _FRIDAY for day in dates])
    late_month = np.array([(day + _MONTH_END).month != day.month for day in dates])
    return {
        pattern: Ratio(panel.spend * np.where(late, 1.0, _REST), panel.spend * ~late)
        for pattern, late in ((Pattern.WEEK_END, late_week), (Pattern.MONTH_END, late_month))
    }


def _of_work(panel: Panel) -> dict[Pattern, Ratio]:
    """Return what became of the work: keys without an outcome, and outcomes taken back."""
    keys, reached = panel.frames.keys, panel.frames.outcomes
    # Week 0 is the last one; a key stands on the last day of the week in which it was last used.
    day = panel.days - 1 - DAYS_PER_WEEK * keys["week"].to_numpy(np.int64)
    mature = day < panel.days - panel.window_days[keys["object"].to_numpy(np.int64)]
    used = mature & (day >= 0)
    usd, lost = (keys[name].to_numpy(np.float64) for name in ("usd", "lost_usd"))
    spent, gone = np.zeros_like(panel.spend), np.zeros_like(panel.spend)
    place = (keys["object"].to_numpy(np.int64)[used], day[used])
    np.add.at(spent, place, usd[used])
    np.add.at(gone, place, lost[used])
    back = panel.on_days(reached, "reversed")
    # Half of what is usual keeps a ratio finite in a window where nothing of it happened.
    some = panel.accepted.mean(axis=1, keepdims=True) / 2
    kept = np.maximum(spent - gone, _REST * spent) + _REST * spent.mean(axis=1, keepdims=True)
    return {
        Pattern.LOST: Ratio(spent + _REST * spent.mean(axis=1, keepdims=True), kept),
        Pattern.REVERSED: Ratio(
            panel.accepted + some, np.maximum(panel.accepted - back, 0.0) + some
        ),
    }


def _of_people(panel: Panel) -> Ratio:
    """Return how unevenly spend falls on people: 1 when evenly, whatever their number."""
    people, shares = (people_by_day(panel, name, 1.0) for name in ("people", "concentration"))
    uneven = np.where(people >= _LEAST_PEOPLE, people * shares, 1.0)
    return Ratio(panel.spend * uneven, panel.spend)


def at_own_prices(panel: Panel) -> Floats:
    """Return what each cell's tokens would cost at the prices that its object usually pays.

    A cell without prices by class keeps what it costs.
    """
    cells = panel.frames.cells
    whose = cells["object"].to_numpy(np.int64)
    reference = np.zeros(len(cells))
    for name, usd in panel.class_usd.items():
        if name in panel.counts:
            price = usd.sum(axis=1) / np.maximum(panel.counts[name].sum(axis=1), 1.0)
            reference += cells[name].to_numpy(np.float64) * price[whose]
    return np.where(reference > 0, reference, panel.constant)


def compose(panel: Panel, ratios: Mapping[Pattern, Ratio], windows: Windows) -> Composition:
    """Compare every ratio inside each window with outside of it."""
    shifts = {pattern: _shift(ratio, windows) for pattern, ratio in ratios.items()}
    shifts[Pattern.BURSTS] = _burst(panel.spend, windows)
    centred = {pattern: _centred(shift) for pattern, shift in shifts.items()}
    clarity = {pattern: _clarity(shift, windows) for pattern, shift in centred.items()}
    return Composition(
        shifts=centred,
        clarity=clarity,
        support={pattern: np.minimum(clear, _STRONGEST) for pattern, clear in clarity.items()},
        implied=_implied(panel, centred),
        of_some=_of_some(_clarity(_centred(_shift(_of_people(panel), windows)), windows)),
    )


def _of_some(clear: Floats) -> Floats:
    pattern, honest = (np.log1p(share * np.expm1(clear)) for share in _SOME_OF_THEM)
    return np.asarray(pattern - honest, np.float64)


def _shift(ratio: Ratio, windows: Windows) -> Floats:
    inside = _log(windows.inside(ratio.above)) - _log(windows.inside(ratio.below))
    outside = _log(windows.outside(ratio.above)) - _log(windows.outside(ratio.below))
    return inside - outside


def _burst(spend: Floats, windows: Windows) -> Floats:
    """Return how much more unevenly spend falls on the days of a window than on the others."""
    lengths = (windows.end - windows.first).astype(np.float64)
    inside = _log(windows.inside(spend**2) * lengths) - 2 * _log(windows.inside(spend))
    others = windows.days - lengths
    outside = _log(windows.outside(spend**2) * others) - 2 * _log(windows.outside(spend))
    return inside - outside


def _log(values: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(values, 1e-9)), np.float64)


def _centred(shift: Floats) -> Floats:
    """Return the shifts less what half of the objects did in the same window."""
    middle = np.median(shift, axis=0)
    return np.asarray(shift - np.round(middle, 2), np.float64)


def _clarity(shift: Floats, windows: Windows) -> Floats:
    scaled = np.empty_like(shift)
    for number in np.unique(windows.length_class):
        of_class = windows.length_class == number
        spread = float(np.median(np.abs(shift[:, of_class]))) / _MAD
        # In steps of a fifth, so that it is stated as it is used.
        steps = stated(float(np.log(max(spread, _LEAST_SCALE))), 0.2)
        scaled[:, of_class] = shift[:, of_class] / np.exp(steps)
    return log_mean([log_ratio(scaled, by, 1.0, _FREEDOM) for by in _SHIFTS])


def _implied(panel: Panel, shifts: Mapping[Pattern, Floats]) -> dict[Pattern, Floats]:
    """Return the log spend ratio that each shift alone would explain."""
    usd = {name: spent.sum(axis=1) for name, spent in panel.class_usd.items()}
    whole = np.maximum(sum(usd.values(), np.zeros(panel.objects)), 1e-9)
    answers = (usd["output_tokens"] / whole)[:, None]
    dear = ((usd["input_tokens"] + usd["cache_write_tokens"]) / whole)[:, None]
    shares: dict[Pattern, Floats | float] = {
        Pattern.REPEATS: 1.0,
        Pattern.FAILURES: 1.0,
        Pattern.OFF_HOURS: 1.0,
        Pattern.PREMIUM: 1.0,
        Pattern.PROMPTS: 1.0 - answers,
        Pattern.UNCACHED: 0.9 * dear,  # a cached token costs about a tenth
        Pattern.OUTPUT: answers,
    }
    implied = {
        pattern: np.log1p(share * np.expm1(np.clip(shifts[pattern], 0.0, 3.0)))
        for pattern, share in shares.items()
        if pattern in shifts
    }
    if Pattern.REASONING in shifts and Pattern.OUTPUT in implied:
        implied[Pattern.REASONING] = implied[Pattern.OUTPUT]
    return {
        pattern: np.clip(found, _LEAST_IMPLIED, _MOST_IMPLIED) for pattern, found in implied.items()
    }
