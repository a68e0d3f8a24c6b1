"""Spend by team over time: small multiples on one scale, and the table that says the same."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

import pandas as pd

from metering.core.periods import BillingPeriod
from metering.errors import LedgerError
from metering.reporting.charts.plots import PanelScale, Step
from metering.reporting.figures import amount_text, minor_text, rounding_left, share_text
from metering.reporting.frames import summed
from metering.reporting.pack.tree import BEARER_WORDS
from metering.reporting.words import month_text, shown_name

_MONTHS: Final = 6
_PANELS: Final = 8
_DAYS_SHOWN_SINGLY: Final = 45
_NO_TEAM: Final = "no team named"


@dataclass(frozen=True, slots=True)
class Panel:
    """One team's small multiple.

    Attributes:
        label: the team; foreign text, fit to be shown.
        amount: of the period of the report.
        note: its share, and how it is drawn where that differs.
        svg: empty where it was not to be drawn.
    """

    label: str
    amount: str
    note: str
    svg: str


class _Group(NamedTuple):
    """What one panel shows."""

    label: str
    teams: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MonthRow:
    """One team's months, as shown; kind as of `Line`."""

    kind: str
    label: str
    amounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """The chart and its table.

    Attributes:
        described: what the panels show, in a sentence; also how to read them.
        months: headings of the table, the period of the report last.
    """

    described: str
    panels: tuple[Panel, ...]
    months: tuple[str, ...]
    rows: tuple[MonthRow, ...]


def trend_of(
    history: pd.DataFrame,
    period: BillingPeriod,
    currency: str,
    *,
    total: int,
    most: int = _PANELS,
    drawn: bool = True,
) -> Trend:
    """Return the last six months up to and including the period.

    Args:
        history: rows of one currency; other posting periods are left out.
        period: the period of the report.
        currency: ISO 4217 code.
        total: control total of the period, in nanos.
        most: how many panels have room.
        drawn: whether the panels are; a face without charts does not wait for them.

    Raises:
        LedgerError: the teams of the period do not add up to the control total.
    """
    window = [str(month) for month in _last_months(period)]
    recent = history[history["period"].isin(window)]
    by_month = _by_team(recent, "period")
    billed = {team: months.get(str(period), 0) for team, months in by_month.items()}
    if sum(billed.values()) != total:
        raise LedgerError(f"the teams of {period} do not add up to the book's total")
    ranked = sorted(billed, key=lambda team: (-billed[team], team))
    months = _months_shown(by_month, period)
    groups = _groups(ranked, most)
    svgs = _drawn(recent, groups, months) if drawn else [""] * len(groups)
    return Trend(
        described=_described(months, currency),
        panels=tuple(
            _panel(group, sum(billed[team] for team in group.teams), total, currency, svg)
            for group, svg in zip(groups, svgs, strict=True)
        ),
        months=tuple(month_text(month) for month in months),
        rows=_rows(by_month, ranked, [str(month) for month in months], currency),
    )


def _last_months(period: BillingPeriod) -> list[BillingPeriod]:
    months = [period]
    while len(months) < _MONTHS:
        months.append(months[-1].previous)
    return months[::-1]


def _by_team(history: pd.DataFrame, when: str) -> dict[str, dict[object, int]]:
    total = sum(int(nanos) for nanos in history["amount_nanos"])
    by = ("bearer", "cost_centre", "team", when)
    view = summed(history, by, total=total, sums=("amount_nanos",))
    sums: dict[str, dict[object, int]] = defaultdict(lambda: defaultdict(int))
    for bearer, team, key, nanos in zip(
        view["bearer"], view["team"], view[when], view["amount_nanos"], strict=True
    ):
        sums[_team_label(bearer, team)][key] += int(nanos)
    return {team: dict(by_key) for team, by_key in sums.items() if any(by_key.values())}


def _team_label(bearer: str, team: object) -> str:
    if isinstance(team, str) and team:
        return shown_name(team)
    return BEARER_WORDS.get(bearer, _NO_TEAM)


def _months_shown(
    by_month: Mapping[str, Mapping[object, int]], period: BillingPeriod
) -> list[BillingPeriod]:
    """Return the months from the first with spend to the period of the report."""
    window = _last_months(period)
    while window[0] != period and not any(sums.get(str(window[0])) for sums in by_month.values()):
        window.pop(0)
    return window


def _groups(ranked: Sequence[str], most: int) -> list[_Group]:
    """Return what is drawn: the largest teams singly, the rest together."""
    if len(ranked) <= most:
        return [_Group(team, (team,)) for team in ranked]
    singly, rest = ranked[: most - 1], ranked[most - 1 :]
    return [
        *(_Group(team, (team,)) for team in singly),
        _Group(f"{len(rest)} other teams", tuple(rest)),
    ]


def _drawn(
    history: pd.DataFrame, groups: Sequence[_Group], months: Sequence[BillingPeriod]
) -> Iterator[str]:
    """Yield each group's panel. Single teams share a scale, which the rest would flatten."""
    from metering.reporting.charts.drawing import panel_svg  # noqa: PLC0415 - Altair takes its time

    cuts = _cuts(months[0].first_day, months[-1].end_day)
    by_day = {
        team: {day.date(): nanos for day, nanos in days.items() if isinstance(day, pd.Timestamp)}
        for team, days in _by_team(history, "charge_day").items()
    }
    columns = [_steps(by_day, group.teams, cuts) for group in groups]
    shared = _heights(
        steps for steps, group in zip(columns, groups, strict=True) if len(group.teams) == 1
    )
    for steps, group in zip(columns, groups, strict=True):
        lowest, highest = shared if len(group.teams) == 1 else _heights([steps])
        scale = PanelScale(
            first=cuts[0],
            end=cuts[-1],
            lowest=lowest,
            highest=highest,
            period_first=months[-1].first_day,
            period_end=months[-1].end_day,
        )
        yield panel_svg(steps, scale)


def _heights(columns: Iterable[Sequence[Step]]) -> tuple[int, int]:
    heights = [0, *(step.nanos for steps in columns for step in steps)]
    return min(heights), max(heights)


def _panel(group: _Group, nanos: int, total: int, currency: str, svg: str) -> Panel:
    share = share_text(nanos, total)
    return Panel(
        label=group.label,
        amount=amount_text(nanos, currency),
        note=share if len(group.teams) == 1 else f"own scale · {share}",
        svg=svg,
    )


def _cuts(first: date, end: date) -> list[date]:
    """Return the bounds of the columns: days in a short span, weeks from Monday in a long one."""
    days = [first + timedelta(days=offset) for offset in range((end - first).days + 1)]
    if len(days) <= _DAYS_SHOWN_SINGLY:
        return days
    return [day for day in days if day.weekday() == 0 or day in (first, end)]


def _steps(
    by_day: Mapping[str, Mapping[date, int]], teams: Sequence[str], cuts: Sequence[date]
) -> tuple[Step, ...]:
    return tuple(
        Step(first, end, _between(by_day, teams, first, end)) for first, end in pairwise(cuts)
    )


def _between(
    by_day: Mapping[str, Mapping[date, int]], teams: Sequence[str], first: date, end: date
) -> int:
    days = [first + timedelta(days=offset) for offset in range((end - first).days)]
    return sum(by_day.get(team, {}).get(day, 0) for team in teams for day in days)


def _rows(
    by_month: Mapping[str, Mapping[object, int]],
    ranked: Sequence[str],
    months: Sequence[str],
    currency: str,
) -> tuple[MonthRow, ...]:
    table = {team: [by_month[team].get(month, 0) for month in months] for team in ranked}
    wholes = [sum(column) for column in zip(*table.values(), strict=True)] or [0] * len(months)
    left = [
        rounding_left((row[index] for row in table.values()), whole, currency)
        for index, whole in enumerate(wholes)
    ]
    items = [
        MonthRow("item", team, tuple(amount_text(nanos, currency) for nanos in row))
        for team, row in table.items()
    ]
    rest = tuple(minor_text(minor, currency) if minor else "" for minor in left)
    total = MonthRow("total", "Total", tuple(amount_text(nanos, currency) for nanos in wholes))
    if any(left):
        items.append(MonthRow("rounding", "rounding", rest))
    return (*items, total)


def _described(months: Sequence[BillingPeriod], currency: str) -> str:
    if len(months) == 1:
        return f"{currency} by day of use in {month_text(months[0])}; all teams on one scale."
    span = f"{month_text(months[0])} to {month_text(months[-1])}"
    return (
        f"{currency} by week of use, {span}; the shaded stretch is {month_text(months[-1])}. "
        f"All teams on one scale; the first and the last week may be cut short."
    )
