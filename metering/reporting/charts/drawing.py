"""Charts of the pack as SVG text: described with Altair, rendered by vl-convert without a network.

The figures in a chart are drawn, not read: bar lengths come from nanos, every label arrives already
formatted, and each chart stands beside a table that says the same. `svg` holds what they share.
"""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Final

import altair as alt
import pandas as pd

from metering.reporting.charts.plots import Bar, PanelScale, Step
from metering.reporting.charts.svg import (
    AROUND_BARS,
    BAND,
    BAR_ROW,
    BAR_WIDTH,
    EARLIER,
    HAIRLINE,
    INK,
    NAMES,
    SERIES,
    cut,
    month_axis,
    svg_of,
)

_PANEL_WIDTH: Final = 260
_PANEL_HEIGHT: Final = 76


def ranking_svg(bars: Sequence[Bar]) -> str:
    """Return horizontal bars, longest first as given, each with its name and figure."""
    data = pd.DataFrame(
        {
            "place": [str(place).zfill(3) for place in range(len(bars))],
            "name": [cut(bar.label) for bar in bars],
            "nanos": [max(bar.nanos or 0, 0) for bar in bars],
            "figure": [bar.figure for bar in bars],
        }
    )
    longest = max([bar.nanos or 0 for bar in bars], default=0) or 1
    rows = alt.Chart(data).encode(y=alt.Y("place:N", axis=None, sort=None))
    length = alt.X("nanos:Q", axis=None, scale=alt.Scale(domain=[0, longest], nice=False))
    names = rows.mark_text(align="left", color=INK, fontSize=12).encode(
        x=alt.value(NAMES), text="name:N"
    )
    drawn = rows.mark_bar(color=SERIES, height=12).encode(x=length)
    figures = rows.mark_text(align="left", dx=6, color=INK, fontSize=12).encode(
        x=length, text="figure:N"
    )
    return svg_of(
        names + drawn + figures,
        width=BAR_WIDTH,
        height=max(len(bars), 1) * BAR_ROW,
        padding=AROUND_BARS,
    )


def panel_svg(steps: Sequence[Step], scale: PanelScale) -> str:
    """Return one small multiple: columns over time, the stretch of the report set off."""
    span = [scale.first.isoformat(), scale.end.isoformat()]
    when = alt.Scale(type="utc", domain=span, nice=False)
    months = month_axis(scale.first, scale.end)
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
    shaded = band.mark_rect(color=BAND).encode(
        x=alt.X("from:T", scale=when, axis=months), x2="to:T"
    )
    drawn = columns.mark_bar(minBandSize=0).encode(
        x=alt.X("from:T", scale=when, axis=months),
        x2="to:T",
        y=alt.Y("nanos:Q", scale=height, axis=None),
        y2=alt.datum(0),
        color=alt.condition("datum.inside", alt.value(SERIES), alt.value(EARLIER)),
    )
    baseline = (
        alt.Chart(pd.DataFrame({"nanos": [0]}))
        .mark_rule(color=HAIRLINE)
        .encode(y=alt.Y("nanos:Q", scale=height, axis=None))
    )
    all_of_it = scale.first == scale.period_first
    return svg_of(
        drawn + baseline if all_of_it else shaded + drawn + baseline,
        width=_PANEL_WIDTH,
        height=_PANEL_HEIGHT,
        padding={"left": 0, "top": 2, "right": 0, "bottom": 18},
    )


def _drawn_end(step: Step) -> str:
    # A tenth of its length stays free, so that columns stand apart.
    midnight = datetime.combine(step.first, time())
    return (midnight + (step.end - step.first) * 9 / 10).isoformat() + "Z"
