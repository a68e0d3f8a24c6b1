"""What a reviewer would know: holidays, outages, silent feeds, price changes, declared work.

An events file says it, and some of it shows: a team whose feed falls silent for longer than chance
allows, and speaks again, had a gap. Days of a gap count neither for nor against anybody.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd

from metering.analysis.observed.panel import Bools, Ints, Panel

# Words of the events file, by what they mean here; any other kind is taken as declared work.
_GAPS: Final = ("feed_gap", "feed gap", "feed_outage", "silent_feed", "integration_outage")
_PRICES: Final = ("price_change", "price")
_CALENDAR: Final = ("holiday", "closing", "shutdown", "outage", "incident", "vendor_incident")
INCENTIVES: Final = ("incentive", "leaderboard", "contest", "target", "policy")
"""Kinds of events after which use may rise because it is rewarded."""

_DECLARED_BEFORE_DAYS: Final = 14
_DECLARED_AFTER_DAYS: Final = 21
_PRICE_BEFORE_DAYS: Final = 7
_PRICE_AFTER_DAYS: Final = 14
# A silence is a gap when its chance, at the team's own rate, is below this.
_CHANCE: Final = 1e-5
_LEAST_GAP_DAYS: Final = 5
# Days with an outcome come in runs, so that fewer are to be expected than there usually are.
_STEADY: Final = 0.8
# A gap is longer than twice what nine in ten silences are.
_HABIT: Final = 0.9
_TIMES_HABIT: Final = 2.0


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of days on which a team's outcomes cannot be in the data.

    Attributes:
        team: whose.
        first: the first day.
        end: the day after the last.
        is_told: by the events file; otherwise it was seen.
    """

    team: str
    first: int
    end: int
    is_told: bool


@dataclass(frozen=True, slots=True)
class Told:
    """An event of the file.

    Attributes:
        first: the day it begins.
        kind: as the file says.
        touched: per object, whether it is about it.
    """

    first: int
    kind: str
    touched: Bools


@dataclass(frozen=True, slots=True)
class EventMasks:
    """What is known of each object's days.

    Attributes:
        seen: objects by days: outcomes of the day can be in the data.
        declared: objects by days: a window that begins here begins with a declared event.
        price_change: objects by days: a window that begins here begins with a change of price.
        told: the events, in the order of the frames.
        gaps: the stretches that `seen` leaves out.
        unread: scopes that name nothing that is known here.
    """

    seen: Bools
    declared: Bools
    price_change: Bools
    told: tuple[Told, ...]
    gaps: tuple[Gap, ...]
    unread: tuple[str, ...]


def masks_of(panel: Panel) -> EventMasks:
    """Read the events of a panel, and look for gaps in its feeds."""
    shape = (panel.objects, panel.days)
    seen, declared = np.ones(shape, np.bool_), np.zeros(shape, np.bool_)
    price = np.zeros(shape, np.bool_)
    gaps: list[Gap] = []
    unread: list[str] = []
    known: list[Told] = []
    events = panel.frames.events
    for first, last, kind, scope in events[["first", "last", "kind", "scope"]].itertuples(
        index=False, name=None
    ):
        touched = objects_in(panel, str(scope))
        begins = int(first)
        ends = panel.days if pd.isna(last) else int(last) + 1
        if touched is None:
            unread.append(str(scope))
            continue
        known.append(Told(begins, str(kind), touched))
        if kind in _GAPS:
            seen[np.ix_(touched, _days(panel, begins, ends))] = False
            told = sorted({panel.teams[at] for at in np.flatnonzero(touched)})
            gaps += [Gap(team, begins, ends, is_told=True) for team in told]
        elif kind in _PRICES:
            price[
                np.ix_(
                    touched, _days(panel, begins - _PRICE_BEFORE_DAYS, begins + _PRICE_AFTER_DAYS)
                )
            ] = True
        elif kind not in (*_CALENDAR, *INCENTIVES) and not touched.all():
            declared[
                np.ix_(
                    touched,
                    _days(panel, begins - _DECLARED_BEFORE_DAYS, begins + _DECLARED_AFTER_DAYS),
                )
            ] = True
    for gap in _silences(panel):
        members = np.array([team == gap.team for team in panel.teams])
        seen[np.ix_(members, _days(panel, gap.first, gap.end))] = False
        gaps.append(gap)
    return EventMasks(seen, declared, price, tuple(known), tuple(gaps), tuple(sorted(set(unread))))


def objects_in(panel: Panel, scope: str) -> Bools | None:
    """Return which objects an event is about; None when its scope names nothing known.

    A scope is `all`, or `team:`, `project:`, `function:`, `provider:`, `model:` and a name; a bare
    name is a team, a project or a function.
    """
    kind, _, name = scope.strip().rpartition(":")
    name = name.strip()
    if name in {"all", "company", "*", ""}:
        return np.ones(panel.objects, np.bool_)
    found = np.zeros(panel.objects, np.bool_)
    for field, values in (
        ("team", panel.teams),
        ("project", panel.projects),
        ("function", panel.functions),
    ):
        if kind in {"", field}:
            found |= np.array([value == name for value in values])
    cells = panel.frames.cells
    for field in ("provider", "model"):
        if kind in {"", field}:
            users = cells.loc[cells[field] == name, "object"].to_numpy(np.int64)
            found[users] = True
    return found if found.any() else None


def _days(panel: Panel, first: int, end: int) -> Ints:
    return np.arange(max(0, first), max(0, min(panel.days, end)), dtype=np.int64)


def _silences(panel: Panel) -> list[Gap]:
    """Return the stretches without any outcome of a team that chance does not explain.

    Chance is told by how much was spent meanwhile, where several objects were to speak, and by how
    many working days went by, if outcomes come on most of them. A silence like others of the team
    is its habit, a release now and then; one that goes on to the end is no gap: that an object
    stopped is a question.
    """
    found: list[Gap] = []
    teams = np.array(panel.teams)
    speaks = panel.accepted.sum(axis=1) > 0
    for team in sorted(set(panel.teams)):
        members = np.flatnonzero((teams == team) & speaks)
        if not len(members):
            continue
        weight, squares = panel.accepted[members].sum(), panel.squares[members].sum()
        # One object alone may be quiet of itself.
        events = weight**2 / max(squares, 1e-12) if len(members) > 1 else 0.0
        has_outcome = panel.accepted[members].sum(axis=0) > 0
        spent = panel.spend[members].sum(axis=0)
        used = np.cumsum(spent)
        usually = float(np.median(spent[spent > 0])) if (spent > 0).any() else 0.0
        works = np.asarray(spent > usually / 2, np.bool_)
        heard = np.flatnonzero(has_outcome)
        habit = float(np.quantile(np.diff(heard) - 1, _HABIT)) if len(heard) > 1 else 0.0
        for before, after in pairwise(heard):
            length = int(after - before - 1)
            if length < max(_LEAST_GAP_DAYS, _TIMES_HABIT * habit):
                continue
            share = (used[after - 1] - used[before]) / max(used[-1], 1e-12)
            silent = int(works[before + 1 : after].sum())
            usual = float(has_outcome[works].sum()) / max(int(works.sum()) - silent, 1)
            by_days = (1 - _STEADY * min(usual, 1.0)) ** silent
            if min(np.exp(-events * share / 2), by_days) < _CHANCE:
                found.append(Gap(team, int(before) + 1, int(after), is_told=False))
    return found
