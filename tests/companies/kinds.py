"""What projects of an invented company do: what is looked for, and what only looks like it.

The effects are multipliers and further requests over people and days. None of the shapes, sizes or
names comes from the practice data; effects are weaker, and honest work is noisier.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]


@dataclass
class Work:
    """One project's work, people by days, as honest people would do it.

    Attributes:
        requests: honest requests.
        window: days by 1: 1.0 from onset to end.
        since: days since the onset; negative before it.
        involved: people by 1: 1.0 for those who take part.
        strength: extra spend as a share of honest spend, when everybody takes part.
        dates: day of the month from the end, 0 is the last day.
        prompt, cached, output, distinct, failed, off, premium: what multiplies or replaces the
            usual composition; days or people by days.
        weight: what an outcome of a day is worth.
        demand: multiplies requests and outcomes alike.
        extra: further requests without outcomes, and how they are made.
        reversed_extra: tiny outcomes a day that are taken back.
    """

    requests: Floats
    window: Floats
    since: Floats
    involved: Floats
    strength: float
    days_left: Floats
    prompt: Floats | float = 1.0
    cached: Floats | float = 1.0
    output: Floats | float = 1.0
    distinct: Floats | float = 0.93
    failed: Floats | float = 0.02
    off: Floats | float = 0.08
    premium: Floats | float = 0.0
    weight: Floats | float = 1.0
    demand: Floats | float = 1.0
    extra: Floats | None = None
    extra_distinct: float = 0.93
    extra_failed: float = 0.02
    extra_off: float = 0.08
    extra_output: float = 1.0
    extra_own_keys: bool = False
    reversed_extra: float = 0.0
    joiners: int = 0
    lag_factor: float = 1.0
    events: list[tuple[str, str]] = field(default_factory=list)

    @property
    def part(self) -> Floats:
        """Strength for those involved, so that the project as a whole has its strength."""
        share = float((self.requests * self.involved).sum() / max(self.requests.sum(), 1e-9))
        return self.involved * self.window * self.strength / max(share, 0.2)


def stuffing(work: Work) -> None:
    work.prompt = 1 + 1.2 * work.part * np.clip((work.since + 5) / 20, 0.3, 1)


def cache_busting(work: Work) -> None:
    work.cached = 1 - np.minimum(0.95, 0.6 * work.part)
    work.prompt = 1 + 0.3 * work.part


def replays(work: Work) -> None:
    bursts = np.where(work.since % 10 < 4, 2.0, 0.2)
    work.extra, work.extra_distinct = work.part * bursts * work.requests, 0.1


def retry_loops(work: Work) -> None:
    bursts = np.where(work.since % 9 < 3, 2.6, 0.1)
    work.extra, work.extra_failed, work.extra_distinct = (
        work.part * bursts * work.requests,
        0.5,
        0.3,
    )


def premium(work: Work) -> None:
    work.premium = np.where(work.part > 0, np.minimum(1.0, 0.35 + 0.4 * work.part), 0.0)


def long_answers(work: Work) -> None:
    work.output = 1 + 2.2 * work.part


def idle_agents(work: Work) -> None:
    usual = work.requests.sum(axis=0).mean()
    work.extra = np.zeros_like(work.requests)
    work.extra[0] = 1.2 * work.strength * usual * work.window
    work.extra_off, work.extra_distinct, work.extra_output = 0.7, 0.6, 0.4


def month_ends(work: Work) -> None:
    work.extra = 5 * work.part * (work.days_left < 5) * work.requests
    work.extra_distinct = 0.6


def abandoned(work: Work) -> None:
    work.extra, work.extra_own_keys = work.part * work.requests, True


def plain_excess(work: Work) -> None:
    work.extra = work.part * work.requests


def creep(work: Work) -> None:
    slope = np.clip(work.since / 40, 0, 2) * (work.since >= 0)
    work.extra = work.involved * work.strength * slope * work.requests


def race(work: Work) -> None:
    ramp = np.clip((work.since + 5) / 20, 0.3, 1) * work.window
    work.extra, work.extra_distinct = work.strength * ramp * work.requests, 0.8


def outcome_gaming(work: Work) -> None:
    work.extra, work.reversed_extra = work.part * work.requests, 2.0


def launch(work: Work) -> None:
    work.demand = np.where((work.window > 0) & (work.since < 21), 3.0, 1.0)


def backfill(work: Work) -> None:
    burst = (work.since >= 0) & (work.since < 6)
    work.demand, work.off = np.where(burst, 12.0, 1.0), np.where(burst, 0.7, 0.45)


def onboarding(work: Work) -> None:
    work.joiners = len(work.requests)


def better_model(work: Work) -> None:
    # About four fifths more spend, for work that is worth as much more.
    work.premium = np.where(work.since >= 0, 0.22, 0.0)
    work.weight = np.where(work.since >= 0, 1.8, 1.0)


def longer_documents(work: Work) -> None:
    work.prompt = np.where(work.since >= 0, 2.0, 1.0)
    work.weight = np.where(work.since >= 0, 1.8, 1.0)


def evaluation_suite(work: Work) -> None:
    work.distinct = np.where(work.window > 0, 0.4, 0.93)
    work.demand = np.where(work.window > 0, 1.8, 1.0)


def nightly_batch(work: Work) -> None:
    work.off, work.demand = np.where(work.since >= 0, 0.6, 0.1), np.where(work.since >= 0, 1.7, 1.0)


def month_closing(work: Work) -> None:
    work.demand = np.where(work.days_left < 5, 2.2, 1.0)


def slow_work(work: Work) -> None:
    work.lag_factor = 1.8


def declared_pilot(work: Work) -> None:
    work.demand = np.where(work.window > 0, 2.0, 1.0)
    work.events.append(("exploration", "declared pilot"))


def moved_here(work: Work) -> None:
    work.demand = np.where(work.since >= 0, 2.1, 1.0)
    work.events.append(("reorganisation", "work moved here"))


LOOKED_FOR: Final[dict[str, Callable[[Work], None]]] = {
    what.__name__: what
    for what in (
        *(stuffing, cache_busting, replays, retry_loops, premium, long_answers, idle_agents),
        *(month_ends, abandoned, plain_excess, creep, race, outcome_gaming),
    )
}
"""Spend beyond what its outcomes answer for."""

LOOKALIKES: Final[dict[str, Callable[[Work], None]]] = {
    what.__name__: what
    for what in (
        *(launch, backfill, onboarding, better_model, longer_documents, evaluation_suite),
        *(nightly_batch, month_closing, slow_work, declared_pilot, moved_here),
    )
}
"""Honest work that moves the same figures."""
