"""Charts as SVG text: described with Altair, rendered by vl-convert without browser or network.

The figures in a chart are drawn, not read: bar lengths come from nanos, every label arrives already
formatted, and each chart stands beside a table that says the same. Colours are the custom
properties of `reports/style.css`, so one SVG serves light, dark and print. Nothing in a layout
depends on the fonts of the machine: sizes and paddings are fixed, names are cut by count, and no
overlap is resolved by measuring. So the same numbers give the same bytes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import altair as alt
import pandas as pd
import vl_convert

_INK: Final = "var(--ink)"
_QUIET: Final = "var(--quiet)"
_SERIES: Final = "var(--series)"
_EARLIER: Final = "var(--series-earlier)"
_BAND: Final = "var(--band)"
_HAIRLINE: Final = "var(--hairline)"

_TAG: Final = re.compile(r"<[^>]+>")
# The page tells the same in words and tables; marks that speak would only repeat themselves.
_TOLD_ELSEWHERE: Final = re.compile(r' (?:role|aria-[a-z]+|class|xmlns(?::xlink)?)="[^"]*"')
_LONG_FRACTION: Final = re.compile(r"\d+\.\d{3,}")

_NAME_CHARACTERS: Final = 27
_PANEL_WIDTH: Final = 260
_PANEL_HEIGHT: Final = 76


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a ranking.

    Attributes:
        label: foreign text, already fit to be shown.
        nanos: its length, on the scale of the longest.
        figure: the amount as shown.
    """

    label: str
    nanos: int
    figure: str


@dataclass(frozen=True, slots=True)
class Step:
    """One stretch of days of a panel.

    Attributes:
        first, end: half-open.
        nanos: what was billed for it.
    """

    first: date
    end: date
    nanos: int


@dataclass(frozen=True, slots=True)
class PanelScale:
    """What all panels share, so that heights compare.

    Attributes:
        first, end: days on the axis, half-open.
        lowest, highest: nanos on the axis; lowest is 0 or below.
        period_first, period_end: the stretch of the report, set off from the rest.
    """

    first: date
    end: date
    lowest: int
    highest: int
    period_first: date
    period_end: date


def ranking_svg(bars: Sequence[Bar]) -> str:
    """Return horizontal bars, longest first as given, each with its name and figure."""
    data = pd.DataFrame(
        {
            "place": [str(place).zfill(3) for place in range(len(bars))],
            "name": [_cut(bar.label) for bar in bars],
            "nanos": [max(bar.nanos, 0) for bar in bars],
            "figure": [bar.figure for bar in bars],
        }
    )
    longest = max([bar.nanos for bar in bars], default=0) or 1
    rows = alt.Chart(data).encode(y=alt.Y("place:N", axis=None, sort=None))
    length = alt.X("nanos:Q", axis=None, scale=alt.Scale(domain=[0, longest], nice=False))
    names = rows.mark_text(align="left", color=_INK, fontSize=12).encode(
        x=alt.value(-172), text="name:N"
    )
    drawn = rows.mark_bar(color=_SERIES, height=12).encode(x=length)
    figures = rows.mark_text(align="left", dx=6, color=_INK, fontSize=12).encode(
        x=length, text="figure:N"
    )
    return _svg(
        names + drawn + figures,
        width=176,
        height=max(len(bars), 1) * 22,
        padding={"left": 174, "top": 2, "right": 110, "bottom": 2},
    )


def panel_svg(steps: Sequence[Step], scale: PanelScale) -> str:
    """Return one small multiple: columns over time, the stretch of the report set off."""
    span = [scale.first.isoformat(), scale.end.isoformat()]
    when = alt.Scale(type="utc", domain=span, nice=False)
    months = alt.Axis(
        values=[day.isoformat() for day in _month_starts(scale.first, scale.end)],
        format="%b",
        grid=False,
        ticks=False,
        domain=False,
        labelAlign="left",
        labelColor=_QUIET,
        labelFontSize=11,
        labelOverlap=False,
        labelFlush=False,
        labelBound=False,
        title=None,
    )
    height = alt.Scale(domain=[scale.lowest, max(scale.highest, 1)], nice=False)
    band = alt.Chart(
        pd.DataFrame(
            {"from": [scale.period_first.isoformat()], "to": [scale.period_end.isoformat()]}
        )
    )
    columns = alt.Chart(
        pd.DataFrame(
            {
                "from": [step.first.isoformat() for step in steps],
                "to": [_drawn_end(step) for step in steps],
                "nanos": [step.nanos for step in steps],
                "inside": [step.end > scale.period_first for step in steps],
            }
        )
    )
    shaded = band.mark_rect(color=_BAND).encode(
        x=alt.X("from:T", scale=when, axis=months), x2="to:T"
    )
    drawn = columns.mark_bar(minBandSize=0).encode(
        x=alt.X("from:T", scale=when, axis=months),
        x2="to:T",
        y=alt.Y("nanos:Q", scale=height, axis=None),
        y2=alt.datum(0),
        color=alt.condition("datum.inside", alt.value(_SERIES), alt.value(_EARLIER)),
    )
    baseline = (
        alt.Chart(pd.DataFrame({"nanos": [0]}))
        .mark_rule(color=_HAIRLINE)
        .encode(y=alt.Y("nanos:Q", scale=height, axis=None))
    )
    all_of_it = scale.first == scale.period_first
    return _svg(
        drawn + baseline if all_of_it else shaded + drawn + baseline,
        width=_PANEL_WIDTH,
        height=_PANEL_HEIGHT,
        padding={"left": 0, "top": 2, "right": 0, "bottom": 18},
    )


def _drawn_end(step: Step) -> str:
    # A tenth of its length stays free, so that columns stand apart.
    midnight = datetime.combine(step.first, time())
    return (midnight + (step.end - step.first) * 9 / 10).isoformat() + "Z"


def _month_starts(first: date, end: date) -> list[date]:
    days = [first + timedelta(days=offset) for offset in range((end - first).days)]
    return [day for day in days if day.day == 1]


def _cut(name: str) -> str:
    return name if len(name) <= _NAME_CHARACTERS else name[: _NAME_CHARACTERS - 1] + "…"


def _svg(chart: alt.LayerChart, *, width: int, height: int, padding: dict[str, int]) -> str:
    described: dict[str, Any] = (
        chart.properties(
            width=width,
            height=height,
            padding=padding,
            autosize=alt.AutoSizeParams(type="none"),
            background="transparent",
        )
        .configure(aria=False, font="inherit")
        .configure_view(stroke=None)
        .to_dict()
    )
    return _TAG.sub(_tidied, vl_convert.vegalite_to_svg(described))


def _tidied(tag: re.Match[str]) -> str:
    # Only inside tags: Vega escapes < and > in names, so a name is never touched.
    text = _TOLD_ELSEWHERE.sub("", tag[0])
    text = _LONG_FRACTION.sub(lambda number: f"{float(number[0]):.2f}", text)
    return text.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1)
