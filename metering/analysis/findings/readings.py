"""What every detector says of one case: the window is the main test's, the object its own peer."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from metering.analysis.detectors import composition, level, outcomes, timing
from metering.analysis.detectors.reading import Reading
from metering.analysis.evidence.composition import Pattern
from metering.analysis.evidence.excess import Excess
from metering.analysis.observed.masks import INCENTIVES
from metering.analysis.observed.panel import DAYS_PER_WEEK, Bools, Floats, Panel

_LAST_BUSINESS_DAYS: Final = 5
_SATURDAY: Final = 5
_LATE_DAY: Final = 20


class Readings:
    """Reads the detectors over a panel; what is the same for all objects is worked out once.

    Args:
        panel: the panel.
        test: the main test, which credits outcomes to usage and takes off vendors' moves.
        fewest_people: of fewer nothing is told (k).
    """

    def __init__(self, panel: Panel, test: Excess, fewest_people: int) -> None:
        self._panel, self._test, self._fewest = panel, test, fewest_people
        observed = panel.by_week(test.answered.observed)
        credited = panel.by_week(np.maximum(test.answered.credited, 0.0))
        share = np.clip(observed / DAYS_PER_WEEK, 1e-9, 1.0)
        # A week of which less than half can have been seen says nothing yet.
        self._done = np.where(share > 1 / 2, credited / share, np.nan)
        self._spent = panel.by_week(test.spend)
        with np.errstate(divide="ignore", invalid="ignore"):
            self._cost = np.where(self._done > 0, self._spent / self._done, np.nan)
            self._beyond = np.log(np.where(self._cost > 0, self._cost, np.nan))
        skipped = panel.days - panel.weeks * DAYS_PER_WEEK
        self._week_of = (np.arange(panel.days) - skipped) // DAYS_PER_WEEK
        dates = [panel.day(number) for number in range(panel.days)]
        self._weekday = np.array([day.weekday() for day in dates], np.float64)
        self._month = np.array([day.year * 12 + day.month for day in dates], np.float64)
        business = self._weekday < _SATURDAY
        self._late = np.zeros(panel.days, np.bool_)
        for month in np.unique(self._month):
            days = np.flatnonzero((self._month == month) & business)
            # A month that the data cut off has no end.
            if len(days) and dates[int(days[-1])].day > _LATE_DAY:
                self._late[days[-_LAST_BUSINESS_DAYS:]] = True

    def of(self, at: int, first: int, end: int) -> dict[str, tuple[Reading, ...]]:
        """Return detector -> its readings of an object, inside of days [first, end) and outside."""
        panel = self._panel
        inside = np.zeros(panel.days, np.bool_)
        inside[first:end] = True
        weeks = np.zeros(panel.weeks, np.bool_)
        weeks[np.unique(self._week_of[inside & (self._week_of >= 0)])] = True
        found = {
            **self._of_level(at, inside, weeks),
            **self._of_time(at, inside),
            **self._of_composition(at, inside),
            **self._of_work(at, weeks),
            **self._of_outcomes(at, inside, weeks),
        }
        return dict(sorted(found.items()))

    def _of_level(self, at: int, inside: Bools, weeks: Bools) -> dict[str, tuple[Reading, ...]]:
        masked = ~self._test.masks.seen[at]
        function = self._panel.functions[at]
        peers = [i for i, name in enumerate(self._panel.functions) if name == function and i != at]
        cost = self._recent_cost(weeks)
        daily = self._panel.spend[at]
        return {
            "D01": (level.robust_level_shift(self._spent[at], weeks),),
            "D02": (level.cusum(self._beyond[at], weeks),),
            "D03": (level.change_point(self._cost[at]),),
            "D04": (level.seasonal_outliers(daily, self._weekday, masked, inside),),
            "D05": (level.peer_percentile(float(cost[at]), cost[peers]),),
            "D08": (level.creep(self._spent[at], self._done[at]),),
        }

    def _recent_cost(self, weeks: Bools) -> Floats:
        known = np.isfinite(self._done) & weeks
        done = np.where(known, self._done, 0.0).sum(axis=1)
        spent = np.where(known, self._spent, 0.0).sum(axis=1)
        return np.where(done > 0, spent / np.maximum(done, 1e-12), np.nan)

    def _of_time(self, at: int, inside: Bools) -> dict[str, tuple[Reading, ...]]:
        panel = self._panel
        spend = panel.spend[at]
        found: dict[str, tuple[Reading, ...]] = {
            "D06": (timing.period_end(spend, self._month, self._late, inside),)
        }
        targets = panel.frames.targets
        own = targets[targets["object"] == at]
        for above, below in own[["above", "below"]].itertuples(index=False, name=None):
            found["D06"] = (*found["D06"], timing.bunching(int(above), int(below)))
        counts = self._counts(at)
        if {"requests", "offhours_requests"} <= counts.keys():
            off = timing.off_hours(counts["requests"], counts["offhours_requests"], inside)
            found["D07"] = (off,)
        for event in self._test.masks.told:
            if event.kind in INCENTIVES and event.touched[at] and 0 <= event.first < panel.days:
                week = max(0, int(self._week_of[event.first]))
                others = self._beyond[~event.touched]
                found["D09"] = (timing.event_study(self._beyond[at], others, week),)
        return found

    def _counts(self, at: int) -> Mapping[str, Floats]:
        return {name: grid[at] for name, grid in self._panel.counts.items()}

    def _of_composition(self, at: int, inside: Bools) -> dict[str, tuple[Reading, ...]]:
        panel, counts = self._panel, self._counts(at)
        paid = panel.paid[at]
        usd = {name: grid[at] for name, grid in panel.class_usd.items()}
        found = {
            "D14": composition.dear_models(
                panel.spend[at], self._test.ratios[Pattern.PREMIUM].below[at], inside
            )
        }
        if {"input_tokens", "cached_input_tokens", "cache_write_tokens"} <= counts.keys():
            fresh = counts["input_tokens"] + counts["cache_write_tokens"]
            cached = counts["cached_input_tokens"]
            dear = usd["input_tokens"] + usd["cache_write_tokens"]
            cheap = usd["cached_input_tokens"]
            found["D13"] = composition.cache_misses(fresh, cached, dear, cheap, inside)
            if "requests" in counts:
                found["D12"] = composition.prompt_length(
                    fresh + cached, counts["requests"], dear + cheap, inside
                )
        if "requests" in counts:
            requests = counts["requests"]
            found["D15"] = composition.answer_length(
                counts["output_tokens"], requests, usd["output_tokens"], inside
            )
            if "distinct_prompts" in counts:
                distinct = counts["distinct_prompts"]
                found["D10"] = composition.repeats(requests, distinct, paid, inside)
            if "failed_requests" in counts:
                failed = counts["failed_requests"]
                found["D11"] = composition.failures(requests, failed, paid, inside)
            if "sessions" in counts:
                found["D16"] = composition.fan_out(requests, counts["sessions"], inside)
        return {number: (reading,) for number, reading in found.items()}

    def _of_work(self, at: int, weeks: Bools) -> dict[str, tuple[Reading, ...]]:
        panel = self._panel
        window_weeks = -(-int(panel.window_days[at]) // DAYS_PER_WEEK)
        keys = self._weekly("keys", at, ("keys", "lost_keys", "usd", "lost_usd"))
        # Keys whose window is still open are not lost.
        matured = np.arange(panel.weeks) < panel.weeks - window_weeks
        every, gone, usd, lost_usd = (np.where(matured, part, 0.0) for part in keys)
        lost = composition.lost_work(every, gone, usd, lost_usd, weeks)
        people, top = self._weekly("people", at, ("people", "top_share"))
        largest = composition.concentration(people, top, weeks, self._fewest)
        return {"D17": (lost,), "D18": (largest,)}

    def _weekly(self, table: str, at: int, columns: tuple[str, ...]) -> tuple[Floats, ...]:
        """Return columns of a weekly table, whose week 0 is the last, as series of weeks."""
        weeks = self._panel.weeks
        rows = getattr(self._panel.frames, table)
        rows = rows[(rows["object"] == at) & (rows["week"] < weeks)]
        place = weeks - 1 - rows["week"].to_numpy(np.int64)
        found = []
        for column in columns:
            series = np.zeros(weeks)
            series[place] = rows[column].to_numpy(np.float64)
            found.append(series)
        return tuple(found)

    def _of_outcomes(self, at: int, inside: Bools, weeks: Bools) -> dict[str, tuple[Reading, ...]]:
        panel = self._panel
        rows = panel.frames.outcomes
        rows = rows[rows["object"] == at]
        day = rows["day"].to_numpy(np.int64)
        events, weight, back = (
            np.bincount(day, rows[name].to_numpy(np.float64), panel.days).astype(np.float64)
            for name in ("events", "accepted", "reversals")
        )
        done, spent = self._done[at], self._spent[at]
        known = np.isfinite(done)
        halves = [known & ~weeks, known & weeks]
        spend, outcome = (
            tuple(float(series[half].mean()) if half.any() else 0.0 for half in halves)
            for series in (spent, np.where(known, done, 0.0))
        )
        counted = (int(events[~inside].sum()), int(events[inside].sum()))
        totals = panel.paid.sum(axis=1), panel.net.sum(axis=1)
        ranks = [100 * float((total < total[at]).mean()) for total in totals]
        (people,) = self._weekly("people", at, ("people",))
        usual = float(np.median(people[people > 0])) if (people > 0).any() else 0.0
        used = panel.spend[at] > 0
        age = (panel.days - int(used.argmax())) // DAYS_PER_WEEK
        premium = self._price_level(at)
        return {
            "D21": (outcomes.elasticity_of_outcomes(spent[known], done[known]),),
            "D22": (
                outcomes.marginal_outcomes((spend[0], spend[1]), (outcome[0], outcome[1]), counted),
            ),
            "D23": (outcomes.outcome_gaming(events, weight, back, inside),),
            "D25": (outcomes.vanity(ranks[0], ranks[1], premium, age, usual),),
        }

    def _price_level(self, at: int) -> float:
        """Return what a token of this object costs over what a token of the company costs."""
        tokens = sum(
            (
                grid.sum(axis=1)
                for name, grid in self._panel.counts.items()
                if name.endswith("_tokens")
            ),
            np.zeros(self._panel.objects),
        )
        spent = self._panel.spend.sum(axis=1)
        usual = float(spent.sum()) / max(float(tokens.sum()), 1e-9)
        return float(spent[at]) / max(float(tokens[at]), 1e-9) / max(usual, 1e-12)
