"""GitHub's billing reports as CSV: what Copilot was used for, and what GitHub bills for it.

Four reports share their columns: AI usage (credits, from June 2026), premium requests (before),
and the metered reports, detailed and summarised, which hold every product of GitHub and the seats.

* A row is charged its `net_amount`, which is what the invoice has. `discount_amount` is what the
  included pool of the company covered; `gross_amount`, before it, is kept as a tag, so that the
  invoice can be divided by gross shares instead.
* Reports give one row per repository, and rows alike in every column: all of them count.
* A row with a quantity below 0 takes back what another has billed: its money counts, and no tokens.
* Seats are rows in `user-months`. They are billed, and belong to a product of their own.
* Whether `input` leaves out what was read from the cache is not documented. Tokens are therefore
  shown and never priced.
* `aic_quantity` and `total_monthly_quota` repeat what other columns or rows say, and are not read.
* A report may come in several files, which have to be put together: a header in the middle is
  passed over.

Source: source formats note, sections 2.1 and 2.2, read 2026-11-21; GitHub, "Billing reports
reference".
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.meters import Meter
from metering.errors import shown
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.marks import by_header
from metering.ingest.shapes.buckets import Span
from metering.ingest.shapes.pages import Row
from metering.ingest.shapes.records import given, metered, reported
from metering.ingest.shapes.reports import report_of
from metering.ingest.shapes.tables import Table, count, read_table
from metering.ingest.values.day_order import DayOrder, order_of, refuse_doubt
from metering.ingest.values.exact_decimals import (
    amount,
    exact,
    nanos,
    plain,
    quantity,
    require_product,
    signed_quantity,
)
from metering.ingest.values.fields import FieldRefused, Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_MONEY: Final = ("gross_amount", "discount_amount", "net_amount")
_REQUIRED: Final = (
    *("date", "product", "sku", "quantity", "unit_type", "applied_cost_per_quantity"),
    *_MONEY,
    "organization",
)
_TOKENS: Final = {
    "input": Meter.INPUT_UNCACHED,
    "output": Meter.OUTPUT,
    "cache_read": Meter.CACHE_READ,
    "cache_write": Meter.CACHE_WRITE_UNKNOWN,
}
_UNITS: Final = ("requests", "ai-credits", "token-units", "user-months")
_SEATS: Final = "user-months"
_COPILOT: Final = "copilot"
_AGAIN: Final = "download the report again, and ingest it as it comes from GitHub"
# A round trip through a spreadsheet turns 2026-09-02 into this: month, day, year.
_SPREADSHEET_DAY: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{2})", re.ASCII)
_DAY: Final = re.compile(r"20\d\d-\d\d-\d\d", re.ASCII)
# GitHub filled these days of its preview afterwards, with rows that stand for nothing.
_BACKFILLED: Final = (date(2026, 4, 24), date(2026, 4, 30))
_ROUNDING: Final = Fraction(1, 10**6)

_CREDITS: Final = ("ai-credits", "report=ai-usage")
_PREMIUM: Final = ("premium-requests", "report=premium-requests")
_DETAILED: Final = ("*", "report=metered-detailed")
_SUMMARISED: Final = ("*", "report=metered-summarised")


class CopilotBillingCsv:
    """One record per row; other products of GitHub in the same report are counted as noise."""

    name = "copilot-billing-csv"
    version = 1
    role = SourceRole.METERED
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "GitHub Copilot billing reports: AI credits, premium requests, metered usage (CSV)"
    export = "GitHub, Billing, Usage, Get usage report (AI usage); all files of a report as one"
    cannot_tell = "tokens, before August 2026; what seats and their pool cost a user"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the header alone: people rename the files they download."""
        return by_header(sample, _REQUIRED)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield every row of Copilot as GitHub billed it, then the days that the report covers.

        Raises:
            SourceError: `ambiguous-date`; or as `read_table`.
        """
        table = read_table(path, reader, _REQUIRED, dict.fromkeys(_TOKENS, count))
        view = _view(table)
        headers = [row for row in table.rows if row.member("date") == "date"]
        _refuse_day_first(table, path)
        foreign = [row for row in table.rows if view[0] == "*" and not _is_of_copilot(row)]
        backfill = [row for row in table.rows if _is_backfill(row)]
        passed = {row.line for row in (*headers, *foreign, *backfill)}
        yield from report_of(
            (row for row in table.rows if row.line not in passed),
            _cells,
            view=view,
            refused=table.refused,
            noise={
                "empty line": table.empty_lines,
                "repeated header": len(headers),
                "other product of GitHub": len({row.line for row in foreign} - _lines(headers)),
                "preview row of April 2026 that stands for nothing": len(backfill),
            },
        )


def _refuse_day_first(table: Table, path: Path) -> None:
    """Refuse a report that went through a spreadsheet which put the day first, as a date shows.

    Where none does, it is as spreadsheets write the dates of a report in English (source formats
    note, section 2.1): the month first.

    Raises:
        SourceError: `ambiguous-date`.
    """
    orders = {order_of(row.member("date")) for row in table.rows}
    refuse_doubt(orders & {DayOrder.DAY_FIRST}, path, _AGAIN)


def _view(table: Table) -> tuple[str, str]:
    """Return scope and signature of a report; which one it is shows in its columns."""
    if "exceeds_quota" in table.header:
        return _PREMIUM
    if "model" in table.header:
        return _CREDITS
    return _DETAILED if "username" in table.header else _SUMMARISED


def _lines(rows: list[Row]) -> set[int]:
    return {row.line for row in rows}


def _is_of_copilot(row: Row) -> bool:
    # A row without a product is kept, so that it is refused in the open.
    return str(row.member("product") or _COPILOT).lower() == _COPILOT


def _is_backfill(row: Row) -> bool:
    try:
        day, used = _day(row.fields), quantity(row.fields, "quantity")
    except FieldRefused:
        return False
    first, last = _BACKFILLED
    return first <= day <= last and not used and bool(exact(row.member("total_monthly_quota")))


def _cells(row: Row) -> Mapping[str, object]:
    fields = row.fields
    gross, net = _money(fields)
    unit = fields.one_of("unit_type", _UNITS)
    takes_back = signed_quantity(fields, "quantity") < 0
    return {
        **Span.of_day(_day(fields)).cells(),
        "provider": "github",
        "platform": "github-copilot",
        "product": "copilot-seats" if unit == _SEATS else "copilot",
        "model_raw": fields.text_if_any("model"),
        "workspace": fields.text_if_any("organization"),
        "principal": fields.text_if_any("username"),
        "workflow_key": fields.text_if_any("workflow_path"),
        "tags": given(
            {
                "sku": fields.text("sku"),
                "unit_type": unit,
                "repository": fields.text_if_any("repository"),
                "cost_center": fields.text_if_any("cost_center_name"),
                "gross_amount": plain(gross),
            }
        ),
        **metered({} if takes_back else _tokens(fields)),
        **reported(nanos(net), "USD", "billed"),
    }


def _tokens(fields: Fields) -> dict[Meter, int]:
    counts = {meter: fields.whole_number_if_any(name) for name, meter in _TOKENS.items()}
    return {meter: count for meter, count in counts.items() if count is not None}


def _money(fields: Fields) -> tuple[Fraction, Fraction]:
    """Return gross and net amount, after the row has shown that its figures agree."""
    require_product(
        fields,
        quantity_name="quantity",
        price_name="applied_cost_per_quantity",
        cost_name="gross_amount",
    )
    gross, discount, net = (amount(fields, name) for name in _MONEY)
    if abs(gross - discount - net) > _ROUNDING:
        raise fields.refused(
            "amounts-do-not-add-up",
            "net_amount",
            f"gross_amount less discount_amount, which is {plain(gross - discount)}",
        )
    return gross, net


def _day(fields: Fields) -> date:
    text = fields.text("date")
    match = _SPREADSHEET_DAY.fullmatch(text)
    try:
        if match:
            month, day, year = map(int, match.groups())
            return date(2000 + year, month, day)
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise FieldRefused("bad-date", "date", shown(text), "a day as YYYY-MM-DD, or as M/D/YY")
