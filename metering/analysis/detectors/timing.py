"""When it is spent: D06, D07 and D09."""

import math
from typing import Final

import numpy as np

from metering.analysis.detectors.reading import Reading, ratio, split, too_little
from metering.analysis.observed.panel import Bools, Floats

_MONTHS: Final = 3
_PEOPLE_MONTHS: Final = 6
_OFF_HOURS_DAYS: Final = 28
_STUDY_WEEKS: Final = 6
_OTHERS: Final = 4


def period_end(daily: Floats, month: Floats, late: Bools, inside: Bools) -> Reading:
    """D06: the share of spend on the last business days of a month.

    Args:
        daily: spend per day.
        month: which month a day is in, as a number that grows.
        late: the last business days of a month.
        inside: the days of the window.
    """
    measure = "share of spend on the last business days of a month, per cent"
    months = len(np.unique(month))
    if months < _MONTHS:
        return too_little(measure, months, _MONTHS, "months")
    outer, inner = ~inside, inside
    before = 100 * ratio(daily[outer & late], daily[outer])
    after = 100 * ratio(daily[inner & late], daily[inner])
    due = 100 * float(late[inner].mean()) if inner.any() else 0.0
    return Reading(
        *(measure, before, after, int(outer.sum()), int(inner.sum()), "days"),
        strength=after - max(before, due),
    )


def bunching(above: int, below: int) -> Reading:
    """D06: people's months just above a round amount against those just below it.

    They are counted and never shown; the strength is minus the log of the one-sided binomial
    chance, p = 1/2. Mass below an amount is a cap at work, and no sign of anything.
    """
    measure = "months of people just below and just above a round amount"
    whole = above + below
    if whole < _PEOPLE_MONTHS:
        return too_little(measure, whole, _PEOPLE_MONTHS, "months")
    chance = sum(math.comb(whole, k) for k in range(above, whole + 1)) / 2**whole
    return Reading(
        *(measure, float(below), float(above), below, above, "months"),
        strength=-math.log(chance),
    )


def off_hours(requests: Floats, off: Floats, inside: Bools) -> Reading:
    """D07: the share of requests outside office hours; a change counts, a level does not."""
    measure = "requests outside office hours, per cent"
    if len(requests) < _OFF_HOURS_DAYS:
        return too_little(measure, len(requests), _OFF_HOURS_DAYS, "days")
    whole_out, whole_in = split(requests, inside)
    off_out, off_in = split(off, inside)
    before, after = 100 * ratio(off_out, whole_out), 100 * ratio(off_in, whole_in)
    return Reading(
        *(measure, before, after, int(whole_out.sum()), int(whole_in.sum()), "requests"),
        strength=_logit(after) - _logit(before),
    )


def _logit(per_cent: float) -> float:
    share = min(max(per_cent / 100, 0.005), 0.995)
    return math.log(share / (1 - share))


def event_study(exposed: Floats, others: Floats, week: int) -> Reading:
    """D09: spend beyond outcomes after an incentive less before it, exposed less others.

    Args:
        exposed: log spend beyond outcomes per week; nan where unknown.
        others: objects by weeks of the same, for those that the incentive does not touch.
        week: the first one with the incentive.
    """
    measure = "spend beyond outcomes around an incentive, log points over six weeks either side"
    before = slice(max(0, week - _STUDY_WEEKS), week)
    after = slice(week, week + _STUDY_WEEKS)
    known = np.isfinite(exposed)
    there = min(int(known[before].sum()), int(known[after].sum()))
    if there < _STUDY_WEEKS - 2:
        return too_little(measure, there, _STUDY_WEEKS - 2, "weeks")
    if len(others) < _OTHERS:
        return too_little(measure, len(others), _OTHERS, "peers")
    moves = _move(others, before, after)
    moves = moves[np.isfinite(moves)]
    own = float(_move(exposed[None, :], before, after)[0])
    spread = max(float(np.std(moves)), 0.1) if len(moves) else 1.0
    common = float(np.median(moves)) if len(moves) else 0.0
    return Reading(
        *(measure, common, own, _STUDY_WEEKS, _STUDY_WEEKS, "weeks"),
        strength=(own - common) / spread,
    )


def _move(series: Floats, before: slice, after: slice) -> Floats:
    """Return the mean after less the mean before, per row; nan where either is unknown."""
    with_values = np.isfinite(series)
    filled = np.where(with_values, series, 0.0)

    def mean(weeks: slice) -> Floats:
        count = with_values[:, weeks].sum(axis=1)
        return np.where(count > 0, filled[:, weeks].sum(axis=1) / np.maximum(count, 1), np.nan)

    return np.asarray(mean(after) - mean(before), np.float64)
