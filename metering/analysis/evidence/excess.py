"""The main test (D20): spend beyond what the outcomes answer for, in any window.

For each window of each cost object two explanations are weighed. *Honest*: spend moved as spend
does, and outcomes followed with an elasticity below one. *Pattern*: spend moved by a further factor
that the outcomes know nothing of. The log of how much better the second explains spend and outcomes
together is the evidence; it is added to what the composition of usage says, pattern by pattern,
and to what the people and the weight of the outcomes say. It is averaged over all windows, so that
looking in many places is paid for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from metering.analysis.evidence.answering import Answered, answer
from metering.analysis.evidence.composition import (
    Composition,
    Pattern,
    Ratio,
    at_own_prices,
    compose,
    ratios_of,
)
from metering.analysis.evidence.heavier_outcomes import heavier_outcomes
from metering.analysis.evidence.heavy_tails import log_mean, log_ratio
from metering.analysis.evidence.some_people import moved_apart
from metering.analysis.evidence.spreads import (
    Spread,
    elasticity,
    spreads,
    stated,
    weight_per_outcome,
)
from metering.analysis.evidence.vendor_moves import Common, common_moves
from metering.analysis.observed.headcount import log_headcount
from metering.analysis.observed.masks import EventMasks
from metering.analysis.observed.panel import Bools, Floats, Panel
from metering.analysis.observed.windows import Windows, candidate_windows, enough_observed

# By which factors spend may have grown beyond its outcomes; equally likely beforehand.
_FACTORS: Final = (1.25, 1.4, 1.6, 1.9, 2.3, 2.9, 3.8, 5.0, 8.0, 13.0, 21.0)
_AROUND_IMPLIED: Final = (0.7, 1.0, 1.4)
# Honest growth knows no scale: launches, new people and backlogs of any size are ordinary, so that
# volume alone says little (outcomes beat volume). Honest productivity has a scale.
_GROWTH_FREEDOM: Final = 0.5
_EXCESS_FREEDOM: Final = 8.0
# How much elasticity differs between cost objects of one company.
_ELASTICITY_SPREAD: Final = 0.15
# Three in ten have an ordinary composition: fan-out, abandoned work, slow growth.
_ORDINARY: Final = 0.3
DECLARED: Final = 2.0
"""What an event that declares the work takes off the evidence, as a log."""

_COMPANY_MOVE: Final = 0.3
_PEERS: Final = 8
_NEVER: Final = -20.0


@dataclass(frozen=True)
class Excess:
    """The test, for every object and window.

    Attributes:
        windows: the windows.
        usable: objects by windows: whether there is enough to compare.
        growth: log of daily spend inside over outside.
        outcomes: log of daily outcome weight inside over outside.
        excess: log of the outcomes that the days' spend leads to expect, by the elasticity, inside
            over outside, less outcomes, less the company's own move.
        error: standard error of `excess`: counting, drift, and elasticity.
        evidence: log of how much better a pattern explains the window than honest change.
        by_pattern: pattern -> its part of `evidence`, with its share beforehand.
        ratios: what the composition is made of.
        composition: what it says.
        of_some: what it adds that spend moved among the people, for every pattern alike.
        unchanged: what it adds that outcomes kept their weight, for every pattern alike.
        answered: outcomes by day of usage.
        spend: spend without the vendors' common moves, USD by day.
        common: those moves.
        elasticity: as used.
        spreads: by class of window length, as used.
        per_event: weight that carries as much information as one event, per object.
        masks: what is known of the calendar.
    """

    windows: Windows
    usable: Bools
    growth: Floats
    outcomes: Floats
    excess: Floats
    error: Floats
    evidence: Floats
    by_pattern: Mapping[Pattern, Floats]
    ratios: Mapping[Pattern, Ratio]
    composition: Composition
    of_some: Floats
    unchanged: Floats
    answered: Answered
    spend: Floats
    common: Common
    elasticity: float
    spreads: Mapping[int, Spread]
    per_event: Floats
    masks: EventMasks


def find_excess(panel: Panel, masks: EventMasks) -> Excess:
    """Weigh every window of every object; pure, and the same for any order of rows."""
    windows = candidate_windows(panel.days)
    requests = panel.frames.cells.get("requests")
    per_cell = (
        np.ones(len(panel.constant))
        if requests is None or requests.isna().any()
        else requests.to_numpy(np.float64)
    )
    common = common_moves(panel, panel.constant, per_cell)
    spend = panel.on_grid(panel.constant / common.factor)
    paid_cells = panel.frames.cells["cost_usd"].to_numpy(np.float64)
    paid = panel.on_grid(paid_cells / common.factor)
    answered = answer(panel, spend, masks.seen)
    per_event = weight_per_outcome(panel, answered.expected)
    usable = enough_observed(windows, answered.observed)

    near_price = masks.price_change[:, windows.first]

    def grown(power: float) -> Floats:
        more = _log_rate(windows, np.maximum(spend, 0.0) ** power, answered.observed)
        # Volume that rose because the price fell is not more money: near its change both count.
        dearer = _log_rate(windows, np.maximum(paid, 0.0) ** power, answered.observed)
        return np.where(near_price, np.minimum(more, dearer), more)

    growth = grown(1.0)
    outcomes, counting = _outcome_rate(windows, answered, per_event)
    power = elasticity(growth, outcomes, counting, usable)
    # Outcomes follow each day's spend: a backlog of six days answers for less than its mean would.
    excess = grown(power) - outcomes
    excess -= _company_move(excess, usable)
    # What more people spend is honest growth, as long as their outcomes follow.
    unexplained = growth - log_headcount(panel, windows)
    found = spreads(windows, excess, counting, unexplained, usable)
    classes = windows.length_class
    drift = np.array([found[int(number)].drift for number in classes])
    scale = np.array([found[int(number)].growth for number in classes])
    error = np.sqrt(counting**2 + drift**2 + (_ELASTICITY_SPREAD * growth) ** 2)

    def beyond(factor: Floats | float) -> Floats:
        return log_ratio(unexplained, factor, scale, _GROWTH_FREEDOM) + log_ratio(
            excess, power * factor, error, _EXCESS_FREEDOM
        )

    ratios = ratios_of(panel)
    composition = compose(panel, ratios, windows)
    by_pattern = _by_pattern(beyond, composition)
    of_some = composition.of_some + moved_apart(
        panel, windows, at_own_prices(panel) / common.factor
    )
    unchanged = heavier_outcomes(panel, answered, windows)
    declared = DECLARED * masks.declared[:, windows.first]
    by_pattern = {
        pattern: np.where(usable, part + of_some + unchanged - declared, _NEVER)
        for pattern, part in by_pattern.items()
    }
    evidence = np.asarray(np.logaddexp.reduce(np.stack([*by_pattern.values()]), axis=0))
    return Excess(
        windows=windows,
        usable=usable,
        growth=growth,
        outcomes=outcomes,
        excess=excess,
        error=error,
        evidence=evidence,
        by_pattern=by_pattern,
        ratios=ratios,
        composition=composition,
        of_some=of_some,
        unchanged=unchanged,
        answered=answered,
        spend=spend,
        common=common,
        elasticity=power,
        spreads=found,
        per_event=per_event,
        masks=masks,
    )


def _log_rate(windows: Windows, spend: Floats, observed: Floats) -> Floats:
    """Return the log of spend per observed day inside over outside."""
    weighed = spend * observed
    return (
        _log(windows.inside(weighed))
        - _log(windows.inside(observed))
        - (_log(windows.outside(weighed)) - _log(windows.outside(observed)))
    )


def _outcome_rate(windows: Windows, answered: Answered, per_event: Floats) -> tuple[Floats, Floats]:
    """Return the log of outcomes per observed day inside over outside, and its counting error."""
    unit = per_event[:, None]
    inside = np.maximum(windows.inside(np.maximum(answered.credited, 0.0)), 0.0)
    outside = np.maximum(windows.outside(np.maximum(answered.credited, 0.0)), 0.0)
    # One event, spread over the days as if nothing changed, keeps the ratio finite without any.
    days_inside, days_outside = (
        windows.inside(answered.observed),
        windows.outside(answered.observed),
    )
    share = days_inside / np.maximum(days_inside + days_outside, 1e-9)
    ratio = _log(inside + unit * share) - _log(outside + unit * (1 - share))
    ratio -= _log(days_inside) - _log(days_outside)
    error = np.sqrt(
        1 / np.maximum(inside / unit + share, 1e-9)
        + 1 / np.maximum(outside / unit + (1 - share), 1e-9)
    )
    return ratio, np.asarray(error, np.float64)


def _company_move(excess: Floats, usable: Bools) -> Floats:
    """Return by how much the whole company moved in each window: its median, if it has peers."""
    enough = usable.sum(axis=0) >= _PEERS
    moved = np.where(usable, excess, np.nan)
    moved[:, ~enough] = 0.0
    middle = np.nanmedian(moved, axis=0) if moved.size else np.zeros(excess.shape[1])
    return np.array([stated(float(v)) for v in np.clip(middle, -_COMPANY_MOVE, _COMPANY_MOVE)])


def _by_pattern(
    beyond: Callable[[Floats | float], Floats], composition: Composition
) -> dict[Pattern, Floats]:
    """Return each pattern's evidence, with its share beforehand."""
    ordinary = log_mean([beyond(float(np.log(factor))) for factor in _FACTORS])
    parts = {Pattern.NONE: np.log(_ORDINARY) + ordinary}
    share = np.log((1 - _ORDINARY) / len(composition.support))
    for pattern, support in composition.support.items():
        implied = composition.implied.get(pattern)
        if implied is None:
            explained = ordinary
        else:
            explained = log_mean([beyond(implied * by) for by in _AROUND_IMPLIED])
        parts[pattern] = share + support + explained
    return parts


def _log(values: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(values, 1e-9)), np.float64)
