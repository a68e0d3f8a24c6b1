"""What usage is made of: D10 to D18, each with the money the shift would cost by itself.

Money is what was paid in the window times the part of it that the shift explains; the object's own
share outside of the window is the yardstick, never zero and never a peer's.
"""

from typing import Final

import numpy as np

from metering.analysis.anonymity import FEWEST_PEOPLE
from metering.analysis.detectors.reading import Reading, ratio, split, too_little
from metering.analysis.observed.panel import Bools, Floats

_DAYS: Final = 28
_KEYS: Final = 20
_WEEKS: Final = 8


def _shares(
    measure: str, above: Floats, below: Floats, inside: Bools, counted: str
) -> tuple[float, float, Reading]:
    """Return a ratio outside and inside of a window, and the reading of it."""
    if len(below) < _DAYS:
        return 0.0, 0.0, too_little(measure, len(below), _DAYS, "days")
    above_out, above_in = split(above, inside)
    below_out, below_in = split(below, inside)
    before, after = ratio(above_out, below_out), ratio(above_in, below_in)
    counts = (int(below_out.sum()), int(below_in.sum()))
    strength = float(np.log(max(after, 1e-6)) - np.log(max(before, 1e-6)))
    return before, after, Reading(measure, before, after, *counts, counted, strength=strength)


def _costing(found: Reading, usd: float) -> Reading:
    if found.refused:
        return found
    return Reading(
        *(found.measure, found.before, found.after, found.n_before, found.n_after, found.counted),
        strength=found.strength,
        usd=max(0.0, usd),
    )


def repeats(requests: Floats, distinct: Floats, usd: Floats, inside: Bools) -> Reading:
    """D10: the share of requests that repeat a prompt, and what the further ones cost."""
    before, after, found = _shares(
        "share of requests that repeat a prompt",
        *(np.maximum(requests - distinct, 0.0), requests, inside, "requests"),
    )
    return _costing(found, float(usd[inside].sum()) * (after - before) / max(1 - before, 0.05))


def failures(requests: Floats, failed: Floats, usd: Floats, inside: Bools) -> Reading:
    """D11: the share of requests that fail, and what the further ones cost."""
    before, after, found = _shares(
        "share of requests that fail", failed, requests, inside, "requests"
    )
    return _costing(found, float(usd[inside].sum()) * (after - before))


def prompt_length(prompts: Floats, requests: Floats, usd: Floats, inside: Bools) -> Reading:
    """D12: prompt tokens a request, and what the further ones cost.

    Args:
        prompts: prompt tokens of every class.
        requests: requests.
        usd: paid for prompts alone.
        inside: the days of the window.
    """
    before, after, found = _shares("prompt tokens a request", prompts, requests, inside, "requests")
    return _costing(found, float(usd[inside].sum()) * (1 - before / max(after, 1e-9)))


def cache_misses(
    fresh: Floats, cached: Floats, usd_fresh: Floats, usd_cached: Floats, inside: Bools
) -> Reading:
    """D13: the share of prompt tokens read from the cache, and what the missing ones cost.

    What can be reached is the object's own share outside of the window, never all.
    """
    prompts = fresh + cached
    before, after, found = _shares(
        "share of prompt tokens from the cache", cached, prompts, inside, "prompt tokens"
    )
    dear = ratio(usd_fresh, fresh)
    cheap = ratio(usd_cached, cached)
    missing = (before - after) * float(prompts[inside].sum())
    return _costing(found, missing * max(dear - cheap, 0.0))


def dear_models(paid: Floats, at_own_prices: Floats, inside: Bools) -> Reading:
    """D14: paid over what the same tokens usually cost this object; an upper bound.

    Whether the dearer model was needed, only its outcomes can say.
    """
    before, after, found = _shares(
        "price level of the models, 1 is the object's usual", paid, at_own_prices, inside, "USD"
    )
    return _costing(found, float(paid[inside].sum()) * (1 - before / max(after, 1e-9)))


def answer_length(output: Floats, requests: Floats, usd: Floats, inside: Bools) -> Reading:
    """D15: output tokens a request (reasoning among them), and what the further ones cost."""
    before, after, found = _shares("output tokens a request", output, requests, inside, "requests")
    return _costing(found, float(usd[inside].sum()) * (1 - before / max(after, 1e-9)))


def fan_out(requests: Floats, sessions: Floats, inside: Bools) -> Reading:
    """D16: requests a session; sub-agents and loops raise it."""
    return _shares("requests a session", requests, sessions, inside, "sessions")[2]


def lost_work(
    keys: Floats, lost_keys: Floats, usd: Floats, lost_usd: Floats, inside: Bools
) -> Reading:
    """D17: the share of spend on keys that reached no outcome, against the object's own past.

    Args:
        keys: matured keys per week; a key belongs to the week in which it was last used.
        lost_keys: those without an accepted outcome.
        usd: spent on the keys of a week.
        lost_usd: likewise without an outcome.
        inside: the weeks of the window.
    """
    measure = "share of matured spend on keys without an outcome"
    whole = int(keys.sum())
    if whole < _KEYS:
        return too_little(measure, whole, _KEYS, "keys")
    (usd_out, usd_in), (lost_out, lost_in) = split(usd, inside), split(lost_usd, inside)
    before, after = ratio(lost_out, usd_out), ratio(lost_in, usd_in)
    (keys_out, keys_in), (gone_out, gone_in) = split(keys, inside), split(lost_keys, inside)
    # Beta-binomial: the odds of losing a key, with half a key either way.
    odds = [
        np.log((g.sum() + 0.5) / (k.sum() - g.sum() + 0.5))
        for g, k in ((gone_out, keys_out), (gone_in, keys_in))
    ]
    return Reading(
        *(measure, before, after, int(keys_out.sum()), int(keys_in.sum()), "keys"),
        strength=float(odds[1] - odds[0]),
        usd=max(0.0, (after - before) * float(usd_in.sum())),
    )


def concentration(
    people: Floats, top_share: Floats, inside: Bools, fewest: int = FEWEST_PEOPLE
) -> Reading:
    """D18: the largest person's share of spend, shown only where so many people or more spend.

    A stable power user is no sign; a change is.

    Args:
        people: who spends, per week; counts.
        top_share: the largest share per week; nan where nobody spends.
        inside: the weeks of the window.
        fewest: of fewer people nothing is shown (k).
    """
    measure = "largest share of one of the people, per cent"
    seen = (people >= fewest) & np.isfinite(top_share)
    before, after = top_share[seen & ~inside], top_share[seen & inside]
    if len(people) < _WEEKS:
        return too_little(measure, len(people), _WEEKS, "weeks")
    if min(len(before), len(after)) < 2:  # noqa: PLR2004 - a level needs two weeks
        return Reading(
            *(measure, None, None, len(before), len(after), "weeks"),
            refused=f"fewer than {fewest} people",
        )
    usual, now = (100 * float(np.median(part)) for part in (before, after))
    return Reading(measure, usual, now, len(before), len(after), "weeks", strength=now - usual)
