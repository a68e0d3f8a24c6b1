"""One case: what is known of one cost object, put into a finding."""

import math
from datetime import timedelta
from typing import Final

import numpy as np

from metering.analysis.evidence.composition import Pattern
from metering.analysis.evidence.excess import DECLARED, Excess
from metering.analysis.findings.finding import ChartWeek, Evidence, Family, Finding, Subject
from metering.analysis.findings.study import Study
from metering.analysis.observed.constant_prices import has_first_prices
from metering.analysis.observed.masks import INCENTIVES
from metering.analysis.observed.panel import DAYS_PER_WEEK, Floats

NAMED_BY: Final = {
    Pattern.NONE: "D20",
    Pattern.REPEATS: "D10",
    Pattern.FAILURES: "D11",
    Pattern.PROMPTS: "D12",
    Pattern.UNCACHED: "D13",
    Pattern.PREMIUM: "D14",
    Pattern.OUTPUT: "D15",
    Pattern.REASONING: "D15",
    Pattern.OFF_HOURS: "D07",
    Pattern.SESSIONS: "D07",
    Pattern.BURSTS: "D11",
    Pattern.WEEK_END: "D06",
    Pattern.MONTH_END: "D06",
    Pattern.LOST: "D17",
    Pattern.REVERSED: "D23",
}
"""Which detector measures the shift that names a pattern."""

_NANOS: Final = 10**9
# What a clear shift may explain worse than an ordinary composition does, and still be the name.
_CLEAR: Final = 2.0
_MOST_SURPRISING: Final = 20.0
# A workflow is the subject when this share of the object's rise went to it.
_ONE_WORKFLOW: Final = 0.8
_WHOLE: Final = 0.95

_ALWAYS_OPEN: Final = (
    "a change of what the work is worth, that no weight tells",
    "work whose outcomes are recorded under another team or project",
)
_OPEN: Final = {
    Pattern.NONE: "a new service or experiment whose outcomes are not recorded",
    Pattern.REPEATS: "an evaluation suite, health checks or templated batches",
    Pattern.FAILURES: "an outage of the provider for this team alone",
    Pattern.PROMPTS: "documents or code bases that became longer",
    Pattern.UNCACHED: "a client's cache defect at this team alone",
    Pattern.PREMIUM: "work that became harder, and needs the dearer model",
    Pattern.OUTPUT: "work whose results became longer",
    Pattern.REASONING: "work that became harder, and needs the reasoning",
    Pattern.OFF_HOURS: "a nightly batch, or people in another time zone",
    Pattern.SESSIONS: "a pipeline that was declared elsewhere",
    Pattern.BURSTS: "a backfill or a migration that is done once",
    Pattern.WEEK_END: "work that is due at the end of the week",
    Pattern.MONTH_END: "closing of the month",
    Pattern.LOST: "experiments that were declared elsewhere, or outcomes without their key",
    Pattern.REVERSED: "a stricter review, or corrections of earlier work",
}


def spending_case(study: Study, at: int, *, is_enough: bool) -> Finding:
    """Return the case of one object's spend against its outcomes.

    Args:
        study: the tests.
        at: the object.
        is_enough: whether the evidence is enough to flag it.
    """
    panel, test, stakes = study.panel, study.test, study.stakes
    best = int(stakes.best[at])
    first, end = int(test.windows.first[best]), int(test.windows.end[best])
    named = _named(test, at, best)
    onset = round(float(stakes.onset[at]))
    further, unanswered = _further(study, at, first, end) if is_enough else ((), ())
    return Finding(
        family=Family.TOKEN_MAXING,
        subject=_subject(study, at, first, end),
        onset=panel.day(onset),
        onset_margin_days=round(float(stakes.onset_margin[at])),
        until=panel.day(end - 1),
        pattern=named.value,
        detector=NAMED_BY[named],
        excess_nanos=round(float(stakes.excess[at]) * _NANOS),
        p10_nanos=round(float(stakes.p10[at]) * _NANOS),
        p90_nanos=round(float(stakes.p90[at]) * _NANOS),
        score=float(stakes.score[at]),
        terms=_terms(study, at, named),
        q=round(float(stakes.q[at]), 6),
        flagged=is_enough,
        held_back="",
        evidence=(*_evidence(study, at, named), *further),
        unanswered=unanswered,
        checked=_checked(study, at),
        not_checked=(_OPEN[named], *_ALWAYS_OPEN),
        chart=_chart(study, at, first),
        detectable_factor=round(float(stakes.detectable[at]), 3),
        data_hash=study.data_hash,
    )


def _named(test: Excess, at: int, best: int) -> Pattern:
    """Return the pattern that explains the best window, by its clearest shift.

    It is ordinary only if no shift is clear, or if the clear ones explain the money far worse.
    """
    parts = {pattern: float(part[at, best]) for pattern, part in test.by_pattern.items()}
    for pattern, clear in test.composition.clarity.items():
        beyond = float(clear[at, best] - test.composition.support[pattern][at, best])
        parts[pattern] += beyond + (_CLEAR if beyond > 0 else 0.0)
    return max(parts, key=lambda pattern: parts[pattern])


def silent_case(study: Study, at: int) -> Finding:
    """Return the case of an object whose spend has no outcomes."""
    panel, silences = study.panel, study.silences
    kind, since = silences.kind[at], int(silences.since[at])
    nanos = round(float(silences.matured[at]) * _NANOS)
    window = int(panel.window_days[at])
    heard = int((panel.accepted[at] > 0).sum())
    open_question = (
        "whether the team's system of record is connected at all"
        if kind.is_feed
        else "whether its outcomes are recorded under another project"
    )
    return Finding(
        family=Family.NO_FEED if kind.is_feed else Family.NO_OUTCOME,
        subject=Subject(panel.teams[at], panel.projects[at]),
        onset=panel.day(since),
        onset_margin_days=0,
        until=panel.day(panel.days - 1),
        pattern=kind.value,
        detector="D24",
        excess_nanos=nanos,
        p10_nanos=nanos,
        p90_nanos=nanos,
        score=_silence_score(float(silences.chance[at])),
        terms={"so long a silence": _silence_score(float(silences.chance[at]))},
        q=0.0,
        flagged=True,
        held_back="",
        evidence=(
            Evidence(
                "D24", "days with an outcome", float(heard), 0.0, since, panel.days - since, "days"
            ),
        ),
        unanswered=(),
        checked=(
            f"spend of the last {window} days is pending, and is not counted",
            "gaps of the feed that the events tell are no silence",
        ),
        not_checked=(open_question,),
        chart=_chart(study, at, max(since, DAYS_PER_WEEK)),
        detectable_factor=1.0,
        data_hash=study.data_hash,
    )


def _silence_score(chance: float) -> float:
    """Return how surprising a silence is, as a log; 20 is as much as is ever said."""
    return round(min(_MOST_SURPRISING, -math.log(max(chance, 1e-12))), 6)


def _subject(study: Study, at: int, first: int, end: int) -> Subject:
    """Return the object, or its one workflow if the rise went there."""
    panel = study.panel
    named = Subject(panel.teams[at], panel.projects[at])
    table = panel.frames.workflows
    own = table[table["object"] == at]
    if own.empty:
        return named
    # Weeks of the frames count back from the last day.
    week = own["week"].to_numpy(np.int64)
    starts = panel.days - (week + 1) * DAYS_PER_WEEK
    inside = (starts >= first - DAYS_PER_WEEK // 2) & (starts < end)
    weeks_in = max(1.0, (end - first) / DAYS_PER_WEEK)
    weeks_out = max(1.0, (panel.days - (end - first)) / DAYS_PER_WEEK)
    usd = own["usd"].to_numpy(np.float64)
    keys = own["workflow"].to_numpy(str)
    names, place = np.unique(keys, return_inverse=True)
    rise = (
        np.bincount(place, weights=usd * inside) / weeks_in
        - np.bincount(place, weights=usd * ~inside) / weeks_out
    )
    whole = (
        float(panel.paid[at, first:end].sum()) / weeks_in
        - float(panel.paid[at, :first].sum() + panel.paid[at, end:].sum()) / weeks_out
    )
    most = int(rise.argmax())
    # A pipeline whose whole spend is under one key is the object itself.
    is_part = usd[place == most].sum() < _WHOLE * panel.paid[at].sum()
    if whole > 0 and rise[most] > _ONE_WORKFLOW * whole and is_part:
        return Subject(named.team, named.project, str(names[most]))
    return named


def _terms(study: Study, at: int, named: Pattern) -> dict[str, float]:
    """Return what the score is made of; the terms add up to it."""
    test, best = study.test, int(study.stakes.best[at])
    support = test.composition.support.get(named)
    shift = 0.0 if support is None else round(float(support[at, best]), 6)
    declared = -DECLARED if study.masks.declared[at, test.windows.first[best]] else 0.0
    of_some = _of_some(study, at, best)
    unchanged = round(float(test.unchanged[at, best]), 6)
    rest = round(float(study.stakes.score[at]) - shift - declared - of_some - unchanged, 6)
    terms = {
        "spend against outcomes": rest,
        named.value: shift,
        "spend of some of the people": of_some,
        "weight of each outcome": unchanged,
        "declared by an event": declared,
    }
    return {name: value for name, value in terms.items() if value or name == next(iter(terms))}


def _of_some(study: Study, at: int, best: int) -> float:
    """Return what the spread of spend over people adds; 0 where they are too few to tell of."""
    people = study.panel.frames.people
    count = people.loc[people["object"] == at, "people"]
    if count.empty or float(count.median()) < study.fewest_people:
        return 0.0
    return round(float(study.test.of_some[at, best]), 6)


def _evidence(study: Study, at: int, named: Pattern) -> tuple[Evidence, ...]:
    panel, test, best = study.panel, study.test, int(study.stakes.best[at])
    windows = test.windows
    inside = np.zeros(panel.days, np.bool_)
    inside[int(windows.first[best]) : int(windows.end[best])] = True
    observed = test.answered.observed[at]
    days = (int((~inside).sum()), int(inside.sum()))
    events = panel.frames.outcomes
    own = events[events["object"] == at]
    count = np.bincount(
        own["day"].to_numpy(np.int64), own["events"].to_numpy(np.float64), panel.days
    )

    def weekly(of: Floats, counted: Floats) -> tuple[float, float]:
        outer, inner = (
            DAYS_PER_WEEK * float((of * counted)[m].sum()) / max(float(counted[m].sum()), 1e-9)
            for m in (~inside, inside)
        )
        return outer, inner

    spent = weekly(panel.paid[at], np.ones(panel.days))
    matured = weekly(panel.paid[at], observed)
    # Credited outcomes have come; divided by the share that can have come, they are all of them.
    arrived = np.maximum(test.answered.credited[at], 0.0) / np.maximum(observed, 1e-9)
    done = weekly(np.where(observed > 0, arrived, 0.0), observed)
    outcomes = (round(float(count[~inside].sum())), round(float(count[inside].sum())))
    cost = [m / c if c > 0 else None for m, c in zip(matured, done, strict=True)]
    numbers = (
        ("USD a week", spent, days, "days"),
        ("accepted weight a week", done, outcomes, "outcomes"),
        ("USD per accepted weight", cost, outcomes, "outcomes"),
    )
    found = [
        Evidence("D20", measure, _short(before), _short(after), rests[0], rests[1], counted)
        for measure, (before, after), rests, counted in numbers
    ]
    shift = test.composition.shifts.get(named)
    if shift is not None:
        found.append(
            Evidence(
                NAMED_BY[named],
                f"{named.value}, index",
                100.0,
                _short(100 * float(np.exp(shift[at, best]))),
                *days,
                "days",
            )
        )
    return tuple(found)


def _further(
    study: Study, at: int, first: int, end: int
) -> tuple[tuple[Evidence, ...], tuple[str, ...]]:
    """Return what the other detectors say of a case, and which of them had too little to say."""
    said: list[Evidence] = []
    unanswered: list[str] = []
    for detector, readings in study.readings.of(at, first, end).items():
        for reading in readings:
            if reading.refused:
                unanswered.append(f"{detector}: {reading.refused}")
                continue
            said.append(
                Evidence(
                    *(detector, reading.measure, _short(reading.before), _short(reading.after)),
                    *(reading.n_before, reading.n_after, reading.counted),
                    usd_nanos=None if reading.usd is None else round(reading.usd * _NANOS),
                )
            )
    return tuple(said), tuple(unanswered)


def _short(value: float | None) -> float | None:
    """Return a figure of evidence with six significant digits, the same on every machine."""
    return None if value is None else float(f"{value:.6g}")


def _checked(study: Study, at: int) -> tuple[str, ...]:
    panel, masks, best = study.panel, study.masks, int(study.stakes.best[at])
    first = int(study.test.windows.first[best])
    near = _events_near(study, at, first)
    gaps = [gap for gap in masks.gaps if gap.team == panel.teams[at]]
    common = {move.model for move in study.test.common.moves}
    window = int(panel.window_days[at])
    lag = float(study.test.answered.lag_days[at])
    events = ", ".join(near) if near else "none"
    return (
        f"events at the onset: {'none were given' if panel.frames.events.empty else events}",
        "common cause: "
        + (f"moves of {', '.join(sorted(common))} are taken off" if common else "none"),
        f"pending: outcomes come {lag:.0f} days after usage, and are waited for up to {window}",
        "feed: " + (f"{len(gaps)} gaps are left out" if gaps else "no gap"),
        "price: "
        + (
            "no list prices were given, spend is compared as it was paid"
            if panel.frames.prices.empty and not has_first_prices(panel.frames.cells)
            else "spend is compared at the prices of the first day"
        ),
    )


def _events_near(study: Study, at: int, first: int) -> list[str]:
    found = []
    for event in study.masks.told:
        is_near = abs(event.first - first) <= 2 * DAYS_PER_WEEK
        if is_near and event.touched[at] and event.kind != "holiday":
            word = "incentive" if event.kind in INCENTIVES else event.kind.replace("_", " ")
            found.append(f"{word} of {study.panel.day(event.first)}")
    return found


def _chart(study: Study, at: int, first: int) -> tuple[ChartWeek, ...]:
    panel, answered = study.panel, study.test.answered
    spend = panel.by_week(panel.paid)[at]
    weight = panel.by_week(np.maximum(answered.credited, 0.0))[at]
    seen = panel.by_week(answered.observed)[at]
    skipped = panel.days - panel.weeks * DAYS_PER_WEEK
    base = max(1, (first - skipped) // DAYS_PER_WEEK)
    usual = max(float(spend[:base].mean()), 1e-9)
    done = max(float(weight[:base].sum()) / max(float(seen[:base].sum()), 1e-9), 1e-9)
    return tuple(
        ChartWeek(
            starts=panel.frames.first_day + timedelta(days=skipped + DAYS_PER_WEEK * week),
            spend=round(100 * float(spend[week]) / usual, 1),
            outcomes=(
                round(100 * float(weight[week]) / float(seen[week]) / done, 1)
                if seen[week] >= 1 and weight[:base].sum() > 0
                else None
            ),
        )
        for week in range(panel.weeks)
    )
