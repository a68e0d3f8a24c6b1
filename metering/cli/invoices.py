"""`metering invoices`: record the providers' invoices."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from metering.cli.frame import (
    emit_json,
    emit_table,
    format_option,
    money_text,
    settings_or_fail,
)

if TYPE_CHECKING:
    from metering.workflows.invoices import InvoiceReceipt

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
    usage, tax, credit, discount, seats, commitment, rounding, fee, other.

    A file whose lines do not add up to its invoice_total is refused as a whole, and so is an
    invoice number that is recorded with other content. Ingesting a file again changes nothing.

    \b
    Example:
        metering invoices ingest sample_logs/invoices/*.csv
    """
    from metering.workflows.invoices import ingest_invoices
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
                "recorded" if receipt.is_new else "already known",
            )
            for receipt in receipts
        ],
        right=("Lines", "Total"),
    )


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
