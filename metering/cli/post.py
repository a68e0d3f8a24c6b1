"""`metering post`: bring the book up to what the usage ought to cost."""

from datetime import datetime

import click

from metering.cli.arguments import PeriodParam, day_range, days_options
from metering.cli.frame import (
    counted,
    emit_json,
    emit_table,
    format_option,
    money_text,
    note,
    settings_or_fail,
)
from metering.cli.price_fx import tell_no_fx
from metering.cli.progress import working
from metering.core.periods import BillingPeriod


@click.command()
@days_options("First charge day; all by default.", "Last charge day, inclusive.")
@click.option("--dry-run", is_flag=True, help="Tell what would be posted, and post nothing.")
@click.option(
    "--restate-owners",
    "restated",
    type=PeriodParam(),
    multiple=True,
    metavar="PERIOD",
    help="A closed period that is to be borne by whom owners and rules name now; repeatable.",
)
@format_option()
@click.pass_context
def post(
    ctx: click.Context,
    /,
    first: datetime | None,
    last: datetime | None,
    *,
    dry_run: bool,
    restated: tuple[BillingPeriod, ...],
    output_format: str,
) -> None:
    r"""Append to the book what it lacks to equal what the usage ought to cost.

    Usage is rated and attributed anew, compared with what is booked, and only the difference is
    appended: late data, restated days, corrected prices and moved keys are all the same to it.
    Running it again posts nothing. Nothing that is posted is ever changed; a posting is reversed
    by correcting its cause (file, rate, rule) and posting again.

    A difference that belongs to a closed period is posted in the next open one, as a correction
    that names the period and why. Who bears a closed period stays as it was at its close, unless
    --restate-owners asks for the owners in force now.

    \b
    Example:
        metering post --dry-run
    """
    from metering.workflows.intake.arrival import unmetered_detail, unmetered_text
    from metering.workflows.posting.post import FIRST_DAY, LAST_DAY
    from metering.workflows.posting.post import post as post_charges
    from metering.workflows.runs import Run

    begin, end = day_range(first, last, (FIRST_DAY, LAST_DAY))
    run = Run.now(
        "post",
        first=first.date().isoformat() if first else None,
        last=last.date().isoformat() if last else None,
        restate_owners=[str(period) for period in restated],
    )
    settings = settings_or_fail(ctx)
    with working("posting"):
        posted = post_charges(
            settings,
            run,
            first=begin,
            last=end,
            dry_run=dry_run,
            restate_owners=restated,
        )
    if output_format == "json":
        emit_json(
            {
                "dry_run": dry_run,
                "run_id": posted.run_id,
                "postings": posted.postings,
                "corrections": posted.corrections,
                "amounts": [
                    {"period": period, "currency": currency, "amount_nanos": nanos}
                    for (period, currency), nanos in posted.amounts.items()
                ],
                "unpriced_postings": posted.unpriced,
                "unattributed_nanos": posted.unattributed,
                "no_fx": {currency: list(days) for currency, days in posted.no_fx.items()},
                "days": posted.days,
                "cells_built": posted.cells_built,
            }
        )
        return
    for one in unmetered_detail(settings):
        note(unmetered_text(one))
    if not posted.postings:
        note(f"the book is right: nothing to post for {counted(posted.days, 'day')}")
        return
    emit_table(
        f"{'Would post' if dry_run else 'Posted'} {counted(posted.postings, 'posting')}"
        + (f", {posted.corrections:,} of them corrections" if posted.corrections else ""),
        ("Period", "Currency", "Amount"),
        [(period, cur, money_text(nanos)) for (period, cur), nanos in posted.amounts.items()],
        right=("Amount",),
    )
    if posted.unpriced:
        note(f"without a rate, in suspense:unpriced: {counted(posted.unpriced, 'posting')}")
    for currency, nanos in posted.unattributed.items():
        if money_text(abs(nanos)) == money_text(0):
            continue  # rounding that a true-up shares among all who are charged
        moved = (
            "without an owner, in suspense:unattributed"
            if nanos > 0
            else "owned now, and out of suspense:unattributed"
        )
        note(f"{moved}: {currency} {money_text(abs(nanos))}")
    for period in sorted({name for name, _ in posted.amounts}):
        if BillingPeriod.parse(period).first_day > run.started_at.date():
            note(f"{period} has not begun yet: see whether the clock of its source is right")
    tell_no_fx(posted.no_fx)
    if posted.run_id is not None:
        note(f"run {posted.run_id}; to reverse it, correct its cause and post again")
