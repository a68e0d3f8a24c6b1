"""`metering quarantine`: the records that were refused."""

import click

from metering.cli.arguments import ROW_NUMBER
from metering.cli.frame import (
    CONTEXT_SETTINGS,
    counted,
    emit_json,
    emit_table,
    exit_with,
    fail,
    format_option,
    note,
    settings_or_fail,
)


@click.group(context_settings=CONTEXT_SETTINGS)
def quarantine() -> None:
    r"""Look at the records that were refused, and retry them.

    \b
    Example:
        metering quarantine list
    """


@quarantine.command("list")
@click.option("--all", "every", is_flag=True, help="Also those that were dealt with.")
@format_option()
@click.pass_context
def list_quarantine(ctx: click.Context, /, *, every: bool, output_format: str) -> None:
    r"""List refused records with file, line and reason.

    \b
    Example:
        metering quarantine list --format json
    """
    from metering.workflows.intake.quarantine import as_json, quarantined

    found = quarantined(settings_or_fail(ctx), open_only=not every)
    if output_format == "json":
        emit_json([as_json(one) for one in found])
        return
    if not found:
        note("no record is in quarantine")
        return
    emit_table(
        "",
        ("Id", "File", "Line", "Code", "Field", "Found", "State", "Seen to by"),
        [
            (
                one.id,
                one.path,
                one.rejection.line,
                one.rejection.code,
                one.rejection.field,
                one.rejection.found,
                one.resolution or "open",
                one.owner,
            )
            for one in found
        ],
        right=("Id", "Line"),
    )


@quarantine.command("show")
@click.argument("number", type=ROW_NUMBER)
@format_option()
@click.pass_context
def show_quarantine(ctx: click.Context, /, number: int, *, output_format: str) -> None:
    r"""Show one refused record: where, what was found, what was expected, what to do.

    \b
    Example:
        metering quarantine show 1
    """
    from metering.workflows.intake.quarantine import as_json, one_quarantined

    found = one_quarantined(settings_or_fail(ctx), number)
    if found is None:
        fail(
            "unknown-quarantine",
            f"there is no refused record {number}",
            do="see `metering quarantine list --all`",
        )
    if output_format == "json":
        emit_json(as_json(found))
        return
    click.echo(found.rejection.message(found.path))


@quarantine.command("assign")
@click.argument("numbers", type=ROW_NUMBER, nargs=-1, required=True, metavar="NUMBER...")
@click.option("--to", "owner", required=True, help="The person or team that sees to them.")
@format_option()
@click.pass_context
def assign_quarantine(
    ctx: click.Context, /, numbers: tuple[int, ...], *, owner: str, output_format: str
) -> None:
    r"""Say who sees to refused records; a period can then be closed without them.

    \b
    Example:
        metering quarantine assign 1 --to "Data platform"
    """
    from metering.workflows.intake.quarantine import assign
    from metering.workflows.runs import Run

    if not owner.strip():
        raise click.BadParameter("name somebody", param_hint="--to")
    run = Run.now("quarantine assign", records=list(numbers), to=owner.strip())
    assign(settings_or_fail(ctx), run, numbers, owner.strip())
    if output_format == "json":
        emit_json({"records": list(numbers), "seen_to_by": owner.strip()})
        return
    note(f"{owner.strip()} sees to {counted(len(numbers), 'refused record')}")


@quarantine.command("retry")
@format_option()
@click.pass_context
def retry_quarantine(ctx: click.Context, /, *, output_format: str) -> None:
    r"""Read the files of open refused records again, where they were corrected in place.

    A file that is gone, or unchanged, stays in quarantine; one of the inbox is read where the night
    has moved it, which `quarantine list` shows. Records that are recorded already are known again
    and counted once. Exit code 1 while refused records are left.

    \b
    Example:
        metering quarantine retry
    """
    from dataclasses import asdict

    from metering.workflows.intake.quarantine import retry
    from metering.workflows.intake.usage_formats import usage_formats
    from metering.workflows.outcomes.outcome_formats import outcome_formats
    from metering.workflows.runs import Run

    settings = settings_or_fail(ctx)
    outcome = retry(
        settings,
        Run.now("quarantine retry"),
        usage_formats(settings),
        outcome_formats(settings),
    )
    if output_format == "json":
        emit_json(asdict(outcome))
    for path in outcome.missing:
        note(f"{path}: not there any more; its refused records stay in quarantine")
    note(f"{counted(outcome.resolved, 'record')} dealt with, {outcome.still_open:,} still refused")
    if outcome.still_open:
        exit_with(1)
