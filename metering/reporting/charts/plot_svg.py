"""The plots of a review as SVG text.

Where a colour says something, so does a word, an order or a sign beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from typing import Final

import altair as alt
import pandas as pd

from metering.reporting.charts.drawing import ranking_svg
from metering.reporting.charts.plots import Bars, Bridge, Course, Divided, Fan, Plot
from metering.reporting.charts.svg import (
    AROUND_BARS,
    ATTENTION,
    BAND,
    BAR_ROW,
    BAR_WIDTH,
    EARLIER,
    EDGE,
    HAIRLINE,
    INK,
    NAMES,
    QUIET,
    SERIES,
    SETTLED,
    Layered,
    cut,
    month_axis,
    quiet_axis,
    svg_of,
)

# From dark to light, and the part that asks a question last: told apart in grey as well.
_PARTS: Final = (SERIES, EARLIER, BAND, ATTENTION)
_KEY: Final = 24
_SIGN_PIXELS: Final = 7

_COURSE_WIDTH: Final = 330
_COURSE_HEIGHT: Final = 62
_COURSE_GAP: Final = 24
_INDEX: Final = 100
# From here on 100 stands too near to nothing to be named beside it.
_FAR: Final = 5

_FAN_WIDTH: Final = 350
_FAN_HEIGHT: Final = 150
_APART: Final = 14


def plot_svg(plot: Plot) -> str:
    """Return a plot as SVG text; the same plot gives the same text."""
    match plot:
        case Bars():
            return ranking_svg(plot.bars)
        case Divided():
            return _divided(plot)
        case Bridge():
            return _bridge(plot)
        case Course():
            return _course(plot)
        case Fan():
            return _fan(plot)


def _divided(plot: Divided) -> str:
    drawn = [[max(nanos, 0) for nanos in bar.nanos] for bar in plot.bars]
    ends = [list(accumulate(parts)) for parts in drawn]
    longest = max((row[-1] for row in ends if row), default=0) or 1
    stretches = pd.DataFrame(
        [
            {"place": _place(at), "from": end - part, "to": end, "part": place}
            for at, (parts, row) in enumerate(zip(drawn, ends, strict=True))
            for place, (part, end) in enumerate(zip(parts, row, strict=True))
            if part
        ],
        columns=["place", "from", "to", "part"],
    )
    length = alt.Scale(domain=[0, longest], nice=False)
    rows = alt.Y("place:N", axis=None, scale=_places(len(plot.bars)))
    colour = alt.Color(
        "part:O",
        legend=None,
        scale=alt.Scale(domain=list(range(len(_PARTS))), range=list(_PARTS)),
    )
    bars = (
        alt.Chart(stretches)
        .mark_bar(height=12, stroke=EDGE, strokeWidth=0.5)
        .encode(x=alt.X("from:Q", axis=None, scale=length), x2="to:Q", y=rows, color=colour)
    )
    words = _words(
        [bar.label for bar in plot.bars],
        [bar.figure for bar in plot.bars],
        [row[-1] if row else 0 for row in ends],
        longest,
    )
    height = max(len(plot.bars), 1) * BAR_ROW
    around = {**AROUND_BARS, "top": _KEY}
    return svg_of(_key(plot.parts) + bars + words, around, width=BAR_WIDTH, height=height)


def _key(parts: Sequence[str]) -> alt.LayerChart:
    """Return what the parts are called, in one line above the bars."""
    starts = [0, *accumulate(_SIGN_PIXELS * len(part) + 24 for part in parts)]
    data = pd.DataFrame(
        {
            "x": [NAMES + 4 + start for start in starts[:-1]],
            "text": [start + NAMES + 14 for start in starts[:-1]],
            "word": list(parts),
            "part": list(range(len(parts))),
        }
    )
    colour = alt.Color(
        "part:O",
        legend=None,
        scale=alt.Scale(domain=list(range(len(_PARTS))), range=list(_PARTS)),
    )
    base = alt.Chart(data)
    signs = base.mark_point(
        shape="square", size=81, filled=True, opacity=1, stroke=EDGE, strokeWidth=0.5
    ).encode(x=alt.X("x:Q", scale=None, axis=None), y=alt.value(-13), fill=colour)
    words = base.mark_text(align="left", color=QUIET, fontSize=11).encode(
        x=alt.X("text:Q", scale=None, axis=None), y=alt.value(-12), text="word:N"
    )
    key: alt.LayerChart = signs + words
    return key


def _bridge(plot: Bridge) -> str:
    level, spans = 0, []
    for step in plot.steps:
        start, end = (0, step.nanos) if step.is_level else (level, level + step.nanos)
        level = end
        colour = "rise" if step.nanos > 0 else "fall"
        spans.append((min(start, end), max(start, end), "level" if step.is_level else colour))
    lowest = min(0, *(low for low, _, _ in spans)) if spans else 0
    highest = max(1, *(high for _, high, _ in spans)) if spans else 1
    data = pd.DataFrame(
        {
            "place": [_place(at) for at in range(len(spans))],
            "from": [low for low, _, _ in spans],
            "to": [high for _, high, _ in spans],
            "kind": [kind for _, _, kind in spans],
        }
    )
    scale = alt.Scale(domain=[lowest, highest], nice=False)
    kinds = alt.Color(
        "kind:N",
        legend=None,
        scale=alt.Scale(domain=["level", "rise", "fall"], range=[SERIES, ATTENTION, SETTLED]),
    )
    rows = alt.Y("place:N", axis=None, scale=_places(len(spans)))
    bars = (
        alt.Chart(data)
        .mark_bar(height=12)
        .encode(x=alt.X("from:Q", axis=None, scale=scale), x2="to:Q", y=rows, color=kinds)
    )
    words = _words(
        [step.label for step in plot.steps],
        [step.figure for step in plot.steps],
        [high for _, high, _ in spans],
        highest,
        lowest,
    )
    height = max(len(spans), 1) * BAR_ROW
    return svg_of(bars + words, AROUND_BARS, width=BAR_WIDTH, height=height)


def _words(
    names: Sequence[str],
    figures: Sequence[str],
    ends: Sequence[int],
    highest: int,
    lowest: int = 0,
) -> alt.LayerChart:
    """Return the names before the bars and the figures behind them."""
    data = pd.DataFrame(
        {
            "place": [_place(at) for at in range(len(names))],
            "name": [cut(name) for name in names],
            "figure": list(figures),
            "to": list(ends),
        }
    )
    rows = alt.Y("place:N", axis=None, scale=_places(len(names)))
    length = alt.X("to:Q", axis=None, scale=alt.Scale(domain=[lowest, highest], nice=False))
    base = alt.Chart(data)
    named = base.mark_text(align="left", color=INK, fontSize=12).encode(
        x=alt.value(NAMES), y=rows, text="name:N"
    )
    told = base.mark_text(align="left", dx=6, color=INK, fontSize=12).encode(
        x=length, y=rows, text="figure:N"
    )
    words: alt.LayerChart = named + told
    return words


def _place(at: int) -> str:
    return str(at).zfill(3)


def _places(count: int) -> alt.Scale:
    return alt.Scale(domain=[_place(at) for at in range(max(count, 1))])


def _course(plot: Course) -> str:
    spend: list[float | None] = [week.spend for week in plot.weeks]
    outcomes = [week.outcomes for week in plot.weeks]
    lines = [_Line(plot, "Spend", spend, plot.usual, 0).drawn()]
    if plot.has_outcomes:
        lines.append(_Line(plot, "Outcomes", outcomes, None, 1).drawn())
    height = _COURSE_HEIGHT * len(lines) + _COURSE_GAP * (len(lines) - 1)
    drawn = alt.layer(*lines).resolve_scale(y="independent", fill="shared")
    around = {"left": 66, "top": 14, "right": 12, "bottom": 20}
    return svg_of(drawn, around, width=_COURSE_WIDTH, height=height)


@dataclass(frozen=True, slots=True)
class _Line:
    """One of the lines of a course, in its own row.

    Attributes:
        values: one for each week; None where it is not known.
        usual: the band of the weeks before; None for none.
        row: 0 is the uppermost.
    """

    plot: Course
    word: str
    values: Sequence[float | None]
    usual: tuple[float, float] | None
    row: int

    def drawn(self) -> Layered:
        """Return the line with its band, its level of 100 and the onset."""
        told = [value for value in self.values if value is not None]
        top = max([_INDEX * 1.15, *told, *(self.usual or ())])
        above = self.row * (_COURSE_HEIGHT + _COURSE_GAP)
        height = alt.Scale(domain=[0, top], range=[above + _COURSE_HEIGHT, above], nice=False)
        ticks = [0] + [_INDEX] * (top < _FAR * _INDEX) + [round(top)] * (top > 2 * _INDEX)
        axis = quiet_axis(values=ticks, orient="left")

        def y(field: str) -> alt.Y:
            return alt.Y(field, scale=height, axis=axis)

        weeks = self.plot.weeks
        first, end = weeks[0].starts, weeks[-1].starts + timedelta(days=7)
        when = alt.Scale(type="utc", domain=[first.isoformat(), end.isoformat()], nice=False)

        def x(field: str) -> alt.X:
            return alt.X(field, scale=when, axis=month_axis(first, end))

        stretch = pd.DataFrame({"from": [first.isoformat()], "to": [end.isoformat()]})
        low, high = self.usual or (_INDEX, _INDEX)
        band = (
            alt.Chart(stretch.assign(low=low, high=high))
            .mark_rect(color=BAND)
            .encode(x=x("from:T"), x2="to:T", y=y("low:Q"), y2="high:Q")
        )
        level = (
            alt.Chart(stretch.assign(at=_INDEX))
            .mark_rule(color=HAIRLINE)
            .encode(x=x("from:T"), x2="to:T", y=y("at:Q"))
        )
        # One that lies before the first week has nothing to divide.
        seen = [self.plot.onset.isoformat()] if self.plot.onset > first else []
        onset = (
            alt.Chart(
                pd.DataFrame({"day": seen, "low": [0] * len(seen), "high": [top] * len(seen)})
            )
            .mark_rule(color=ATTENTION, strokeDash=[3, 2], strokeWidth=1.2)
            .encode(x=x("day:T"), y=y("low:Q"), y2="high:Q")
        )
        points = alt.Chart(
            pd.DataFrame(
                {
                    "day": [(week.starts + timedelta(days=3)).isoformat() for week in weeks],
                    "value": list(self.values),
                    "side": [
                        "after" if week.starts >= self.plot.onset else "before" for week in weeks
                    ],
                }
            )
        ).encode(x=x("day:T"), y=y("value:Q"))
        sides = alt.Scale(domain=["before", "after"], range=[EARLIER, SERIES])
        word = (
            alt.Chart(pd.DataFrame({"word": [self.word]}))
            .mark_text(align="left", color=INK, fontSize=11, fontWeight="bold")
            .encode(x=alt.value(-64), y=alt.value(above - 7), text="word:N")
        )
        return alt.layer(
            band,
            level,
            onset,
            points.mark_line(color=SERIES, strokeWidth=1.5, invalid="break-paths-show-domains"),
            points.mark_point(size=18, filled=True, opacity=1, invalid="filter").encode(
                fill=alt.Fill("side:N", legend=None, scale=sides)
            ),
            word,
        )


def _fan(plot: Fan) -> str:
    days = max(len(plot.known) + len(plot.expected), len(plot.earlier), 1)
    highest = max([1, plot.high, *plot.known, *plot.expected, *plot.earlier])
    lowest = min([0, plot.low, *plot.known, *plot.earlier])
    across = alt.Scale(domain=[0, days], nice=False)
    height = alt.Scale(domain=[lowest, highest], nice=False)
    axis = quiet_axis(values=[day for day in (1, 8, 15, 22, 29) if day <= days])
    x = alt.X("day:Q", scale=across, axis=axis)
    y = alt.Y("nanos:Q", scale=height, axis=None)

    def line(values: Sequence[int], start: int, colour: str, dash: list[int]) -> alt.Chart:
        data = pd.DataFrame(
            {"day": [start + at for at in range(len(values))], "nanos": list(values)},
        )
        drawn: alt.Chart = (
            alt.Chart(data)
            .mark_line(color=colour, strokeDash=dash, strokeWidth=1.8)
            .encode(x=x, y=y)
        )
        return drawn

    layers: list[alt.Chart] = []
    reached = plot.known[-1] if plot.known else 0
    if plot.expected:
        begin, end = len(plot.known), len(plot.known) + len(plot.expected)
        fan = pd.DataFrame(
            {"day": [begin, end], "low": [reached, plot.low], "high": [reached, plot.high]}
        )
        layers.append(
            alt.Chart(fan)
            .mark_area(color=BAND, line={"color": EDGE, "strokeWidth": 0.6})
            .encode(x=x, y=alt.Y("low:Q", scale=height, axis=None), y2="high:Q")
        )
    layers.append(alt.Chart(pd.DataFrame({"nanos": [0]})).mark_rule(color=HAIRLINE).encode(y=y))
    layers.append(line([0, *plot.earlier], 0, EARLIER, [1, 0]))
    layers.append(line([0, *plot.known], 0, SERIES, [1, 0]))
    if plot.expected:
        layers.append(line([reached, *plot.expected], len(plot.known), SERIES, [4, 3]))
    layers.append(_ends(plot, lowest, highest))
    around = {"left": 2, "top": 8, "right": 118, "bottom": 20}
    return svg_of(alt.layer(*layers), around, width=_FAN_WIDTH, height=_FAN_HEIGHT)


def _ends(plot: Fan, lowest: int, highest: int) -> alt.Chart:
    """Return the figures at the end of the lines, far enough apart to be read."""
    low, middle, high = plot.figures
    last = plot.expected or plot.known or (0,)
    told = [(last[-1], middle, INK)]
    if plot.expected:
        told = [(plot.high, high, QUIET), (last[-1], middle, INK), (plot.low, low, QUIET)]
    places: list[int] = []
    for nanos, _, _ in told:
        at = _FAN_HEIGHT - _FAN_HEIGHT * (nanos - lowest) // (highest - lowest)
        places.append(max(at, places[-1] + _APART) if places else at)
    data = pd.DataFrame(
        {
            "at": places,
            "figure": [figure for _, figure, _ in told],
            "ink": ["main" if ink == INK else "side" for _, _, ink in told],
        }
    )
    inks = alt.Scale(domain=["main", "side"], range=[INK, QUIET])
    figures: alt.Chart = (
        alt.Chart(data)
        .mark_text(align="left", fontSize=11)
        .encode(
            x=alt.value(_FAN_WIDTH + 6),
            y=alt.Y("at:Q", scale=None, axis=None),
            text="figure:N",
            color=alt.Color("ink:N", legend=None, scale=inks),
        )
    )
    return figures
