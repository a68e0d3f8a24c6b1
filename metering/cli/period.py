"""`metering period`: the billing periods."""

import click

from metering.cli.frame import (
    CONTEXT_SETTINGS,
    emit_json,
    emit_table,
    format_option,
    money_text,
    settings_or_fail,
)


@click.group(context_settings=CONTEXT_SETTINGS)
def period() -> None:
    r"""List the billing periods and how they stand.

    \b
    Example:
        metering period list
    """


@period.command("list")
@format_option()
@click.pass_context
def list_periods(ctx: click.Context, /, *, output_format: str) -> None:
    r"""List every period with charges, its state and its total.

    \b
    Example:
        metering period list
    """
    from metering.workflows.periods import periods

    found = periods(settings_or_fail(ctx))
    if output_format == "json":
        emit_json(
            [
                {
                    "period": one.period,
                    "state": one.state,
                    "currency": one.currency,
                    "billed_nanos": one.billed_nanos,
                    "postings": one.postings,
                }
                for one in found
            ]
        )
        return
    emit_table(
        "",
        ("Period", "State", "Currency", "Billed", "Postings"),
        [
            (one.period, one.state, one.currency, money_text(one.billed_nanos), f"{one.postings:,}")
            for one in found
        ],
        right=("Billed", "Postings"),
    )
