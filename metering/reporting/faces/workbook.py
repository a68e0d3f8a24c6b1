"""The chargeback workbook: the pack as sheets of real numbers.

Amounts are numbers in whole units of the currency with all nine decimals behind them, so that they
can be added, filtered and turned in a pivot table. A spreadsheet holds 15 significant digits; the
sheet of lines therefore says every billed amount a second time as nanos, in text, digit for digit.

The file says when the book was, not when it was written: the same ledger gives the same bytes.
XlsxWriter keeps sheets in memory, because named tables are not to be had otherwise.
"""

import io
from collections.abc import Iterable, Sequence
from typing import Any, Final

import pandas as pd
import xlsxwriter
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from metering import __version__
from metering.reporting.brand import Brand
from metering.reporting.faces.proof_sheets import made_from, open_points, tie_outs
from metering.reporting.faces.sheets import Column, Sheets, units
from metering.reporting.frames import frame_of, grouped, history_of, in_currency
from metering.reporting.lines import Line
from metering.reporting.pack.chargeback import Account, ChargebackReport
from metering.reporting.pack.detail import Detail, details_of, priced
from metering.reporting.pack.tree import BEARER_WORDS, LEVELS
from metering.reporting.snapshot import Bearer, Snapshot
from metering.reporting.words import meter_label, meter_unit, month_text, shown_name

_QUIET: Final = "#59626d"


def chargeback_xlsx(
    snapshot: Snapshot, report: ChargebackReport, brand: Brand | None = None
) -> bytes:
    """Return the workbook of a snapshot.

    Args:
        snapshot: every number comes from it.
        report: the words of the cover.
        brand: the company's look; None for ours.
    """
    target = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(target, options)
    book.set_properties(
        {
            "title": f"Chargeback {report.period}, {report.status}",
            "comments": f"snapshot {report.snapshot_id}, metering {__version__}",
            "created": snapshot.made_at.replace(tzinfo=None),
        }
    )
    _Book(book, snapshot, report, brand or Brand()).write()
    book.close()
    return target.getvalue()


class _Book:
    """The sheets of one workbook, written in order."""

    def __init__(
        self, book: Workbook, snapshot: Snapshot, report: ChargebackReport, brand: Brand
    ) -> None:
        foot = f"Chargeback {report.period}, {report.status}, snapshot {report.snapshot_id}"
        self._out = Sheets(book, foot=foot, accent=brand.accent)
        self._snapshot = snapshot
        self._report = report
        self._organisation = brand.organisation
        self._frame = frame_of(snapshot.lines)
        self._history = history_of(snapshot.history)

    def write(self) -> None:
        """Write every sheet."""
        totals = self._snapshot.totals()
        self._cover()
        for account in self._report.accounts:
            currency = account.currency
            lines = in_currency(self._frame, currency)
            details = priced(details_of(self._frame, currency, total=totals[currency]))
            if not details and in_currency(self._history, currency).empty:
                continue
            self._owners(currency, details)
            self._plans(currency)
            self._stretches(currency)
            self._models(currency, details)
            self._meters(currency, details)
            self._months(currency)
            self._days(currency, lines)
            self._lines(currency, details)
        open_points(self._out, self._snapshot, self._report)
        tie_outs(self._out, self._snapshot, self._report)
        made_from(self._out, self._snapshot)

    def _title(self, name: str, currency: str) -> str:
        return f"{name} {currency}" if len(self._report.accounts) > 1 else name

    def _cover(self) -> None:
        out, report = self._out, self._report
        sheet = out.sheet("Cover", landscape=False)
        quiet = out.format(font_color=_QUIET)
        sheet.hide_gridlines(2)
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 1, 24)
        sheet.set_column(2, 2, 44)
        sheet.write_string(0, 0, shown_name(self._organisation), quiet)
        sheet.write_string(1, 0, f"Chargeback {report.month}", out.format(font_size=20))
        sheet.write_string(2, 0, report.status.upper(), out.format(bold=True))
        sheet.write_string(2, 1, report.status_note, quiet)
        facts = {
            "Snapshot": report.snapshot_id,
            "Book as of": report.made_at,
            "Attribution rules": report.rules,
            "Directory of owners": report.directory,
        }
        for row, (label, value) in enumerate(facts.items(), start=4):
            sheet.write_string(row, 0, label, quiet)
            sheet.write_string(row, 1, value, out.format())
        row = 5 + len(facts)
        for account in report.accounts:
            row = self._cover_account(sheet, row, account)

    def _cover_account(self, sheet: Worksheet, row: int, account: Account) -> int:
        """Write who bears what was billed and the way from its list price; return the row below."""
        out, currency = self._out, account.currency
        quiet = out.format(font_color=_QUIET)
        row = self._sum(sheet, row, f"Billed, {currency}", account.summary, currency)
        if account.costs:
            row = self._sum(sheet, row + 1, "From list price to billed", account.costs, currency)
        before = self._snapshot.history.totals_of(self._snapshot.period.previous)
        sheet.write_string(row, 0, self._report.month_before, quiet)
        sheet.write_number(row, 1, units(before.get(currency, 0)), out.amount(currency))
        sheet.write_string(row + 1, 0, "Exact, to the nano", quiet)
        sheet.write_string(row + 1, 1, account.exact, out.format(align="right"))
        return row + 3

    def _sum(
        self, sheet: Worksheet, row: int, title: str, lines: Sequence[Line], currency: str
    ) -> int:
        """Write lines below a title, their total as a formula; return the row below."""
        out = self._out
        sheet.write_string(row, 0, title, out.format(bold=True, bottom=1))
        sheet.write_blank(row, 1, None, out.format(bottom=1))
        # What rounding for display leaves over is no part of exact numbers.
        parts = [(line.label, line.nanos) for line in lines if line.nanos is not None]
        for at, (label, nanos) in enumerate(parts, start=row + 1):
            sheet.write_string(at, 0, label, out.format())
            sheet.write_number(at, 1, units(nanos), out.amount(currency))
        foot = row + 1 + len(parts)
        rules: dict[str, Any] = {"bold": True, "top": 1, "bottom": 6}
        sheet.write_string(foot, 0, lines[-1].label, out.format(**rules))
        formula, style = f"=SUM(B{row + 2}:B{foot})", out.amount(currency, **rules)
        sheet.write_formula(foot, 1, formula, style, units(sum(nanos for _, nanos in parts)))
        return foot + 1

    def _owners(self, currency: str, details: Sequence[Detail]) -> None:
        sums: dict[tuple[str, ...], list[int]] = {}
        for row in details:
            held = sums.setdefault(_owner(row), [0, 0, 0, 0])
            for place, nanos in enumerate((row.listed, row.contracted, row.amount)):
                held[place] += nanos
        history = in_currency(self._history, currency)
        before = history[history["period"] == str(self._snapshot.period.previous)]
        for bearer, *levels, nanos in grouped(before, ("bearer", *LEVELS)).itertuples(index=False):
            owner = _bearer(bearer, (_text(level) for level in levels))
            sums.setdefault(owner, [0, 0, 0, 0])[3] += int(nanos)
        headings = ("List", "Discount", "Contracted", "Billed", self._report.month_before_short)
        columns = (
            Column("Cost centre", width=22),
            Column("Team", width=22),
            Column("Project", width=26),
            *(Column(heading, "amount", currency=currency) for heading in (*headings, "Change")),
        )
        ranked = sorted(sums.items(), key=lambda entry: (-entry[1][2], entry[0]))
        rows = [
            (*owner, listed, listed - contracted, contracted, amount, prior, amount - prior)
            for owner, (listed, contracted, amount, prior) in ranked
        ]
        self._out.table(self._title("Owners", currency), columns, rows)

    def _plans(self, currency: str) -> None:
        of = {"Budgets": self._snapshot.budgets, "Forecasts": self._snapshot.forecasts}
        for name, plans in of.items():
            mine = [plan for plan in plans or () if plan.currency == currency]
            columns = (
                *(Column(word, width=22) for word in ("Cost centre", "Team", "Project")),
                Column("Stated", "exact", currency=currency),
            )
            rows = [(plan.cost_centre, plan.team, plan.project, plan.nanos) for plan in mine]
            if rows:
                self._out.table(self._title(name, currency), columns, rows)

    def _stretches(self, currency: str) -> None:
        mine = [one for one in self._snapshot.stretches if one.currency == currency]
        figures = ("Budget", "Share of the month", "Charged in it", "Charged so far", "Left")
        columns = (
            *(Column(word, width=22) for word in ("Cost centre", "Team", "Project", "Months")),
            *(Column(word, "exact", currency=currency) for word in figures),
        )
        rows = [
            (
                *(one.cost_centre, one.team, one.project, one.months),
                *(one.budget_nanos, one.share_nanos, one.month_nanos),
                *(one.charged_nanos, one.left_nanos),
            )
            for one in mine
        ]
        if rows:
            self._out.table(self._title("Budgets of months", currency), columns, rows)

    def _models(self, currency: str, details: Sequence[Detail]) -> None:
        sums: dict[tuple[str, str], int] = {}
        for row in details:
            model = (row.provider, row.model or "no model named")
            sums[model] = sums.get(model, 0) + row.amount
        ranked = sorted(sums.items(), key=lambda entry: (-entry[1], entry[0]))
        columns = (
            Column("Provider"),
            Column("Model", width=34),
            Column("Billed", "amount", currency=currency),
        )
        rows = [(*model, nanos) for model, nanos in ranked]
        sheet = self._out.table(self._title("Models", currency), columns, rows)
        self._out.bars(sheet, f"Billed by model, {currency}", len(rows), label=1, value=2)

    def _meters(self, currency: str, details: Sequence[Detail]) -> None:
        quantities: dict[tuple[str, str], int | None] = {}
        sums: dict[tuple[str, str], int] = {}
        for row in details:
            meter = meter_label(row.meter), meter_unit(row.meter)
            quantities[meter] = (
                None if row.counted is None else (quantities.get(meter) or 0) + row.counted
            )
            sums[meter] = sums.get(meter, 0) + row.amount
        ranked = sorted(sums.items(), key=lambda entry: (-entry[1], entry[0]))
        columns = (
            Column("Meter", width=26),
            Column("Unit"),
            Column("Quantity", "quantity", 20),
            Column("Billed", "amount", currency=currency),
        )
        rows = [(*meter, quantities[meter], nanos) for meter, nanos in ranked]
        sheet = self._out.table(self._title("Meters", currency), columns, rows)
        self._out.bars(sheet, f"Billed by meter, {currency}", len(rows), label=0, value=3)

    def _months(self, currency: str) -> None:
        by = ("bearer", "cost_centre", "team", "period")
        view = grouped(in_currency(self._history, currency), by)
        sums: dict[tuple[str, ...], dict[str, int]] = {}
        for bearer, cost_centre, team, period, nanos in view.itertuples(index=False):
            months_of = sums.setdefault(_bearer(bearer, (_text(cost_centre), _text(team))), {})
            months_of[str(period)] = months_of.get(str(period), 0) + int(nanos)
        known = {str(period) for period in view["period"]}
        months = [self._snapshot.period]
        while str(months[0].previous) in known:
            months.insert(0, months[0].previous)
        last = str(months[-1])
        ranked = sorted(sums.items(), key=lambda entry: (-entry[1].get(last, 0), entry[0]))
        columns = (
            Column("Cost centre", width=22),
            Column("Team", width=22),
            *(Column(month_text(m, short=True), "amount", currency=currency) for m in months),
        )
        rows = [(*owner, *(by.get(str(month), 0) for month in months)) for owner, by in ranked]
        sheet = self._out.table(self._title("Months", currency), columns, rows)
        self._out.multiples(sheet, rows, first=2)

    def _days(self, currency: str, lines: pd.DataFrame) -> None:
        view = grouped(lines, ("charge_day", "bearer", *LEVELS, "provider"))
        rows = [
            (day, *_bearer(bearer, map(_text, owner)), provider, int(nanos))
            for day, bearer, *owner, provider, nanos in view.itertuples(index=False)
            if nanos
        ]
        columns = (
            Column("Day", "day", 12),
            *(Column(word, width=22) for word in ("Cost centre", "Team", "Project")),
            Column("Provider"),
            Column("Billed", "amount", currency=currency),
        )
        self._out.table(self._title("Days", currency), columns, rows)

    def _lines(self, currency: str, details: Sequence[Detail]) -> None:
        columns = (
            *(Column(word, width=20) for word in ("Cost centre", "Team", "Project")),
            Column("Provider"),
            Column("Model", width=28),
            Column("Meter", width=24),
            Column("Unit", width=12),
            Column("Quantity", "quantity", 18),
            Column("List", "exact", 20, currency),
            Column("Contracted", "exact", 20, currency),
            Column("Billed", "amount", 20, currency),
            Column("Billed, nanos", "digits", 20),
        )
        rows = [
            (
                *(*_owner(row), row.provider, row.model),
                *(meter_label(row.meter), meter_unit(row.meter)),
                row.counted,
                *(row.listed, row.contracted, row.amount, row.amount),
            )
            for row in details
        ]
        self._out.table(self._title("Lines", currency), columns, rows)


def _owner(row: Detail) -> tuple[str, ...]:
    return _bearer(row.bearer, (row.cost_centre, row.team, row.project))


def _bearer(bearer: str, owner: Iterable[str]) -> tuple[str, ...]:
    names = tuple(owner)
    if bearer == Bearer.OWNER:
        return (names[0] or "no cost centre named", *names[1:])
    return (BEARER_WORDS.get(bearer, "Unpriced"), *("" for _ in names[1:]))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
