"""`metering tie-out`: the ledger against the invoices, with a reason for every difference."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from metering.cli.arguments import as_of_option, period_argument
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
    from metering.core.closing.cost_report import CostComparison
    from metering.core.closing.tieout import TieOut
    from metering.core.periods import BillingPeriod

_Row = tuple[str, str, int | None, str]
"""Label, currency, nanos or None, words."""

_FAMILIES_SHOWN: Final = 8
_EMPTY: Final[_Row] = ("", "", None, "")


@click.command("tie-out")
@period_argument()
@click.option("--strict", is_flag=True, help="Exit with 1 unless every invoice has come and ties.")
@as_of_option()
@format_option()
@click.pass_context
def tie_out(
    ctx: click.Context,
    /,
    period: "BillingPeriod",
    *,
    strict: bool,
    as_of: str | None,
    output_format: str,
) -> None:
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
    from metering.workflows.closing.tie_out import tie_out_period

    found = tie_out_period(settings_or_fail(ctx), period, as_of=as_of)
    if output_format == "json":
        emit_json([tie_out_as_json(tie) for tie in found])
    elif found:
        show_tie_outs(found)
    else:
        note(f"{period} has neither charges nor invoices")
    if strict and not (found and all(tie.ties for tie in found)):
        exit_with(1)


def tie_out_as_json(tie: "TieOut") -> dict[str, Any]:
    """Return what one account comes to, as `--format json` prints it."""
    return {
        "provider": tie.provider,
        "billing_account": tie.billing_account,
        "period": str(tie.period),
        "currency": tie.currency,
        "invoice_ids": list(tie.invoice_ids),
        "invoiced_nanos": tie.invoiced_nanos if tie.is_invoiced else None,
        "billed_nanos": tie.ledger.billed_nanos,
        "unattributed_nanos": tie.ledger.unattributed_nanos,
        "unpriced": [
            {"meter": meter, "quantity": quantity} for meter, quantity in tie.ledger.unpriced
        ],
        "lines": [
            {"label": line.label, "reason": line.reason.value, "amount_nanos": line.nanos}
            for line in tie.lines
        ],
        "notes": list(filter(None, (*tie.notes, tie.unpriced_note))),
        "cost_report": None if tie.costs is None else _costs_as_json(tie.costs),
        "unexplained_nanos": tie.unexplained_nanos,
        "ties": tie.ties,
    }


def show_tie_outs(found: "Sequence[TieOut]") -> None:
    """Print the tie-out screen: a block per account with aligned decimals, then suspense."""
    from rich.table import Table
    from rich.text import Text

    rows = [*(row for tie in found for row in (*_block(tie), _EMPTY)), *_suspense(found)]
    amounts = aligned([row[2] for row in rows])
    screen = Table.grid(padding=(0, 2))
    screen.add_column(overflow="fold")
    screen.add_column()
    screen.add_column(no_wrap=True)
    screen.add_column()
    for (label, currency, _, words), amount in zip(rows, amounts, strict=True):
        screen.add_row(*(Text(printable(cell)) for cell in (label, currency, amount, words)))
    console().print(screen)


def _block(tie: "TieOut") -> Iterable[_Row]:
    invoiced = tie.invoiced_nanos if tie.is_invoiced else None
    yield _heading(tie), tie.currency, invoiced, _verdict(tie)
    for line in tie.lines:
        if tie.is_invoiced or line.reason.value != "not-invoiced":
            yield f"  {line.label}", "", line.nanos, line.reason.value
    for sentence in filter(None, (*tie.notes, tie.unpriced_note)):
        yield f"  {sentence}", "", None, ""
    if tie.costs is not None:
        yield from _cost_block(tie.costs)


def _cost_block(costs: "CostComparison") -> Iterable[_Row]:
    report = costs.report
    title = f"  Cost report {report.ingestor}, {len(report.covered)} days"
    yield title, "", report.nanos, _agreement(costs)
    concerned = [family for family in costs.families if family.differences]
    for family in concerned[:_FAMILIES_SHOWN]:
        name = family.name or "without a model"
        for part in family.differences:
            words = f": {part.words}" if part.words else ""
            yield f"    {name}{words}", "", part.nanos, part.reason.value
    if hidden := concerned[_FAMILIES_SHOWN:]:
        nanos = sum(family.reported_nanos - family.priced_nanos for family in hidden)
        yield f"    {len(hidden)} more, see --format json", "", nanos, ""
    for other in costs.others:
        yield f"    {other} reports the same costs and is not added", "", None, ""


def _agreement(costs: "CostComparison") -> str:
    from metering.core.closing.cost_report import Difference

    reasons = costs.by_reason()
    if reasons.keys() <= {Difference.ROUNDING}:
        return "agrees with usage"
    if costs.unexplained_nanos:
        return f"unexplained {money_text(costs.unexplained_nanos)}"
    return "differs, explained"


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


def _suspense(found: "Sequence[TieOut]") -> Iterable[_Row]:
    for currency in sorted({tie.currency for tie in found}):
        sides = [tie.ledger for tie in found if tie.currency == currency]
        billed = sum(side.billed_nanos for side in sides)
        unattributed = sum(side.unattributed_nanos for side in sides)
        share = f"{_percent(unattributed, billed)} of {money_text(billed)} billed from usage"
        yield "Unattributed", currency, unattributed, share if billed else ""
    accounts = {(tie.provider, tie.billing_account): tie.ledger.unpriced for tie in found}
    meters = sum(len(unpriced) for unpriced in accounts.values())
    yield "Unpriced", "", None, f"{meters} meters without a rate" if meters else "nothing"


def _percent(part: int, whole: int) -> str:
    hundredths = (abs(part) * 10_000 + abs(whole) // 2) // abs(whole) if whole else 0
    return f"{hundredths // 100}.{hundredths % 100:02d} %"


def aligned(amounts: "Sequence[int | None]") -> list[str]:
    """Return nanos as exact text of one width, so that the points stand below each other.

    Zeros beyond the second decimal are left out; None is shown as nothing.
    """
    texts = ["" if nanos is None else money_text(nanos, decimals=9) for nanos in amounts]
    parts = [text.partition(".") for text in texts]
    left = max((len(whole) for whole, _, _ in parts), default=0)
    right = max((len(fraction.rstrip("0")) for _, _, fraction in parts), default=0)
    return [
        f"{whole:>{left}}{point}{fraction.rstrip('0').ljust(2, '0'):<{max(2, right)}}"
        if point
        else ""
        for whole, point, fraction in parts
    ]


def _costs_as_json(costs: "CostComparison") -> dict[str, Any]:
    return {
        "ingestor": costs.report.ingestor,
        "days": sorted(costs.report.covered),
        "reported_nanos": costs.report.nanos,
        "priced_nanos": costs.priced_nanos,
        "families": [
            {
                "name": family.name,
                "priced_nanos": family.priced_nanos,
                "reported_nanos": family.reported_nanos,
                "differences": [
                    {
                        "reason": part.reason.value,
                        "amount_nanos": part.nanos,
                        "evidence": part.words,
                    }
                    for part in family.differences
                ],
            }
            for family in costs.families
        ],
        "other_reports": list(costs.others),
    }
