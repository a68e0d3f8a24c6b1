"""D24: spend whose outcomes never come, stopped coming, or are not sent at all.

No feed is not no outcome, and no outcome yet is not no outcome: a team that sends nothing is asked
for its feed, and spend younger than its attribution window counts for nothing here.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from metering.analysis.evidence.answering import Answered
from metering.analysis.observed.masks import EventMasks
from metering.analysis.observed.panel import Bools, Floats, Ints, Panel

# Outcomes have stopped when so long a silence is less likely than this.
_CHANCE: Final = 1e-3
# None at all says more: other projects of the team have a feed, and this one is not in it.
_NEVER_CHANCE: Final = 0.05
_STILL_SPENDING: Final = 0.3  # of the usual daily spend
_PEERS: Final = 4
_LEAST_EVENTS: Final = 5


class Silence(StrEnum):
    """What is silent."""

    NONE = ""
    NEVER = "no outcome ever, while the team has others"
    STOPPED = "outcomes stopped while spend goes on"
    NO_FEED = "the team has never sent an outcome"
    FEED_STOPPED = "no outcome of the whole team any more, while spend goes on"

    @property
    def is_feed(self) -> bool:
        """Whether the feed is what is missing."""
        return self in {Silence.NO_FEED, Silence.FEED_STOPPED}


@dataclass(frozen=True, slots=True)
class Silences:
    """What is silent, per object.

    Attributes:
        kind: per object.
        since: the day from which spend has no outcome.
        matured: paid USD since then that is older than the attribution window.
        chance: how likely so long a silence is at the expected rate; 1 where nothing is silent.
    """

    kind: tuple[Silence, ...]
    since: Ints
    matured: Floats
    chance: Floats


def find_silences(
    panel: Panel, answered: Answered, per_event: Floats, masks: EventMasks
) -> Silences:
    """Say which objects spend without outcomes.

    Args:
        panel: the panel.
        answered: its outcomes by day of usage.
        per_event: weight that carries as much information as one event, per object.
        masks: gaps in a feed that are told by events are no silence.
    """
    speaks = panel.accepted.sum(axis=1) > 0
    age_limit = panel.days - panel.window_days
    mature = np.arange(panel.days)[None, :] < age_limit[:, None]
    since, chance = _never(panel, speaks, mature)
    stopped, stop_day, stop_chance = _stopped(panel, answered, per_event, masks)
    teams = np.array(panel.teams)
    kinds = [Silence.NONE] * panel.objects
    for team in sorted(set(panel.teams)):
        members = np.flatnonzero(teams == team)
        team_speaks = speaks[members].any()
        heard = members[speaks[members]]
        all_stopped = len(heard) > 1 and stopped[heard].all()
        for at in map(int, members):
            spends = float((panel.paid[at] * mature[at]).sum()) > 0
            if not speaks[at] and spends and (not team_speaks or chance[at] < _NEVER_CHANCE):
                kinds[at] = Silence.NEVER if team_speaks else Silence.NO_FEED
            elif stopped[at]:
                kinds[at] = Silence.FEED_STOPPED if all_stopped else Silence.STOPPED
                since[at], chance[at] = stop_day[at], stop_chance[at]
    after = np.arange(panel.days)[None, :] >= since[:, None]
    silent = np.array([kind is not Silence.NONE for kind in kinds])
    return Silences(
        kind=tuple(kinds),
        since=since,
        matured=np.where(silent, (panel.paid * (mature & after)).sum(axis=1), 0.0),
        chance=np.where(silent, chance, 1.0),
    )


def _never(panel: Panel, speaks: Bools, mature: Bools) -> tuple[Ints, Floats]:
    """Return the first day of usage, and how likely no outcome at all is at the peers' rate.

    The peers are the objects of the same function, or else all; their lower quartile is taken, so
    that slow work is not called silent.
    """
    since = (panel.spend > 0).argmax(axis=1).astype(np.int64)
    mature_spend = (panel.spend * mature).sum(axis=1)
    events = panel.accepted.sum(axis=1) ** 2 / np.maximum(panel.squares.sum(axis=1), 1e-12)
    rate = np.where(speaks, events / np.maximum(panel.spend.sum(axis=1), 1e-12), np.nan)
    functions = np.array(panel.functions)
    chance = np.zeros(panel.objects)
    for function in sorted(set(panel.functions)):
        members = functions == function
        peers = rate[members & speaks]
        peers = peers if len(peers) >= _PEERS else rate[speaks]
        if len(peers) >= _PEERS:
            chance[members] = np.exp(-np.quantile(peers, 0.25) * mature_spend[members])
    return since, chance


def _stopped(
    panel: Panel, answered: Answered, per_event: Floats, masks: EventMasks
) -> tuple[Bools, Ints, Floats]:
    """Return whether the outcomes of an object stopped, since when, and how likely that is."""
    days = panel.days
    heard = panel.accepted > 0
    last = np.where(heard.any(axis=1), days - 1 - heard[:, ::-1].argmax(axis=1), days - 1)
    number = np.arange(days)[None, :]
    after = number > last[:, None]
    before = ~after
    due_after = np.where(after & masks.seen, answered.expected, 0.0).sum(axis=1)
    due_before = np.where(before, answered.expected, 0.0).sum(axis=1)
    events = panel.net.sum(axis=1) / per_event
    missed = events * due_after / np.maximum(due_before, 1e-12)
    chance = np.exp(-np.maximum(missed, 0.0))
    elapsed = days - 1 - last
    usual = np.where(before, panel.spend, 0.0).sum(axis=1) / np.maximum(last + 1, 1)
    now = np.where(after, panel.spend, 0.0).sum(axis=1) / np.maximum(elapsed, 1)
    stopped = (
        (chance < _CHANCE)
        & (elapsed > panel.window_days)
        & (now > _STILL_SPENDING * usual)
        & (events >= _LEAST_EVENTS)
    )
    return stopped, (last + 1).astype(np.int64), chance
