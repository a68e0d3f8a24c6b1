"""The cover: what was billed and who bears it, and how that ties to the provider's invoice."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import pandas as pd

from metering.core.closing.tieout import Reason, TieOut
from metering.core.periods import BillingPeriod
from metering.reporting.figures import amount_text
from metering.reporting.frames import COSTS, summed
from metering.reporting.lines import Line, rounding_line, total_line
from metering.reporting.pack.tree import BEARER_WORDS
from metering.reporting.snapshot import Bearer
from metering.reporting.words import month_text, shown_name

_NOT_INVOICED: Final = Reason.NOT_INVOICED
_WITHOUT_RATE: Final = "usage without a rate has no amount here; the open points list it"


@dataclass(frozen=True, slots=True)
class TieOutShown:
    """One tie-out, line by line as an accountant would set it.

    Attributes:
        heading, note: the provider, and the invoice or billing account.
        verdict: "ties", "no invoice yet" or "unexplained".
        owed, invoiced: what the ledger says the provider is owed (usage and agreements, less what
            was paid beforehand), and what the invoice asks for; empty before it comes.
        lines: from the ledger down to the invoice.
        remarks: what else a reader should know, a sentence each.
    """

    heading: str
    note: str
    verdict: str
    owed: str
    invoiced: str
    lines: tuple[Line, ...]
    remarks: tuple[str, ...]


def summary_lines(
    lines: pd.DataFrame, period: BillingPeriod, currency: str, total: int
) -> tuple[Line, ...]:
    """Return who bears the period: owners, suspense, rounding, and the total."""
    view = summed(lines, ("bearer",), total=total)
    borne = {
        str(bearer): int(nanos)
        for bearer, nanos in zip(view["bearer"], view["amount_nanos"], strict=True)
    }
    parts = {
        "Charged to owners": borne.get(Bearer.OWNER, 0),
        "Unattributed": borne.get(Bearer.UNATTRIBUTED, 0),
    }
    if borne.get(Bearer.SHARED, 0):
        parts[BEARER_WORDS[Bearer.SHARED]] = borne[Bearer.SHARED]
    # Unpriced usage has no amount. Were there one, it must show: the lines have to add up.
    if borne.get(Bearer.UNPRICED, 0):
        parts["Unpriced"] = borne[Bearer.UNPRICED]
    items = [
        Line(kind="item", label=label, amount=amount_text(nanos, currency), nanos=nanos)
        for label, nanos in parts.items()
    ]
    rounding = rounding_line([(nanos, 0) for nanos in parts.values()], (total, 0), currency)
    if rounding.amount:
        items.append(rounding)
    return (*items, total_line(f"Billed, {month_text(period)}", total, total, currency))


def cost_lines(lines: pd.DataFrame, currency: str, total: int) -> tuple[Line, ...]:
    """Return the way from list price to what is billed; empty where the two are one."""
    view = summed(lines, ("bearer",), total=total, sums=COSTS)
    listed, contracted = (sum(map(int, view[name])) for name in COSTS[:2])
    parts = {
        "At list price": listed,
        "Discount": contracted - listed,
        "Contract terms and credits": total - contracted,
    }
    if listed == contracted == total:
        return ()
    shown = [
        Line(kind="item", label=label, amount=amount_text(nanos, currency), nanos=nanos)
        for label, nanos in parts.items()
        if nanos or label == "At list price"
    ]
    rounding = rounding_line([(nanos, 0) for nanos in parts.values()], (total, 0), currency)
    if rounding.amount:
        shown.append(rounding)
    return (*shown, total_line("Billed", total, total, currency))


def unlisted_note(lines: pd.DataFrame, currency: str) -> str:
    """Return what stands at its contracted price since no list has one; empty for nothing."""
    nanos = _sum_of(lines[~lines["list_known"]], "contracted_nanos")
    if not nanos:
        return ""
    return (
        f"No list price is known for {amount_text(nanos, currency)}; "
        f"it stands here at its contracted price."
    )


def aside_lines(
    lines: pd.DataFrame, period: BillingPeriod, currency: str, before: int
) -> tuple[Line, ...]:
    """Return what stands below the total: the month before, and what this month holds of others.

    Args:
        lines: lines of one currency.
        period: the period of the report.
        currency: ISO 4217 code.
        before: control total of the month before, in nanos.
    """
    asides = []
    corrections = _sum(lines[lines["corrects"].notna()])
    if corrections:
        label = "of which corrections of earlier periods"
        asides.append(Line(kind="item", label=label, amount=amount_text(corrections, currency)))
    provisional = _sum(lines[lines["status"] == "provisional"])
    if provisional:
        label = "of which provisional"
        asides.append(Line(kind="item", label=label, amount=amount_text(provisional, currency)))
    prior = Line(
        kind="item",
        label=month_text(period.previous),
        amount=amount_text(before, currency),
    )
    return (*asides, prior)


def tie_out_shown(tie: TieOut) -> TieOutShown:
    """Return a tie-out as lines that add up as shown."""
    owed = tie.ledger.owed_nanos
    lines = [line for line in tie.lines if tie.is_invoiced or line.reason is not _NOT_INVOICED]
    parts = [
        Line(
            kind="item" if line.reason is Reason.USAGE else "sub",
            label=shown_name(line.label),
            amount=amount_text(line.nanos, tie.currency),
        )
        for line in lines
    ]
    whole = tie.invoiced_nanos if tie.is_invoiced else owed
    rounding = rounding_line([(line.nanos, 0) for line in lines], (whole, 0), tie.currency)
    if rounding.amount:
        parts.append(rounding)
    total = amount_text(whole, tie.currency)
    word = "Invoiced" if tie.is_invoiced else "Owed"
    return TieOutShown(
        heading=shown_name(tie.provider),
        note=_papers(tie),
        verdict=_verdict(tie),
        owed=amount_text(owed, tie.currency),
        invoiced=total if tie.is_invoiced else "",
        lines=(*parts, Line(kind="total", label=word, amount=total)),
        remarks=(
            *(shown_name(sentence) for sentence in tie.notes),
            *([_WITHOUT_RATE] if tie.ledger.unpriced else []),
        ),
    )


def unexplained_lines(ties: Iterable[TieOut], currency: str) -> tuple[Line, ...]:
    """Return by how much invoices differ from the ledger without a reason; empty for nothing."""
    found = [tie for tie in ties if tie.currency == currency and tie.unexplained_nanos]
    if not found:
        return ()
    nanos = [tie.unexplained_nanos for tie in found]
    lines = [
        Line(
            kind="item",
            label=shown_name(tie.provider),
            note=_papers(tie),
            amount=amount_text(tie.unexplained_nanos, currency),
            nanos=tie.unexplained_nanos,
        )
        for tie in found
    ]
    rounding = rounding_line([(one, 0) for one in nanos], (sum(nanos), 0), currency)
    if rounding.amount:
        lines.append(rounding)
    return (*lines, Line(kind="total", label="Total", amount=amount_text(sum(nanos), currency)))


def _papers(tie: TieOut) -> str:
    if tie.is_invoiced:
        return f"invoice {shown_name(', '.join(tie.invoice_ids))}"
    return f"account {shown_name(tie.billing_account)}"


def _verdict(tie: TieOut) -> str:
    if not tie.is_invoiced:
        return "no invoice yet"
    return "ties" if tie.ties else "unexplained"


def _sum(rows: pd.DataFrame) -> int:
    return _sum_of(rows, "amount_nanos")


def _sum_of(rows: pd.DataFrame, name: str) -> int:
    # Magnitudes were checked when the lines were made, so a sum cannot wrap around.
    return int(rows[name].sum())
