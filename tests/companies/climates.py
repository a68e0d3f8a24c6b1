"""What all projects of an invented company live in: calm, or one of many kinds of weather.

A detector is judged on each of them, and most on those that nothing about it was decided on.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Climate:
    """What differs between companies.

    Attributes:
        weeks: of usage.
        drift: standard deviation of log productivity from week to week.
        strengths: further spend as a share of honest spend; drawn for each project.
        noise: spread of log use of a person from day to day.
        freedom: degrees of freedom of that noise; few are heavy tails.
        season: by which share work rises and falls over ten weeks, as log.
        people: multiplies how many work on a project.
        growth: of log demand a day.
        launches: share of projects that launch in the same fortnight, each with its outcomes.
        backfills: share of projects that work off a backlog at some time.
        price_steps: how often a list price changes.
        outage_days: of the providers, for all.
        has_migration: whether all move to a new model, with another tokenizer and price.
        silent_days: for how long the feed of every fourth team is down.
        taken_back: share of outcomes that are reversed.
        wander: standard deviation of log use of one person from week to week, whatever the others
            do: work that changes hands.
        is_told: whether the events file tells of outages and silent feeds.
    """

    weeks: int = 20
    drift: float = 0.04
    strengths: tuple[float, ...] = (0.6, 1.0, 1.8)
    noise: float = 0.4
    freedom: float = 1e6
    season: float = 0.0
    people: float = 1.0
    growth: float = 0.001
    launches: float = 0.0
    backfills: float = 0.0
    price_steps: int = 1
    outage_days: int = 2
    has_migration: bool = False
    silent_days: int = 0
    taken_back: float = 0.05
    wander: float = 0.0
    is_told: bool = True


CLIMATES: Final = {
    "usual": Climate(),
    "half a year": Climate(weeks=26),
    "strong": Climate(strengths=(0.8, 3.0), drift=0.02),
    "weak": Climate(strengths=(0.4, 0.7), weeks=26),
    "heavy tails": Climate(noise=0.5, freedom=3.0, taken_back=0.1),
    "drift": Climate(drift=0.09),
    "season": Climate(season=0.3),
    "few weeks": Climate(weeks=13),
    "tiny teams": Climate(people=0.35),
    "large teams": Climate(people=3.0),
    "launches": Climate(launches=0.2),
    "prices": Climate(price_steps=5),
    "outage": Climate(outage_days=8, is_told=False),
    "silent feeds": Climate(silent_days=12, is_told=False),
    "migration": Climate(has_migration=True),
    "backfills": Climate(backfills=0.25),
    "growing": Climate(growth=0.006),
    "changing hands": Climate(wander=0.15),
    "rough": Climate(
        weeks=26,
        drift=0.06,
        strengths=(0.4, 0.8, 1.5),
        noise=0.5,
        freedom=4.0,
        taken_back=0.1,
        launches=0.1,
        backfills=0.1,
        price_steps=3,
        outage_days=5,
        silent_days=8,
        wander=0.08,
        is_told=False,
    ),
}
"""By name."""
