"""`metering findings events`: what a reviewer would know of the company's calendar."""

from dataclasses import asdict
from pathlib import Path

import click

from metering.cli.frame import (
    counted,
    emit_json,
    emit_table,
    format_option,
    note,
    settings_or_fail,
)

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def events() -> None:
    r"""Tell the findings of outages, launches, holidays and the like.

    \b
    Example:
        metering findings events list
    """


@events.command("import")
@click.argument("file", type=_FILE, metavar="FILE")
@format_option()
@click.pass_context
def import_(ctx: click.Context, /, file: Path, *, output_format: str) -> None:
    r"""Take FILE (CSV) into force as the events that findings are read against.

    Its columns are start_date, end_date (empty while it lasts), kind, scope and detail. scope is
    all, or team:, project:, function:, provider: or model: and a name. Kinds that are known:
    holiday, closing, outage, incident; feed_gap (days of it count for nobody); price_change;
    incentive, leaderboard, target, policy (use may rise because it is rewarded). Any other kind,
    like launch or migration, is work that was declared. A file with a mistake is refused whole.

    \b
    Example:
        metering findings events import sample_logs/exports/events.csv
    """
    from metering.workflows.findings.company_events import import_events
    from metering.workflows.runs import Run

    imported = import_events(
        settings_or_fail(ctx), Run.now("findings events import", file=str(file)), file
    )
    if output_format == "json":
        emit_json(asdict(imported))
    elif imported.is_new:
        told = counted(imported.count, "event")
        note(f"{imported.name}: {told}, in force as version {imported.version}")
    else:
        note(f"{imported.name} is in force already, as version {imported.version}")


@events.command("list")
@format_option()
@click.pass_context
def list_(ctx: click.Context, /, *, output_format: str) -> None:
    r"""List the events in force.

    \b
    Example:
        metering findings events list
    """
    from metering.workflows.findings.company_events import listed_events

    found = listed_events(settings_or_fail(ctx))
    if output_format == "json":
        emit_json(
            [
                {
                    "start_date": one.first,
                    "end_date": one.last,
                    "kind": one.kind,
                    "scope": one.scope,
                    "detail": one.detail,
                }
                for one in found
            ]
        )
        return
    emit_table(
        "",
        ("From", "To", "Kind", "Scope", "Detail"),
        [(str(one.first), str(one.last or ""), one.kind, one.scope, one.detail) for one in found],
    )
    note(f"{counted(len(found), 'event')} in force")
