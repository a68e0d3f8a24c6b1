"""`metering audit`: who changed the books, when, how and why."""

import json
from datetime import datetime

import click

from metering.cli.frame import emit_json, emit_table, format_option, settings_or_fail

_SEAL_SHOWN = 12


@click.command()
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="From this day on, UTC.")
@format_option()
@click.pass_context
def audit(ctx: click.Context, /, *, since: datetime | None, output_format: str) -> None:
    r"""List every change of the books: run, when, who, command, arguments, rows added.

    The seal stands for the change and for all before it: whoever keeps one elsewhere can tell by
    it whether anything older was altered. `metering verify` recomputes them all.

    \b
    Example:
        metering audit --since 2026-10-01
    """
    from dataclasses import asdict

    from metering.workflows.audit import changes

    found = changes(settings_or_fail(ctx), since=since.date() if since else None)
    if output_format == "json":
        emit_json([asdict(one) for one in found])
        return
    emit_table(
        "",
        ("Run", "When", "Who", "Command", "With", "Rows added", "Seal"),
        [
            (
                one.run_id,
                f"{one.at:%Y-%m-%d %H:%M:%S}",
                one.by,
                one.command,
                ", ".join(f"{name}: {_said(said)}" for name, said in one.arguments.items()),
                ", ".join(f"{rows:,} {table}" for table, rows in one.rows.items()),
                one.seal[:_SEAL_SHOWN],
            )
            for one in found
        ],
        right=("Run",),
    )


def _said(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
