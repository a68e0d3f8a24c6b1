"""The plots of a review as native charts of a workbook, drawn from figures that stand in cells."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from xlsxwriter.chart import Chart
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from metering.reporting.charts.plots import Bars, Bridge, Course, Divided, Fan, Plot
from metering.reporting.faces.sheets import Sheets, units
from metering.reporting.words import shown_name

_ACROSS: Final = 2
_WIDTH: Final = 620
_HEIGHT: Final = 320
_ROWS: Final = 17
_COLUMNS: Final = 10
_ON_A_PAGE: Final = 3
_EARLIER: Final = "#a3bccb"
_WAITING: Final = "#e4e8e6"
_ATTENTION: Final = "#8a4600"
_SETTLED: Final = "#1d6a45"
_EDGE: Final = "#8b949c"
_NONE: Final = {"none": True}

_Cells = Sequence[Sequence[Any]]


class PlotSheets:
    """Two sheets: the charts side by side, and what they are drawn from, one block below another.

    An amount is written as a number in whole units, so that what is drawn can be added up.
    """

    def __init__(self, book: Workbook, out: Sheets, accent: str) -> None:
        self._book = book
        self._out = out
        self._accent = accent
        self._charts = out.sheet("Charts")
        self._charts.hide_gridlines(2)
        self._data = out.sheet("Chart data")
        self._data.set_column(0, 0, 34)
        self._data.set_column(1, 8, 16)
        self._row = 0
        self._drawn = 0
        self._breaks: list[int] = []

    def add(self, plot: Plot) -> None:
        """Write the figures of a plot, and draw them."""
        # A title is foreign text, and one that begins like a formula would be read as one: it is
        # named by its cell.
        title = [self._data.get_name(), self._row, 0]
        chart = self._drawn_as(plot)
        chart.set_title({"name": title, "name_font": {"size": 11, "bold": False}})
        chart.set_size({"width": _WIDTH, "height": _HEIGHT})
        down, across = divmod(self._drawn, _ACROSS)
        options = {"description": shown_name(plot.described)[:255], "object_position": 1}
        self._charts.insert_chart(1 + down * _ROWS, across * _COLUMNS, chart, options)
        if down and not across and down % _ON_A_PAGE == 0:
            self._breaks.append(1 + down * _ROWS)
            self._charts.set_h_pagebreaks(self._breaks)
        self._drawn += 1

    def _drawn_as(self, plot: Plot) -> Chart:
        match plot:
            case Bars():
                return self._bars(plot)
            case Divided():
                return self._divided(plot)
            case Bridge():
                return self._bridge(plot)
            case Course():
                return self._course(plot)
            case Fan():
                return self._fan(plot)

    def _bars(self, plot: Bars) -> Chart:
        rows = [(bar.label, bar.nanos) for bar in plot.bars]
        first, last = self._block(plot, ("", plot.currency or "Units"), rows)
        chart = self._book.add_chart({"type": "bar"})
        chart.add_series(self._series(first, last, 1, self._accent, labels=True))
        return self._lying(chart)

    def _divided(self, plot: Divided) -> Chart:
        rows = [(bar.label, *bar.nanos) for bar in plot.bars]
        first, last = self._block(plot, ("", *plot.parts), rows)
        chart = self._book.add_chart({"type": "bar", "subtype": "stacked"})
        colours = (self._accent, _EARLIER, _WAITING, _ATTENTION)
        for place, colour in enumerate(colours[: len(plot.parts)], start=1):
            chart.add_series(
                self._series(first, last, place, colour) | {"border": {"color": _EDGE}}
            )
        chart = self._lying(chart)
        chart.set_legend({"position": "top"})
        return chart

    def _bridge(self, plot: Bridge) -> Chart:
        level, rows = 0, []
        for step in plot.steps:
            below = 0 if step.is_level else min(level, level + step.nanos)
            level = step.nanos if step.is_level else level + step.nanos
            rise, fall = max(step.nanos, 0), max(-step.nanos, 0)
            kinds = (step.nanos, 0, 0) if step.is_level else (0, rise, fall)
            rows.append((step.label, step.nanos, below, *kinds))
        heads = ("", plot.currency, "below", "level", "rise", "fall")
        first, last = self._block(plot, heads, rows)
        chart = self._book.add_chart({"type": "bar", "subtype": "stacked"})
        chart.add_series(self._series(first, last, 2, "") | {"fill": _NONE})
        for place, colour in ((3, self._accent), (4, _ATTENTION), (5, _SETTLED)):
            chart.add_series(self._series(first, last, place, colour))
        return self._lying(chart)

    def _course(self, plot: Course) -> Chart:
        low, high = plot.usual or (None, None)
        rows = [
            (
                *(week.starts.isoformat(), week.spend, week.outcomes, low, high),
                "after" if week.starts + timedelta(days=7) > plot.onset else "before",
            )
            for week in plot.weeks
        ]
        heads = ("Week from", "Spend", "Outcomes", "usual, lowest", "usual, highest", "Onset")
        first, last = self._block(plot, heads, rows, is_money=False)
        chart = self._book.add_chart({"type": "line"})
        lines = [(1, {"color": self._accent, "width": 1.75})]
        if plot.has_outcomes:
            lines.append((2, {"color": _SETTLED, "width": 1.5, "dash_type": "dash"}))
        if plot.usual:
            quiet = {"color": _EDGE, "width": 0.75, "dash_type": "round_dot"}
            lines += [(3, quiet), (4, quiet)]
        for place, line in lines:
            chart.add_series(self._series(first, last, place, "") | {"line": line})
        chart.set_y_axis({"min": 0, "major_gridlines": {"visible": False}, "num_format": "0"})
        chart.set_x_axis({"interval_unit": 4, "num_font": {"size": 8}})
        chart.set_legend({"position": "top"})
        return chart

    def _fan(self, plot: Fan) -> Chart:
        known, days = len(plot.known), len(plot.known) + len(plot.expected)
        reached = plot.known[-1] if plot.known else 0
        rows: list[tuple[Any, ...]] = []
        for day in range(max(days, len(plot.earlier))):
            row: list[Any] = [str(day + 1), None, None, None, None, None]
            if day < known:
                row[1] = plot.known[day]
            if known <= day + 1 and day < days and plot.expected:
                at = day + 1 - known
                row[2] = plot.expected[at - 1] if at else reached
                # A straight way to the ends of the interval, which alone are measured.
                row[3], row[4] = (
                    reached + (end - reached) * at // (days - known)
                    for end in (plot.low, plot.high)
                )
            if day < len(plot.earlier):
                row[5] = plot.earlier[day]
            rows.append(tuple(row))
        heads = ("Day", "known", "expected", "P10", "P90", "month before")
        first, last = self._block(plot, heads, rows)
        chart = self._book.add_chart({"type": "line"})
        dashed = {"width": 1.75, "dash_type": "dash", "color": self._accent}
        thin = {"width": 0.75, "color": _EDGE}
        lines = [
            (1, {"width": 1.75, "color": self._accent}),
            *([(2, dashed), (3, thin), (4, thin)] if plot.expected else []),
            (5, {"width": 1.25, "color": _EARLIER}),
        ]
        for place, line in lines:
            chart.add_series(self._series(first, last, place, "") | {"line": line})
        chart.set_y_axis({"major_gridlines": {"visible": False}, "num_format": "#,##0"})
        chart.set_x_axis({"interval_unit": 7})
        chart.set_legend({"position": "top"})
        return chart

    def _block(
        self, plot: Plot, heads: Sequence[str], rows: _Cells, *, is_money: bool = True
    ) -> tuple[int, int]:
        """Write a block of figures, and return its first and last row."""
        out, sheet = self._out, self._data
        sheet.write_string(self._row, 0, shown_name(plot.title)[:200], out.format(bold=True))
        for place, head in enumerate(heads):
            sheet.write_string(self._row + 1, place, head, out.format(bottom=1))
        currency = getattr(plot, "currency", "")
        style = out.amount(currency) if is_money else out.format(num_format="0.0")
        first = self._row + 2
        for at, row in enumerate(rows, start=first):
            self._write(sheet, at, row, style, is_money=is_money)
        last = first + max(len(rows), 1) - 1
        self._row = last + 2
        return first, last

    def _write(
        self, sheet: Worksheet, at: int, row: Sequence[Any], style: Any, *, is_money: bool
    ) -> None:
        for place, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(at, place, shown_name(value), self._out.format())
            elif value is not None:
                sheet.write_number(at, place, units(value) if is_money else value, style)

    def _series(
        self, first: int, last: int, place: int, colour: str, *, labels: bool = False
    ) -> dict[str, Any]:
        name = self._data.get_name()
        series: dict[str, Any] = {
            "name": [name, first - 1, place],
            "categories": [name, first, 0, last, 0],
            "values": [name, first, place, last, place],
            "gap": 60,
        }
        if colour:
            series["fill"] = {"color": colour}
        if labels:
            series["data_labels"] = {"value": True, "num_format": "#,##0"}
        return series

    def _lying(self, chart: Chart) -> Chart:
        chart.set_y_axis({"reverse": True, "line": _NONE, "major_tick_mark": "none"})
        quiet = {"visible": False}
        chart.set_x_axis({"major_gridlines": quiet, "num_format": "#,##0", "line": _NONE})
        chart.set_legend(_NONE)
        return chart
