"""What the reports print: tables for the result, notes for the person, and where the files are."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from metering.cli.frame import emit_table, note, settings_or_fail
from metering.cli.progress import working

if TYPE_CHECKING:
    from metering.settings import Settings
    from metering.workflows.reports.unchanged import Told


def tell(
    ctx: click.Context, folder: Path, doing: str, write: Callable[["Settings"], "Told"]
) -> None:
    """Have a report written, unless it stands there as it would be, and print what it says.

    Args:
        ctx: of the command; what it was asked for decides the report.
        folder: where the files go.
        doing: what goes on meanwhile, in the -ing form.
        write: writes the files, and returns what they say.
    """
    from metering.workflows.reports.unchanged import Table, told_once

    settings = settings_or_fail(ctx)
    order = {"report": ctx.info_name, **ctx.params}
    with working(doing):
        told = told_once(settings, order, folder, lambda: write(settings))
    for one in told.said:
        if isinstance(one, Table):
            emit_table(one.title, one.columns, one.rows, right=one.right)
        else:
            note(one)
    for path in told.paths:
        click.echo(path)
