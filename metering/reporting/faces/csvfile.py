"""The chargeback file: one row per thing finance books, exact, and safe to open in a spreadsheet.

RFC 4180: comma, quotes where needed, CRLF, UTF-8. Amounts are exact decimals made from nanos
without a float. What is not known is empty, never zero. Names are spelt as on the page and in the
workbook, so that a lookup from one finds the other; one that a spreadsheet would take for a formula
gets a leading apostrophe (OWASP ASVS 1.2.10). Numbers stay numbers. JSON and Parquet, which nobody
opens in a spreadsheet, keep a name as it came.

Amounts are in the currency of the price. Where finance books in another one, `fx_rate` of
`fx_rate_date` says what one unit is worth in `booking_currency`, so that what a rate did is told
apart from what was used. A row is of one account, class and rate: what changes within a month makes
two.

Columns whose source the books do not hold yet (invoice, outcomes and their like) are present and
empty, so that nothing that reads the file has to change.
"""

import csv
import io
import unicodedata
from typing import Final

import pandas as pd

from metering.core.flat.flat_money import SEAT_METERS
from metering.core.flat.money_alone import UNCOUNTED
from metering.core.money import nanos_from_decimal_text, plain_decimal
from metering.core.sharing.splits import SHARE_METERS
from metering.errors import LedgerError
from metering.reporting.frames import SUMS, frame_of, in_currency, summed
from metering.reporting.snapshot import Bearer, Snapshot
from metering.reporting.words import meter_unit, shown_name

COLUMNS: Final = (
    "period",
    "status",
    "entity",
    "cost_centre",
    "cost_centre_owner",
    "gl_account",
    "project",
    "capex_opex",
    "cogs_or_rnd",
    "provider",
    "invoice_id",
    "charge_category",
    "service",
    "model",
    "token_class",
    "quantity",
    "unit",
    "list_cost",
    "contracted_cost",
    "discount",
    "markup",
    "pricing_currency",
    "fx_rate",
    "fx_rate_date",
    "billed_cost",
    "booking_currency",
    "allocation_type",
    "allocation_rule_id",
    "rule_version",
    "price_version",
    "source_batch",
    "correction_of",
    "outcome_count",
    "snapshot_id",
)
_NUMBERS: Final = frozenset(
    (
        *("quantity", "list_cost", "contracted_cost", "discount", "markup", "billed_cost"),
        "fx_rate",
    )
)
_KEYS: Final = (
    "corrects",
    "bearer",
    "cost_centre",
    "team",
    "project",
    "provider",
    "platform",
    "model",
    "meter",
    "status",
    "rule",
    "card",
    "list_known",
)
_BOOKED: Final = {
    "gl_account": "gl_account",
    "capex_opex": "capex_opex",
    "cogs_or_rnd": "cogs_or_rnd",
    "fx_rate": "fx_rate",
    "fx_day": "fx_rate_date",
    "booking_currency": "booking_currency",
}
"""Column of the lines to that of the file, where finance said something."""
_FIGURES: Final = (*SUMS, "contracted_nanos", "list_nanos")
_FORMULA_STARTS: Final = frozenset("=+-@")


def chargeback_csv(snapshot: Snapshot) -> bytes:
    """Return the file of a snapshot, rows in a fixed order: the same ledger gives the same bytes.

    `cost_centre_owner` is the contact that the directory names, else the team. `service` is the
    platform. `discount` and `markup` are what the contracted rate is below or above the list rate,
    so list - discount + markup = contracted. Contract terms (allowances, tiers, minimums, credits)
    are rows of their own, not contracted.

    Raises:
        LedgerError: the rows do not add up to the control total.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    frame = frame_of(snapshot.lines)
    for currency, total in snapshot.lines.control_totals().items():
        rows = _rows(in_currency(frame, currency), currency, total, snapshot)
        _check(rows, total)
        writer.writerows([_cell(name, row.get(name, "")) for name in COLUMNS] for row in rows)
    return text.getvalue().encode("utf-8")


def spreadsheet_safe(text: str) -> str:
    """Return foreign text as a cell: as a page shows it, and no formula to any spreadsheet.

    An apostrophe goes before one that starts with = + - or @, also behind spaces and in its
    full-width form. Control characters, some of which start a formula too, are none of a cell's.
    """
    cell = shown_name(text)
    start = unicodedata.normalize("NFKC", cell.lstrip()[:1])[:1]
    return f"'{cell}" if start in _FORMULA_STARTS else cell


def _rows(
    frame: pd.DataFrame, currency: str, total: int, snapshot: Snapshot
) -> list[dict[str, str]]:
    keys = (*_KEYS, "centre_owner", *_BOOKED)
    view = summed(frame, keys, total=total, sums=_FIGURES)
    same = {
        "period": str(snapshot.period),
        "pricing_currency": currency,
        "booking_currency": currency,
        "snapshot_id": snapshot.snapshot_id,
    }
    rule_version = "" if snapshot.rules_version is None else str(snapshot.rules_version)
    names = (*keys, *_FIGURES)
    rows = []
    for values in zip(*(view[name] for name in names), strict=True):
        group = dict(zip(names, values, strict=True))
        corrected = _text(group["corrects"])
        rows.append(
            same
            | _owner_cells(group, rule_version)
            | _usage_cells(group)
            | _money_cells(group)
            | {ours: said for name, ours in _BOOKED.items() if (said := _text(group[name]))}
            | {
                "status": "correction" if corrected else snapshot.status.value,
                "correction_of": corrected,
            }
        )
    return rows


def _owner_cells(group: dict[str, object], rule_version: str) -> dict[str, str]:
    if group["bearer"] not in (Bearer.OWNER, Bearer.SHARED):
        return {"allocation_type": "unallocated"}
    is_shared = group["bearer"] == Bearer.SHARED or group["meter"] in SHARE_METERS
    return {
        "cost_centre": _text(group["cost_centre"]),
        "cost_centre_owner": _text(group["centre_owner"]) or _text(group["team"]),
        "project": _text(group["project"]),
        "allocation_type": "shared" if is_shared else "direct",
        "allocation_rule_id": _text(group["rule"]),
        "rule_version": rule_version,
    }


def _usage_cells(group: dict[str, object]) -> dict[str, str]:
    meter = _text(group["meter"])
    return {
        "charge_category": "Purchase" if meter in SEAT_METERS else "Usage",
        "provider": _text(group["provider"]),
        "service": _text(group["platform"]),
        "model": _text(group["model"]),
        "token_class": meter,
        "quantity": "" if meter in UNCOUNTED else str(_whole(group["quantity"])),
        "unit": meter_unit(meter),
        "price_version": _text(group["card"]),
    }


def _money_cells(group: dict[str, object]) -> dict[str, str]:
    billed = _whole(group["amount_nanos"])
    if group["bearer"] == Bearer.UNPRICED and not billed:
        return {}
    contracted = _whole(group["contracted_nanos"])
    cells = {
        "contracted_cost": plain_decimal(contracted),
        "billed_cost": plain_decimal(billed),
    }
    if not group["list_known"]:
        return cells
    listed = _whole(group["list_nanos"])
    return cells | {
        "list_cost": plain_decimal(listed),
        "discount": plain_decimal(max(listed - contracted, 0)),
        "markup": plain_decimal(max(contracted - listed, 0)),
    }


def _check(rows: list[dict[str, str]], total: int) -> None:
    written = sum(nanos_from_decimal_text(row.get("billed_cost", "0")) for row in rows)
    if written != total:
        raise LedgerError(f"the chargeback file adds up to {written} nanos, the book to {total}")


def _cell(name: str, value: str) -> str:
    return value if name in _NUMBERS else spreadsheet_safe(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: object) -> int:
    return int(str(value))
