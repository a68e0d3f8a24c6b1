"""`metering gc`: remove what no book entry names."""

import click

from metering.cli.frame import emit_json, format_option, note, settings_or_fail


@click.command()
@format_option()
@click.pass_context
def gc(ctx: click.Context, /, *, output_format: str) -> None:
    r"""Remove lake files that no book entry names, older than a day.

    Killed imports leave such files; they are never part of any number. Nothing the book names is
    touched, exports that a later one replaced included.

    \b
    Example:
        metering gc
    """
    from metering.workflows.gc import collect_garbage
    from metering.workflows.runs import Run

    removed = collect_garbage(settings_or_fail(ctx), Run.now("gc"))
    if output_format == "json":
        emit_json({"removed": list(removed)})
        return
    for path in removed:
        click.echo(path)
    note(f"{len(removed)} files removed")
