"""`metering init`: a ledger in a folder."""

from pathlib import Path

import click

from metering.cli.frame import CONTEXT_SETTINGS, emit_json, format_option, note


@click.command(context_settings=CONTEXT_SETTINGS)
@click.argument(
    "folder",
    metavar="[DIR]",
    default=".",
    type=click.Path(file_okay=False, path_type=Path),
)
@format_option()
def init(folder: Path, *, output_format: str) -> None:
    r"""Start a ledger in DIR, or in this folder.

    Writes metering.toml, empty books with the list prices that ship with the program, and a rules
    and an owners file to fill in. Files that are there already are kept; a folder that is a ledger
    already is refused. Where there is no key of people's pseudonyms yet, one is made outside of it.

    \b
    Example:
        metering init ai-spend
    """
    from metering.workflows.ledger_start import start_ledger
    from metering.workflows.runs import Run

    started = start_ledger(folder, Run.now("init", folder=str(folder)))
    if output_format == "json":
        emit_json(
            {
                "folder": str(started.folder),
                "written": started.written,
                "kept": started.kept,
                "cards": started.cards,
                "people_key": str(started.people_key) if started.people_key else None,
            }
        )
        return
    click.echo(f"started a ledger in {started.folder}")
    click.echo(f"wrote     {', '.join(started.written)}")
    if started.kept:
        click.echo(f"kept      {', '.join(started.kept)}")
    click.echo(f"prices    {', '.join(started.cards)}")
    if started.people_key:
        note(f"made {started.people_key}, the key of people's pseudonyms; back it up elsewhere")
    note("next: fill in owners.csv and rules.toml, then `metering ingest FILE...`")
