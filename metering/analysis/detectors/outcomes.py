"""What the spend bought: D21, D22, D23, D25. D20 is `evidence.excess`, D24 `evidence.silence`."""

import math
from typing import Final

import numpy as np

from metering.analysis.detectors.level import theil_sen
from metering.analysis.detectors.reading import Reading, ratio, split, too_little
from metering.analysis.observed.panel import Bools, Floats

_BLOCK_WEEKS: Final = 4
_BLOCKS: Final = 4
_OUTCOMES: Final = 20
_FEW_PEOPLE: Final = 3.0
_YEAR_WEEKS: Final = 26.0


def elasticity_of_outcomes(spend: Floats, outcomes: Floats) -> Reading:
    """D21: by which power outcomes grew with spend, over blocks of four weeks.

    Blocks and not days, since noise in spend pulls the power towards zero.
    """
    measure = "elasticity of outcomes to spend"
    blocks = len(spend) // _BLOCK_WEEKS
    skipped = len(spend) - blocks * _BLOCK_WEEKS
    pairs = [part[skipped:].reshape(blocks, _BLOCK_WEEKS).sum(axis=1) for part in (spend, outcomes)]
    known = (pairs[0] > 0) & (pairs[1] > 0)
    x, y = (np.log(part[known]) for part in pairs)
    if known.sum() < _BLOCKS or len(np.unique(x)) < _BLOCKS:
        return too_little(measure, int(known.sum()), _BLOCKS, "blocks")
    order = np.argsort(x, kind="stable")
    slope, low = theil_sen(x[order], y[order])
    return Reading(measure, None, slope, 0, int(known.sum()), "blocks", strength=low)


def marginal_outcomes(
    spend: tuple[float, float], outcomes: tuple[float, float], events: tuple[int, int]
) -> Reading:
    """D22: further outcomes per further USD beside outcomes per USD before.

    Args:
        spend: USD a week, before and in the window.
        outcomes: accepted weight a week.
        events: how many outcomes they rest on.

    Refused where spend did not clearly rise: the ratio of two differences means nothing then.
    """
    measure = "accepted weight per further USD, beside weight per USD before"
    further = spend[1] - spend[0]
    if further < 0.2 * max(spend[0], 1e-9):
        return Reading(
            *(measure, None, None, events[0], events[1], "outcomes"),
            refused="spend did not clearly rise",
        )
    if min(events) < 1 or sum(events) < _OUTCOMES:
        return too_little(measure, sum(events), _OUTCOMES, "outcomes")
    before = outcomes[0] / max(spend[0], 1e-9)
    after = (outcomes[1] - outcomes[0]) / further
    error = math.sqrt(outcomes[1] ** 2 / events[1] + outcomes[0] ** 2 / events[0]) / further
    return Reading(
        *(measure, before, after, *events, "outcomes"), strength=(before - after) / max(error, 1e-9)
    )


def outcome_gaming(
    events: Floats, weight: Floats, reversed_events: Floats, inside: Bools
) -> Reading:
    """D23: the share of outcomes taken back, while their number rises or each weighs less.

    Args:
        events: accepted outcomes per day.
        weight: their weight.
        reversed_events: outcomes taken back per day.
        inside: the days of the window.
    """
    measure = "share of outcomes that are taken back"
    whole = int(events.sum())
    if whole < _OUTCOMES:
        return too_little(measure, whole, _OUTCOMES, "outcomes")
    (events_out, events_in), (back_out, back_in) = (
        split(part, inside) for part in (events, reversed_events)
    )
    before, after = ratio(back_out, events_out), ratio(back_in, events_in)
    weight_out, weight_in = split(weight, inside)
    lighter = ratio(weight_out, events_out) - ratio(weight_in, events_in)
    more = events_in.mean() > events_out.mean() if len(events_in) and len(events_out) else False
    strength = (after - before) if more or lighter > 0 else 0.0
    return Reading(
        *(measure, before, after, int(events_out.sum()), int(events_in.sum()), "outcomes"),
        strength=strength,
    )


def vanity(
    spend_rank: float, outcome_rank: float, premium: float, weeks: int, people: float
) -> Reading:
    """D25: percentile of spend less percentile of outcomes, where few people use dear models.

    Args:
        spend_rank: percentile among the company's objects, 0 to 100.
        outcome_rank: likewise of accepted weight.
        premium: price level of the models, 1 is the company's usual.
        weeks: age.
        people: how many spend in an ordinary week.
    """
    measure = "percentile of outcomes, and of spend"
    if people > _FEW_PEOPLE:
        return Reading(
            *(measure, outcome_rank, spend_rank, weeks, weeks, "weeks"),
            refused="more people use it than the few of a showcase",
        )
    young = max(0.0, 1 - weeks / _YEAR_WEEKS)
    index = max(0.0, spend_rank - outcome_rank) * max(premium, 0.0) * (0.5 + young)
    return Reading(*(measure, outcome_rank, spend_rank, weeks, weeks, "weeks"), strength=index)
