"""Sheets of a workbook: named tables whose totals calculate, and charts drawn from their cells.

A name is written as text by `write_string`, never by a call that looks at its first character, and
links are not made. Totals stand above the headings and stay in sight with them; they are SUBTOTAL
formulas over what a filter leaves, and carry the value that a reader without a calculator sees.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from metering.core.money import NANO_DIGITS, NANOS_PER_UNIT, minor_digits
from metering.reporting.words import shown_name

# Rows of a table's sheet: totals, headings, then what they are of.
_TOTALS, _HEADINGS, _FIRST = range(3)
_CELL_CHARACTERS: Final = 32_767
_KEPT_COLUMNS: Final = 3
_BARS: Final = 12
_FONT: Final = {"font_name": "Calibri", "font_size": 11}
_A4: Final = 9
_RIGHT: Final = ("digits", "right")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        heading: never a name.
        kind: text, right (text of a figure), day, quantity, digits (a number too long for a cell,
            as text), number (a ratio), amount (nanos, with the decimals of its currency and a
            total) or exact (nanos, with all of theirs).
        width: in characters.
        currency: of amounts, ISO 4217.
    """

    heading: str
    kind: str = "text"
    width: int = 16
    currency: str = ""

    @property
    def is_text(self) -> bool:
        """Return whether its cells are set from the left."""
        return self.kind in {"text", "day"}


class Sheets:
    """What every sheet of one workbook shares: its formats, its foot, its colour."""

    def __init__(self, book: Workbook, *, foot: str, accent: str) -> None:
        self._book = book
        self._foot = foot
        self._accent = accent
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def sheet(self, title: str, *, landscape: bool = True) -> Worksheet:
        """Return a new sheet that prints on the width of a page."""
        sheet = self._book.add_worksheet(title)
        sheet.set_paper(_A4)
        if landscape:
            sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.set_footer(f"&L&8{self._foot}&R&8&P / &N")
        return sheet

    def table(
        self, title: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]]
    ) -> Worksheet:
        """Return a new sheet of rows as a table named for it, with headings that stay."""
        sheet = self.sheet(title)
        last = _FIRST + max(len(rows), 1) - 1
        kept = sum(column.is_text for column in columns[:_KEPT_COLUMNS])
        sheet.freeze_panes(_FIRST, kept)
        sheet.repeat_rows(_TOTALS, _HEADINGS)
        for place, column in enumerate(columns):
            style = self._format_of(column)
            sheet.set_column(place, place, column.width)
            self._cells(sheet, place, column, [row[place] for row in rows], style)
            if column.kind == "amount":
                letter = xl_col_to_name(place)
                formula = f"=SUBTOTAL(109,{letter}{_FIRST + 1}:{letter}{last + 1})"
                total = units(sum(row[place] or 0 for row in rows))
                bold = self.amount(column.currency, bold=True)
                sheet.write_formula(_TOTALS, place, formula, bold, total)
        if any(column.kind == "amount" for column in columns):
            sheet.write_string(_TOTALS, 0, "Total of what is shown", self.format(bold=True))
        headings = [
            {"header": column.heading, "header_format": self._heading(column)} for column in columns
        ]
        name = "".join(part.capitalize() for part in title.replace("-", " ").split())
        options = {"name": name, "style": "Table Style Light 1", "columns": headings}
        sheet.add_table(_HEADINGS, 0, last, len(columns) - 1, options)
        return sheet

    def amount(self, currency: str, *, exact: bool = False, **more: Any) -> Any:
        """Return the format of amounts: a true minus and a dash for nil, as on the page."""
        decimals = "0" * (NANO_DIGITS if exact else minor_digits(currency))
        number = f"#,##0.{decimals}" if decimals else "#,##0"
        nil = f'"{chr(0x2013)}"'
        return self.format(num_format=f"{number};\N{MINUS SIGN}{number};{nil}", **more)

    def format(self, **properties: Any) -> Any:
        """Return the format with some properties; asked for twice, it is one."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format({**_FONT, **properties})
        return self._formats[key]

    def bars(self, sheet: Worksheet, title: str, count: int, *, label: int, value: int) -> None:
        """Draw the first rows of a table as bars beside it.

        Args:
            sheet: of the table.
            title: above the chart.
            count: rows of the table; the first of them are drawn.
            label: column of the names.
            value: column of the amounts.
        """
        drawn = min(count, _BARS)
        if not drawn:
            return
        name, last = sheet.get_name(), _HEADINGS + drawn
        chart = self._book.add_chart({"type": "bar"})
        chart.add_series(
            {
                "name": title,
                "categories": [name, _FIRST, label, last, label],
                "values": [name, _FIRST, value, last, value],
                "fill": {"color": self._accent},
                "gap": 60,
                "data_labels": {"value": True, "num_format": "#,##0"},
            }
        )
        chart.set_title({"name": title, "name_font": {"size": 12, "bold": False}})
        chart.set_legend({"none": True})
        chart.set_y_axis({"reverse": True, "line": {"none": True}, "major_tick_mark": "none"})
        chart.set_x_axis({"visible": False, "major_gridlines": {"visible": False}})
        chart.set_size({"width": 640, "height": 60 + 26 * drawn})
        sheet.insert_chart(_HEADINGS, value + 2, chart, {"description": f"{title}, as bars"})

    def multiples(self, sheet: Worksheet, rows: Sequence[Sequence[Any]], first: int) -> None:
        """Draw each of the first rows of a table on its own below it, all on one scale.

        Args:
            sheet: of the table.
            rows: as in the table; its first two columns are names, the second may be empty.
            first: column of the first amount; the others follow.
        """
        name = sheet.get_name()
        highest = max((nanos for row in rows for nanos in row[first:]), default=0)
        scale = {"max": -(-highest // NANOS_PER_UNIT)} if highest > 0 else {}
        for place, row in enumerate(rows[:_BARS]):
            at, last = _FIRST + place, len(row) - 1
            label = [name, at, 1 if row[1] else 0]
            chart = self._book.add_chart({"type": "column"})
            chart.add_series(
                {
                    "name": label,
                    "categories": [name, _HEADINGS, first, _HEADINGS, last],
                    "values": [name, at, first, at, last],
                    "fill": {"color": self._accent},
                    "gap": 40,
                }
            )
            chart.set_legend({"none": True})
            chart.set_title({"name": label, "name_font": {"size": 10, "bold": False}})
            axis = {"num_format": "#,##0", "major_gridlines": {"visible": False}, "min": 0}
            chart.set_y_axis({**axis, **scale})
            chart.set_size({"width": 300, "height": 180})
            below = _FIRST + len(rows) + 1 + 10 * (place // 3)
            options = {"x_offset": 310 * (place % 3), "description": "Billed by month"}
            sheet.insert_chart(below, 0, chart, options)

    def _cells(
        self, sheet: Worksheet, place: int, column: Column, values: Sequence[Any], style: Any
    ) -> None:
        for row, value in enumerate(values, start=_FIRST):
            if value is None or value == "":
                continue
            if column.kind in {"amount", "exact"}:
                sheet.write_number(row, place, units(value), style)
            elif column.kind in {"quantity", "number"}:
                sheet.write_number(row, place, value, style)
            elif column.kind == "day":
                sheet.write_datetime(row, place, value, style)
            else:
                sheet.write_string(row, place, shown_name(str(value))[:_CELL_CHARACTERS], style)

    def _format_of(self, column: Column) -> Any:
        if column.kind in {"amount", "exact"}:
            return self.amount(column.currency, exact=column.kind == "exact")
        if column.kind == "quantity":
            return self.format(num_format="#,##0")
        if column.kind == "day":
            return self.format(num_format="yyyy-mm-dd", align="left")
        if column.kind == "number":
            return self.format(num_format="#,##0.####")
        return self.format(align="right") if column.kind in _RIGHT else self.format()

    def _heading(self, column: Column) -> Any:
        return self.format(bold=True, bottom=1, align="left" if column.is_text else "right")


def units(nanos: int) -> Decimal:
    """Return nanos as whole units, exact; a cell keeps 15 significant digits of them."""
    return Decimal(nanos).scaleb(-NANO_DIGITS)
