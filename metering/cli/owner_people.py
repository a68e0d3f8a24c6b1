"""`metering owners reveal` and `forget`: whose use it was, and that it is told no more."""

from dataclasses import asdict
from datetime import date, datetime, timedelta

import click

from metering.cli.arguments import StatedParam
from metering.cli.frame import (
    emit_json,
    emit_table,
    exit_with,
    format_option,
    note,
    settings_or_fail,
)


@click.command()
@click.argument("pseudonym", metavar="PSEUDONYM")
@click.option(
    "--reason", type=StatedParam(), required=True, help="Why you need to know; it is kept."
)
@format_option()
@click.pass_context
def reveal(ctx: click.Context, /, pseudonym: str, *, reason: str, output_format: str) -> None:
    r"""Say whom PSEUDONYM stands for; who asked, when and why is kept in the audit log.

    Refused to every account that [people] reveal_by of metering.toml does not name. The name goes
    to the terminal alone: the audit log keeps the pseudonym and the reason.

    \b
    Example:
        metering owners reveal person-5f2c0d9e1a7b3c44 --reason "budget talk, ticket FIN-31"
    """
    from metering.workflows.ownership.people import reveal as reveal_person
    from metering.workflows.runs import Run

    found = reveal_person(settings_or_fail(ctx), Run.now("owners reveal"), pseudonym, reason)
    if output_format == "json":
        emit_json(asdict(found))
        return
    click.echo(f"person    {found.person}{f', {found.name}' if found.name else ''}")
    click.echo(f"logins    {', '.join(found.logins)}")
    click.echo(f"said by   {', '.join(found.places)}")
    note(f"kept as run {found.run_id}: metering audit")


@click.command()
@click.option(
    "--before",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="Forget people in usage before this day; by default what [people] keep_days says.",
)
@click.option("--dry-run", is_flag=True, help="Count, and change nothing.")
@format_option()
@click.pass_context
def forget(
    ctx: click.Context, /, *, before: datetime | None, dry_run: bool, output_format: str
) -> None:
    r"""Let old usage say which project it was for, and no longer whose it was.

    The principal, the session and the keys of people go from the lake for good, and stand-ins take
    their place, which name who bears the usage. No charge changes, and a month of which one would
    is left and told. What nobody owns keeps its people, since somebody has to be asked. The nightly
    run does the same when [people] keep_days says after how many days.

    \b
    Example:
        metering owners forget --before 2026-06-01 --dry-run
    """
    from metering.workflows.ownership.forgetting import forget_people, last_day_to_forget
    from metering.workflows.runs import Run

    if before and before.date() == date.min:
        raise click.BadParameter("no day is before it", param_hint="--before")
    settings = settings_or_fail(ctx)
    run = Run.now("owners forget")
    last = (
        before.date() - timedelta(days=1)
        if before
        else last_day_to_forget(settings, run.started_at.date())
    )
    if last is None:
        raise click.UsageError("say --before DAY, or [people] keep_days in metering.toml")
    found = forget_people(settings, run, last, dry_run=dry_run)
    if output_format == "json":
        emit_json([{**asdict(one), "period": str(one.period)} for one in found])
        exit_with(int(any(one.left for one in found)))
    emit_table(
        f"People in usage up to {last}" + (", as it would be" if dry_run else ""),
        ("Period", "Files", "Forgotten", "Without an owner", "Left because"),
        [
            (str(one.period), f"{one.files:,}", f"{one.records:,}", f"{one.unowned:,}", one.left)
            for one in found
        ],
        right=("Files", "Forgotten", "Without an owner"),
    )
    exit_with(int(any(one.left for one in found)))
