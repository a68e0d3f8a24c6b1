"""`metering nightly`: what cron calls."""

from typing import TYPE_CHECKING

import click

from metering.cli.frame import (
    emit_json,
    emit_table,
    exit_with,
    format_option,
    note,
    settings_or_fail,
)

if TYPE_CHECKING:
    from metering.workflows.nightly.night import Night


@click.command()
@format_option()
@click.pass_context
def nightly(ctx: click.Context, /, *, output_format: str) -> None:
    r"""Pull, take in what waits in the inbox, post, tie out, look at budgets and findings, verify.

    The providers that [pull] in metering.toml names are asked for their exports, into the inbox.
    The inbox is the folder `inbox` beside metering.toml, or what [nightly] inbox says: usage in it
    or anywhere below, outcomes in `outcomes`, invoices in `invoices`. What was taken in moves to
    `taken`, by day; what was refused stays and is told again. Files that end in .part or .tmp, and
    hidden ones, are still being written and are left alone. Usage without a rate, and days of an
    open month that a source has left out, are told every night until they are mended.

    One night runs at a time. A receipt of it stands in `receipts`. Exit code 0: nobody has to look
    at anything; 1: somebody has to, and the message says at what.

    \b
    Example:
        metering nightly --format json
    """
    from metering.workflows.intake.usage_formats import usage_formats
    from metering.workflows.nightly.night import Formats, run_night
    from metering.workflows.outcomes.outcome_formats import outcome_formats
    from metering.workflows.runs import Run

    settings = settings_or_fail(ctx)
    formats = Formats(usage_formats(settings), outcome_formats(settings))
    night = run_night(settings, Run.now("nightly"), formats)
    if output_format == "json":
        emit_json(_as_json(night))
    else:
        emit_table(
            "",
            ("Step", "State", ""),
            [(step.name, step.state.value, step.summary) for step in night.steps],
        )
        click.echo(night.receipt)
    for step in night.steps:
        for sentence in step.told:
            note(f"{step.name}: {sentence}")
    if not night.is_clean:
        exit_with(1)


def _as_json(night: "Night") -> dict[str, object]:
    return {
        "started_at": night.started_at,
        "clean": night.is_clean,
        "receipt": str(night.receipt),
        "steps": [
            {
                "step": step.name,
                "state": step.state.value,
                "summary": step.summary,
                "told": list(step.told),
            }
            for step in night.steps
        ],
    }
