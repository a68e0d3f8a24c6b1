"""Invoices in other layouts, as the rows of the CSV that people type.

* FOCUS: the Invoice Detail dataset of 1.4, or Cost and Usage of 1.2 and later, whose rows with an
  `InvoiceId` are added up by invoice, service and category. Rows without one are on no invoice yet.
* JSON: a list of invoices, or an object with `invoices`, each with the columns of the CSV as keys
  and its `lines`; what an accounts-payable system exports after a small mapping. The answer of
  xAI's management API, which lists its own invoices, is read as it is (`xai_invoices`).

What the columns have to hold is checked in one place, for every layout (`invoice_csv`).

Source: FOCUS 1.4, "Invoice Detail"; FOCUS 1.2, `InvoiceId`.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from metering.core.csv_table import Row, Table, read_table
from metering.errors import WHOLE_FILE_REMEDY, RejectedError, Rejection, shown
from metering.ingest.invoices import xai_invoices
from metering.ingest.providers import PROVIDERS

_FOCUS: Final = (
    "InvoiceId",
    "InvoiceIssuerName",
    "BillingAccountId",
    "BillingPeriodStart",
    "BillingCurrency",
    "ChargeCategory",
    "BilledCost",
)
_FOCUS_WORDS: Final = ("InvoiceDetailDescription", "ServiceName", "ChargeDescription")
_CATEGORIES: Final = {
    "Usage": "usage",
    "Purchase": "commitment",
    "Tax": "tax",
    "Credit": "credit",
    "Adjustment": "other",
}
_SEAT: Final = re.compile(r"\bseats?\b", re.IGNORECASE)
# As invoices spell who issued them, besides the spellings of gateways.
_ISSUERS: Final = {
    "amazon-web-services": "aws",
    "google-cloud": "google",
    "microsoft": "azure",
    "github": "github",
}
_LEGAL_FORM: Final = re.compile(
    r",? +(inc|llc|l\.l\.c|ltd|limited|pbc|gmbh|corp|corporation|opco, llc)\.?$", re.IGNORECASE
)


def invoice_table(text: str, required: Sequence[str], optional: Sequence[str]) -> Table:
    """Return the invoice lines of a file in the columns of the typed CSV.

    Args:
        text: the whole file, decoded.
        required: those columns that have to be there.
        optional: those that may be there.
    """
    if text.lstrip("\ufeff \t\r\n")[:1] in ("[", "{"):
        return _of_json(text, (*required, *optional))
    header = text.lstrip("\ufeff").split("\n", 1)[0].replace('"', "").strip().split(",")
    if set(_FOCUS) <= set(header):
        return _of_focus(read_table(text, _FOCUS, _FOCUS_WORDS), (*required, *optional))
    return read_table(text, required, optional)


def _of_focus(table: Table, columns: Sequence[str]) -> Table:
    rejections = list(table.rejections)
    sums: dict[tuple[str, ...], tuple[int, Decimal]] = {}
    for row in table.rows:
        cells = row.cells
        if cells["InvoiceId"] in ("", "NULL"):
            continue
        try:
            amount = Decimal(cells["BilledCost"])
        except InvalidOperation:
            rejections.append(_refused(row.line, "BilledCost", cells["BilledCost"], "a decimal"))
            continue
        words = next((cells[name] for name in _FOCUS_WORDS if cells[name]), "")
        key = (
            cells["InvoiceId"],
            provider_of(cells["InvoiceIssuerName"]),
            cells["BillingAccountId"],
            cells["BillingPeriodStart"][:7],
            _category(cells["ChargeCategory"], words),
            words,
            cells["BillingCurrency"],
        )
        line, before = sums.get(key, (row.line, Decimal(0)))
        sums[key] = line, before + amount
    names = (
        "invoice_id",
        "provider",
        "billing_account",
        "period",
        "category",
        "description",
        "currency",
    )
    rows = [
        _row(line, {**dict(zip(names, key, strict=True)), "amount": _plain(amount)}, columns)
        for key, (line, amount) in sums.items()
    ]
    return Table(tuple(rows), tuple(rejections))


def provider_of(issuer: str) -> str:
    """Return our name of who issued an invoice; one we do not know stands for itself."""
    plain = re.sub(r"[^a-z0-9]+", "-", _LEGAL_FORM.sub("", issuer.strip()).lower()).strip("-")
    return _ISSUERS.get(plain) or PROVIDERS.get(plain, (plain, ""))[0]


def _category(category: str, words: str) -> str:
    if category == "Purchase" and _SEAT.search(words):
        return "seats"
    return _CATEGORIES.get(category, category)


def _of_json(text: str, columns: Sequence[str]) -> Table:
    try:
        document = json.loads(text.lstrip("\ufeff"), parse_float=str, parse_int=str)
    except json.JSONDecodeError as error:
        return Table((), (_broken(error.lineno, str(error.msg)),))
    except RecursionError:
        return Table((), (_broken(1, "values nested too deep"),))
    invoices = document.get("invoices") if isinstance(document, dict) else document
    if not isinstance(invoices, list) or not all(isinstance(one, dict) for one in invoices):
        return Table((), (_broken(1, "no list of invoices"),))
    if xai_invoices.is_of_xai(invoices):
        return _of_xai(invoices, columns)
    rows: list[Row] = []
    rejections: list[Rejection] = []
    for place, invoice in enumerate(invoices, start=1):
        lines = invoice.get("lines")
        if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
            rejections.append(_refused(place, "lines", str(lines), "a list of objects"))
            continue
        heading = {name: value for name, value in invoice.items() if name != "lines"}
        rows.extend(_row(place, heading | line, columns) for line in lines)
    return Table(tuple(rows), tuple(rejections))


def _of_xai(invoices: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Table:
    rows: list[Row] = []
    rejections: list[Rejection] = []
    for place, invoice in enumerate(invoices, start=1):
        try:
            lines = tuple(xai_invoices.rows_of(place, invoice))
        except RejectedError as error:
            rejections.append(error.rejection)
        else:
            rows.extend(_row(place, line, columns) for line in lines)
    return Table(tuple(rows), tuple(rejections))


def _row(line: int, said: Mapping[str, Any], columns: Iterable[str]) -> Row:
    known = {name: said.get(name) for name in columns}
    return Row(line, {name: "" if value is None else str(value) for name, value in known.items()})


def _plain(amount: Decimal) -> str:
    """Return a decimal without an exponent and without zeros that say nothing."""
    text = f"{amount:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def _refused(line: int, field: str, found: str, expected: str) -> Rejection:
    return Rejection(line, "bad-amount", field, shown(found), expected, WHOLE_FILE_REMEDY)


def _broken(line: int, found: str) -> Rejection:
    expected = "a JSON list of invoices, each with its lines"
    return Rejection(line, "bad-json", "", found, expected, WHOLE_FILE_REMEDY)
