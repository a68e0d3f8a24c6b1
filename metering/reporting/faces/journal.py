"""The journal as the file a general ledger imports: one template for each system.

A template places what it is given. What differs between systems and cannot be a template's work is
here: amounts with the decimal mark that is asked for, cells quoted as RFC 4180 has it, and names
that no spreadsheet takes for a formula. Systems that reverse an accrual by themselves are given its
date instead of a second entry; which of the two is the template's choice.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, StrictUndefined

from metering.core.closing.journal import EntryKind, JournalEntry
from metering.core.money import minor_digits
from metering.core.periods import BillingPeriod
from metering.reporting.faces.csvfile import spreadsheet_safe
from metering.reporting.faces.templates import Templates

if TYPE_CHECKING:
    from pathlib import Path

_FOLDER: Final = "journal"


class JournalTemplate(StrEnum):
    """Whose layout the file has."""

    GENERIC = "generic"
    SAP = "sap"
    NETSUITE = "netsuite"
    WORKDAY = "workday"
    QUICKBOOKS = "quickbooks"


@dataclass(frozen=True, slots=True)
class Journal:
    """What a journal file is made from.

    Attributes:
        period: the month it is for.
        entity: company code or subsidiary; may be empty.
        snapshot_id: of the period's snapshot, for the reference of each entry.
        entries: balanced.
    """

    period: BillingPeriod
    entity: str
    snapshot_id: str
    entries: tuple[JournalEntry, ...]

    @property
    def reversed_on(self) -> date | None:
        """The day its accruals are taken back; None when there are none."""
        days = [entry.booked_on for entry in self.entries if entry.kind is EntryKind.REVERSAL]
        return days[0] if days else None


def journal_csv(
    journal: Journal, template: JournalTemplate, decimal: str = ".", own: "Path | None" = None
) -> bytes:
    """Return a journal in a system's layout: UTF-8, CRLF, the same bytes for the same journal.

    Args:
        journal: what to book.
        template: whose layout.
        decimal: the mark between units and minor units, "." or ",".
        own: the company's folder of templates; None for none.

    Raises:
        SourceError: `bad-template`: one of the company's is wrong.
    """
    templates = Templates(own)
    environment = Environment(
        loader=templates.loader,
        autoescape=False,  # noqa: S701 - not HTML; every name goes through `row`
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        newline_sequence="\r\n",
        keep_trailing_newline=True,
    )
    environment.filters["row"] = _row
    environment.filters["name"] = spreadsheet_safe

    def amount(minor: int, currency: str) -> str:
        digits = minor_digits(currency)
        whole, fraction = divmod(abs(minor), 10**digits)
        decimals = f"{decimal}{fraction:0{digits}d}" if digits else ""
        return f"{'-' if minor < 0 else ''}{whole}{decimals}"

    environment.globals["amount"] = amount
    name = f"{_FOLDER}/{template.value}.csv.j2"
    return templates.rendered(environment, name, {"journal": journal}).encode("utf-8")


def _row(cells: Sequence[object]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="").writerow(["" if cell is None else cell for cell in cells])
    return out.getvalue()
