"""What every drawn chart shares: the colours of the page, and SVG text that is always the same.

Colours are the custom properties of `reports/style.css`, so one SVG serves light, dark and print.
Nothing in a layout depends on the fonts of the machine: sizes and paddings are fixed, names are cut
by count, and no overlap is resolved by measuring. So the same numbers give the same bytes.
"""

import re
from datetime import date, timedelta
from typing import Any, Final

import altair as alt
import vl_convert

from metering.reporting.words import shortened

INK: Final = "var(--ink)"
QUIET: Final = "var(--quiet)"
SERIES: Final = "var(--series)"
EARLIER: Final = "var(--series-earlier)"
BAND: Final = "var(--band)"
HAIRLINE: Final = "var(--hairline)"
EDGE: Final = "var(--edge)"
ATTENTION: Final = "var(--attention)"
SETTLED: Final = "var(--settled)"

Layered = alt.LayerChart | alt.FacetChart

_TAG: Final = re.compile(r"<[^>]+>")
# The page tells the same in words and tables; marks that speak would only repeat themselves.
_TOLD_ELSEWHERE: Final = re.compile(r' (?:role|aria-[a-z]+|class|xmlns(?::xlink)?)="[^"]*"')
_LONG_FRACTION: Final = re.compile(r"\d+\.\d{3,}")
_NAME_CHARACTERS: Final = 27
# Room for a name in the widest font that a browser may take.
_NAME_WIDTH: Final = 194
NAMES: Final = -_NAME_WIDTH
BAR_WIDTH: Final = 154
BAR_ROW: Final = 22
AROUND_BARS: Final = {"left": _NAME_WIDTH + 2, "top": 2, "right": 110, "bottom": 2}
"""Rows of bars: where their names begin, how wide and far apart they are, and what is around."""
_LABEL_SIZE: Final = 11


def svg_of(chart: Layered, padding: dict[str, int], **size: int) -> str:
    """Return a chart as SVG text that says nothing to who cannot see it.

    Args:
        chart: described with Altair.
        padding: pixels on each side, where names and figures stand.
        size: width and height of a chart that is not put together of several.
    """
    described: dict[str, Any] = (
        chart.properties(
            **size,
            padding=padding,
            autosize=alt.AutoSizeParams(type="none"),
            background="transparent",
        )
        .configure(aria=False, font="inherit")
        .configure_view(stroke=None)
        .to_dict()
    )
    return _TAG.sub(_tidied, vl_convert.vegalite_to_svg(described))


def cut(name: str, characters: int = _NAME_CHARACTERS) -> str:
    """Return a name that has room in a chart."""
    return shortened(name, characters)


def month_axis(first: date, end: date) -> alt.Axis:
    """Return an axis that names the months that begin within a stretch of days."""
    days = [first + timedelta(days=offset) for offset in range((end - first).days)]
    return quiet_axis(
        values=[day.isoformat() for day in days if day.day == 1],
        format="%b",
        labelAlign="left",
    )


def quiet_axis(**more: Any) -> alt.Axis:
    """Return an axis of small quiet labels without lines."""
    return alt.Axis(
        grid=False,
        ticks=False,
        domain=False,
        labelColor=QUIET,
        labelFontSize=_LABEL_SIZE,
        labelOverlap=False,
        labelFlush=False,
        labelBound=False,
        title=None,
        **more,
    )


def _tidied(tag: re.Match[str]) -> str:
    # Only inside tags: Vega escapes < and > in names, so a name is never touched.
    text = _TOLD_ELSEWHERE.sub("", tag[0])
    text = _LONG_FRACTION.sub(lambda number: f"{float(number[0]):.2f}", text)
    return text.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1)
