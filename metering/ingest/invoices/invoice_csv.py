"""Invoices typed from their PDF into CSV, one row per invoice line; other layouts are read as it.

Columns, in any order: `invoice_id, provider, billing_account, period, category, description,
amount, currency`; and, where they are known, `invoice_total` (checked against the lines) and
`booking_currency, booking_amount, fx_rate, fx_date` (what finance booked for the line; all four
or none). `category` is one of usage, tax, credit, discount, seats, commitment, rounding, fee,
other. Amounts are plain decimals like -150.00: no thousands separators, no currency signs, at most
nine decimals. An empty `billing_account` is "default".

A file may hold several invoices. It is taken whole or refused whole, with every mistake at once.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from metering.core.closing.invoices import Booking, Invoice, InvoiceCategory, InvoiceLine
from metering.core.csv_table import Row
from metering.core.ledger import DEFAULT_ACCOUNT
from metering.core.money import decimal_text, nanos_from_decimal_text
from metering.core.periods import BillingPeriod
from metering.core.validity import day_of
from metering.errors import (
    WHOLE_FILE_REMEDY,
    RefusedFileError,
    RejectedError,
    Rejection,
    shown,
)
from metering.ingest.invoices.layouts import invoice_table

REQUIRED_COLUMNS: Final = (
    "invoice_id",
    "provider",
    "billing_account",
    "period",
    "category",
    "description",
    "amount",
    "currency",
)
OPTIONAL_COLUMNS: Final = (
    "invoice_total",
    "booking_currency",
    "booking_amount",
    "fx_rate",
    "fx_date",
)

_BOOKING: Final = OPTIONAL_COLUMNS[1:]
_HEADER: Final = ("billing_account", "period", "currency", "invoice_total")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,10}(\.[0-9]{1,9})?")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_LARGEST_NANOS: Final = 2**63 - 1


def read_invoices(text: str, path: str) -> tuple[Invoice, ...]:
    """Return the invoices of a file, in the order of their first lines.

    Args:
        text: the whole file, decoded.
        path: the file as the user named it, for messages.

    Raises:
        RefusedFileError: a cell cannot be read, the lines of one invoice differ in what they
            share, or they do not add up to `invoice_total`; every such place is told.
    """
    table = invoice_table(text, REQUIRED_COLUMNS, OPTIONAL_COLUMNS)
    rejections = list(table.rejections)
    if not table.rows and not rejections:
        rejections.append(
            Rejection(1, "no-rows", "", "no row", "a row per invoice line", WHOLE_FILE_REMEDY)
        )
    by_id: dict[tuple[str, str], list[tuple[Row, InvoiceLine]]] = {}
    for row in table.rows:
        try:
            line = _line(row)
            by_id.setdefault(_identity(row), []).append((row, line))
        except RejectedError as error:
            rejections.append(error.rejection)
    if not rejections:
        for rows in by_id.values():
            rejections.extend(_differences([row for row, _ in rows]))
            rejections.extend(_sum_refused(rows))
    if rejections:
        raise RefusedFileError(path, rejections)
    return tuple(_invoice(rows) for rows in by_id.values())


def _invoice(rows: Sequence[tuple[Row, InvoiceLine]]) -> Invoice:
    cells = rows[0][0].cells
    return Invoice(
        invoice_id=cells["invoice_id"],
        provider=cells["provider"],
        billing_account=cells["billing_account"] or DEFAULT_ACCOUNT,
        period=BillingPeriod.parse(cells["period"]),
        currency=cells["currency"],
        lines=tuple(line for _, line in rows),
    )


def _identity(row: Row) -> tuple[str, str]:
    for column in ("invoice_id", "provider"):
        if not row.cells[column]:
            raise _refused(row, "missing-field", column, "text", found="empty")
    try:
        BillingPeriod.parse(row.cells["period"])
    except ValueError as error:
        raise _refused(row, "bad-period", "period", "a month as YYYY-MM") from error
    _currency(row, "currency")
    return row.cells["provider"], row.cells["invoice_id"]


def _line(row: Row) -> InvoiceLine:
    try:
        category = InvoiceCategory(row.cells["category"])
    except ValueError as error:
        expected = f"one of {', '.join(InvoiceCategory)}"
        raise _refused(row, "unknown-category", "category", expected) from error
    if row.cells["invoice_total"]:
        _amount(row, "invoice_total")
    return InvoiceLine(
        line=row.line,
        category=category,
        description=row.cells["description"],
        amount_nanos=_amount(row, "amount"),
        booking=_booking(row),
    )


def _booking(row: Row) -> Booking | None:
    if not any(row.cells[column] for column in _BOOKING):
        return None
    for column in _BOOKING:
        if not row.cells[column]:
            expected = f"all of {', '.join(_BOOKING)}, or none of them"
            raise _refused(row, "missing-field", column, expected, found="empty")
    if _amount(row, "fx_rate") <= 0:
        raise _refused(row, "bad-amount", "fx_rate", "a rate above 0")
    return Booking(
        currency=_currency(row, "booking_currency"),
        amount_nanos=_amount(row, "booking_amount"),
        fx_rate=row.cells["fx_rate"],
        fx_date=_day(row, "fx_date"),
    )


def _amount(row: Row, column: str) -> int:
    text = row.cells[column]
    nanos = nanos_from_decimal_text(text) if _DECIMAL.fullmatch(text) else None
    if nanos is None or abs(nanos) > _LARGEST_NANOS:
        expected = "a plain decimal like 1234.56, below 9 billion, with at most nine decimals"
        raise _refused(row, "bad-amount", column, expected)
    return nanos


def _currency(row: Row, column: str) -> str:
    if _CURRENCY.fullmatch(row.cells[column]) is None:
        raise _refused(row, "bad-currency", column, "three capital letters of ISO 4217, like USD")
    return row.cells[column]


def _day(row: Row, column: str) -> date:
    try:
        day = day_of(row.cells[column])
    except ValueError:
        day = None
    if day is None:
        raise _refused(row, "bad-date", column, "a day as YYYY-MM-DD")
    return day


def _differences(rows: Sequence[Row]) -> Iterator[Rejection]:
    first = rows[0]
    for column in _HEADER:
        for row in rows[1:]:
            if row.cells[column] != first.cells[column]:
                expected = f"{shown(first.cells[column])}, as line {first.line} of this invoice"
                yield _refused(row, "mixed-invoice", column, expected).rejection


def _sum_refused(rows: Sequence[tuple[Row, InvoiceLine]]) -> Iterator[Rejection]:
    first = rows[0][0]
    total = sum(line.amount_nanos for _, line in rows)
    told = first.cells["invoice_total"]
    if abs(total) > _LARGEST_NANOS:
        yield _refused(
            first, "bad-amount", "amount", "lines that sum to less than 9 billion"
        ).rejection
    elif told and nanos_from_decimal_text(told) != total:
        expected = f"{decimal_text(total)}, the sum of the invoice's {len(rows)} lines"
        yield _refused(first, "invoice-does-not-add-up", "invoice_total", expected).rejection


def _refused(row: Row, code: str, column: str, expected: str, *, found: str = "") -> RejectedError:
    told = found or shown(row.cells[column])
    return RejectedError(Rejection(row.line, code, column, told, expected, WHOLE_FILE_REMEDY))
