"""`metering invoices`: record the providers' invoices."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from metering.cli.arguments import StatedParam, period_argument
from metering.cli.frame import (
    emit_json,
    emit_table,
    format_option,
    money_text,
    note,
    settings_or_fail,
)

if TYPE_CHECKING:
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
    What was recorded and ought not to be, such as a typing mistake, is taken back by an invoice of
    another number: the same lines and categories, with their amounts negated.

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


def _standing(receipt: "InvoiceReceipt", *, dry_run: bool) -> str:
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
    }
