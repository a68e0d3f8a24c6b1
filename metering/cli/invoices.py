"""`metering invoices`: the providers' invoices, and what the book makes of them."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from metering.cli.arguments import PeriodParam, StatedParam, as_of_option, period_argument
from metering.cli.frame import (
    emit_json,
    emit_table,
    format_option,
    money_text,
    note,
    settings_or_fail,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metering.books.invoices import Invoice
    from metering.core.periods import BillingPeriod
    from metering.workflows.closing.invoices import InvoiceReceipt
    from metering.workflows.closing.true_up import TrueUp

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def invoices() -> None:
    r"""Record the providers' invoices, which the ledger is tied to.

    \b
    Example:
        metering invoices ingest sample_logs/invoices/invoices-2026-10.csv
    """


@invoices.command()
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="FILE...")
@click.option("--dry-run", is_flag=True, help="Read and check, but record nothing.")
@format_option()
@click.pass_context
def ingest(
    ctx: click.Context, /, files: tuple[Path, ...], *, dry_run: bool, output_format: str
) -> None:
    r"""Record the invoices of each FILE.

    A file is CSV typed from the invoice, one row per invoice line, with the columns invoice_id,
    provider, billing_account, period, category, description, amount and currency; where known also
    invoice_total, booking_currency, booking_amount, fx_rate and fx_date. The category is one of
    usage, tax, credit, discount, seats, commitment, rounding, fee, other. JSON with the same names
    is read too, and so are FOCUS (Invoice Detail of 1.4, or the rows of Cost and Usage that have an
    InvoiceId, added up) and what xAI's management API lists under /invoices.

    A file whose lines do not add up to its invoice_total is refused as a whole, and so is an
    invoice number that is recorded with other content. Ingesting a file again changes nothing.
    One that was typed wrong is cancelled, see `metering invoices cancel`, and ingested again.

    \b
    Example:
        metering invoices ingest sample_logs/invoices/*.csv
    """
    from metering.workflows.closing.invoices import ingest_invoices
    from metering.workflows.runs import Run

    run = Run.now("invoices ingest", files=[str(path) for path in files])
    settings = settings_or_fail(ctx)
    receipts = list(ingest_invoices(settings, run, files, dry_run=dry_run))
    if output_format == "json":
        emit_json([_as_json(receipt) for receipt in receipts])
        return
    emit_table(
        "Nothing is recorded (--dry-run)" if dry_run else "",
        ("Invoice", "Provider", "Account", "Period", "Lines", "Currency", "Total", ""),
        [
            (
                receipt.invoice.invoice_id,
                receipt.invoice.provider,
                receipt.invoice.billing_account,
                receipt.invoice.period,
                len(receipt.invoice.lines),
                receipt.invoice.currency,
                money_text(receipt.invoice.total_nanos),
                _standing(receipt, dry_run=dry_run),
            )
            for receipt in receipts
        ],
        right=("Lines", "Total"),
    )


@invoices.command("list")
@click.argument("period", type=PeriodParam(), metavar="[PERIOD]", required=False)
@as_of_option()
@format_option()
@click.pass_context
def list_(
    ctx: click.Context,
    /,
    period: "BillingPeriod | None",
    *,
    as_of: str | None,
    output_format: str,
) -> None:
    r"""List the recorded invoices of PERIOD (YYYY-MM) or of all months, cancelled ones too.

    \b
    Example:
        metering invoices list 2026-10
    """
    from metering.workflows.closing.recorded_invoices import list_invoices

    found = list_invoices(settings_or_fail(ctx), period, as_of=as_of)
    if not found and output_format == "table":
        note(f"no invoice {f'of {period} ' if period else ''}is recorded")
        return
    _show_recorded(found, output_format)


@invoices.command()
@click.argument("provider")
@click.argument("number")
@click.option("--reason", type=StatedParam(), required=True, help="Why, for the audit log.")
@click.option("--undo", is_flag=True, help="Put the cancelled one in force again.")
@format_option()
@click.pass_context
def cancel(
    ctx: click.Context,
    /,
    provider: str,
    number: str,
    reason: str,
    *,
    undo: bool,
    output_format: str,
) -> None:
    r"""Cancel the invoice of PROVIDER with this NUMBER: one that was typed wrong, or came twice.

    It stays in the books and counts nowhere, and its number may be ingested again with other
    content. A credit note of the provider is no reason to: it is an invoice of its own. What was
    trued up to a cancelled invoice stays charged until `metering invoices true-up` decides anew.

    \b
    Example:
        metering invoices cancel openai OAI-1006 --reason "the tax was typed as usage"
    """
    from metering.workflows.closing.recorded_invoices import Cancelling, cancel_invoice
    from metering.workflows.runs import Run

    run = Run.now("invoices cancel", provider=provider, invoice_id=number, reason=reason, undo=undo)
    said = Cancelling(provider, number, reason, undo)
    _show_recorded([cancel_invoice(settings_or_fail(ctx), run, said)], output_format)


@invoices.command("true-up")
@period_argument()
@click.option("--reason", type=StatedParam(), required=True, help="Why, for the audit log.")
@click.option("--account", "accounts", multiple=True, help="PROVIDER/ACCOUNT; all of them else.")
@click.option("--undo", is_flag=True, help="Take back what was decided before.")
@format_option()
@click.pass_context
def true_up(
    ctx: click.Context,
    /,
    period: "BillingPeriod",
    reason: str,
    accounts: tuple[str, ...],
    *,
    undo: bool,
    output_format: str,
) -> None:
    r"""Decide that the book shall equal the invoices of PERIOD (YYYY-MM).

    What the tie-out names beside usage (tax, credits, rounding, late usage …) is charged: to the
    owners in proportion to what they are charged for the account, unless [true_up] in metering.toml
    sends it to one of them; what is unexplained is nobody's. `metering post` then brings it into
    the book; in a closed period, as a correction in the open one.

    \b
    Example:
        metering invoices true-up 2026-10 --reason "October invoices are final"
    """
    from metering.workflows.closing.true_up import Decision, true_up_period
    from metering.workflows.runs import Run

    run = Run.now("invoices true-up", period=str(period), reason=reason, undo=undo)
    decided = true_up_period(settings_or_fail(ctx), run, period, Decision(reason, accounts, undo))
    if output_format == "json":
        emit_json([_decided_as_json(one) for one in decided])
        return
    emit_table(
        "",
        ("Account", "Reason", "Bearers", "Currency", "Amount", ""),
        [row for one in decided for row in _decided_rows(one)],
        right=("Bearers", "Amount"),
    )
    if any(one.is_new for one in decided):
        note("`metering post` brings it into the book")


def _show_recorded(found: "Sequence[Invoice]", output_format: str) -> None:
    if output_format == "json":
        emit_json([_recorded_as_json(one) for one in found])
        return
    emit_table(
        "",
        ("Invoice", "Provider", "Account", "Period", "Lines", "Currency", "Total", "State", "Why"),
        [
            (
                one.invoice.invoice_id,
                one.invoice.provider,
                one.invoice.billing_account,
                one.invoice.period,
                len(one.invoice.lines),
                one.invoice.currency,
                money_text(one.invoice.total_nanos),
                one.state.value,
                one.reason,
            )
            for one in found
        ],
        right=("Lines", "Total"),
    )


def _recorded_as_json(one: "Invoice") -> dict[str, object]:
    return {
        "invoice_id": one.invoice.invoice_id,
        "provider": one.invoice.provider,
        "billing_account": one.invoice.billing_account,
        "period": one.invoice.period,
        "currency": one.invoice.currency,
        "total_nanos": one.invoice.total_nanos,
        "lines": len(one.invoice.lines),
        "state": one.state.value,
        "reason": one.reason or None,
        "run_id": one.run_id,
    }


def _standing(receipt: "InvoiceReceipt", *, dry_run: bool) -> str:
    if receipt.is_cancelled:
        return "cancelled before"
    if not receipt.is_new:
        return "already known"
    return "would be recorded" if dry_run else "recorded"


def _decided_rows(decided: "TrueUp") -> list[tuple[object, ...]]:
    tie, adjustment = decided.tie, decided.adjustment
    account = f"{tie.provider}/{tie.billing_account}"
    standing = "decided" if decided.is_new else "in force already"
    sums: dict[str, tuple[int, int]] = {}
    for line in adjustment.lines:
        bearers, nanos = sums.get(line.reason, (0, 0))
        sums[line.reason] = bearers + 1, nanos + line.amount_nanos
    return [
        (account, reason, bearers, tie.currency, money_text(nanos, decimals=9), standing)
        for reason, (bearers, nanos) in sums.items()
    ] or [(account, "nothing", 0, tie.currency, money_text(0), standing)]


def _decided_as_json(decided: "TrueUp") -> dict[str, object]:
    adjustment = decided.adjustment
    return {
        "provider": adjustment.provider,
        "billing_account": adjustment.billing_account,
        "period": str(adjustment.period),
        "currency": adjustment.currency,
        "invoice_ids": list(adjustment.references),
        "amount_nanos": adjustment.nanos,
        "recorded": decided.is_new,
        "lines": [
            {"reason": line.reason, "bearer": line.bearer.name, "amount_nanos": line.amount_nanos}
            for line in adjustment.lines
        ],
    }


def _as_json(receipt: "InvoiceReceipt") -> dict[str, object]:
    invoice = receipt.invoice
    return {
        "file": receipt.path,
        "invoice_id": invoice.invoice_id,
        "provider": invoice.provider,
        "billing_account": invoice.billing_account,
        "period": str(invoice.period),
        "currency": invoice.currency,
        "total_nanos": invoice.total_nanos,
        "lines": len(invoice.lines),
        "recorded": receipt.is_new,
        "cancelled": receipt.is_cancelled,
    }
