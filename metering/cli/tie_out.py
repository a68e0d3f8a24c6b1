"""`metering tie-out`: the ledger against the invoices, with a reason for every difference."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from metering.cli.frame import (
    console,
    emit_json,
    exit_with,
    format_option,
    money_text,
    note,
    printable,
    settings_or_fail,
)

if TYPE_CHECKING:
    from metering.core.tieout import TieOut


@click.command("tie-out")
@click.argument("period", metavar="PERIOD")
@click.option("--strict", is_flag=True, help="Exit with 1 unless every invoice has come and ties.")
@format_option()
@click.pass_context
def tie_out(ctx: click.Context, /, period: str, *, strict: bool, output_format: str) -> None:
    r"""Compare the ledger with the invoices of PERIOD (YYYY-MM).

    For each billing account: what is priced from usage, what only the invoice knows (tax, credits,
    seats), rounding, and what remains unexplained, to the nano. Rounding is at most half a cent
    for each usage line of an invoice; a larger difference is never called rounding.

    The command exits with 0 whatever remains, so that the screen can be read in a script's log;
    with --strict it exits with 1 if an account does not tie or its invoice is missing.

    \b
    Example:
        metering tie-out 2026-10
    """
    from metering.core.periods import BillingPeriod
    from metering.workflows.tie_out import tie_out_period

    try:
        month = BillingPeriod.parse(period)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="PERIOD") from error
    found = tie_out_period(settings_or_fail(ctx), month)
    if output_format == "json":
        emit_json([_as_json(tie) for tie in found])
    elif found:
        show_tie_outs(found)
    else:
        note(f"{month} has neither charges nor invoices")
    if strict and not all(tie.ties for tie in found):
        exit_with(1)


def show_tie_outs(found: "Sequence[TieOut]") -> None:
    """Print the tie-out screen: a block per account with aligned decimals, then suspense."""
    from rich.table import Table
    from rich.text import Text

    screen = Table.grid(padding=(0, 2))
    screen.add_column(overflow="fold")
    screen.add_column()
    screen.add_column(justify="right")
    screen.add_column()
    for tie in found:
        for row in _block(tie):
            screen.add_row(*(Text(printable(cell)) for cell in row))
        screen.add_row()
    for row in _suspense(found):
        screen.add_row(*(Text(printable(cell)) for cell in row))
    console().print(screen)


def _block(tie: "TieOut") -> Iterable[tuple[str, ...]]:
    parts = [line.nanos for line in tie.lines]
    amounts = aligned([tie.invoiced_nanos, *parts])
    yield _heading(tie), tie.currency, amounts[0], _verdict(tie)
    for line, amount in zip(tie.lines, amounts[1:], strict=True):
        yield f"  {line.label}", "", amount, line.reason.value
    for sentence in tie.notes:
        yield f"  {sentence}", "", "", ""


def _heading(tie: "TieOut") -> str:
    account = f"{tie.provider}/{tie.billing_account}  {tie.period}"
    if not tie.is_invoiced:
        return f"No invoice yet  {account}"
    plural = "s" if len(tie.invoice_ids) > 1 else ""
    return f"Invoice{plural} {', '.join(tie.invoice_ids)}  {account}"


def _verdict(tie: "TieOut") -> str:
    if not tie.is_invoiced:
        return "waits for the invoice"
    return "ties" if tie.ties else f"unexplained {money_text(tie.unexplained_nanos)}"


def _suspense(found: "Sequence[TieOut]") -> Iterable[tuple[str, ...]]:
    for currency in sorted({tie.currency for tie in found}):
        sides = [tie.ledger for tie in found if tie.currency == currency]
        billed = sum(side.billed_nanos for side in sides)
        unattributed = sum(side.unattributed_nanos for side in sides)
        share = f"{_percent(unattributed, billed)} of {money_text(billed)} billed from usage"
        yield "Unattributed", currency, money_text(unattributed), share if billed else ""
    accounts = {(tie.provider, tie.billing_account): tie.ledger.unpriced for tie in found}
    meters = sum(len(unpriced) for unpriced in accounts.values())
    yield (
        "Unpriced",
        "",
        str(meters),
        "meters without a rate, so without an amount" if meters else "",
    )


def _percent(part: int, whole: int) -> str:
    hundredths = (abs(part) * 10_000 + abs(whole) // 2) // abs(whole) if whole else 0
    return f"{hundredths // 100}.{hundredths % 100:02d} %"


def aligned(amounts: Sequence[int]) -> list[str]:
    """Return nanos as exact text with two decimals or more, padded so that the points align."""
    texts = [money_text(nanos, decimals=9) for nanos in amounts]
    needed = max((len(text.partition(".")[2].rstrip("0")) for text in texts), default=2)
    width = max(2, needed)
    shown = []
    for text in texts:
        whole, _, fraction = text.partition(".")
        kept = fraction.rstrip("0").ljust(2, "0")
        shown.append(f"{whole}.{kept.ljust(width)}")
    return shown


def _as_json(tie: "TieOut") -> dict[str, Any]:
    return {
        "provider": tie.provider,
        "billing_account": tie.billing_account,
        "period": str(tie.period),
        "currency": tie.currency,
        "invoice_ids": list(tie.invoice_ids),
        "invoiced_nanos": tie.invoiced_nanos,
        "billed_nanos": tie.ledger.billed_nanos,
        "unattributed_nanos": tie.ledger.unattributed_nanos,
        "unpriced": [
            {"meter": meter, "quantity": quantity} for meter, quantity in tie.ledger.unpriced
        ],
        "lines": [
            {"label": line.label, "reason": line.reason.value, "amount_nanos": line.nanos}
            for line in tie.lines
        ],
        "notes": list(tie.notes),
        "unexplained_nanos": tie.unexplained_nanos,
        "ties": tie.ties,
    }
