"""`metering period`: the billing periods, from open to closed."""

from typing import TYPE_CHECKING

import click

from metering.cli.arguments import StatedParam, as_of_option, period_argument
from metering.cli.frame import (
    CONTEXT_SETTINGS,
    counted,
    emit_json,
    emit_table,
    format_option,
    json_ready,
    money_text,
    note,
    settings_or_fail,
)
from metering.core.periods import BillingPeriod

if TYPE_CHECKING:
    from collections.abc import Iterable

    from metering.books.periods import AccountEstimate
    from metering.workflows.closing.periods import PeriodTotal, Shown


@click.group(context_settings=CONTEXT_SETTINGS)
def period() -> None:
    r"""Estimate, close and reopen the billing periods.

    A period is open until it is closed. A closed one takes no posting, whatever program asks:
    what changes later is posted as a correction in the next open period.

    \b
    Example:
        metering period list
    """


@period.command("list")
@as_of_option()
@format_option()
@click.pass_context
def list_periods(ctx: click.Context, /, *, as_of: str | None, output_format: str) -> None:
    r"""List every period with charges, its state, its total and what the estimate was off by.

    \b
    Example:
        metering period list
    """
    from dataclasses import asdict

    from metering.workflows.closing.periods import periods

    found = periods(settings_or_fail(ctx), as_of=as_of)
    if output_format == "json":
        emit_json([json_ready(asdict(one)) for one in found])
        return
    _show_totals(found)


@period.command("show")
@period_argument()
@as_of_option()
@format_option()
@click.pass_context
def show(
    ctx: click.Context, /, period: BillingPeriod, *, as_of: str | None, output_format: str
) -> None:
    r"""Show the life of PERIOD (YYYY-MM): events, close, estimate, later corrections.

    \b
    Example:
        metering period show 2026-10
    """
    from metering.workflows.closing.periods import show_period

    found = show_period(settings_or_fail(ctx), period, as_of=as_of)
    if output_format == "json":
        emit_json(_as_json(found))
        return
    _show_totals(found.totals)
    emit_table(
        "Events",
        ("Run", "When", "Who", "State", "Why"),
        [
            (one.run_id, f"{one.since:%Y-%m-%d %H:%M}", one.by, one.state, one.reason)
            for one in found.events
        ],
        right=("Run",),
    )
    if found.close:
        emit_table(
            "Closed with",
            ("", ""),
            [
                ("ledger hash", found.close.ledger_hash),
                ("period hash", found.close.period_hash),
                ("chain", found.close.chain),
                *sorted(found.close.versions.items()),
            ],
        )
    if found.accepted:
        emit_table(
            "Accepted",
            ("Refusal", "Found", "Why"),
            [(one.refusal, one.found, one.reason) for one in found.accepted],
        )
    if found.estimates:
        emit_table(
            "Estimate",
            ("Account", "Currency", "Booked", "Accrued", "Days missing", "Actual", "Variance"),
            [
                (
                    f"{one.estimate.provider}/{one.estimate.billing_account}",
                    one.estimate.currency,
                    money_text(one.estimate.booked_nanos),
                    money_text(one.estimate.accrued_nanos),
                    one.estimate.missing_days,
                    money_text(one.actual_nanos),
                    money_text(one.variance_nanos),
                )
                for one in found.estimates
            ],
            right=("Booked", "Accrued", "Days missing", "Actual", "Variance"),
        )
    if found.corrections:
        emit_table(
            "Corrected since",
            ("In", "Reason", "Currency", "Postings", "Amount"),
            [
                (one.period, one.reason, one.currency, one.postings, money_text(one.amount_nanos))
                for one in found.corrections
            ],
            right=("Postings", "Amount"),
        )


@period.command()
@period_argument()
@click.option("--reason", default="", help="Why, for the audit log.")
@format_option()
@click.pass_context
def estimate(
    ctx: click.Context, /, period: BillingPeriod, *, reason: str, output_format: str
) -> None:
    r"""Freeze what each billing account is expected to come to in PERIOD (YYYY-MM).

    That is what is booked, plus the account's mean per day for each day on which its source was
    expected and has not come. `period list` tells later how far off it was.

    \b
    Example:
        metering period estimate 2026-10
    """
    from metering.workflows.closing.estimates import estimate_period
    from metering.workflows.runs import Run

    found = estimate_period(
        settings_or_fail(ctx),
        Run.now("period estimate", period=str(period), reason=reason),
        period,
        reason=reason,
    )
    if output_format == "json":
        emit_json([_estimate_json(one) for one in found])
        return
    emit_table(
        f"Estimate of {period}",
        ("Account", "Currency", "Booked", "Days missing", "Accrued", "Estimate"),
        [
            (
                f"{one.provider}/{one.billing_account}",
                one.currency,
                money_text(one.booked_nanos),
                one.missing_days,
                money_text(one.accrued_nanos),
                money_text(one.estimate_nanos),
            )
            for one in found
        ],
        right=("Booked", "Days missing", "Accrued", "Estimate"),
    )


class _Acceptance(click.ParamType[tuple[str, str]]):
    """A refusal and why it does not matter, written CODE=WHY."""

    name = "acceptance"

    def convert(
        self,
        value: object,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, str]:
        """Return code and reason, or end the command with the usage."""
        from metering.workflows.closing.refusals import RefusalCode

        code, _, why = str(value).partition("=")
        codes = [known.value for known in RefusalCode]
        if code not in codes:
            self.fail(f"{code!r} is not one of {', '.join(codes)}", param, ctx)
        if not why.strip():
            self.fail(f'say why: {code}="..."', param, ctx)
        return code, why.strip()


@period.command()
@period_argument()
@click.option("--reason", default="", help="A remark for the audit log.")
@click.option(
    "--accept",
    "accepted",
    type=_Acceptance(),
    multiple=True,
    metavar="CODE=WHY",
    help="Close in spite of this refusal, and keep why; repeatable.",
)
@format_option()
@click.pass_context
def close(
    ctx: click.Context,
    /,
    period: BillingPeriod,
    *,
    reason: str,
    accepted: tuple[tuple[str, str], ...],
    output_format: str,
) -> None:
    r"""Close PERIOD (YYYY-MM): from now on it takes no posting.

    Refused, with every reason at once, while usage has no rate (unpriced), refused records have
    nobody who sees to them (quarantine), an invoice differs without a reason (unexplained), days
    of a source have not come (missing-days), the book is not up to date (not-posted) or not sound
    (unsound). The close keeps the ledger hash, the totals and the versions in force.

    \b
    Example:
        metering period close 2026-05 --accept missing-days="the gateway was down"
    """
    from metering.workflows.closing.close import close_period
    from metering.workflows.closing.refusals import RefusalCode
    from metering.workflows.runs import Run

    closed = close_period(
        settings_or_fail(ctx),
        Run.now("period close", period=str(period), reason=reason, accept=dict(accepted)),
        period,
        reason=reason,
        accept={RefusalCode(code): why for code, why in accepted},
    )
    if output_format == "json":
        from dataclasses import asdict

        emit_json(asdict(closed))
        return
    for one in closed.accepted:
        note(f"accepted: {one.refusal}: {one.found}: {one.reason}")
    for code in closed.needless:
        note(f"there was nothing to accept: {code}")
    for currency, nanos in closed.close.totals.items():
        click.echo(
            f"{period} is closed: {currency} {money_text(nanos)} in "
            f"{counted(closed.close.postings, 'posting')}, ledger {closed.close.ledger_hash[:12]}"
        )
    for currency, nanos in closed.unattributed.items():
        note(
            f"closed without an owner: {currency} {money_text(nanos)}; see `metering owners check`"
        )
    if closed.not_invoiced:
        note(
            f"no invoice has come yet of {', '.join(closed.not_invoiced)}; what one says is booked "
            f"in an open month: `metering invoices true-up {period}`"
        )


@period.command()
@period_argument()
@click.option("--reason", type=StatedParam(), required=True, help="Why, for the audit log.")
@format_option()
@click.pass_context
def reopen(
    ctx: click.Context, /, period: BillingPeriod, *, reason: str, output_format: str
) -> None:
    r"""Let PERIOD (YYYY-MM) take postings again; that it was closed stays in the books.

    The next post books there what has changed since, by the owners and prices in force now. For a
    late or restated record alone nothing needs reopening: it becomes a correction in the next
    open period.

    \b
    Example:
        metering period reopen 2026-05 --reason "the audit asked for it"
    """
    from metering.workflows.closing.close import reopen_period
    from metering.workflows.runs import Run

    run_id = reopen_period(
        settings_or_fail(ctx),
        Run.now("period reopen", period=str(period), reason=reason),
        period,
        reason=reason,
    )
    if output_format == "json":
        emit_json({"period": str(period), "run_id": run_id, "reason": reason})
        return
    note(f"{period} is open again (run {run_id}); close it when it is right")


def _show_totals(found: "Iterable[PeriodTotal]") -> None:
    emit_table(
        "",
        ("Period", "State", "Currency", "Billed", "Postings", "Estimate", "Off by"),
        [
            (
                one.period,
                one.state,
                one.currency,
                money_text(one.billed_nanos),
                f"{one.postings:,}",
                "" if one.estimate_nanos is None else money_text(one.estimate_nanos),
                "" if one.variance_nanos is None else money_text(one.variance_nanos),
            )
            for one in found
        ],
        right=("Billed", "Postings", "Estimate", "Off by"),
    )


def _estimate_json(one: "AccountEstimate") -> dict[str, object]:
    from dataclasses import asdict

    return {**asdict(one), "estimate_nanos": one.estimate_nanos}


def _as_json(found: "Shown") -> dict[str, object]:
    from dataclasses import asdict

    return {
        "totals": [json_ready(asdict(one)) for one in found.totals],
        "events": [asdict(one) for one in found.events],
        "close": asdict(found.close) if found.close else None,
        "accepted": [asdict(one) for one in found.accepted],
        "estimates": [
            {
                **_estimate_json(one.estimate),
                "actual_nanos": one.actual_nanos,
                "variance_nanos": one.variance_nanos,
            }
            for one in found.estimates
        ],
        "corrections": [one._asdict() for one in found.corrections],
    }
