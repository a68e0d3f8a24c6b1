"""xAI's own invoices, as its management API lists them, in the rows of the CSV that people type.

One object mixes three units, all written as text: prices are millionths of a cent, quantities are
units, amounts are whole cents. So on every line quantity times price has to be the amount, to half
a cent. What a protocol buffer leaves out is zero.

A monthly invoice charges usage; one that sells credit is a commitment, one for subscriptions is
seats. Credit that pays an invoice changes nothing about what was charged. An invoice that xAI will
never charge is left out. Nothing names the billing account: as with xAI's usage, it is "default".

Source: source formats note, sections 0.2 and 3.1, read 2026-11-21; xAI's `billing.proto`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from metering.errors import WHOLE_FILE_REMEDY, RejectedError, Rejection, shown

_STATUSES: Final = ("PENDING", "PAID", "FAILED")
_NEVER: Final = "WILL_NEVER_BE_CHARGED"
_FLAVOURS: Final = {"monthly": "usage", "prepaid": "commitment", "subscriptions": "seats"}
_WHOLE: Final = re.compile(r"-?\d{1,18}", re.ASCII)
_INSTANT: Final = re.compile(r"(20\d\d-(0[1-9]|1[0-2]))-\d\d[T ].*", re.ASCII)
_CENTS: Final = 100
# Millionths of a cent in a cent, and the half of a cent to which a line is rounded.
_PRICE_SCALE: Final = 10**6


def is_of_xai(invoices: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a list of invoices has the names that xAI gives theirs."""
    return bool(invoices) and {"teamId", "invoiceId"} <= invoices[0].keys()


def rows_of(place: int, invoice: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Yield the lines of one invoice, and its tax, in the columns of the typed CSV.

    Args:
        place: which invoice of the file it is, from 1; a message names it as the line.
        invoice: decoded, its numbers as text.

    Raises:
        RejectedError: a part cannot be read, or a line contradicts itself.
    """
    status = invoice.get("invoiceStatus")
    if status == _NEVER:
        return
    if status not in _STATUSES:
        raise _refused(place, "unknown-value", "invoiceStatus", status, " or ".join(_STATUSES))
    flavour = next((name for name in _FLAVOURS if name in invoice), None)
    if flavour is None:
        raise _refused(place, "missing-field", "monthly", None, " or ".join(_FLAVOURS))
    heading = {
        "invoice_id": str(invoice.get("invoiceNumber") or invoice["invoiceId"]),
        "provider": "xai",
        "billing_account": "",
        "period": _period(place, invoice, flavour),
        "currency": "USD",
        "invoice_total": _dollars(_cents(place, "total", invoice)),
    }
    lines = invoice.get("lines") or []
    if not isinstance(lines, list) or not all(isinstance(line, Mapping) for line in lines):
        raise _refused(place, "bad-record", "lines", lines, "a list of objects")
    for line in lines:
        yield {
            **heading,
            "category": _FLAVOURS[flavour],
            "description": _description(line),
            "amount": _dollars(_amount(place, line)),
        }
    if tax := _cents(place, "tax", invoice):
        tax_line = {"category": "tax", "description": "Tax", "amount": _dollars(tax)}
        yield heading | tax_line


def _period(place: int, invoice: Mapping[str, Any], flavour: str) -> str:
    if flavour == "monthly":
        bundle = invoice["monthly"]
        cycle = bundle.get("billingCycle") if isinstance(bundle, Mapping) else None
        found = cycle if isinstance(cycle, Mapping) else {}
        return f"{found.get('year', '')}-{str(found.get('month', '')).zfill(2)}"
    created = invoice.get("createTime")
    match = _INSTANT.fullmatch(created) if isinstance(created, str) else None
    if match is None:
        raise _refused(place, "bad-instant", "createTime", created, "when it was made")
    return match[1]


def _amount(place: int, line: Mapping[str, Any]) -> int:
    amount, units = _cents(place, "amount", line), _cents(place, "numUnits", line)
    scaled = units * _cents(place, "unitPrice", line)
    if abs(scaled - amount * _PRICE_SCALE) * 2 > _PRICE_SCALE:
        product = _dollars(round(Decimal(scaled) / _PRICE_SCALE))
        expected = f"numUnits times unitPrice, which is {product} dollars"
        raise _refused(place, "price-does-not-multiply", "amount", line.get("amount"), expected)
    return amount


def _cents(place: int, name: str, part: Mapping[str, Any]) -> int:
    spelled = str(part.get(name, "0"))
    if not _WHOLE.fullmatch(spelled):
        raise _refused(place, "bad-amount", name, spelled, "a whole number, as text")
    return int(spelled)


def _dollars(cents: int) -> str:
    whole, rest = divmod(abs(cents), _CENTS)
    return f"{'-' if cents < 0 else ''}{whole}.{rest:02d}"


def _description(line: Mapping[str, Any]) -> str:
    parts = (line.get("description"), line.get("unitType"), line.get("clusterName"))
    return ", ".join(str(part) for part in parts if part)


def _refused(place: int, code: str, field: str, found: object, expected: str) -> RejectedError:
    what = "nothing" if found is None else shown(found)
    return RejectedError(Rejection(place, code, field, what, expected, WHOLE_FILE_REMEDY))
