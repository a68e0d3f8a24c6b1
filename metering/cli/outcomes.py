"""`metering outcomes`: what the spend bought."""

from pathlib import Path

import click

from metering.cli.frame import CONTEXT_SETTINGS, format_option, settings_or_fail
from metering.cli.receipts import tell_receipts

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(context_settings=CONTEXT_SETTINGS)
def outcomes() -> None:
    r"""Record what the spend bought, and set it against the spend.

    \b
    Example:
        metering outcomes ingest sample_logs/outcomes/*
    """


@outcomes.command("ingest")
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="FILE...")
@click.option("--dry-run", is_flag=True, help="Read and check, but record nothing.")
@click.option(
    "--ingestor", "forced", metavar="NAME", help="Read the files as this format, recognised or not."
)
@click.option("--mapping", type=_FILE, help="A mapping file that says what the columns mean.")
@format_option()
@click.pass_context
def ingest_command(
    ctx: click.Context,
    /,
    files: tuple[Path, ...],
    *,
    dry_run: bool,
    forced: str | None,
    mapping: Path | None,
    output_format: str,
) -> None:
    r"""Record the outcomes of each FILE: merged changes, resolved tickets, deploys, work units.

    Titles, texts and people are not read. A row that cannot be read, or that says otherwise than a
    recorded one without saying when it changed, is kept in quarantine, and the command exits with
    1. Ingesting a file again changes nothing.

    \b
    Example:
        metering outcomes ingest sample_logs/outcomes/*
    """
    from metering.ingest.outcomes.mapped import read_outcome_mapping
    from metering.ingest.outcomes.registry import installed, with_mapping
    from metering.workflows.outcome_imports import ingest_outcomes
    from metering.workflows.runs import Run

    settings = settings_or_fail(ctx)
    ingestors = installed(settings.mappings)
    if mapping is not None:
        added = read_outcome_mapping(mapping)
        ingestors, forced = with_mapping(ingestors, added), forced or added.name
    run = Run.now("outcomes ingest", files=[str(path) for path in files])
    receipts = ingest_outcomes(settings, run, files, ingestors, forced=forced, dry_run=dry_run)
    tell_receipts(receipts, output_format=output_format, dry_run=dry_run)
