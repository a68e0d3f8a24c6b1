"""The review as a workbook: its figures as numbers, its charts as native charts.

Amounts are numbers in whole units with all nine decimals behind them. A row that is a total on the
page is the SUBTOTAL above a table here, so that a filter never leaves a total of something else.
"""

import io
import re
from fractions import Fraction
from typing import Any, Final

import xlsxwriter
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from metering import __version__
from metering.reporting.brand import Brand
from metering.reporting.faces.sheets import Column, Sheets, units
from metering.reporting.review.contents import FinanceReview, Row, Section, Table, Value
from metering.reporting.review.plot_sheet import PlotSheets
from metering.reporting.words import shown_name

_QUIET: Final = "#59626d"
_TITLE_CHARACTERS: Final = 28
_UNTITLED: Final = re.compile(r"[^A-Za-z0-9 ]")


def review_xlsx(review: FinanceReview, brand: Brand | None = None) -> bytes:
    """Return the workbook of a review; the same review gives the same bytes."""
    brand = brand or Brand()
    target = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(target, options)
    book.set_properties(
        {
            "title": f"Review {review.period}, {review.status}",
            "comments": f"snapshot {review.snapshot_id}, metering {__version__}",
            "created": review.changed_at,
        }
    )
    foot = f"Review {review.period}, {review.status}, snapshot {review.snapshot_id}"
    _Book(book, review, Sheets(book, foot=foot, accent=brand.accent), brand).write()
    book.close()
    return target.getvalue()


class _Book:
    """The sheets of one workbook, written in order."""

    def __init__(self, book: Workbook, review: FinanceReview, out: Sheets, brand: Brand) -> None:
        self._book = book
        self._review = review
        self._out = out
        self._brand = brand
        self._titles: set[str] = set()

    def write(self) -> None:
        """Write every sheet."""
        sections = (*self._review.sections, *self._review.economics)
        self._cover()
        self._charts(sections)
        for section in sections:
            for table in section.tables:
                self._table(table)
        self._findings(sections)

    def _cover(self) -> None:
        out, review = self._out, self._review
        sheet = out.sheet("Cover", landscape=False)
        quiet = out.format(font_color=_QUIET)
        sheet.hide_gridlines(2)
        sheet.set_column(0, 0, 46)
        sheet.set_column(1, 2, 24)
        sheet.write_string(0, 0, shown_name(self._brand.organisation), quiet)
        sheet.write_string(1, 0, f"Review of AI spend {review.month}", out.format(font_size=20))
        sheet.write_string(2, 0, review.status.upper(), out.format(bold=True))
        sheet.write_string(2, 1, review.status_note, quiet)
        for row, (label, value) in enumerate(
            (("Snapshot", review.snapshot_id), ("Book as of", review.made_at)), start=4
        ):
            sheet.write_string(row, 0, label, quiet)
            sheet.write_string(row, 1, value, out.format())
        row = 7
        sheet.write_string(row, 0, f"Billed, {review.currency}", out.format(bold=True, bottom=1))
        bold = out.amount(review.currency, bold=True, bottom=1)
        sheet.write_number(row, 1, units(review.nanos), bold)
        sheet.write_string(row, 2, review.change, out.format(bottom=1, align="right"))
        for at, line in enumerate(review.headline, start=row + 1):
            self._line(sheet, at, line)

    def _line(self, sheet: Worksheet, at: int, line: Row) -> None:
        sheet.write_string(at, 0, line.name, self._out.format())
        for place, (text, value) in enumerate(line.said, start=1):
            self._cell(sheet, (at, place), text, value)

    def _cell(self, sheet: Worksheet, at: tuple[int, int], text: str, value: Value) -> None:
        if isinstance(value, int):
            sheet.write_number(*at, units(value), self._out.amount(self._review.currency))
        else:
            sheet.write_string(*at, text, self._out.format(align="right"))

    def _charts(self, sections: tuple[Section, ...]) -> None:
        sheets = PlotSheets(self._book, self._out, self._brand.accent)
        sheets.add(self._review.split)
        for section in sections:
            for plot in section.plots:
                sheets.add(plot)
            for finding in section.findings:
                if finding.course:
                    sheets.add(finding.course)

    def _table(self, table: Table) -> None:
        rows = [row for row in table.rows if row.kind != "total"]
        kinds = [_kind(rows, place) for place in range(len(table.columns) - 1)]
        totals = [row for row in table.rows if row.kind == "total"]
        columns = [Column(table.columns[0] or "Of", width=36)]
        for place, (heading, kind) in enumerate(zip(table.columns[1:], kinds, strict=True)):
            adds = kind == "exact" and _kind(totals, place) == "exact"
            words = heading or "State"
            columns.append(Column(words, "amount" if adds else kind, 18, self._review.currency))
        cells = [
            (row.name, *(_written(cell, kind) for cell, kind in zip(row.said, kinds, strict=True)))
            for row in rows
        ]
        if cells:
            self._out.table(self._title(table.caption), columns, cells)

    def _findings(self, sections: tuple[Section, ...]) -> None:
        currency = self._review.currency
        rows = [
            (
                *(found.case_id, found.subject, found.pattern, found.onset),
                *(found.nanos, found.low, found.high, found.state),
                "; ".join(" ".join((row.name, *row.cells)) for row in found.parts.rows)
                if found.parts
                else "",
                *("; ".join(found.checked), "; ".join(found.open_questions), found.footing),
            )
            for section in sections
            for found in section.findings
        ]
        columns = (
            *(Column("Finding", width=12), Column("About", width=32), Column("Pattern", width=48)),
            Column("Since", "day", 12),
            *(Column(word, "amount", 16, currency) for word in ("At stake", "P10", "P90")),
            *(Column("State"), Column("Of it, in workflows", width=40)),
            *(Column("Looked at", width=60), Column("To rule out", width=60)),
            Column("Footing", width=60),
        )
        if rows:
            self._out.table("Findings", columns, rows)

    def _title(self, caption: str) -> str:
        """Return the name of a sheet: short, plain, and like no other."""
        plain = _UNTITLED.sub("", caption)[:_TITLE_CHARACTERS].strip() or "Table"
        title, again = plain, 1
        while title.lower() in self._titles:
            again += 1
            title = f"{plain} {again}"
        self._titles.add(title.lower())
        return title


def _kind(rows: list[Row], place: int) -> str:
    values = [row.values[place] for row in rows if row.values]
    if any(isinstance(value, Fraction) for value in values):
        return "number"
    return "exact" if any(value is not None for value in values) else "right"


def _written(cell: tuple[str, Value], kind: str) -> Any:
    text, value = cell
    if kind == "number" and isinstance(value, int):
        # An amount among numbers of another kind.
        return units(value)
    return text if kind == "right" else value
